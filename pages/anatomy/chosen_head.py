"""Which head of which layer is looked into, and from which token: the same on every tab that asks for one."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from models.catalog import MODELS
from pages.anatomy.choices import ATT_HEAD, ATT_KIND, ATT_LAYER, ATTENTION_KINDS
from pages.anatomy.text_and_token import AtToken, at_token
from pages.shared import thread
from pages.shared.bound_widgets import bound, names_of
from pages.shared.link import Choice, note

if TYPE_CHECKING:
    from models.attention import TraceRequest


@dataclass(frozen=True)
class ChosenHead:
    """A head, and a row of its map. rows, columns: tokens as shown."""

    trace: "TraceRequest"
    kind: str
    layer: int
    head: int
    query: int
    rows: tuple[str, ...]
    columns: tuple[str, ...]

    @property
    def name(self) -> str:
        """As people write it."""
        return f"L{self.layer} H{self.head}"


def one_head(status: DeltaGenerator, key: str, *, is_self: bool = False) -> ChosenHead:
    """The controls, and what is chosen. key: of the tab, whose widgets have it in their names. is_self: only attention
    of a text to itself. Raises HeadlightError.
    """
    at = at_token(status)
    kinds = [each for each in at.text.kinds if each != "cross" or not is_self]
    kind = ATT_KIND.value if ATT_KIND.value in kinds else kinds[0]
    layers = at.text.layers_of(kind)
    layer = layers[len(layers) // 2] if ATT_LAYER.value is None else ATT_LAYER.value
    if layer not in layers:
        note(f"There is no map of layer {layer} here; layer {layers[-1]} is shown.")
        layer = layers[-1]
        ATT_LAYER.choose(layer)
    heads = at.text.heads_of(kind, layer)
    if ATT_HEAD.value >= heads:
        note(f"There is no head {ATT_HEAD.value} in this layer; the last one is shown.")
        ATT_HEAD.choose(heads - 1)
    axes = at.text.axes(kind)
    query = _query(at, kind)
    with st.container(horizontal=True, vertical_alignment="bottom", key=f"{key}_head"):
        if len(kinds) > 1:
            words = {each: ATTENTION_KINDS[each] for each in kinds}
            bound(st.selectbox, ATT_KIND, "Attention", key=f"{key}_kind", shown=lambda _: kind, **names_of(words))
        bound(st.selectbox, ATT_LAYER, "Layer", layers, key=f"{key}_layer", shown=lambda _: layer)
        bound(st.selectbox, ATT_HEAD, "Head", range(heads), key=f"{key}_number")
        if kind == "encoder" or MODELS[at.trace.model].family != "seq2seq":
            token_box(thread.TOKEN, "Query", axes.rows, query, f"{key}_query")
    return ChosenHead(at.trace, kind, layer, ATT_HEAD.value, query, axes.rows, axes.columns)


def token_box(
    choice: "Choice[int | None] | Choice[int]", label: str, tokens: tuple[str, ...], at: int, key: str
) -> None:
    """One of the tokens."""
    words = {place: f"{place}  {token}" for place, token in enumerate(tokens)}
    bound(st.selectbox, choice, label, key=key, shown=lambda _: at, **names_of(words))


def _query(at: AtToken, kind: str) -> int:
    if MODELS[at.trace.model].family != "seq2seq" or kind != "encoder":
        return at.place
    return thread.current_token(at.text.tokens, at.text.is_special, at.text.spans)
