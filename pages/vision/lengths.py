"""Which patches are out of the ordinary? Lengths of vectors, layer by layer, and what registers do."""

from typing import TYPE_CHECKING

import numpy as np
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from pages.shared.asking_engine import ask
from pages.shared.bound_widgets import bound, names_of
from pages.shared.export import Download, download_row
from pages.shared.sentences_and_charts import chart, remark, say
from pages.shared.spreadsheet import as_csv
from pages.shared.theme import palette
from pages.vision.choices import LENGTH_LAYER
from pages.vision.pictures import file_name, model_title
from pages.vision.selection import place_name, special_name
from pages.vision.several import vector_layer, vector_layers
from viz.components.picture_maps import PictureMap, PictureMaps, picture_maps
from viz.picture_bytes import jpeg_of
from viz.vision_charts import lengths_chart

if TYPE_CHECKING:
    from models.vision import CutPicture, Lengths, PictureTraceRequest

TITLE = "Which patches are out of the ordinary?"
_SIDE = 260
_MOST_NAMED = 6


def show(trace: "PictureTraceRequest", cut: "CutPicture", status: DeltaGenerator) -> None:
    """All lengths over the layers; those of one layer over the picture."""
    from models.vision import LengthsRequest

    found = ask(LengthsRequest(trace), status)
    first = len(cut.specials)
    outlying = found.outlying[:, -cut.rows * cut.columns :]
    words = vector_layers(cut)
    layer = vector_layer(LENGTH_LAYER, cut)
    say(*_said(found, outlying, cut, layer, words))
    left, right = st.columns([3, 2], gap="large")
    with left:
        chart(
            lengths_chart(found.lengths, outlying, tuple(map(special_name, cut.specials)), palette()),
            key="lengths_chart",
        )
    with right:
        bound(st.select_slider, LENGTH_LAYER, "After layer", shown=lambda _: layer, **names_of(words))
        cells = found.lengths[layer, first:].reshape(cut.rows, cut.columns)
        picture_maps(
            PictureMaps(
                f"{file_name()}-lengths",
                (PictureMap(words[layer], cells, float(cells.max(initial=0)), picture=0),),
                1,
                _SIDE,
                f"{model_title()}: lit from 0 to the longest vector of a patch, {cells.max(initial=0):.1f}.",
                (jpeg_of(cut.pixels),),
                legend=("0", f"{cells.max(initial=0):.1f}"),
            ),
            key="lengths_view",
        )
    remark(
        "Large vision transformers keep what concerns the whole picture in a few patches where there is little to see: "
        "their vectors are many times as long, and heads rest on them. Registers are tokens that give them another "
        "place (Darcet et al. 2024). Out of the ordinary here: longer than the median by eight times the median "
        "distance from it, and at least twice as long."
    )
    rows = length_rows(found, cut)
    download_row([Download("These numbers (CSV)", f"{file_name()}-lengths.csv", lambda: as_csv(rows))], key="lengths_")


def _said(
    found: "Lengths", outlying: np.ndarray, cut: "CutPicture", layer: int, words: dict[int, str]
) -> tuple[str, ...]:
    first = len(cut.specials)
    counts = outlying.sum(axis=1)
    registers = sum(name.startswith("R") for name in cut.specials)
    has = f"This model has {registers} registers." if registers else "This model has no registers."
    if not counts.any():
        return f"No patch is out of the ordinary after any layer, for this picture. {has}", ""
    here = np.flatnonzero(outlying[layer])
    if not len(here):
        at = words[int(np.flatnonzero(counts)[-1])]
        return f"None {words[layer]}; there are some {at}. {has}", ""
    named = ", ".join(place_name(cut, first + int(each)) for each in here[:_MOST_NAMED])
    more = f" and {len(here) - _MOST_NAMED} more" if len(here) > _MOST_NAMED else ""
    median = float(np.median(found.lengths[layer, first:]))
    largest = float(found.lengths[layer, first + here].max())
    return (
        f"{len(here)} of {outlying.shape[1]} patches {words[layer]}: {named}{more}.",
        f"The longest has {largest:.1f}, the patch in the middle {median:.1f}. {has}",
    )


def length_rows(found: "Lengths", cut: "CutPicture") -> list[list[object]]:
    """A row for each token, a column for each layer."""
    head: list[object] = ["token", "name", *vector_layers(cut).values()]
    numbers = found.lengths.T.tolist()
    return [head, *([place, place_name(cut, place), *line] for place, line in enumerate(numbers))]
