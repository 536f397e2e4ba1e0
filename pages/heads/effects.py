"""What becomes of a number when each head is off: a map that fills while it is computed, the estimate beside it."""

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from models.catalog import MODELS
from models.engine import engine
from pages.heads.choices import OF_HEAD, PART, PARTS
from pages.heads.measure import chosen_off, chosen_quantity
from pages.shared.asking import ask
from pages.shared.job import Job, bar
from pages.shared.link import NumberPair, run_again
from pages.shared.messages import keep_notes, problem
from pages.shared.parts import remark
from viz.components.head_atlas import EffectCells, HeadAtlas, head_atlas
from viz.quantities import level_text

if TYPE_CHECKING:
    from models.heads.effects import Effects, EffectsRequest
    from models.heads.quantity import Measured
    from pages.heads.subject import Subject

JOB = Job("effects")
ESTIMATE = "one slope, to be confirmed"
_EVERY_SECONDS = 0.5
_ROWS = {"mlps": "MLP", "layers": "layer"}


def effects_request(about: "Subject", status: DeltaGenerator) -> "EffectsRequest":
    """What is computed, exactly, of the chosen parts. Raises HeadlightError."""
    from models.heads.effects import EffectsRequest

    part: Any = PART.value
    return EffectsRequest(about.trace, chosen_quantity(status), part, chosen_off())


def estimate_of(request: "EffectsRequest", status: DeltaGenerator) -> "Effects | None":
    """The same by one backward pass; None where there is no slope."""
    from models.heads.estimate import EstimateRequest
    from models.heads.quantity import MeasuredRequest

    if not ask(MeasuredRequest(request.trace, request.quantity), status).has_slope:
        return None
    return ask(EstimateRequest(request.trace, request.quantity, request.part, request.off), status)


def exact_now(request: "EffectsRequest") -> "Effects | None":
    """What is computed already, all of it or a part."""
    if request in engine.answers:
        return engine.run(request)
    progress = JOB.poll() if JOB.request == request else None
    return progress.steps[-1] if progress is not None and progress.steps else None


def show(about: "Subject", request: "EffectsRequest", status: DeltaGenerator) -> None:
    """The map, as far as it is computed, and what starts, stops and continues it."""
    if JOB.request is not None and JOB.request != request:
        JOB.leave()
    estimate = estimate_of(request, status)
    if request in engine.answers:
        _draw(about, request, ask(request, status), estimate)
        return
    progress = JOB.poll() if JOB.request == request else None
    if progress is not None and not progress.is_done:
        st.fragment(_watch, run_every=_EVERY_SECONDS)(about, request, estimate)
        return
    found = progress.steps[-1] if progress is not None and progress.steps else None
    if progress is not None and progress.error:
        problem(progress.error)
    start(request, found)
    _draw(about, request, found, estimate)


def start(request: "EffectsRequest", found: "Effects | None") -> None:
    """The button that begins, or goes on after it was stopped."""
    with st.container(horizontal=True, vertical_alignment="center", key="effects_state"):
        is_begun = found is not None and 0 < found.done < found.of
        what = PARTS[request.part].lower()
        label = "Go on" if is_begun else f"Switch off all {what}, one by one"
        if st.button(label, key="effects_start", type="primary"):
            JOB.start(request)
            run_again()
        if is_begun and found is not None:
            st.caption(f"Stopped: {found.done:,} of {found.of:,} are computed.", width="content")


def _watch(about: "Subject", request: "EffectsRequest", estimate: "Effects | None") -> None:
    progress = JOB.poll()
    if progress is None or progress.is_done:
        keep_notes()
        run_again()
    found = progress.steps[-1] if progress.steps else None
    with st.container(horizontal=True, vertical_alignment="center", key="effects_state"):
        JOB.stop_button()
        with st.container(width="stretch"):
            bar(replace(progress, steps=progress.steps[-1:]), progress_text, "Reading the text…")
    _draw(about, request, found, estimate)


def progress_text(step: "Effects") -> tuple[float, str]:
    """How far it is."""
    return step.done / max(1, step.of), f"{step.done:,} of {step.of:,} switched off, each in a run of its own"


def _draw(about: "Subject", request: "EffectsRequest", exact: "Effects | None", estimate: "Effects | None") -> None:
    shown = {"exact": exact, f"estimate ({ESTIMATE})": estimate}
    given = {title: each for title, each in shown.items() if each is not None}
    if not given:
        remark("Of a vector there is no estimate: its cosine with itself is at its top, where every slope is 0.")
        return
    kind = about.kind if request.part == "heads" else ("encoder" if about.kind == "encoder" else "decoder")
    any_of = next(iter(given.values()))
    of_kind = next(each for each in any_of.maps if each.kind == kind)
    cells = EffectCells(
        tuple(given),
        np.stack([_values(each, kind) for each in given.values()]).astype(np.float32),
        any_of.measured.unit,
    )
    heads = tuple(int((~np.isnan(row)).sum()) or of_kind.effects.shape[1] for row in cells.values[-1])
    picture = HeadAtlas(
        layers=of_kind.layers,
        heads=heads,
        cells=cells,
        selected=_selected(of_kind.layers, heads),
        caption=caption(request, any_of),
        name=f"Effects of {PARTS[request.part].lower()}",
        rows=(_ROWS[request.part],) if request.part in _ROWS else (),
    )
    with st.container(key="atlas"):
        head_atlas(
            picture,
            key="effects_map",
            on_cell=lambda layer, head: _choose(of_kind.layers, layer, head),
        )


def _values(found: "Effects", kind: str) -> np.ndarray:
    return next(each.effects for each in found.maps if each.kind == kind)


def _selected(layers: tuple[int, ...], heads: tuple[int, ...]) -> tuple[int, int] | None:
    chosen = OF_HEAD.value
    if chosen is None or chosen[0] not in layers:
        return None
    place = layers.index(chosen[0])
    return (place, chosen[1]) if chosen[1] < heads[place] else None


def _choose(layers: tuple[int, ...], place: int, head: int) -> None:
    if 0 <= place < len(layers):
        OF_HEAD.choose(NumberPair((layers[place], head)))


def caption(request: "EffectsRequest", found: "Effects") -> str:
    """Model, what is measured, how parts are off, and what the picture does not say."""
    measured = found.measured
    what = quantity_words(measured)
    off = {
        "zero": "gives 0",
        "mean": "gives its mean over the bank",
        "other text": "gives what it has in the other text",
    }
    return (
        f"{MODELS[request.trace.model].title}: {what} is {level_text(measured.value)} {measured.unit} as it "
        f"is. A cell: by how much that changes when the part {off[request.off.to]}, all others left on, so that "
        f"two that do the same hide each other.{' ' + measured.note if measured.note else ''}"
        f"{' ' + found.note if found.note else ''}"
    )


def quantity_words(measured: "Measured") -> str:
    """What is measured, in words."""
    words = {
        "next token": f"the log probability of “{measured.token}” as the next token",
        "difference": f"the logit of “{measured.token}” less that of “{measured.other}”",
        "output": "the log probability of the whole output",
        "vector": f"how much the last vector of “{measured.token}” stays the same (cosine)",
        "masked token": f"the log odds of “{measured.token}” at the hidden word",
    }
    return words[measured.quantity.of]
