"""What a model would say if it stopped at a layer: the likeliest token for each layer and position, as a table."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from viz.components.scaffold import component, fields_of, numbers, pack_picture

_PARTS = """\
<div class="room" tabindex="0" role="grid" aria-label="Likeliest token by layer and position"></div>
<div class="foot"><span>0 %</span><i class="ramp"></i><span>100 %</span><span class="caption"></span></div>
"""
_mount = component("lens_grid", _PARTS)


@dataclass(frozen=True, eq=False)
class LensGrid:
    """The content of the table, the last layer on top.

    tokens: the text, one for each position. first: the number of the first of them. layers: the names, index 0 first.
    pieces, probabilities: the likeliest token of each cell. selected: layer and position (as numbered), or None.
    caption: model, and what is left out.
    """

    tokens: Sequence[str]
    first: int
    layers: Sequence[str]
    pieces: Sequence[Sequence[str]]
    probabilities: Float[np.ndarray, "layer position"]
    selected: tuple[int, int] | None
    caption: str

    def __post_init__(self) -> None:
        expected = (len(self.layers), len(self.tokens))
        found = {(len(self.pieces), len(row)) for row in self.pieces}
        if self.probabilities.shape != expected or found != {expected}:
            raise ValueError(f"expected pieces and probabilities [layer, position] of {expected}, found {found}")


def lens_grid(grid: LensGrid, *, key: str, on_cell: Callable[[int, int], None]) -> None:
    """Show the picture; `on_cell(layer, position)` is called for a cell that was selected."""
    _mount(key=key, data=packed(grid), told={"cell": (numbers(2), lambda cell: on_cell(*cell))})


def packed(grid: LensGrid) -> bytes:
    """The message to the browser."""
    return pack_picture(fields_of(grid), [grid.probabilities.astype("<f2")])
