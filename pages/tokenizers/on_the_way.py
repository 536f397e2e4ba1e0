"""On the way to ids: the stages of the text, from characters to numbers."""

from typing import TYPE_CHECKING

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from pages.shared.asking_engine import ask
from pages.tokenizers.choices import ShownTokenizers
from pages.tokenizers.how_cut import choose_one
from viz.tokenizers_tables import (
    pipeline,
)

if TYPE_CHECKING:
    from models.tokenization import Comparison


_LONGEST_PIPELINE = 400


def on_the_way(now: ShownTokenizers, found: "Comparison", status: DeltaGenerator) -> None:
    """The stages of the text, or of the beginning of what is shown of it."""
    from models.tokenization import StagesRequest

    card = choose_one(now, "way_box")
    text = found.text[:_LONGEST_PIPELINE]
    with st.container(key="pipeline"):
        st.html(pipeline(ask(StagesRequest(card.name, text, now.split_special_tokens), status)))
    if len(text) < len(now.text):
        st.caption(f"The stages of the first {len(text):,} characters that are shown above.")
