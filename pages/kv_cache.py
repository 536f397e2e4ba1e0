"""What does a model keep while it writes? The KV cache as it grows, measured, predicted, and what it buys."""

import streamlit as st

from models.engine import engine
from pages.caching import growth
from pages.caching.beside import inspect, nothing_kept
from pages.caching.choices import (
    EVERY,
    KEEPING,
    KEPT,
    LENGTHS,
    SHADE,
    SHADES,
    TOKENS,
    forget_places,
    heed_model,
    in_the_link,
    open_example,
)
from pages.caching.tabs import Shown, below
from pages.shared import door, thread
from pages.shared.asking import ask
from pages.shared.examples import CACHES
from pages.shared.link import mirror, receive, run_again
from pages.shared.loading import loading
from pages.shared.messages import in_place, keep_notes, problem, show_notes
from pages.shared.text import question_and_text

_COLUMNS = (2.2, 7, 3)


def which() -> None:
    """How much is written, how the cache is kept, what a cell's lightness is."""
    st.session_state["tokens_box"] = TOKENS.value

    def another_length() -> None:
        TOKENS.choose(st.session_state["tokens_box"])
        forget_places()

    st.select_slider("New tokens", sorted({*LENGTHS, TOKENS.value}), key="tokens_box", on_change=another_length)
    st.session_state["keeping_box"] = KEEPING.value
    st.segmented_control(
        "Cache",
        list(KEPT),
        format_func=lambda each: KEPT[each],
        key="keeping_box",
        required=True,
        wrap=True,
        on_change=lambda: KEEPING.choose(st.session_state["keeping_box"]),
        help="A growing cache takes memory with each token. A static one is allocated at once: it has its full size "
        "from the first token on, and never has to be copied.",
    )
    st.session_state["shade_box"] = SHADE.value
    st.segmented_control(
        "Shade",
        list(SHADES),
        format_func=lambda each: SHADES[each],
        key="shade_box",
        required=True,
        wrap=True,
        on_change=lambda: SHADE.choose(st.session_state["shade_box"]),
        help="Whether a cell is as dark as its value or as its key is long.",
    )


@st.fragment
def explore() -> None:
    """Everything that changes with the run, the step and the cell."""
    status = st.empty()
    name = thread.MODEL.value
    with in_place():
        heed_model(name)
        with loading(name, status):
            from models.decoding import PromptRequest
            from models.kv_cache import CacheFactsRequest

            facts = ask(CacheFactsRequest(name), status)
        if not facts.shape:
            show_notes()
            growth.leave()
            nothing_kept()
        else:
            prompt = ask(PromptRequest(name, thread.TEXT.value), status)
            request = growth.write_request(thread.TEXT.value)
            job = growth.job_of(request)
            progress = engine.poll(job)
            if progress.is_done and not progress.count:
                show_notes()
                problem(progress.error or "It was stopped before the first token.")
                growth.start_again()
                mirror(in_the_link())
                return
            step = growth.chosen_step(progress)
            left, centre, right = st.columns(_COLUMNS, gap="medium")
            example = next((each for each in CACHES if (each.model, each.text) == (name, thread.TEXT.value)), None)
            lines = [] if step is None else growth.cell_lines(facts, prompt, progress, step)
            with centre:
                show_notes()
                with st.container(key="growth"):
                    growth.show(request, facts, prompt, progress, focus=example is not None)
            with left:
                which()
                growth.feed(request, job, progress)
            # Where the last token is shown there is no next one to press for.
            if step is not None and progress.is_done and step + 1 >= progress.count:
                example = None
            with right, st.container(key="inspector"):
                inspect(facts, example, lines)
            below(Shown(request, facts, prompt, progress, step), status)
    mirror(in_the_link())


door.enter()
receive(EVERY)
if not thread.TEXT.is_chosen and not thread.MODEL.is_chosen:
    open_example(CACHES[0])
    # The sidebar has named another model already.
    keep_notes()
    run_again()
question_and_text(
    "What does the model keep while it writes?",
    [(each.label, each.look, lambda each=each: open_example(each)) for each in CACHES],
    on_text=forget_places,
)
explore()
