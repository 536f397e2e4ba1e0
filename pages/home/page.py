"""The default page: what one can see here, and the way in."""

import streamlit as st

from pages.shared.examples import ATTENTION, CACHES, EMBEDDINGS, SAMPLING, TOKENIZERS
from pages.shared.link import mirror
from pages.shared.messages import show_notes
from pages.shared.registry import entry
from pages.shared.thread import THREAD

st.header("What does a transformer do with your text?")
st.markdown(
    "Type a sentence and see what every head of a real model attends to: on this machine, nothing sent elsewhere.\n\n"
    "Every number is what the model computed: point at a cell to read it, click to pin it, take it along as a file.\n\n"
    "A copied link opens the same view, so a class can look at one picture together."
)
show_notes()


def way_in(page: str, label: str, icon: str, opens_on: str, query: dict[str, str]) -> None:
    """A card that leads to a page, on its first example."""
    with st.container(border=True, key=f"open_{page}"):
        st.page_link(entry(page).script, label=label, icon=icon, query_params=query)
        st.caption(f"Opens on: {opens_on}")


best = ATTENTION[0]
way_in(
    "attention",
    "**Attention**: what does each token look at?",
    ":material/visibility:",
    best.text,
    {
        "model": best.model,
        "text": best.text,
        "layer": str(best.layer),
        "head": str(best.head),
        "token": str(best.token),
    },
)
first = TOKENIZERS[0]
way_in(
    "tokenizers",
    "**Tokenizers**: how is a text cut into tokens?",
    ":material/content_cut:",
    first.text,
    {
        "text": first.text,
        "tokenizers": ",".join(first.tokenizers),
        "stretch": "" if first.stretch is None else f"{first.stretch[0]}-{first.stretch[1]}",
    },
)
bank = EMBEDDINGS[0]
way_in(
    "embeddings",
    "**Embeddings**: what does context do to a word?",
    ":material/scatter_plot:",
    bank.text.replace("\n", " "),
    {
        "model": bank.model,
        "text": bank.text,
        "word": bank.word,
        "senses": ",".join(bank.senses),
        "points": "word",
    },
)
opening = CACHES[0]
way_in(
    "kv_cache",
    "**KV cache**: what does a model keep while it writes?",
    ":material/view_column:",
    opening.text,
    {"model": opening.model, "text": opening.text, "tokens": str(opening.tokens), "drawn": str(opening.drawn)},
)
france = SAMPLING[0]
way_in(
    "sampling",
    "**Sampling**: what does each knob do to the next token?",
    ":material/casino:",
    france.text,
    {"model": france.model, "text": france.text},
)
mirror(THREAD)
