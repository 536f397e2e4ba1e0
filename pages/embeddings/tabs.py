"""What stands below the picture on the embeddings page, as tabs named by questions; only the open one is computed."""

from collections.abc import Callable

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from pages.embeddings import export
from pages.embeddings.explanations import EXPLANATION
from pages.embeddings.many_sentences import many_sentences
from pages.embeddings.precision import how_many_numbers
from pages.embeddings.senses_apart import do_senses_part
from pages.embeddings.similarity import how_similar
from pages.embeddings.word_order import does_order_matter
from pages.shared.page import tabs
from pages.shared.sentences_and_charts import explanation

TABS: dict[str, Callable[[DeltaGenerator], object]] = {
    "Do the senses part?": do_senses_part,
    "How similar are they?": how_similar,
    "Does order matter?": does_order_matter,
    "How many numbers?": how_many_numbers,
    "Many sentences": lambda _: many_sentences(),
    "What am I looking at?": lambda _: explanation(EXPLANATION),
    "Take it with you": export.take_along,
    "Show the code": lambda _: export.code(),
}


def below() -> None:
    """The tabs, each with a place of its own for what is waited for."""
    tabs("below_embeddings", {name: lambda draw=draw: draw(st.empty()) for name, draw in TABS.items()})
