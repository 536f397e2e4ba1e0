"""Charts of the weights of a part: the matrix made smaller, and how its numbers are spread."""

from typing import Any

import altair as alt
import numpy as np
from jaxtyping import Float, Int

from viz.chart_parts import data_of
from viz.palette import Palette

_LOW, _HIGH, _CELL = 24, 170, 6
_HISTOGRAM = 90


def pooled_chart(pooled: Float[np.ndarray, "row column"], palette: Palette) -> Any:
    """A matrix as cells, each as dark as it is large."""
    height, width = pooled.shape
    cells = [
        {"row": row, "column": column, "size": float(f"{pooled[row, column]:.3g}")}
        for row in range(height)
        for column in range(width)
    ]
    drawn: Any = alt.Chart(data_of(cells)).mark_rect()
    return drawn.encode(
        x=alt.X("column:O", axis=None, scale=alt.Scale(padding=0)),
        y=alt.Y("row:O", axis=None, scale=alt.Scale(padding=0)),
        color=alt.Color("size:Q", scale=alt.Scale(range=list(palette.amount), zero=True), legend=None),
        tooltip=[alt.Tooltip("row:O"), alt.Tooltip("column:O"), alt.Tooltip("size:Q", title="root mean square")],
    ).properties(height=max(_LOW, min(_HIGH, _CELL * height)))


def numbers_chart(counts: Int[np.ndarray, " bin"], edges: Float[np.ndarray, " edge"], palette: Palette) -> Any:
    """A histogram."""
    bars = [
        {"from": float(f"{low:.3g}"), "to": float(f"{high:.3g}"), "numbers": int(count), "none": 0}
        for low, high, count in zip(edges[:-1], edges[1:], counts, strict=True)
    ]
    drawn: Any = alt.Chart(data_of(bars)).mark_bar(color=palette.amount[3])
    return drawn.encode(
        x=alt.X("from:Q", title=None, axis=alt.Axis(grid=False, tickCount=4)),
        x2=alt.X2("to:Q"),
        y=alt.Y("numbers:Q", title=None, axis=None),
        y2=alt.Y2("none:Q"),
        tooltip=["from:Q", "to:Q", alt.Tooltip("numbers:Q", format=",")],
    ).properties(height=_HISTOGRAM)
