"""Which parts are alike? The first three components of the vectors of patches as red, green and blue."""

from typing import TYPE_CHECKING

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from pages.shared.asking_engine import ask, working
from pages.shared.bound_widgets import bound, names_of
from pages.shared.export import Download, download_row
from pages.shared.sentences_and_charts import remark
from pages.shared.spreadsheet import as_csv
from pages.vision.choices import FEATURE_LAYER
from pages.vision.pictures import file_name, model_title
from pages.vision.several import other_traces, vector_layer, vector_layers
from viz.components.picture_maps import PictureMap, PictureMaps, picture_maps
from viz.number_format import part_text

if TYPE_CHECKING:
    from models.vision import Components, CutPicture, PictureTraceRequest

TITLE = "Which parts are alike?"
_SIDE, _SMALL = 210, 74


def show(trace: "PictureTraceRequest", cut: "CutPicture", status: DeltaGenerator) -> None:
    """The chosen layer large, of all pictures; and the way up through all layers."""
    from models.vision import ComponentsRequest

    words = vector_layers(cut)
    layer = vector_layer(FEATURE_LAYER, cut)
    bound(st.select_slider, FEATURE_LAYER, "After layer", shown=lambda _: layer, **names_of(words))
    titles, traces = other_traces(trace)
    with working("Finding the components…", status):
        found = ask(ComponentsRequest(traces, layer), status)
    whole = float(found.shares.sum())
    with st.container(key="features"):
        picture_maps(
            PictureMaps(
                f"{file_name()}-features",
                tuple(PictureMap(title, colours) for title, colours in zip(titles, found.colours, strict=True)),
                len(titles),
                _SIDE,
                f"{model_title()}, {words[layer]}: the three directions in which the patches of all these pictures "
                f"differ most, as red, green and blue. They hold {part_text(whole)} of all differences, so patches of "
                "one colour are alike in these three, and may differ in the rest. Equal colours in two pictures mean "
                "the same.",
            ),
            key="features_view",
        )
    every = [ask(ComponentsRequest(traces, each), status).colours[0] for each in words]
    picture_maps(
        PictureMaps(
            f"{file_name()}-features-by-layer",
            tuple(PictureMap("", each) for each in every),
            len(every),
            _SMALL,
            f"{titles[0]} after each layer, each in colours of its own. Press one to see it large.",
            row_names=("",),
            column_names=tuple("in" if not each else f"L{each - 1}" for each in words),
            selected=layer,
            picks_maps=True,
        ),
        key="features_by_layer",
        on_cell=lambda number, _: FEATURE_LAYER.choose(number),
    )
    remark("The colours themselves have no meaning: another picture beside these turns them.")
    rows = component_rows(titles, found)
    download_row(
        [Download("These numbers (CSV)", f"{file_name()}-features.csv", lambda: as_csv(rows))], key="features_"
    )


def component_rows(titles: tuple[str, ...], found: "Components") -> list[list[object]]:
    """A row for each patch of each picture."""
    rows: list[list[object]] = [["picture", "row", "column", "first", "second", "third"]]
    for title, values in zip(titles, found.values, strict=True):
        for row, line in enumerate(values.tolist()):
            rows += [[title, row, column, *each] for column, each in enumerate(line)]
    return rows
