"""The inspector of the KV cache page."""

from typing import TYPE_CHECKING

import streamlit as st

from pages.kv_cache.choices import BITS, DTYPES
from pages.kv_cache.examples import CacheExample
from pages.shared.sentences_and_charts import remark, say
from viz.inspector import heading
from viz.number_format import bytes_text

if TYPE_CHECKING:
    from models.kv_cache import CacheFacts


def inspect(facts: "CacheFacts", example: CacheExample | None, lines: list[str]) -> None:
    """The selected cell, or what to look at; what a token takes, and what it would take were no keys shared."""
    from models.kv_cache import bytes_per_token, with_key_value_heads
    from models.kv_cache.planning import bits_of

    with st.container(key="of_the_cell"):
        if lines:
            say(*lines)
        else:
            if example is not None:
                st.markdown(example.look)
            remark("Point at a cell to read what it holds; click it to keep that here.")
    dtype = DTYPES[BITS.value] if BITS.value else facts.dtype
    own = bytes_per_token(facts.shape, dtype)
    st.html(heading("One more token"))
    said = [f"{bytes_text(own)} over all layers, in {bits_of(dtype)} bits a number."]
    if any(layer.kind in ("full", "sliding") and layer.heads < facts.query_heads for layer in facts.shape):
        whole = bytes_per_token(with_key_value_heads(facts.shape, facts.query_heads, facts.query_heads), dtype)
        heads = max(layer.heads for layer in facts.shape)
        said.append(
            f"Its {facts.query_heads} heads share {heads} keys and values (grouped-query attention); it would be "
            f"{bytes_text(whole)} if each had its own."
        )
    if any(layer.kind == "cross" for layer in facts.shape):
        said.append("The cache of the source does not grow: it is as long as the source.")
    say(*said)
