"""Beside the plan: the chosen part in numbers."""

from typing import TYPE_CHECKING

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from pages.anatomy.choices import PART
from viz.inspector import line
from viz.quantities import bytes_text, part_text
from viz.tables import sentences

if TYPE_CHECKING:
    from models.anatomy import Box, Plan


def inspect(plan: "Plan", way: "tuple[Box, ...]", status: DeltaGenerator) -> None:  # noqa: ARG001 - weights are asked for
    """The chosen part, else the whole model."""
    if PART.value is None or not way:
        _model(plan)
        return
    _numbers(plan, way[-1])


def _model(plan: "Plan") -> None:
    st.html(sentences([f"{plan.architecture}: {plan.parameters:,} parameters, {bytes_text(plan.bytes)}."]))
    st.html("".join(line(f"One matrix in several places: {each}") for each in plan.ties))


def _numbers(plan: "Plan", box: "Box") -> None:
    said = [f"{box.title}" + (f" ({box.module})" if box.module else "")]
    if box.parameters:
        said.append(
            f"{box.parameters:,} parameters, {part_text(box.parameters / plan.parameters)} of the model; "
            f"{bytes_text(box.bytes)}."
        )
    if box.shared:
        said.append(f"{box.shared:,} parameters in it stand in an earlier part, too, and count there.")
    if box.operations:
        said.append(f"{box.operations:,} operations for this text, {part_text(box.operations / plan.operations)}.")
    st.html(sentences(said))
    st.html("".join(line(f"{name}: {value}") for name, value in box.facts))
