"""The grid of figures: what goes to the browser, and what is refused."""

import numpy as np
import pytest

from tests.viz.wire import unpack
from viz.components.figure_grid import FigureGrid, packed

COLUMNS = ("one", "other")


def figures(count, *, selected=None, groups=((0, "first"),), measures=(("per byte", 3), ("unknown", 0))):
    """A grid with so many rows."""
    numbers = np.arange(count * 2, dtype=np.float32).reshape(count, 2)
    return FigureGrid(
        label="Some figures",
        corner="row",
        columns=COLUMNS,
        names=[f"row {place}" for place in range(count)],
        notes=[""] * count,
        cells=[[f"{place}.0", f"{place}.5"] for place in range(count)],
        amounts=numbers / max(1, 2 * count),
        groups=groups if count else (),
        measures=measures,
        known=np.stack([numbers] * len(measures)) if measures else np.zeros((0, count, 2), np.float32),
        selected=selected,
        caption="caption",
    )


def test_the_message_has_the_shades_and_what_else_is_known():
    grid = figures(5, selected=2)
    header, (shades, known) = unpack(packed(grid), ("uint8", (5, 2)), ("float32", (2, 5, 2)))
    assert header["names"][2] == "row 2"
    assert header["selected"] == 2
    assert header["cells"][4] == ["4.0", "4.5"]
    np.testing.assert_array_equal(shades, np.round(255 * grid.amounts))
    np.testing.assert_array_equal(known, grid.known)


def test_rows_that_do_not_fit_are_refused():
    grid = figures(3)
    with pytest.raises(ValueError, match="expected cells"):
        FigureGrid(**vars(grid) | {"names": ["one too few"]})
