"""How does a weight come about? One query beside its keys, and the map of the patches that are looked at most."""

from typing import TYPE_CHECKING

import numpy as np
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from pages.shared.asking_engine import ask
from pages.shared.sentences_and_charts import remark, say
from pages.shared.theme import palette
from pages.vision.choices import Places
from pages.vision.selection import head_name, place_name
from viz.inspector import heading
from viz.number_format import level_text
from viz.patch_tables import PatchLabel, ProductRow, patch_matrix, products_table

if TYPE_CHECKING:
    from models.vision import CutPicture, PictureTraceRequest

TITLE = "How does a weight come about?"
_MOST_KEYS, _MOST_CELLS = 8, 12


def show(
    trace: "PictureTraceRequest", cut: "CutPicture", layer: int, head: int, places: Places, status: DeltaGenerator
) -> None:
    """The keys with the largest weights, and these tokens among themselves."""
    from models.vision import LayerWeightsRequest, PlaceProductsRequest

    place = places[-1]
    found = ask(PlaceProductsRequest(trace, layer, head, place), status)
    order = np.argsort(-found.weights, kind="stable")
    name = head_name(layer, head)
    say(
        f"{name}, from {place_name(cut, place)}: its query beside the keys of all {cut.places:,} tokens.",
        f"Number times number, added up, times {level_text(found.scaling)} (1 / √head_dim): the score. The softmax "
        "over all scores is the weights.",
    )
    rows = [
        ProductRow(_label(cut, int(key)), found.products[key], float(found.scores[key]), float(found.weights[key]))
        for key in order[:_MOST_KEYS]
    ]
    st.html(products_table(rows, palette()))
    remark(f"The {len(rows)} keys with the largest weights; purple is below 0, green above, all on one scale.")
    chosen = [place, *(int(each) for each in order if each != place)][:_MOST_CELLS]
    weights = ask(LayerWeightsRequest(trace, layer, head), status)[0]
    st.html(heading("These tokens among themselves: rows look at columns"))
    st.html(patch_matrix([_label(cut, each) for each in chosen], weights[np.ix_(chosen, chosen)], palette()))
    remark(f"{name}, the chosen token first, then those it looks at most. From 0 to the largest of these weights.")


def _label(cut: "CutPicture", place: int) -> PatchLabel:
    patch = place - len(cut.specials)
    if patch < 0:
        return PatchLabel(place_name(cut, place))
    row, column = divmod(patch, cut.columns)
    size = cut.patch
    pixels = cut.pixels[row * size : (row + 1) * size, column * size : (column + 1) * size]
    return PatchLabel(place_name(cut, place), pixels)
