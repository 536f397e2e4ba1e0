"""Beside the plan: the chosen part in numbers, its formula, its weights, and the source that computes it."""

from typing import TYPE_CHECKING

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from pages.anatomy.choices import PART, PLAN_OF
from pages.anatomy.formulas import formula
from pages.shared import thread
from pages.shared.asking_engine import ask
from pages.shared.messages import in_place
from pages.shared.sentences_and_charts import chart
from pages.shared.theme import palette
from viz.inspector import heading, line
from viz.number_format import bytes_text, level_text, part_text
from viz.tables import sentences
from viz.weights_charts import numbers_chart, pooled_chart

if TYPE_CHECKING:
    from models.anatomy import Box, ModelPlan

_WITH_WEIGHTS = ("embedding", "positions", "norm", "linear", "head", "experts", "router", "mixer")


def inspect(plan: "ModelPlan", way: "tuple[Box, ...]", status: DeltaGenerator) -> None:
    """The chosen part, else the whole model."""
    if PART.value is None or not way:
        _model(plan)
        return
    box, above = way[-1], way[-2] if len(way) > 1 else None
    _numbers(plan, box)
    said, bound = formula(plan, box, above)
    if said:
        st.html(heading(said) + "".join(map(line, bound)))
    if not PLAN_OF.value and box.path and box.parameters + box.shared and box.inner is None:
        if box.kind in _WITH_WEIGHTS:
            with in_place():
                _weights(box, status)
    elif box.inner is not None and not PLAN_OF.value and box.parameters:
        st.html(line("Its weights: press a part in it that is a matrix."))
    _source(box, above)


def _model(plan: "ModelPlan") -> None:
    st.html(sentences([f"{plan.architecture}: {plan.parameters:,} parameters, {bytes_text(plan.bytes)}."]))
    st.html(line(f"{plan.operations:,} operations for this text."))
    if plan.ties:
        st.html("".join(line(f"One matrix in several places: {each}") for each in plan.ties))


def _numbers(plan: "ModelPlan", box: "Box") -> None:
    of = f" ({box.module})" if box.module else ""
    several = f", {box.count} equal ones" if box.count > 1 else ""
    said = [f"{box.title}{several}{of}"]
    if box.parameters:
        said.append(
            f"{box.parameters:,} parameters, {part_text(box.parameters / plan.parameters)} of the model; "
            f"{bytes_text(box.bytes)}."
        )
    if box.shared:
        said.append(f"{box.shared:,} parameters in it stand in an earlier part, too, and count there.")
    if box.operations:
        share = part_text(box.operations / plan.operations)
        said.append(f"{box.operations:,} operations for this text, {share} of the model's.")
    if dict(box.facts).get("trained") == "no":
        said.append("It is not trained: its numbers are computed.")
    st.html(sentences(said))


def _weights(box: "Box", status: DeltaGenerator) -> None:
    from models.anatomy.weight_summaries import WeightsRequest

    found = ask(WeightsRequest(thread.MODEL.value, box.path), status)
    shape = " × ".join(f"{each:,}" for each in found.shape)
    with st.container(key="weights"):
        st.html(heading(f"{found.name}: {shape}"))
        chart(pooled_chart(found.pooled, palette()))
        rows, columns = found.cell
        st.html(
            line(
                f"Pooled: a cell is the root mean square of {rows} × {columns} numbers."
                if rows * columns > 1
                else "Each cell is one number's size."
            )
        )
        chart(numbers_chart(found.counts, found.edges, palette()))
        st.html(
            line(
                f"Norm {level_text(found.norm)}, mean {level_text(found.mean)}, spread {level_text(found.spread)} "
                "(standard deviation)."
            )
        )
        if found.others:
            names = ", ".join(f"{name} ({' × '.join(map(str, shape))})" for name, shape in found.others[:4])
            st.html(line(f"Beside it: {names}."))


def _source(box: "Box", above: "Box | None") -> None:
    from models.anatomy.source_lines import source_lines

    if box.kind == "attending" and above is not None:
        found = source_lines(above.file, "eager_attention_forward")
    else:
        of = box if box.module else above
        found = None if of is None or not of.file else source_lines(of.file, of.module)
    if found is None:
        return
    lines = f"line {found.first:,}" if found.first == found.last else f"lines {found.first:,} to {found.last:,}"
    st.caption(f"{found.file}, {lines}" + (f"; {found.left} follow" if found.left else ""))
    st.code(found.text, language="python", wrap_lines=True)
