"""Below the picture: what else can be asked, as tabs named by questions."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import streamlit as st

from pages.shared.page import Tab, tabs
from pages.shared.sentences_and_charts import explanation
from pages.vision import distances, export, features, hiding, lengths, likeness, positions, products, sayings
from pages.vision.choices import Places
from pages.vision.explanations import EXPLANATION

if TYPE_CHECKING:
    from models.vision import CutPicture, PictureTraceRequest, VisionFacts


def below(
    facts: "VisionFacts", trace: "PictureTraceRequest", cut: "CutPicture", layer: int, head: int, places: Places
) -> None:
    """The tabs; what is waited for is said in each."""
    parts: dict[str, Callable[[], object] | Tab] = {
        hiding.TITLE: Tab(lambda: hiding.show(trace, cut, st.empty()), hiding.leave),
        features.TITLE: lambda: features.show(trace, cut, st.empty()),
        likeness.TITLE: lambda: likeness.show(trace, cut, st.empty()),
        distances.TITLE: lambda: distances.show(trace, cut, places, st.empty()),
        products.TITLE: lambda: products.show(trace, cut, layer, head, places, st.empty()),
        lengths.TITLE: lambda: lengths.show(trace, cut, st.empty()),
        positions.TITLE: lambda: positions.show(trace, cut, st.empty()),
        sayings.TITLE: lambda: sayings.show(trace, cut, facts, st.empty()),
        "What am I looking at?": lambda: explanation(EXPLANATION),
        "Take it with you": lambda: export.take_along(trace, cut, layer, head, places),
        "Show the code": lambda: export.code(layer, head, places),
    }
    tabs("below_vision", parts)
