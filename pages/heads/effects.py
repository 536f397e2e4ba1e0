"""What becomes of a number when each part is off: a map that fills while it is computed, the estimate beside it."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from models.catalog import MODELS
from models.engine import engine
from pages.heads.choices import OF_HEAD, OF_PART, PARTS
from pages.heads.controls import chosen_off, chosen_parts, chosen_quantity, read_the_bank
from pages.heads.effects_grid import EffectsGrid
from pages.shared.asking_engine import ask
from pages.shared.job import Job
from pages.shared.link import NumberPair, run_again
from pages.shared.messages import problem
from pages.shared.sentences_and_charts import remark
from viz.components.head_atlas import EffectCells, HeadAtlas, head_atlas
from viz.number_format import level_text

if TYPE_CHECKING:
    from models.heads import Effects, EffectsOfParts, EffectsOfPartsRequest, MeasuredQuantity, Part
    from pages.heads.text_and_kind import Subject

JOB = Job("effects")
ESTIMATE = "one slope, to be confirmed"
_EVERY_SECONDS = 0.5


def effects_request(about: "Subject", status: DeltaGenerator) -> "EffectsOfPartsRequest":
    """What is computed, exactly, of the chosen parts. Raises HeadlightError."""
    from models.heads import EffectsOfPartsRequest

    return EffectsOfPartsRequest(about.trace, chosen_quantity(status), chosen_parts(status), chosen_off())


def estimate_of(request: "EffectsOfPartsRequest", status: DeltaGenerator) -> "Mapping[Part, Effects]":
    """The same by one backward pass for each sort of part; nothing where there is no slope."""
    from models.heads import EstimateRequest, MeasuredRequest

    if not ask(MeasuredRequest(request.trace, request.quantity), status).has_slope:
        return {}
    return {
        part: ask(EstimateRequest(request.trace, request.quantity, part, request.off), status) for part in request.parts
    }


def exact_now(request: "EffectsOfPartsRequest") -> "Mapping[Part, Effects]":
    """What is computed already, all of it or a part."""
    found: dict[Part, Effects] = {}
    if request in engine.answers:
        found |= engine.run(request).of_part
    elif (progress := JOB.poll() if JOB.request == request else None) is not None and progress.steps:
        found |= progress.steps[-1].of_part
    known = [part for part in request.parts if request.of(part) in engine.answers]
    return found | {part: engine.run(request.of(part)) for part in known}


def show(about: "Subject", request: "EffectsOfPartsRequest", status: DeltaGenerator) -> None:
    """The map, as far as it is computed, and what starts, stops and continues it."""
    if JOB.request is not None and JOB.request != request:
        JOB.leave()
    if not read_the_bank(about, request.parts):
        return
    estimate = estimate_of(request, status)
    progress = JOB.poll() if JOB.request == request else None
    if progress is not None and not progress.is_done:
        st.fragment(_watch, run_every=_EVERY_SECONDS)(about, request, estimate)
        return
    exact = exact_now(request)
    if progress is not None and progress.error:
        problem(progress.error)
    # The picture stays where it is: what begins, and how far it is, stands below it.
    _draw(about, request, exact, estimate)
    if not _is_whole(request, exact):
        _start(request, exact)


def _is_whole(request: "EffectsOfPartsRequest", exact: "Mapping[Part, Effects]") -> bool:
    return all(part in exact and exact[part].done == exact[part].of for part in request.parts)


def _start(request: "EffectsOfPartsRequest", exact: "Mapping[Part, Effects]") -> None:
    """The button that begins, or goes on after it was stopped."""
    with st.container(horizontal=True, vertical_alignment="center", key="effects_state"):
        done, of = (sum(getattr(each, name) for each in exact.values()) for name in ("done", "of"))
        words = [PARTS[part] if part == "mlps" else PARTS[part].lower() for part in request.parts]
        what = " and ".join(filter(None, [", ".join(words[:-1]), words[-1]]))
        if st.button("Go on" if done else f"Switch off all {what}, one by one", key="effects_start", type="primary"):
            JOB.start(request)
            run_again()
        if done:
            # Of what is computed for another choice it is not known how much there is in all.
            whole = f" of {of:,}" if len(exact) == len(request.parts) else ""
            st.caption(f"Stopped: {done:,}{whole} are computed.", width="content")


def _watch(about: "Subject", request: "EffectsOfPartsRequest", estimate: "Mapping[Part, Effects]") -> None:
    _draw(about, request, exact_now(request), estimate)
    JOB.state(_progress_text, "Reading the text…")


def _progress_text(step: "EffectsOfParts") -> tuple[float, str]:
    return step.done / max(1, step.of), f"{step.done:,} of {step.of:,} switched off, each in a run of its own"


def _draw(
    about: "Subject",
    request: "EffectsOfPartsRequest",
    exact: "Mapping[Part, Effects]",
    estimate: "Mapping[Part, Effects]",
) -> None:
    shown = {"exact": exact, f"estimate ({ESTIMATE})": estimate}
    given = {title: each for title, each in shown.items() if each}
    if not given:
        remark("Of a vector there is no estimate: its cosine with itself is at its top, where every slope is 0.")
        return
    maps = tuple(given.values())
    grid = EffectsGrid(about, request.parts, maps)
    some = next(iter(maps[0].values()))
    picture = HeadAtlas(
        layers=grid.layers,
        heads=grid.heads,
        cells=EffectCells(tuple(given), grid.values(maps), some.measured.unit),
        selected=grid.selected,
        caption=caption(request, some),
        name=f"Effects of {', '.join(PARTS[each].lower() for each in request.parts)}",
        parts=grid.below,
        rows=grid.rows,
    )
    with st.container(key="atlas"):
        head_atlas(picture, key="effects_map", on_cell=lambda place, row: _choose(grid, place, row))


def _choose(grid: EffectsGrid, place: int, row: int) -> None:
    if not (0 <= place < len(grid.layers) and 0 <= row < grid.height):
        return
    part, head = grid.part_at(row)
    OF_PART.choose(part)
    layer = grid.layers[place]
    # Of a layer the head stays that was spoken of, for where there are only heads.
    kept = OF_HEAD.value[1] if OF_HEAD.value is not None else 0
    OF_HEAD.choose(NumberPair((layer, head if part == "heads" else kept)))


def caption(request: "EffectsOfPartsRequest", found: "Effects") -> str:
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


def quantity_words(measured: "MeasuredQuantity") -> str:
    """What is measured, in words."""
    words = {
        "next token": f"the log probability of “{measured.token}” as the next token",
        "difference": f"the logit of “{measured.token}” less that of “{measured.other}”",
        "output": "the log probability of the whole output",
        "vector": f"how much the last vector of “{measured.token}” stays the same (cosine)",
        "masked token": f"the log odds of “{measured.token}” at the hidden word",
    }
    return words[measured.quantity.of]
