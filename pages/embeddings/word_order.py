"""Does order matter? The same words in another order, with positions and without."""

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from pages.embeddings.choices import (
    LONGEST_SENTENCE,
    SWAPPED,
    texts,
)
from pages.shared import thread
from pages.shared.asking_engine import ask
from pages.shared.bound_widgets import bound
from pages.shared.plain_text import plain
from pages.shared.sentences_and_charts import remark
from viz.tables import table


def does_order_matter(status: DeltaGenerator) -> None:
    """A sentence with its words swapped, positions on and off."""
    from models.embeddings import SwappedRequest

    lines = texts()
    words = lines[0].split()
    other = " ".join([words[-1], *words[1:-1], words[0]]) if len(words) > 1 else lines[0]
    with st.container(key="in_order"):
        # The tab lies far below the box of the text.
        st.markdown(f"In this order: **{plain(lines[0])}**")
    swapped = bound(
        st.text_input,
        SWAPPED,
        "The same words in another order",
        shown=lambda typed: typed or other,
        max_chars=max(LONGEST_SENTENCE, len(other)),
        help="Compared with the first line above.",
    )
    found = ask(SwappedRequest(thread.MODEL.value, lines[0], thread.readable(swapped)), status)
    rows = []
    for place, (one, two) in enumerate(found.pairs):
        moved = "" if one == two else f"{one} → {two}"
        without = "" if found.without is None else f"{found.without.tokens[place]:.4f}"
        rows.append([found.pieces[one], moved, f"{found.with_positions.tokens[place]:.4f}", without])
    without = "" if found.without is None else f"{found.without.pooled:.4f}"
    rows.append(["mean of all", "", f"{found.with_positions.pooled:.4f}", without])
    st.html(table(["token", "place", "with positions", "without"], rows, chosen=len(rows) - 1))
    said = ["Cosines of the same token's last vectors in the two sentences."]
    if found.without is None:
        said.append(found.why_not)
    elif found.is_causal:
        said.append("Each token sees only those before it, so that order shows even where positions are off.")
    else:
        said.append(
            "Without positions an encoder sees a bag of words: whatever stands where, the vectors are the same."
        )
    if not found.same_tokens:
        said.append(
            "The two have different tokens: a word at the start of a text is another token in many vocabularies."
        )
    remark(" ".join(said))
