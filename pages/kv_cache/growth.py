"""The run that fills the cache: a job, its steps on their way to the picture, and what is said of a cell."""

import hashlib
from typing import TYPE_CHECKING, Any

import numpy as np
import streamlit as st

from models.catalog import MODELS
from models.engine import Progress
from pages.kv_cache.choices import BITS, CELL, DRAWN, DTYPES, KEEPING, SHADE, SHADES, TOKENS
from pages.shared import thread
from pages.shared.job import Job, waits
from pages.shared.link import NumberPair, note, run_again
from pages.shared.messages import keep_notes
from viz.components.cache_feed import GrowthStep, cache_feed, seen
from viz.components.cache_growth import Counted, GrowthPicture, cache_growth
from viz.number_format import bytes_text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from models.decoding import GenerationStep, PromptPieces, WriteRequest
    from models.kv_cache import CacheFacts

JOB = Job("writing")
_FINISHED = "kv_cache:finished"
_EVERY_SECONDS = 0.4
# Columns of a prompt that are drawn; those before are counted and measured like all others.
_MOST_PROMPT = 1_000


def write_request(text: str) -> "WriteRequest":
    """The run that is shown: greedy, each step with what the cache holds."""
    from models.decoding import DecodingSettings, WriteRequest

    kept: Any = KEEPING.value
    longest = MODELS[thread.MODEL.value].most_tokens(text, TOKENS.value)
    settings = DecodingSettings(max_new_tokens=longest, cache=kept, with_norms=True)
    return WriteRequest(thread.MODEL.value, text, settings)


def run_of(request: "WriteRequest") -> str:
    """A name for a run; equal requests have equal steps."""
    return hashlib.sha256(repr(request).encode("utf-8", "replace")).hexdigest()[:16]


def show(request: "WriteRequest", facts: "CacheFacts", prompt: "PromptPieces", *, focus: bool) -> None:
    """The picture. Its message holds no step, so that it is sent once and not with every answer."""
    is_seq2seq = bool(prompt.start)
    given = prompt.start if is_seq2seq else prompt.pieces
    hidden = max(0, len(given) - _MOST_PROMPT)
    static = len(given) + request.settings.max_new_tokens if request.settings.cache == "static" else None
    cache_growth(
        GrowthPicture(
            run=run_of(request),
            prompt=given[hidden:],
            hidden=hidden,
            source=prompt.pieces if is_seq2seq else (),
            layers=facts.shape,
            allocated=None if static is None else min(static, facts.positions or static),
            most_steps=request.settings.max_new_tokens,
            selected=DRAWN.value,
            pinned=CELL.value,
            shade=SHADE.value,
            weight_bytes=facts.weight_bytes,
            text_before="" if is_seq2seq else request.text,
            caption=_caption(facts, hidden),
            counted=_counted(facts),
            focus=focus,
        ),
        key="cache_growth",
        on_step=DRAWN.choose,
        on_cell=lambda layer, position: choose_cell(layer, position, prompt),
    )


def _counted(facts: "CacheFacts") -> Counted | None:
    """What each layer would take in the chosen precision; None where it is the model's own."""
    from models.kv_cache.planning import bits_of
    from models.kv_cache.size_formula import dtype_name, layer_bytes

    own = bits_of(facts.dtype)
    if BITS.value in (None, own):
        return None
    dtype = dtype_name(DTYPES[BITS.value])
    fixed = [float(layer_bytes(layer, 0, 1, dtype)) for layer in facts.shape]
    # Of eight positions every number of bits makes whole bytes.
    of_eight = [layer_bytes(layer, 8, 1, dtype) for layer in facts.shape]
    per_position = tuple((size - still) / 8 for size, still in zip(of_eight, fixed, strict=True))
    return Counted(BITS.value, own, per_position, tuple(fixed))


def counted_otherwise(facts: "CacheFacts", positions: "Mapping[int, int]") -> str:
    """Behind a size that was measured: in how many bits that is, and what these positions, by the number of their cache
    layer, take in those that are counted elsewhere on the page; "" where they are the same.
    """
    counted = _counted(facts)
    if counted is None:
        return ""
    size = int(sum(counted.fixed[layer] + counted.per_position[layer] * held for layer, held in positions.items()))
    return f" in {counted.measured_bits} bits a number, as it is kept here; in {counted.bits} bits {bytes_text(size)}"


def _caption(facts: "CacheFacts", hidden: int) -> str:
    title = MODELS[thread.MODEL.value].title
    shade = SHADES[SHADE.value].lower()
    said = (
        "A cell: what one layer keeps of one token, a key (by which it is found) and a value (what is fetched there). "
        f"Colour: how long the {shade[:-1]} is, from nothing to the longest of its layer. Framed: what came last; "
        "dashed: the token just drawn, whose cells come when it is read; thin line: the end of the prompt."
    )
    if KEEPING.value == "static":
        said += " Dots: memory that is held for tokens to come."
    if hidden:
        said += f" The first {hidden:,} columns are not drawn."
    return f"{said} {title}, numbers in {facts.dtype}."


def choose_cell(layer: int, position: int, prompt: "PromptPieces") -> None:
    """Select a cell; where it belongs to the text, the thread's token goes with it."""
    CELL.choose(NumberPair((layer, position)))
    if not prompt.start and position < len(prompt.spans):
        thread.choose_token(position, prompt.spans)


