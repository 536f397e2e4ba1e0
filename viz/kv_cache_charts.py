"""Charts of the memory that a KV cache takes and of the time that it saves."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import altair as alt
import numpy as np
from jaxtyping import Float, Int64

from viz.chart_parts import letter_size, rule_at
from viz.palette import LIGHT, Palette

_HEIGHT = 300
# Shades that differ in lightness and in dash, so that they also part in grey.
_DASHES = ([1, 0], [6, 3], [2, 2], [8, 3, 2, 3], [12, 4], [1, 4])
# So many curves are named where they end; more of them below the chart.
_LABELLED = 2
_BYTES = (
    "datum.value >= 1099511627776 ? format(datum.value / 1099511627776, ',.3~r') + ' TiB' : "
    "datum.value >= 1073741824 ? format(datum.value / 1073741824, ',.3~r') + ' GiB' : "
    "datum.value >= 1048576 ? format(datum.value / 1048576, ',.3~r') + ' MiB' : "
    "format(datum.value / 1024, ',.3~r') + ' KiB'"
)


@dataclass(frozen=True, eq=False)
class Curve:
    """The bytes of a cache for each length of text. is_chosen: drawn in the accent's colour."""

    name: str
    lengths: Int64[np.ndarray, " length"]
    bytes: Int64[np.ndarray, " length"]
    is_chosen: bool = False


@dataclass(frozen=True)
class Mark:
    """A line across the chart: at so many bytes, or at a length."""

    name: str
    bytes: float | int | None = None
    length: float | int | None = None


def bytes_chart(curves: Sequence[Curve], marks: Sequence[Mark] = (), palette: Palette = LIGHT) -> Any:
    """Bytes of caches over the length of the text, both axes logarithmic; at most six curves can be told apart."""
    rows = [
        {"name": curve.name, "length": int(length), "bytes": int(size), "chosen": curve.is_chosen}
        for curve in curves
        for length, size in zip(curve.lengths, curve.bytes, strict=True)
        if size > 0
    ]
    x = alt.X(
        "length:Q", title="tokens", scale=alt.Scale(type="log", nice=False), axis=alt.Axis(grid=False, format="~s")
    )
    sizes = [float(size) for curve in curves for size in curve.bytes if size > 0]
    sizes += [mark.bytes for mark in marks if mark.bytes is not None]
    y = alt.Y(
        "bytes:Q",
        title=None,
        scale=alt.Scale(type="log", nice=False, domain=[min(sizes), max(sizes)]),
        axis=alt.Axis(grid=True, labelExpr=_BYTES, values=_ticks(min(sizes), max(sizes))),
    )
    names = [curve.name for curve in curves]
    lines: Any = alt.Chart(alt.Data(values=rows)).mark_line(strokeWidth=2)
    lines = lines.encode(
        x=x,
        y=y,
        detail="name:N",
        color=alt.condition("datum.chosen", alt.value(palette.accent), alt.value(palette.amount[3])),
        opacity=alt.condition("datum.chosen", alt.value(1), alt.value(0.75)),
        strokeDash=alt.StrokeDash(
            "name:N",
            scale=alt.Scale(domain=names, range=_dashes(len(names))),
            legend=None if len(names) <= _LABELLED else alt.Legend(title=None, orient="bottom", symbolSize=500),
        ),
        tooltip=[alt.Tooltip("name:N"), alt.Tooltip("length:Q", format=","), alt.Tooltip("bytes:Q", format=",")],
    )
    last = [
        {"name": curve.name, "length": int(curve.lengths[-1]), "bytes": int(curve.bytes[-1]), "chosen": curve.is_chosen}
        for curve in curves
        if len(curve.lengths) and curve.bytes[-1] > 0
    ]
    # The upper curve is named above its end, the other below, so that neither stands on the other.
    last.sort(key=lambda row: row["bytes"], reverse=True)
    labels: list[Any] = []
    for place, row in enumerate(last):
        text: Any = alt.Chart(alt.Data(values=[row])).mark_text(
            align="right", dx=-4, dy=14 if place else -8, fontSize=letter_size(12)
        )
        colour = palette.accent if row["chosen"] else palette.amount[3]
        labels.append(text.encode(x="length:Q", y="bytes:Q", text="name:N", color=alt.value(colour)))
    layers = [lines, *labels] if len(curves) <= _LABELLED else [lines]
    return alt.layer(*layers, *(part for mark in marks for part in _mark(mark, palette))).properties(height=_HEIGHT)


