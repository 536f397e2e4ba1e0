"""Rows of figures under named columns: shaded by how much each is, in groups, to be gone through by keys."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from viz.components.scaffold import component, fields_of, numbers, pack_picture

_PARTS = """\
<div class="room" tabindex="0" role="application"></div>
<p class="caption"></p>
"""
_mount = component("figure_grid", _PARTS)


@dataclass(frozen=True, eq=False)
class FigureGrid:
    """The content of the table.

    label: what it is, for who does not see it. corner: the heading of the rows' names. columns: the headings.
    names, notes: of each row its name, and a smaller word behind it. cells: what is written in each row.
    amounts: the shade of each cell, from 0 (none) to 1.
    groups: (row, title) where a group of rows begins; none where there are no groups.
    measures: (name, digits behind the point) of what else is known of each cell, told where somebody points; `known`
        has the numbers.
    selected: the row that is chosen, or None. caption: what is shown, and what the shades mean.
    """

    label: str
    corner: str
    columns: Sequence[str]
    names: Sequence[str]
    notes: Sequence[str]
    cells: Sequence[Sequence[str]]
    amounts: Float[np.ndarray, "row column"]
    groups: Sequence[tuple[int, str]]
    measures: Sequence[tuple[str, int]]
    known: Float[np.ndarray, "measure row column"]
    selected: int | None
    caption: str

    def __post_init__(self) -> None:
        expected = (len(self.names), len(self.columns))
        found = {(len(self.cells), len(row)) for row in self.cells} | {self.amounts.shape, self.known.shape[1:]}
        if found != {expected} or len(self.notes) != len(self.names) or len(self.known) != len(self.measures):
            raise ValueError(f"expected cells, shades and measures [row, column] of {expected}, found {found}")


def figure_grid(grid: FigureGrid, *, key: str, on_cell: Callable[[int, int], None]) -> None:
    """Show the table; `on_cell(row, column)` is called for a cell that was clicked, or chosen with Enter."""
    _mount(key=key, data=packed(grid), told={"cell": (numbers(2), lambda cell: on_cell(*cell))})


def packed(grid: FigureGrid) -> bytes:
    """The message to the browser."""
    shades = np.round(255 * np.clip(grid.amounts, 0, 1)).astype(np.uint8)
    return pack_picture(fields_of(grid), [shades, grid.known.astype("<f4")])
