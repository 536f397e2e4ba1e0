"""Show the code: short programs that compute the same numbers with public libraries only."""

import shlex
from pathlib import Path
from typing import TYPE_CHECKING

import streamlit as st

from models.catalog import model_card

if TYPE_CHECKING:
    from models.attention import HeadMapRequest

_PROJECT = Path(__file__).resolve().parents[2]
_LONGEST_ARGUMENT = 500


def show_attention(request: "HeadMapRequest", token: int) -> None:
    """The program behind a map, and how to run it for what is shown now."""
    from models.loading.packs import prepared_folder

    folder = prepared_folder(model_card(request.trace.model))
    if folder.is_relative_to(_PROJECT):
        folder = folder.relative_to(_PROJECT)
    text = request.trace.text
    shown = shlex.quote(text) if len(text) <= _LONGEST_ARGUMENT else '"$(cat text.txt)"'
    head = "mean" if request.head is None else request.head
    st.caption("Save it as attention_weights.py and run it with torch and transformers installed:")
    st.code(
        f"python attention_weights.py {shlex.quote(str(folder))} {shown} {request.layer} {head} {token}",
        language="bash",
        wrap_lines=True,
    )
    if request.without_sink:
        st.caption("The program shows the weights with the sink in.")
    st.code((_PROJECT / "docs" / "programs" / "attention_weights.py").read_text(), language="python")
