"""All heads of a model as one picture: layers from left to right, heads from top to bottom, a cell for each head.

A cell has the colour of what the head does, or of what becomes of a number when the head is switched off.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Int

from viz.components.scaffold import component, fields_of, number, numbers, pack
from viz.palette import LIGHT, for_browser

# Kinds of roles, each of which has a hue.
MOST_FAMILIES = len(LIGHT.roles)
_PARTS = """\
<div class="field" tabindex="0" role="application"><div class="room"><canvas></canvas></div></div>
<div class="legend"></div>
<p class="caption"></p>
"""
_mount = component("head_atlas", _PARTS)


@dataclass(frozen=True)
class RoleMark:
    """A role as the legend has it.

    short: one or two letters, which stand in the cells where there is room. family: below MOST_FAMILIES, its hue.
    said: what it means, for whoever points at it.
    """

    name: str
    short: str
    family: int
    said: str

    def __post_init__(self) -> None:
        if not 0 <= self.family < MOST_FAMILIES:
            raise ValueError(f"expected a family from 0 to {MOST_FAMILIES - 1}, found {self.family}")


@dataclass(frozen=True, eq=False)
class RoleCells:
    """What each head does. Heads are padded to the most that a layer has.

    roles: the legend. scores: how far each head does it, 0 to 1; NaN where it was not measured. is_named: whether a
    head has this name. leading: the role by which a cell is coloured, -1 for a head without a name.
    only: the one role that is shown, -1 for all.
    """

    roles: tuple[RoleMark, ...]
    scores: Float[np.ndarray, "role layer head"]
    is_named: Bool[np.ndarray, "role layer head"]
    leading: Int[np.ndarray, "layer head"]
    only: int = -1

    @property
    def size(self) -> tuple[int, int]:
        """Layers, and the most heads of one."""
        return self.leading.shape[0], self.leading.shape[1]


@dataclass(frozen=True, eq=False)
class EffectCells:
    """What becomes of a number when a part is off: one map for each way in which it was found.

    titles: of the maps. values: below 0 where it falls; NaN where it was not computed (yet). Heads come first, padded,
    then the parts of a layer that `HeadAtlas.parts` names; heads and each of these have a scale of their own, which the
    maps have in common. unit: of the values. ends: what the least and the largest value say, before their size.
    """

    titles: tuple[str, ...]
    values: Float[np.ndarray, "map layer part"]
    unit: str
    ends: tuple[str, str] = ("falls by", "rises by")


@dataclass(frozen=True, eq=False)
class HeadAtlas:
    """The content of the picture.

    layers: their numbers, from left to right. heads: how many each has; 0 for a layer without attention.
    parts: what else of a layer was switched off, as in ("MLP", "layer"). cells: what is shown of them.
    selected: the place of a layer in `layers` and of a part in its column, or None.
    caption: model, what is shown, scale. name: of the picture, for screen readers.
    rows: what the rows are, where they are no heads: as many as the most heads, as in the tokens of a text.
    """

    layers: tuple[int, ...]
    heads: tuple[int, ...]
    cells: RoleCells | EffectCells
    selected: tuple[int, int] | None
    caption: str
    name: str
    parts: tuple[str, ...] = ()
    rows: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        most = max(self.heads, default=0)
        shape = (len(self.layers), most + len(self.parts))
        cells = self.cells
        if isinstance(cells, RoleCells):
            expected, found = (len(cells.roles), *shape), (cells.scores.shape, cells.is_named.shape)
            if found != (expected, expected) or cells.leading.shape != shape:
                raise ValueError(f"expected scores and names of {expected}, found {found} and {cells.leading.shape}")
        elif cells.values.shape != (len(cells.titles), *shape):
            raise ValueError(f"expected effects of {(len(cells.titles), *shape)}, found {cells.values.shape}")
        if len(self.heads) != len(self.layers):
            raise ValueError(f"expected heads of {len(self.layers)} layers, found those of {len(self.heads)}")
        if self.rows and len(self.rows) != most:
            raise ValueError(f"expected the names of {most} rows, found {len(self.rows)}")


def head_atlas(
    picture: HeadAtlas,
    *,
    key: str,
    on_cell: Callable[[int, int], None],
    on_role: Callable[[int], None] | None = None,
) -> None:
    """Show the picture; `on_cell(layer, part)` is called with the places of a cell that was selected, `on_role(role)`
    for a role of the legend that was pressed, -1 where all are shown again.
    """
    told: dict[str, Any] = {"cell": (numbers(2), lambda cell: on_cell(*cell))}
    if on_role is not None:
        told["role"] = (number, on_role)
    _mount(key=key, data=packed(picture), told=told)


def packed(picture: HeadAtlas) -> bytes:
    """The message to the browser."""
    cells = picture.cells
    if isinstance(cells, RoleCells):
        shown: dict[str, object] = {
            "kind": "roles",
            "roles": [fields_of(each) for each in cells.roles],
            "only": cells.only,
        }
        arrays = [
            cells.scores.astype("<f2"),
            cells.is_named.astype(np.uint8),
            cells.leading.astype(np.int8),
        ]
    else:
        shown = {"kind": "effects"} | fields_of(cells, "values")
        arrays = [cells.values.astype("<f4")]
    header = fields_of(picture, "cells") | shown | {"palette": for_browser("difference", "roles")}
    return pack(header, arrays)
