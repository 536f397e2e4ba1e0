"""The main pictures: one head over the picture, or every head of every layer as a thumbnail."""

from typing import TYPE_CHECKING

import numpy as np
from streamlit.delta_generator import DeltaGenerator

from pages.shared import download_names, thread
from pages.shared.asking_engine import ask
from pages.vision.choices import SEE_HEAD, SEE_LAYER, SEEN_AS, WAY, Places
from pages.vision.selection import choose_looks, head_name, model_title, picture_title, place_name, special_name
from viz.components.patch_view import MOST_WEIGHTS, PatchLooks, PatchState, patch_view, steps_of
from viz.components.picture_maps import PictureMap, PictureMaps, picture_maps
from viz.picture_bytes import jpeg_of

if TYPE_CHECKING:
    from models.vision import CutPicture, LookGrid, PictureTraceRequest

_THUMBNAIL = 46
_LIT = "each patch is as bright as its weight beside the largest one on a patch"
_SAID = {
    "lit": f"{_LIT}.",
    "map": "each from 0 to its own largest weight on a patch.",
    "outlines": "all heads of the layer, each in its colour.",
}


def file_name() -> str:
    """What files of the shown picture are called."""
    return f"{download_names.of_model(thread.MODEL.value)}-{download_names.of_model(picture_title())}".lower()


def show_looks(looks: PatchLooks, state: PatchState) -> None:
    """Where the heads of a layer look from the chosen tokens."""
    patch_view(looks, state, key="patch_view", on_chosen=choose_looks)


def looks_of(
    trace: "PictureTraceRequest", cut: "CutPicture", layer: int, head: int, places: Places, status: DeltaGenerator
) -> tuple[PatchLooks, PatchState]:
    """That picture, and what is chosen in it."""
    from models.vision import STEPS, LayerLooksRequest, LayerWeightsRequest

    exact = {(head, place): ask(LayerWeightsRequest(trace, layer, head, place), status)[0, 0] for place in places}
    known: tuple[int, ...] | None = None
    if cut.heads * cut.places**2 <= MOST_WEIGHTS:
        packed = ask(LayerLooksRequest(trace, layer), status)
        cells, most = packed.steps, packed.most
    else:
        # Too many for a message: of the chosen tokens alone.
        known = tuple(places)
        rows = [ask(LayerWeightsRequest(trace, layer, None, place), status)[:, 0] for place in places]
        cells, most = steps_of(np.stack(rows, axis=1), STEPS)
    looks = PatchLooks(
        name=file_name(),
        picture=jpeg_of(cut.pixels),
        size=(cut.pixels.shape[1], cut.pixels.shape[0]),
        rows=cut.rows,
        columns=cut.columns,
        firsts=tuple(map(special_name, cut.specials)),
        layer=layer,
        cells=cells,
        most=most,
        steps=STEPS,
        caption=f"{model_title()}, layer {layer}: {cut.rows} × {cut.columns} patches of {cut.patch} pixels, as the "
        "model sees them.",
        known=known,
    )
    return looks, PatchState(tuple(places), head, WAY.value, exact, f"{head_name(layer, head)}: {_SAID[WAY.value]}")


def show_every(
    trace: "PictureTraceRequest", cut: "CutPicture", layer: int, head: int, place: int, status: DeltaGenerator
) -> None:
    """Every head of every layer, from the chosen token."""
    from models.vision import LookGridRequest

    grid = ask(LookGridRequest(trace, (place,)), status)

    def opened(number: int, _: int) -> None:
        which, column = divmod(number, len(grid.layers))
        SEE_LAYER.choose(grid.layers[column])
        SEE_HEAD.choose(which)
        SEEN_AS.choose("picture")

    picture_maps(thumbnails(grid, cut, layer, head, place), key="every_head", on_cell=opened)


def thumbnails(grid: "LookGrid", cut: "CutPicture", layer: int, head: int, place: int) -> PictureMaps:
    """Layers from left to right, heads from top to bottom."""
    from models.vision import STEPS

    layers, heads, rows, columns = grid.steps.shape
    # What is drawn goes with the root of the weight, as the steps do.
    maps = [
        PictureMap("", grid.steps[each, which].astype(np.float32) / STEPS)
        for which in range(heads)
        for each in range(layers)
    ]
    pooled = "" if (rows, columns) == (cut.rows, cut.columns) else f" Pooled to {rows} × {columns}, the mean of blocks."
    return PictureMaps(
        label=f"{file_name()}-all-heads",
        maps=tuple(maps),
        across=layers,
        side=_THUMBNAIL,
        caption=f"{model_title()}, {picture_title()}: where each head looks from {place_name(cut, place)}. By the "
        f"square root of the weight, each from 0 to its own largest.{pooled} Press one to open it.",
        row_names=tuple(f"H{each}" for each in range(heads)),
        column_names=tuple(f"L{each}" for each in grid.layers),
        selected=head * layers + grid.layers.index(layer) if layer in grid.layers else None,
        picks_maps=True,
    )
