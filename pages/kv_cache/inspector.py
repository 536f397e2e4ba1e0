"""The inspector of the KV cache page."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import streamlit as st

from models.catalog import MODELS
from pages.kv_cache.examples import CacheExample
from pages.shared import thread
from viz.inspector import heading, line
from viz.quantities import bytes_text
from viz.tables import sentences

if TYPE_CHECKING:
    from models.kv_cache import CacheFacts


def inspect(facts: "CacheFacts", example: CacheExample | None, lines: list[str]) -> None:
    """The selected cell, or what to look at; what a token takes, and what it would take were no keys shared."""
    from models.kv_cache import bytes_per_token, with_key_value_heads

    if lines:
        st.html(sentences(lines))
    else:
        if example is not None:
            st.markdown(example.look)
        st.html(line("Point at a cell to read what it holds; click it to keep that here."))
    own = bytes_per_token(facts.shape, facts.dtype)
    st.html(heading("One more token"))
    said = [f"{bytes_text(own)} over all layers."]
    if any(layer.kind in ("full", "sliding") and layer.heads < facts.query_heads for layer in facts.shape):
        whole = bytes_per_token(with_key_value_heads(facts.shape, facts.query_heads, facts.query_heads), facts.dtype)
        heads = max(layer.heads for layer in facts.shape)
        said.append(
            f"Its {facts.query_heads} heads share {heads} keys and values (grouped-query attention); it would be "
            f"{bytes_text(whole)} if each had its own."
        )
    if any(layer.kind == "cross" for layer in facts.shape):
        said.append("The cache of the source does not grow: it is as long as the source.")
    st.html(sentences(said))


def nothing_kept(decoder: CacheExample, open_decoder: Callable[[], None]) -> None:
    """Why an encoder has no cache, and the way to an example with a model that has one."""
    with st.container(key="no_cache"):
        st.info(
            f"**{MODELS[thread.MODEL.value].title} keeps nothing.** An encoder reads the whole text at once, every "
            "token sees every other, and that is all: it writes no next token for which keys and values could be kept. "
            "A cache pays where tokens are added one by one and the earlier ones cannot see them, so that their keys "
            "and values stay as they are: in a decoder.",
            icon=":material/info:",
        )
        st.button(f"Show a decoder: {MODELS[decoder.model].title}", key="show_decoder", on_click=open_decoder)
