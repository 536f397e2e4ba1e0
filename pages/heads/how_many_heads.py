"""How many heads are enough: only the most important ones kept on, beside as many at random."""

from typing import TYPE_CHECKING, Any

import numpy as np
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from models.catalog import MODELS
from models.engine import HowFar
from pages.heads.choices import RANKED_BY, RANKINGS, SHOW, SIDED, SIDES, place_name
from pages.heads.controls import (
    chosen_off,
    chosen_quantity,
    has_estimate,
    means_are_known,
    other_text_is_missing,
    read_the_bank,
)
from pages.heads.effects import quantity_words
from pages.heads.text_and_kind import Subject
from pages.shared.bound_widgets import pick
from pages.shared.job import Job
from pages.shared.scroll_into_sight import Sight
from pages.shared.sentences_and_charts import chart, explanation, remark, say
from pages.shared.theme import palette
from viz.heads_charts import faithfulness_chart
from viz.number_format import counted, level_text, part_text

if TYPE_CHECKING:
    from models.heads.faithfulness import Faithfulness

JOB = Job("enough")
_FOUND = Sight("enough_found")


def show(about: Subject, status: DeltaGenerator) -> None:
    """The curve, and the smallest set that is enough."""
    from models.heads.faithfulness import FaithfulnessRequest

    if other_text_is_missing():
        explanation("Type the other text under “Effects” first.")
        return
    if not means_are_known(about, ("heads",)):
        # One job, and it stands where its number is looked at.
        if SHOW.value == "effects":
            explanation("Wait until the sentences above are read.")
        else:
            read_the_bank(about, ("heads",))
        return
    rankings = dict(RANKINGS)
    if not has_estimate(about, status):
        del rankings["estimate"]
    with st.container(horizontal=True, vertical_alignment="bottom"):
        if len(rankings) > 1:
            pick(RANKED_BY, "Ranked by", rankings)
        pick(SIDED, "First", SIDES, help="By size; or those first without which the number falls; or rises.")
        begin = st.button("How many are enough?", key="enough_start", on_click=_FOUND.wanted)
    ranked_by: Any = RANKED_BY.value if RANKED_BY.value in rankings else "exact"
    sided: Any = SIDED.value
    request = FaithfulnessRequest(about.trace, chosen_quantity(status), chosen_off(), ranked_by, sided)
    found: Faithfulness | None = JOB.answer(request, _progress_text, is_wanted=begin)
    if found is None:
        explanation(
            "All heads are off but the **k** most important ones; how much of the way from nothing to the whole model "
            "is left? Beside it stand **k** heads drawn at random. It ranks the heads first, which takes a while."
        )
        return
    with st.container(key=_FOUND.name):
        _draw(about, found)
        _FOUND.drawn()


def _draw(about: Subject, found: "Faithfulness") -> None:
    lowest, whole = float(found.kept[0]), found.measured.value
    drawn = (found.drawn - lowest) / (whole - lowest)
    chart(faithfulness_chart(found.counts.tolist(), found.faithful, drawn, found.enough, palette()), key="enough_chart")
    lines = [
        f"Area under the curve {found.area:.2f}, of heads at random {np.nanmean(found.drawn_areas):.2f}; distance from "
        f"the whole model {found.distance:.2f}."
    ]
    if found.smallest is not None:
        # Of a model with several kinds of attention a head is known by its kind as well.
        with_kind = len({each.kind for each in found.order}) > 1
        names = ", ".join(place_name(each, with_kind=with_kind) for each in found.smallest[:30])
        more = f" and {len(found.smallest) - 30} more" if len(found.smallest) > 30 else ""
        lines = [
            f"{counted(len(found.smallest), 'head')} of {len(found.order):,} are enough for {part_text(found.enough)} "
            f"of the way: {names}{more}. Alone they give {level_text(found.smallest_value)} {found.measured.unit}, "
            "in a run of their own.",
            *filter(None, [_at_random(found)]),
            *lines,
        ]
    say(*lines)
    remark(
        f"{MODELS[about.trace.model].title}, {quantity_words(found.measured)}: {level_text(whole)} "
        f"{found.measured.unit} with all heads, {level_text(lowest)} with none. The line: {part_text(found.enough)}. "
        "The set is the shortest beginning of the ranking that is enough, less every head that it does without, be it "
        f"the first; another set may be smaller.{' ' + found.note if found.note else ''}"
    )


def _at_random(found: "Faithfulness") -> str:
    """What as many heads at random keep: or a few more, as many as the curve has next."""
    assert found.smallest is not None
    point = int(np.searchsorted(found.counts, len(found.smallest)))
    shares = found.share(found.drawn[:, point])
    shares = shares[np.isfinite(shares)]
    if not len(shares):
        return ""
    return (
        f"{counted(int(found.counts[point]), 'head')} at random keep {part_text(float(shares.mean()))} of the way on "
        f"average, over {counted(len(shares), 'draw')}: from {part_text(float(shares.min()))} to "
        f"{part_text(float(shares.max()))}."
    )


def _progress_text(step: "HowFar | Faithfulness") -> tuple[float, str]:
    said = (
        f"of {step.of:,} heads switched off, to rank them" if isinstance(step, HowFar) else f"of about {step.of:,} runs"
    )
    return step.done / max(1, step.of), f"{step.done:,} {said}"
