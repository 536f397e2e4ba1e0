"""Show the code: short programs that compute the same numbers with public libraries only."""

import shlex
from pathlib import Path
from typing import TYPE_CHECKING

import streamlit as st

from models.catalog import model_card

if TYPE_CHECKING:
    from models.attention import HeadMapRequest, TracedText

_PROJECT = Path(__file__).resolve().parents[2]
_LONGEST_ARGUMENT = 500


def show(
    request: "HeadMapRequest",
    traced: "TracedText",
    selected: int,
    text: str,
    *,
    is_changed: bool = False,
    is_qk: bool = False,
) -> None:
    """The program behind a map, and how to run it for what is shown now.

    is_changed: whether something is switched off on the page; is_qk: whether the page shows queries and keys.
    """
    from models.loading.packs import prepared_folder

    folder = prepared_folder(model_card(request.trace.model))
    if folder.is_relative_to(_PROJECT):
        folder = folder.relative_to(_PROJECT)
    shown = shlex.quote(text) if len(text) <= _LONGEST_ARGUMENT else '"$(cat text.txt)"'
    head = "mean" if request.head is None else request.head
    layer = "all" if request.layer is None else request.layer
    where = f"{layer} {head} {selected}"
    name = "attention_weights.py"
    if traced.target_tokens:
        name = "cross_attention.py"
        target = "".join(traced.written_texts)
        where = f"{shlex.quote(target)} {request.kind} {where}"
    st.caption(f"Save it as {name} and run it with torch and transformers installed:")
    st.code(f"python {name} {shlex.quote(str(folder))} {shown} {where}", language="bash", wrap_lines=True)
    if request.left_out:
        st.caption("The program shows the weights with the sink in and nothing else taken out.")
    if is_changed:
        st.caption("The program runs the model with everything on: what you switched off is on in it.")
    if is_qk:
        st.caption("It prints the weights. The numbers of q·k are in the JSON file under “Take it with you”.")
    st.code((_PROJECT / "docs" / "programs" / name).read_text(), language="python")
