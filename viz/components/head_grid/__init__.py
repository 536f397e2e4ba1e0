"""Every head of every layer as a thumbnail, drawn from packed bytes."""

from collections.abc import Callable

import streamlit as st
from jaxtyping import UInt8
from numpy import ndarray

from viz.components.packing import browser_source, pack
from viz.palette import for_browser

_mount = st.components.v2.component(
    "headlight.head_grid", html='<div class="headlight head-grid"></div>\n', **browser_source("head_grid")
)


def head_grid(
    thumbnails: UInt8[ndarray, "layers heads rows columns"],
    *,
    layers: tuple[int, ...],
    name: str,
    chosen: tuple[int, int | None],
    caption: str,
    key: str,
    on_head: Callable[[int, int], None],
) -> None:
    """Draw it with the thumbnail of `chosen` (layer, head) marked; `on_head(layer, head)` is called when one is opened.

    thumbnails: 255 x the square root of the weight.
    layers: the number of each row of thumbnails.
    name: what programs read from `data-map` on the root.
    """

    def opened() -> None:
        place = st.session_state[key].head
        if place:
            on_head(int(place[0]), int(place[1]))

    _, heads, rows, columns = thumbnails.shape
    header = {
        "map": name,
        "layers": layers,
        "heads": heads,
        "rows": rows,
        "columns": columns,
        "layer": chosen[0],
        "head": chosen[1],
        "caption": caption,
        "palette": for_browser(),
    }
    _mount(key=key, data=pack(header, (thumbnails,)), on_head_change=opened)
