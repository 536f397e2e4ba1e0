"""One head as a strip over the sentence and as a map with queries in rows and keys in columns."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import streamlit as st
from jaxtyping import Float

from viz.components.packing import browser_source, pack
from viz.palette import for_browser

_mount = st.components.v2.component(
    "headlight.attention_map", html='<div class="headlight attention-map"></div>\n', **browser_source("attention_map")
)


@dataclass(frozen=True)
class MapPicture:
    """What is drawn.

    name: as people read it, "L3 H1"; map: as programs read it (`data-map` on the root), "encoder-3-1".
    queries, keys: what stands at rows and columns; keys None if they are the same tokens.
    cells: the weights, 0 to 1, NaN where a query may not look: that is hatched, and is not a weight of 0. There may be
        fewer rows and columns than queries and keys: a cell is then the largest weight of its block.
    row: the weights of the query `selected`, which the strip shows, in full.
    most: the weight that gets the darkest colour.
    has_strip: whether the selected row is also shown as a strip over the sentence.
    special, unknown: places among the keys that are marked.
    unseen_means: what the hatching says, "the future" for instance.
    caption: model, scale, and what is hidden or rescaled; that a large map is pooled is added.
    """

    name: str
    map: str
    queries: tuple[str, ...]
    keys: tuple[str, ...] | None
    cells: Float[np.ndarray, "rows columns"]
    row: Float[np.ndarray, " key"]
    selected: int
    most: float
    special: tuple[int, ...]
    unknown: tuple[int, ...]
    unseen_means: str
    caption: str
    has_strip: bool = True


def attention_map(picture: MapPicture, *, key: str, on_token: Callable[[int], None]) -> None:
    """Draw it; `on_token(place)` is called when another query is selected."""

    def chosen() -> None:
        token = st.session_state[key].token
        if isinstance(token, int):
            on_token(token)

    _mount(key=key, data=packed(picture), on_token_change=chosen)


def packed(picture: MapPicture) -> bytes:
    """What goes over the wire: a header, the cells and the row as float16."""
    rows, columns = picture.cells.shape
    caption = picture.caption
    if (rows, columns) != (len(picture.queries), len(picture.keys or picture.queries)):
        caption += f" Pooled to {rows} x {columns} cells, each the largest weight of its block; the strip is exact."
    header = {
        "name": picture.name,
        "map": picture.map,
        "queries": picture.queries,
        "keys": picture.keys,
        "rows": rows,
        "columns": columns,
        "selected": picture.selected,
        "hasStrip": picture.has_strip,
        "special": picture.special,
        "unknown": picture.unknown,
        "unseenMeans": picture.unseen_means,
        "most": round(picture.most, 4),
        "caption": caption,
        "palette": for_browser(),
    }
    return pack(header, (picture.cells.astype(np.float16), picture.row.astype(np.float16)))