def feed(request: "WriteRequest", progress: Progress) -> None:
    """Send the browser what it does not have yet; while the model writes, again and again."""
    run = run_of(request)
    key = f"cache_feed_{run}"
    has_all = progress.is_done and seen(run, key) >= progress.count
    st.fragment(_feed, run_every=None if has_all else _EVERY_SECONDS)(run, key, bool(progress.count))


def _feed(run: str, key: str, has_begun: bool) -> None:
    """has_begun: whether the page was drawn with a step; without one its tabs say that they wait for the first."""
    since = seen(run, key)
    progress = JOB.poll(since)
    if progress is None:
        run_again()
    if progress.count and not has_begun:
        keep_notes()
        run_again()
    # More than there are: the browser knows this run from before, when it went further.
    since = min(since, progress.count)
    # Above what comes anew with each run, so that the button stays where it is.
    state = st.container(horizontal=True, vertical_alignment="center")
    cache_feed(run, growth_steps(progress.steps), since, is_done=progress.is_done, key=key)
    if progress.is_done and since >= progress.count and st.session_state.get(_FINISHED) != run:
        st.session_state[_FINISHED] = run
        keep_notes()
        run_again()
    with state:
        if not progress.is_done:
            JOB.stop_button()
            if said := waits(progress):
                st.caption(said)
        elif progress.is_cancelled:
            st.caption(f"Stopped after {progress.count:,} tokens.", width="content")
            JOB.start_again_button()
        elif progress.steps and progress.steps[-1].ends == "end token":
            st.caption("It came to its end by itself: it drew the end token.")


def growth_steps(steps: "Sequence[GenerationStep]") -> list[GrowthStep]:
    """The steps of a run as the picture needs them."""
    made = []
    for step in steps:
        if step.cache is None or step.norms is None:
            raise ValueError(f"step {step.index} tells nothing of its cache")
        norms = np.stack((step.norms.keys, step.norms.values))[:, :, -_MOST_PROMPT:]
        made.append(
            GrowthStep(
                piece=step.piece.text,
                text=step.text,
                probability=step.probability,
                layers=tuple(zip(step.cache.bytes, step.cache.allocated_bytes, step.cache.positions, strict=True)),
                norms=norms,
                cross_norms=np.stack((step.norms.cross_keys, step.norms.cross_values)),
            )
        )
    return made


def chosen_step(progress: Progress) -> int | None:
    """Which step (from 0) is shown, of those that there are; None before the first."""
    if not progress.count:
        return None
    drawn = DRAWN.value
    if drawn is not None and progress.is_done and drawn > progress.count:
        note(f"The link stops at token {drawn}; there are {progress.count}, and the last one is shown.")
        DRAWN.choose(progress.count)
    return min(drawn or progress.count, progress.count) - 1


def cell_lines(facts: "CacheFacts", prompt: "PromptPieces", progress: Progress, shown: int) -> list[str]:
    """What is said of the selected cell, as sentences; [] where none is selected or it is not there (yet)."""
    steps: Sequence[GenerationStep] = progress.steps
    cell = CELL.value
    if cell is None:
        return []
    place, position = cell
    cache = steps[shown].cache
    if cache is None or place >= len(facts.shape):
        note("The link's cell is in no layer of this cache; none is selected.")
        CELL.choose(None)
        return []
    layer = facts.shape[place]
    is_cross = layer.kind == "cross"
    given = prompt.start or prompt.pieces
    count = len(prompt.pieces) if is_cross else len(given) + shown
    if position >= count and (is_cross or (progress.is_done and position >= len(given) + len(steps) - 1)):
        note(f"The link's cell is in column {position:,}, which this cache has not; none is selected.")
        CELL.choose(None)
        return []
    if position >= count:
        return [f"Column {position} is not there yet: it comes when its token has been drawn and read."]
    piece = (prompt.pieces if is_cross else (*given, *(step.piece.text for step in steps)))[position]
    where = f"L{layer.layer}" + (", cross-attention" if is_cross else "")
    held = cache.positions[place]
    if position < count - held and not is_cross:
        return [
            f"{where} let “{piece}” go: a window of {layer.window} keeps {layer.window - 1} keys beside the newest."
            if layer.window
            else f"{where} does not keep “{piece}”."
        ]
    each = cache.bytes[place] // held // cache.rows
    numbers = layer.heads * (layer.key_width + layer.value_width)
    what = "a latent and a rotary key" if layer.kind == "latent" else "a key and a value"
    lines = [
        f"{where} keeps {what} for “{piece}”: {numbers:,} numbers, {each:,} bytes"
        f"{counted_otherwise(facts, {place: 1})}.",
        f"The layer holds {held:,} columns, {cache.bytes[place]:,} bytes ({bytes_text(cache.bytes[place])}), "
        f"measured{counted_otherwise(facts, {place: held})}.",
    ]
    if is_cross:
        lines.append("Computed once, from the source; the output never changes it.")
    elif position < len(given):
        lines.append("Computed with the rest of the prompt, in one pass, and never again.")
    else:
        lines.append(f"Computed once, when “{piece}” was read to draw the next token, and never again.")
    return lines
