"""What does a model keep while it writes? The KV cache as it grows, measured, predicted, and what it buys."""

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from models.catalog import MODELS
from pages.kv_cache import growth
from pages.kv_cache.choices import (
    BITS,
    CELL,
    CHOICES,
    DRAWN,
    DTYPES,
    KEEPING,
    KEPT,
    LENGTHS,
    SHADE,
    SHADES,
    TOKENS,
    forget_places,
)
from pages.kv_cache.examples import EXAMPLES
from pages.kv_cache.inspector import inspect
from pages.kv_cache.shown_run import ShownRun
from pages.kv_cache.tabs import below
from pages.shared import thread
from pages.shared.asking_engine import ask
from pages.shared.bound_widgets import bound, pick
from pages.shared.loading import loading
from pages.shared.messages import problem, show_notes
from pages.shared.page import Page, columns, inspector_in, offer_another_model, show
from pages.shared.plain_text import plain


def which(own_bits: int) -> None:
    """How much is written, how the cache is kept, in how many bits it is counted, what a cell's lightness is."""
    bound(st.select_slider, TOKENS, "New tokens", sorted({*LENGTHS, TOKENS.value}), also=forget_places)
    pick(
        KEEPING,
        "Cache",
        KEPT,
        key="keeping_box",
        help="A growing cache takes memory with each token. A static one is allocated at once: it has its full size "
        "from the first token on, and never has to be copied.",
    )
    pick(
        BITS,
        "Bits a number",
        {bits: str(bits) for bits in DTYPES},
        shown=lambda bits: bits or own_bits,
        meant=lambda bits: None if bits == own_bits else bits,
        help=f"In which precision sizes are counted, here and below. The model here keeps {own_bits} bits, which are "
        "measured; others are what the same cache would take.",
    )
    pick(SHADE, "Shade", SHADES, help="Whether a cell is as dark as its value or as its key is long.")


def nothing_kept(model: str) -> str:
    """Why an encoder has no cache."""
    return (
        f"**{plain(MODELS[model].title)} keeps nothing.** An encoder reads the whole text at once, every token sees "
        "every other, and that is all: it writes no next token for which keys and values could be kept. A cache pays "
        "where tokens are added one by one and the earlier ones cannot see them, so that their keys and values stay as "
        "they are: in a decoder."
    )


def explore(status: DeltaGenerator) -> None:
    """Everything that changes with the run, the step and the cell."""
    name = thread.MODEL.value
    with loading(name, status):
        from models.decoding import PromptRequest
        from models.kv_cache import CacheFactsRequest
        from models.kv_cache.planning import bits_of

        facts = ask(CacheFactsRequest(name), status)
    if not facts.shape:
        show_notes()
        growth.JOB.leave()
        offer_another_model(PAGE, EXAMPLES[0], nothing_kept(name), key="no_cache")
        return
    prompt = ask(PromptRequest(name, thread.TEXT.value), status)
    request = growth.write_request(thread.TEXT.value)
    progress = growth.JOB.ensure(request)
    if progress.is_done and not progress.count:
        show_notes()
        problem(progress.error or "It was stopped before the first token.")
        growth.JOB.start_again_button()
        return
    step = growth.chosen_step(progress)
    left, centre, right = columns()
    example = next((each for each in EXAMPLES if (each.model, each.text) == (name, thread.TEXT.value)), None)
    lines = [] if step is None else growth.cell_lines(facts, prompt, progress, step)
    with centre:
        show_notes()
        with st.container(key="growth"):
            growth.show(request, facts, prompt, focus=example is not None)
    with left:
        which(bits_of(facts.dtype))
        # Its height does not change: what comes and goes there moves nothing.
        with st.container(key="writing_state"):
            growth.feed(request, progress)
    # Where the last token is shown there is no next one to press for. So also while it writes and the newest is
    # followed: what stands here must not go once it ends.
    if DRAWN.value is None or (step is not None and progress.is_done and step + 1 >= progress.count):
        example = None
    with inspector_in(right):
        inspect(facts, example, lines)
    below(ShownRun(request, facts, prompt, progress, step))


def pictured() -> tuple[str, ...]:
    """How the cache is kept, what a cell's lightness is, and the cell that is selected."""
    cell = "" if CELL.value is None else f"layer {CELL.value[0]}, position {CELL.value[1]}"
    return f"Cache: {KEPT[KEEPING.value].lower()}", f"shade: {SHADES[SHADE.value].lower()}", cell


PAGE = Page("kv_cache", explore, CHOICES, EXAMPLES, pictured=pictured)
show(PAGE)
