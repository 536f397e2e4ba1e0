"""Beside the plan: the chosen part in numbers."""

from typing import TYPE_CHECKING

import streamlit as st

from viz.inspector import line
from viz.quantities import part_text

if TYPE_CHECKING:
    from models.model_facts import ModelFacts


def inspect(facts: "ModelFacts") -> None:
    """The whole model."""
    st.html(line(f"{facts.architecture}: {facts.parameters:,} parameters."))
    st.html("".join(line(f"{name}: {part_text(count / facts.parameters)}") for name, count in facts.parts if count))
