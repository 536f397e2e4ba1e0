"""What is like this patch? The cosine of its vector and those of all others, also of a second picture."""

from typing import TYPE_CHECKING

import numpy as np
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from pages.shared.asking_engine import ask
from pages.shared.bound_widgets import bound, names_of
from pages.shared.export import Download, download_row
from pages.shared.link import note
from pages.shared.sentences_and_charts import remark
from pages.shared.spreadsheet import as_csv
from pages.vision.choices import LIKE_LAYER, LIKE_PATCH
from pages.vision.pictures import file_name, model_title
from pages.vision.selection import place_name
from pages.vision.several import other_traces, vector_layer, vector_layers
from viz.components.picture_maps import PictureMap, PictureMaps, picture_maps
from viz.inspector import cosine_bars, heading
from viz.picture_bytes import jpeg_of

if TYPE_CHECKING:
    from models.vision import CutPicture, PictureTraceRequest

TITLE = "What is like this patch?"
_SIDE = 230
_MOST_LINES = 4


def show(trace: "PictureTraceRequest", cut: "CutPicture", status: DeltaGenerator) -> None:
    """A map of cosines for each picture; another patch is chosen in the first one."""
    from models.vision import CutPictureRequest, LikenessRequest

    words = vector_layers(cut)
    layer = vector_layer(LIKE_LAYER, cut)
    bound(st.select_slider, LIKE_LAYER, "After layer", shown=lambda _: layer, **names_of(words))
    patch, first = chosen_patch(cut), len(cut.specials)
    titles, traces = other_traces(trace)
    found = [ask(LikenessRequest(trace, layer, patch, None if each == trace else each), status)[0] for each in traces]
    cuts = [ask(CutPictureRequest(each), status) for each in traces]
    maps = [
        PictureMap(title, cells, 1.0, "cosine", picture=place, marked=None if place else patch)
        for place, (title, cells) in enumerate(zip(titles, found, strict=True))
    ]
    with st.container(key="likeness"):
        picture_maps(
            PictureMaps(
                f"{file_name()}-likeness",
                tuple(maps),
                len(maps),
                _SIDE,
                f"{model_title()}, {words[layer]}: the cosine of each patch's vector and that of "
                f"{place_name(cut, first + patch)} of {titles[0]}, lit from 0 to 1. Press another patch of it.",
                tuple(jpeg_of(each.pixels) for each in cuts),
                legend=("cosine 0", "1"),
            ),
            key="likeness_view",
            on_cell=lambda number, chosen: LIKE_PATCH.choose(chosen) if number == 0 else None,
        )
    places = st.columns(len(maps))
    for place, title, cells, each in zip(places, titles, found, cuts, strict=True):
        best = [int(other) for other in np.argsort(-cells.ravel(), kind="stable") if each != cut or other != patch]
        names = [place_name(each, len(each.specials) + other) for other in best[:_MOST_LINES]]
        with place:
            st.html(heading(f"Most alike: {title}") + cosine_bars(names, cells.ravel()[best[:_MOST_LINES]].tolist()))
    remark(
        "All vectors of a layer may share a direction: compare cosines of one layer with each other, and not layers."
    )
    rows = likeness_rows(titles, found)
    download_row(
        [Download("These numbers (CSV)", f"{file_name()}-likeness.csv", lambda: as_csv(rows))], key="likeness_"
    )


def chosen_patch(cut: "CutPicture") -> int:
    """The one whose likes are looked for; the middle one at first."""
    count = cut.rows * cut.columns
    if LIKE_PATCH.value is not None and LIKE_PATCH.value >= count:
        note(f"There is no patch {LIKE_PATCH.value}: there are 0 to {count - 1}; the middle one is shown.")
        LIKE_PATCH.forget()
    middle = (cut.rows // 2) * cut.columns + cut.columns // 2
    return middle if LIKE_PATCH.value is None else LIKE_PATCH.value


def likeness_rows(titles: tuple[str, ...], found: list[np.ndarray]) -> list[list[object]]:
    """A row for each patch of each picture."""
    rows: list[list[object]] = [["picture", "row", "column", "cosine"]]
    for title, cells in zip(titles, found, strict=True):
        for row, line in enumerate(cells.tolist()):
            rows += [[title, row, column, cosine] for column, cosine in enumerate(line)]
    return rows
