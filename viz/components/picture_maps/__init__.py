"""Maps over pictures, or alone: a grid of cells each, side by side, to be pointed at and chosen."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from viz.components.scaffold import component, fields_of, numbers, pack
from viz.palette import for_browser

_PARTS = """\
<div class="field" tabindex="0" role="application"><div class="room"><canvas></canvas></div></div>
<div class="foot"></div>
<p class="caption"></p>
"""
_mount = component("picture_maps", _PARTS)


@dataclass(frozen=True, eq=False)
class PictureMap:
    """One map.

    title: above it; "" where rows and columns of maps are named. cells: numbers, or colours (red, green, blue from 0 to
        1). most: what is drawn strongest. unit: of a number, as people read it; "part" is written in percent.
    is_difference: whether 0 is in the middle of the colours. picture: the place of the picture that it lies over, lit
        where the numbers are large; None where it stands alone. marked: the cell with a frame, counted row by row.
    """

    title: str
    cells: Float[np.ndarray, "..."]
    most: float = 1.0
    unit: str = ""
    is_difference: bool = False
    picture: int | None = None
    marked: int | None = None

    @property
    def is_colours(self) -> bool:
        """Whether its cells are colours."""
        return self.cells.ndim == 3


@dataclass(frozen=True, eq=False)
class PictureMaps:
    """The content of the picture.

    label: what it is, for who does not see it, and in the names of files. maps: row by row, so many in each.
    side: of a map in pixels, at most. pictures: PNG or JPEG. names: of the rows and of the columns of maps.
    selected: the map with a frame. legend: what the least and the largest number mean; none without colours of amount.
    picks_maps: whether a map is chosen, and not a cell of it.
    """

    label: str
    maps: tuple[PictureMap, ...]
    across: int
    side: int
    caption: str
    pictures: tuple[bytes, ...] = ()
    row_names: tuple[str, ...] = ()
    column_names: tuple[str, ...] = ()
    selected: int | None = None
    legend: tuple[str, str] | None = None
    picks_maps: bool = False

    def __post_init__(self) -> None:
        for each in self.maps:
            if each.cells.shape[2:] not in ((), (3,)) or each.cells.ndim < 2:
                raise ValueError(f"expected cells [row, column] or [row, column, 3], found {each.cells.shape}")
            if each.picture is not None and each.picture >= len(self.pictures):
                raise ValueError(f"expected one of {len(self.pictures)} pictures, found {each.picture}")


def picture_maps(shown: PictureMaps, *, key: str, on_cell: Callable[[int, int], None] | None = None) -> None:
    """Show the maps; `on_cell(map, cell)` is called for a cell that was chosen, counted row by row."""
    told = {} if on_cell is None else {"cell": (numbers(2), lambda cell: on_cell(*cell))}
    _mount(key=key, data=packed(shown), told=told)


def packed(shown: PictureMaps) -> bytes:
    """The message to the browser."""
    header = fields_of(shown, "maps", "pictures") | {
        "maps": [
            fields_of(each)
            | {"rows": each.cells.shape[0], "columns": each.cells.shape[1], "isColours": each.is_colours}
            for each in shown.maps
        ],
        "pictureBytes": [len(each) for each in shown.pictures],
        "palette": for_browser("difference"),
    }
    arrays: Sequence[np.ndarray] = [
        *(np.frombuffer(each, dtype=np.uint8) for each in shown.pictures),
        *(_numbers_of(each) for each in shown.maps),
    ]
    return pack(header, arrays)


def _numbers_of(each: PictureMap) -> np.ndarray:
    if each.is_colours:
        return np.round(255 * np.clip(each.cells, 0, 1)).astype(np.uint8)
    return each.cells.astype("<f2")
