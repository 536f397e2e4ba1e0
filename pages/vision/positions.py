"""How does it know where a patch is? Likeness of what is added for each place."""

from typing import TYPE_CHECKING

import numpy as np
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from pages.shared.asking_engine import ask
from pages.shared.export import Download, download_row
from pages.shared.link import note
from pages.shared.sentences_and_charts import remark, say
from pages.shared.spreadsheet import as_csv
from pages.vision.choices import PLACED_PATCH
from pages.vision.pictures import file_name, model_title
from pages.vision.selection import place_name
from viz.components.picture_maps import PictureMap, PictureMaps, picture_maps

if TYPE_CHECKING:
    from models.vision import CutPicture, PictureTraceRequest

TITLE = "How does it know where a patch is?"
_LARGE, _SMALL = 260, 40
# So many of them are shown along each side.
_ALONG = 8


def show(trace: "PictureTraceRequest", cut: "CutPicture", status: DeltaGenerator) -> None:
    """The chosen place beside all others; and some of them at once."""
    from models.vision import PositionsLikenessRequest

    found = ask(PositionsLikenessRequest(trace), status)
    count, columns = cut.rows * cut.columns, cut.columns
    if PLACED_PATCH.value is not None and PLACED_PATCH.value >= count:
        note(f"There is no patch {PLACED_PATCH.value}: there are 0 to {count - 1}; the middle one is shown.")
        PLACED_PATCH.forget()
    middle = (cut.rows // 2) * columns + columns // 2
    patch = middle if PLACED_PATCH.value is None else PLACED_PATCH.value
    row, column = divmod(patch, columns)
    same_row, same_column = found[patch][row], found[patch][:, column]
    say(
        f"In its row places are alike by {np.delete(same_row, column).mean():.2f} in the middle, in its column by "
        f"{np.delete(same_column, row).mean():.2f}, of all by {np.delete(found[patch].ravel(), patch).mean():.2f} "
        "(cosines).",
        "Nobody told the model that its patches lie in rows: each place has a row of numbers of its own, learnt like "
        "all others.",
    )
    left, right = st.columns([1, 1.35], gap="large")
    with left:
        picture_maps(
            PictureMaps(
                f"{file_name()}-place",
                (
                    PictureMap(
                        place_name(cut, len(cut.specials) + patch), found[patch], 1.0, "cosine", True, marked=patch
                    ),
                ),
                1,
                _LARGE,
                f"{model_title()}: the cosine of what is added for this place and for every other. Press another.",
                legend=("cosine −1", "1"),
            ),
            key="place_view",
            on_cell=lambda _, chosen: PLACED_PATCH.choose(chosen),
        )
    rows, alongs = (_some(each) for each in (cut.rows, columns))
    shown = [each * columns + other for each in rows for other in alongs]
    with right:
        picture_maps(
            PictureMaps(
                f"{file_name()}-places",
                tuple(PictureMap("", found[each], 1.0, "cosine", True) for each in shown),
                len(alongs),
                _SMALL,
                "The same for places all over the picture, each where it lies.",
                row_names=tuple(map(str, rows)),
                column_names=tuple(map(str, alongs)),
                selected=shown.index(patch) if patch in shown else None,
                picks_maps=True,
            ),
            key="places_view",
            on_cell=lambda number, _: PLACED_PATCH.choose(shown[number]),
        )
    remark("Rows and columns of the picture count from 0, from the top left.")
    table = place_rows(found)
    download_row([Download("These numbers (CSV)", f"{file_name()}-places.csv", lambda: as_csv(table))], key="places_")


def _some(count: int) -> list[int]:
    return sorted({round(each) for each in np.linspace(0, count - 1, min(_ALONG, count))})


def place_rows(found: np.ndarray) -> list[list[object]]:
    """A row and a column for each patch."""
    count = len(found)
    return [["patch", *range(count)], *([patch, *line.ravel().tolist()] for patch, line in enumerate(found))]
