"""Lines over layers, distances or temperatures, the one that is spoken of in the accent's colour, chance dashed."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import altair as alt
import numpy as np
from jaxtyping import Real

from viz.chart_parts import data_of, rule_at
from viz.palette import LIGHT, Palette

_HEIGHT = 280
# Of the legend below: a line in pixels, and names that are too long for two side by side.
_ENTRY, _LONG = 26, 18
_TICKS = 6
_DASHES = ([1, 0], [7, 3], [2, 2], [9, 3, 2, 3], [12, 4], [1, 4])
# More cannot be told apart by their dashes, and have no legend.
_NAMED = len(_DASHES)


@dataclass(frozen=True, eq=False)
class Line:
    """One line; numbers that are not finite are left out. look: "beside" for what chance gives."""

    name: str
    x: Real[np.ndarray, " point"]
    y: Real[np.ndarray, " point"]
    look: Literal["plain", "chosen", "beside"] = "plain"


def lines_chart(
    lines: Sequence[Line],
    x: str,
    y: str,
    *,
    log: Sequence[Literal["x", "y"]] = (),
    at: float | int | None = None,
    palette: Palette = LIGHT,
) -> Any:
    """x, y: the titles of the axes. log: which axes are logarithmic. at: where a line crosses from top to bottom."""
    rows = [
        {"name": line.name, "x": float(one), "y": float(other)}
        for line in lines
        for one, other in zip(line.x, line.y, strict=True)
        if np.isfinite(other) and not ("y" in log and other <= 0) and not ("x" in log and one <= 0)
    ]
    names = [line.name for line in lines]
    colours = {"plain": palette.amount[4], "chosen": palette.accent, "beside": palette.quiet}
    shades = [
        _shade(palette, place, len(lines)) if line.look == "plain" else colours[line.look]
        for place, line in enumerate(lines)
    ]
    columns = 1 if max(map(len, names), default=0) > _LONG else 2
    legend = None
    if 1 < len(lines) <= _NAMED:
        legend = alt.Legend(title=None, orient="bottom", symbolSize=400, labelLimit=320, columns=columns)
    below = _ENTRY * -(-len(lines) // columns) if legend is not None else 0
    dashes = [[4, 3] if line.look == "beside" else _DASHES[place % _NAMED] for place, line in enumerate(lines)]
    heights = [float(row["y"]) for row in rows]
    ticks = _powers(min(heights), max(heights)) if "y" in log and heights else None
    upright = alt.Axis(grid=True, format=".4~g", tickCount=5)
    if ticks is not None:
        upright.values = ticks
    chart: Any = alt.Chart(data_of(rows)).mark_line(strokeWidth=2, clip=True)
    chart = chart.encode(
        x=alt.X(
            "x:Q", title=x, scale=_scale("x" in log), axis=alt.Axis(grid=False, tickMinStep=1 if "x" not in log else 0)
        ),
        y=alt.Y("y:Q", title=y, scale=_scale("y" in log, is_nice=True), axis=upright),
        detail=alt.Detail("name:N"),
        color=alt.Color("name:N", scale=alt.Scale(domain=names, range=shades), legend=legend),
        strokeDash=alt.StrokeDash("name:N", scale=alt.Scale(domain=names, range=dashes), legend=legend),
        tooltip=[
            alt.Tooltip("name:N"),
            alt.Tooltip("x:Q", title=x, format="~g"),
            alt.Tooltip("y:Q", title=y, format=".4g"),
        ],
    )
    rules = [] if at is None else [rule_at("x:Q", at, palette)]
    return alt.layer(chart, *rules).properties(height=_HEIGHT + below)


def _powers(low: float, high: float) -> list[float]:
    """Some powers of ten around these, evenly apart."""
    first, last = math.floor(math.log10(low)), math.ceil(math.log10(high))
    return [10.0**power for power in range(first, last + 1, max(1, -(-(last - first) // _TICKS)))]


def _scale(is_log: bool, *, is_nice: bool = False) -> Any:
    return alt.Scale(type="log", nice=False) if is_log else alt.Scale(zero=False, nice=is_nice)


def _shade(palette: Palette, place: int, count: int) -> str:
    """From dark to light, so that neighbours part in grey too."""
    return palette.amount[max(2, 5 - 4 * place // max(1, count))]
