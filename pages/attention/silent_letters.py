"""Which letters are silent, which tokens matter? Each source token hidden in turn."""

from typing import TYPE_CHECKING

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from pages.attention.choices import head_name
from pages.shared.asking_engine import ask
from viz.inspector import LetterLine, letters_table, line, verdict
from viz.number_format import part_text

if TYPE_CHECKING:
    from models.attention import HeadMapRequest, TracedText


def silence(request: "HeadMapRequest", traced: "TracedText", status: DeltaGenerator) -> None:
    """How much each source token is looked at, and what becomes of the output when it is hidden."""
    from models.attention import AbsencesRequest

    whole, *without = ask(AbsencesRequest(request.trace), status)
    weights = ask(request, status).weights
    steps = [step for step, each in enumerate(traced.written) if not each.is_special] or [0]
    looked_at = weights[steps].mean(axis=0)
    lines, stays, changes = [], [], []
    for place, absence in enumerate(without):
        if traced.is_special[place]:
            continue
        (stays if absence.first_changed is None else changes).append(traced.tokens[place])
        effect = "nothing" if absence.first_changed is None else f"{absence.before} → {absence.after}"
        lines.append(LetterLine(traced.tokens[place], float(looked_at[place]), absence.probability, effect))
    last = max(lines, key=lambda each: each.probability, default=None)
    least = None if last is None else (last.text, last.probability)
    st.html(
        verdict(stays, changes, least)
        + letters_table(lines, head_name(request.layer, request.head))
        + line(
            f"Looked at: the mean weight in {head_name(request.layer, request.head)} over the steps that write "
            "something. Output without it: how likely the model holds the same output when it cannot see the token "
            f"at all ({part_text(whole.probability)} with everything seen). A letter may be looked at and yet not "
            "matter, and a letter that makes no sound of its own may change its neighbour's."
        )
    )
