"""Sharing what is shown, taking its numbers along exactly as they were computed, and the program behind it."""

import io
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from models.engine import engine
from models.pictures import example_file
from pages.shared import thread
from pages.shared.export import Download, download_row, folder_argument, link_to_view, path_argument, program
from pages.shared.spreadsheet import as_csv
from pages.vision.choices import CHOICES, OWN, PHOTO, Places
from pages.vision.pictures import file_name, looks_of
from pages.vision.selection import OWN_BYTES, OWN_NAME, head_name, model_title, picture_title, place_name
from viz.standalone.patch_document import patch_document

if TYPE_CHECKING:
    from models.vision import CutPicture, PictureTraceRequest

_OPENS = "This link opens the same view:"
_WITHOUT_PICTURE = (
    "This link opens the same settings; the picture is your own, which is in no link, and goes as a file:"
)


def take_along(trace: "PictureTraceRequest", cut: "CutPicture", layer: int, head: int, places: Places) -> None:
    """The link to this view, the picture where it is somebody's own, and the numbers as files."""
    is_own = PHOTO.value == OWN
    shown = looks_of(trace, cut, layer, head, places, st.empty())
    link_to_view(CHOICES, opens=_WITHOUT_PICTURE if is_own else _OPENS)
    if is_own:
        st.download_button(
            f"The picture: {st.session_state[OWN_NAME]}",
            st.session_state[OWN_BYTES],
            st.session_state[OWN_NAME],
            "application/octet-stream",
            key="own_picture_file",
            on_click="ignore",
        )
    title = f"{model_title()}: {picture_title()}"
    name = f"{file_name()}-{head_name(layer, head).replace(' ', '-')}"
    download_row(
        [
            Download("CSV", f"{name}.csv", lambda: as_csv(looks_rows(trace, cut, layer, places)), help=_CSV),
            Download("HTML", f"{name}.html", lambda: patch_document(title, *shown), help=_HTML),
            Download("npy", f"{name}.npy", lambda: looks_npy(trace, layer), help=_NPY),
        ]
    )
    st.caption("The picture itself: the buttons PNG and SVG below it.")


_CSV = "Every head of this layer, from the chosen tokens, to each token."
_HTML = "The picture as it is here, in one file: it opens in any browser, without a network."
_NPY = "Every weight of this layer: float32 [head, query, key], the tokens before the patches first."


def looks_rows(trace: "PictureTraceRequest", cut: "CutPicture", layer: int, places: Places) -> list[list[object]]:
    """A row for each token that is looked at: from each chosen token a column for each head."""
    from models.vision import LayerWeightsRequest

    rows = [engine.run(LayerWeightsRequest(trace, layer, None, place))[:, 0] for place in places]
    named = [f"L{layer} H{head} from {place_name(cut, place)}" for place in places for head in range(cut.heads)]
    numbers = np.concatenate(rows)
    return [
        ["token", "name", *named],
        *([key, place_name(cut, key), *numbers[:, key].tolist()] for key in range(cut.places)),
    ]


def looks_npy(trace: "PictureTraceRequest", layer: int) -> bytes:
    """The weights of a layer as numpy saves them."""
    from models.vision import LayerWeightsRequest

    file = io.BytesIO()
    np.save(file, engine.run(LayerWeightsRequest(trace, layer)))
    return file.getvalue()


def code(layer: int, head: int, places: Places) -> None:
    """The program that computes the same weights."""
    picture = "picture.png" if PHOTO.value == OWN else path_argument(example_file(PHOTO.value))
    program(
        "vision.py",
        folder_argument(thread.MODEL.value),
        picture,
        str(layer),
        str(head),
        str(places[-1]),
        needs="torch, transformers and pillow installed",
    )
