"""How far does each head look? The mean distance of each, and attention through all layers (rollout)."""

from typing import TYPE_CHECKING

import numpy as np
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from pages.shared.asking_engine import ask
from pages.shared.export import Download, download_row
from pages.shared.sentences_and_charts import chart, remark, say
from pages.shared.spreadsheet import as_csv
from pages.shared.theme import palette
from pages.vision.choices import SEE_HEAD, SEE_LAYER, Places
from pages.vision.pictures import file_name, model_title
from pages.vision.selection import head_name, place_name
from viz.components.picture_maps import PictureMap, PictureMaps, picture_maps
from viz.inspector import heading
from viz.picture_bytes import jpeg_of
from viz.vision_charts import distances_chart

if TYPE_CHECKING:
    from models.vision import CutPicture, Distances, PictureTraceRequest

TITLE = "How far does each head look?"
_SIDE = 150


def show(trace: "PictureTraceRequest", cut: "CutPicture", places: Places, status: DeltaGenerator) -> None:
    """A dot for each head by layer; and where a token looks through all layers."""
    from models.vision import DistancesRequest, RolloutRequest

    found = ask(DistancesRequest(trace), status)
    nearest, furthest = (np.unravel_index(each(found.means), found.means.shape) for each in (np.argmin, np.argmax))
    say(
        f"Nearest looks {_said(found, nearest)}, furthest {_said(found, furthest)}; a head that looked everywhere "
        f"alike would have {found.even:.1f}.",
    )
    chosen = (found.layers.index(SEE_LAYER.value), SEE_HEAD.value) if SEE_LAYER.value in found.layers else None
    chart(distances_chart(found.means, found.layers, found.even, chosen, palette()), key="distances")
    remark(
        "The mean over all patches of how far away, in patches from middle to middle, those are that a head looks at; "
        "the weight on other tokens is left out. Only patches in the middle can look far to all sides."
    )
    place = places[-1]
    rolled = ask(RolloutRequest(trace, place), status)[:, len(cut.specials) :]
    st.html(heading(f"Through all layers, from {place_name(cut, place)}"))
    maps = [
        PictureMap(f"L0 to L{layer}", row.reshape(cut.rows, cut.columns), float(row.max(initial=0)), "part", picture=0)
        for layer, row in zip(found.layers, rolled, strict=True)
    ]
    picture_maps(
        PictureMaps(
            f"{file_name()}-rollout",
            tuple(maps),
            6,
            _SIDE,
            f"{model_title()}, rollout: the product over the layers of half the mean of the heads' weights and half "
            "the token itself, for what the residual stream keeps. Each map from 0 to its own largest. It knows no "
            "values and no MLPs: a guess at the flow, and no measure of it.",
            (jpeg_of(cut.pixels),),
            legend=("0", "the largest of each map"),
        ),
        key="rollout_view",
    )
    rows = distance_rows(found)
    download_row([Download("These numbers (CSV)", f"{file_name()}-distances.csv", lambda: as_csv(rows))], key="far_")


def _said(found: "Distances", at: tuple[np.intp, ...]) -> str:
    layer, head = map(int, at)
    return f"{head_name(found.layers[layer], head)} ({found.means[layer, head]:.1f} patches)"


def distance_rows(found: "Distances") -> list[list[object]]:
    """A row for each head."""
    rows: list[list[object]] = [["layer", "head", "mean distance in patches"]]
    for layer, line in zip(found.layers, found.means.tolist(), strict=True):
        rows += [[layer, head, mean] for head, mean in enumerate(line)]
    return rows
