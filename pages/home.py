"""The default page: what one can see here, and the way in."""

import streamlit as st

from pages.shared import door
from pages.shared.examples import ATTENTION, CACHES, TOKENIZERS
from pages.shared.link import mirror
from pages.shared.messages import show_notes
from pages.shared.thread import THREAD

door.enter()
st.header("What does a transformer do with your text?")
st.markdown(
    "Type a sentence and see what every head of a real model attends to: on this machine, nothing sent elsewhere.\n\n"
    "Every number is what the model computed: point at a cell to read it, click to pin it, take it along as a file.\n\n"
    "A copied link opens the same view, so a class can look at one picture together."
)
show_notes()
best = ATTENTION[0]
with st.container(border=True, key="open_attention"):
    st.page_link(
        "pages/attention.py",
        label="**Attention**: what does each token look at?",
        icon=":material/visibility:",
        query_params={
            "model": best.model,
            "text": best.text,
            "layer": str(best.layer),
            "head": str(best.head),
            "token": str(best.token),
        },
    )
    st.caption(f"Opens on: {best.text}")
first = TOKENIZERS[0]
with st.container(border=True, key="open_tokenizers"):
    st.page_link(
        "pages/tokenizers.py",
        label="**Tokenizers**: how is a text cut into tokens?",
        icon=":material/content_cut:",
        query_params={
            "text": first.text,
            "tokenizers": ",".join(first.tokenizers),
            "stretch": "" if first.stretch is None else f"{first.stretch[0]}-{first.stretch[1]}",
        },
    )
    st.caption(f"Opens on: {first.text}")
opening = CACHES[0]
with st.container(border=True, key="open_kv_cache"):
    st.page_link(
        "pages/kv_cache.py",
        label="**KV cache**: what does a model keep while it writes?",
        icon=":material/view_column:",
        query_params={
            "model": opening.model,
            "text": opening.text,
            "tokens": str(opening.tokens),
            "drawn": str(opening.drawn),
        },
    )
    st.caption(f"Opens on: {opening.text}")
mirror(THREAD)