def _ticks(least: float | int, most: float | int) -> list[float]:
    """Round numbers of bytes, some six of them: powers of 2, 4, 8, ..."""
    low, high = math.floor(math.log2(max(1.0, least))), math.ceil(math.log2(max(2.0, most)))
    step = max(1, math.ceil((high - low) / 6))
    return [2.0**power for power in range(low - low % step, high + 1, step)]


def _dashes(count: int) -> list[list[int]]:
    return [list(_DASHES[place % len(_DASHES)]) for place in range(count)]


def _mark(mark: Mark, palette: Palette) -> list[Any]:
    where = {"bytes": mark.bytes} if mark.bytes is not None else {"length": mark.length}
    data = alt.Data(values=[{"name": mark.name, **where}])
    axis = {"y": "bytes:Q"} if mark.bytes is not None else {"x": "length:Q"}
    rule: Any = alt.Chart(data).mark_rule(color=palette.quiet, strokeDash=[4, 3])
    is_level = mark.bytes is not None
    place = {"x": alt.value(6)} if is_level else {"y": alt.value("height")}
    text: Any = alt.Chart(data).mark_text(
        align="left" if is_level else "right",
        fontSize=letter_size(12),
        color=palette.quiet,
        dx=0 if is_level else -5,
        dy=-7 if is_level else -10,
    )
    return [rule.encode(**axis, tooltip=["name:N"]), text.encode(**axis, **place, text="name:N")]


def timing_chart(
    positions: Int64[np.ndarray, " token"],
    with_cache: Float[np.ndarray, " token"],
    without: Float[np.ndarray, " token"],
    *,
    title: str,
    scale: float | int = 1.0,
    palette: Palette = LIGHT,
) -> Any:
    """A measurement of each token over its position, with the cache and without it; `scale` multiplies the numbers."""
    rows = [
        {"position": int(position), "value": float(value) * scale, "way": way}
        for way, values in (("with the cache", with_cache), ("without", without))
        for position, value in zip(positions, values, strict=True)
    ]
    base: Any = alt.Chart(alt.Data(values=rows))
    colour = alt.Color(
        "way:N",
        scale=alt.Scale(domain=["with the cache", "without"], range=[palette.accent, palette.amount[3]]),
        legend=alt.Legend(title=None, orient="top"),
    )
    lines = base.mark_line(strokeWidth=2, point=alt.OverlayMarkDef(size=14)).encode(
        x=alt.X("position:Q", title="columns", axis=alt.Axis(grid=False), scale=alt.Scale(nice=False)),
        y=alt.Y("value:Q", title=title, axis=alt.Axis(grid=True, tickCount=5)),
        color=colour,
        tooltip=[alt.Tooltip("way:N"), alt.Tooltip("position:Q"), alt.Tooltip("value:Q", format=",.2f", title=title)],
    )
    return lines.properties(height=280)


def steps_chart(values: Sequence[float], *, title: str, diverges_at: int | None, palette: Palette = LIGHT) -> Any:
    """One number for each generated token, as bars; the token at which two texts part is marked."""
    rows = [{"token": place + 1, "value": value} for place, value in enumerate(values)]
    bars: Any = alt.Chart(alt.Data(values=rows)).mark_bar(color=palette.amount[3])
    bars = bars.encode(
        x=alt.X("token:O", title="generated token", axis=alt.Axis(labelAngle=0, labelOverlap=True)),
        y=alt.Y("value:Q", title=title, axis=alt.Axis(tickCount=4)),
        tooltip=[alt.Tooltip("token:O"), alt.Tooltip("value:Q", format=".4f", title=title)],
    )
    if diverges_at is None:
        return bars.properties(height=220)
    return alt.layer(bars, rule_at("token:O", diverges_at + 1, palette)).properties(height=220)
