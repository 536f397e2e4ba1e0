"""Charts of what parts add: a logit as a sum, the residual stream on its way up, and the neurons of an MLP."""

from collections.abc import Sequence
from typing import Any

import altair as alt
import numpy as np
from jaxtyping import Float

from viz.chart_parts import data_of, rule_at
from viz.number_format import signed_text
from viz.palette import LIGHT, Palette

_ROW = 22
_AXIS = 60
_HEIGHT = 240
_BARS = 48
_POWERS = [10.0**power for power in range(-4, 8)]
# What a click on a bar tells: the name of the selection, and the field in it.
PICKED, PICKED_FIELD = "picked", "key"


def parts_chart(
    keys: Sequence[str],
    names: Sequence[str],
    values: Float[np.ndarray, " part"],
    chosen: str | None,
    unit: str,
    palette: Palette = LIGHT,
) -> Any:
    """A bar for each part, in the order given; a click tells its key. chosen: the key of the part that is set off."""
    rows = [
        {"key": key, "row": f"{place:05d}", "part": name, "adds": float(value)}
        | {"kind": "chosen" if key == chosen else "adds" if value >= 0 else "takes away"}
        for place, (key, name, value) in enumerate(zip(keys, names, values, strict=True))
    ]
    # Equal names are different parts: places are drawn, and named by an expression.
    listed = ",".join(f"'{_plain(name)}  {signed_text(float(each))}'" for name, each in zip(names, values, strict=True))
    colours = alt.Scale(
        domain=["adds", "takes away", "chosen"],
        range=[palette.difference[-1], palette.difference[0], palette.accent],
    )
    bars: Any = alt.Chart(data_of(rows)).mark_bar(cursor="pointer")
    return (
        bars.encode(
            x=alt.X("adds:Q", title=unit, axis=alt.Axis(grid=True, tickCount=6)),
            y=alt.Y(
                "row:N",
                title=None,
                axis=alt.Axis(labelExpr=f"[{listed}][toNumber(datum.value)]", labelLimit=320, ticks=False),
            ),
            color=alt.Color("kind:N", scale=colours, legend=None),
            tooltip=[alt.Tooltip("part:N"), alt.Tooltip("adds:Q", format="+.4f")],
        )
        .add_params(alt.selection_point(name=PICKED, fields=[PICKED_FIELD]))
        .properties(height=_ROW * max(1, len(rows)) + _AXIS)
    )


def layers_chart(
    layers: Sequence[str], series: dict[str, Float[np.ndarray, " layer"]], unit: str, palette: Palette = LIGHT
) -> Any:
    """What the parts of each layer add, in the order of layers: a bar for each series beside each other."""
    rows = [
        {"layer": layer, "place": place, "part": name, "adds": float(values[place])}
        for name, values in series.items()
        for place, layer in enumerate(layers)
    ]
    shades = [palette.amount[4], palette.amount[2], palette.quiet][: len(series)]
    bars: Any = alt.Chart(data_of(rows)).mark_bar()
    return bars.encode(
        x=alt.X("layer:N", title=None, sort=list(layers), axis=alt.Axis(labelAngle=0, labelOverlap=True)),
        xOffset=alt.XOffset("part:N", sort=list(series)),
        y=alt.Y("adds:Q", title=unit),
        color=alt.Color(
            "part:N",
            scale=alt.Scale(domain=list(series), range=shades),
            legend=alt.Legend(title=None, orient="top"),
        ),
        tooltip=[alt.Tooltip("layer:N"), alt.Tooltip("part:N"), alt.Tooltip("adds:Q", format="+.3f")],
    ).properties(height=_HEIGHT)


def way_chart(
    stream: Float[np.ndarray, " state"],
    added: dict[str, Float[np.ndarray, " layer"]],
    layer: int,
    palette: Palette = LIGHT,
) -> Any:
    """How long the stream of one token is before the first layer and after each, and how long what is added.

    stream: one more than there are layers. layer: the one that is looked at, by place.
    """
    rows = [{"after": place, "length": float(each), "what": "stream"} for place, each in enumerate(stream.tolist())]
    rows += [
        {"after": place + 1, "length": float(each), "what": name}
        for name, values in added.items()
        for place, each in enumerate(values.tolist())
        if np.isfinite(each) and each > 0
    ]
    names = ["stream", *added]
    shades = [palette.ink, palette.amount[4], palette.amount[2], palette.quiet][: len(names)]
    dashes = [[1, 0], [1, 0], [5, 3], [2, 2]][: len(names)]
    lines: Any = alt.Chart(data_of(rows)).mark_line(strokeWidth=2, point={"size": 28})
    lines = lines.encode(
        x=alt.X("after:Q", title="after so many layers", axis=alt.Axis(grid=False, tickMinStep=1, format="d")),
        y=alt.Y("length:Q", title="length", scale=alt.Scale(type="log"), axis=alt.Axis(values=_POWERS, format=",~g")),
        color=alt.Color(
            "what:N", scale=alt.Scale(domain=names, range=shades), legend=alt.Legend(title=None, orient="top")
        ),
        strokeDash=alt.StrokeDash("what:N", scale=alt.Scale(domain=names, range=dashes), legend=None),
        tooltip=[alt.Tooltip("after:Q"), alt.Tooltip("what:N"), alt.Tooltip("length:Q", format=".4g")],
    )
    return alt.layer(lines, rule_at("after:Q", layer + 1, palette)).properties(height=_HEIGHT)


def curve_chart(
    into: Float[np.ndarray, " neuron"],
    at: Float[np.ndarray, " point"],
    curve: Float[np.ndarray, " point"],
    chosen: float | None,
    palette: Palette = LIGHT,
) -> Any:
    """How many neurons are given what, as bars, and what the curve makes of it, as a line with an axis of its own."""
    counts, edges = np.histogram(into, bins=_BARS, range=(float(at.min()), float(at.max())))
    bars: Any = alt.Chart(
        data_of(
            [
                {"from": float(low), "to": float(high), "neurons": int(count)}
                for count, low, high in zip(counts, edges, edges[1:], strict=False)
            ]
        )
    ).mark_bar(color=palette.amount[3], binSpacing=0)
    bars = bars.encode(
        x=alt.X("from:Q", title="what goes in", bin="binned", axis=alt.Axis(grid=False, tickCount=8)),
        x2=alt.X2("to:Q"),
        y=alt.Y("neurons:Q", title="neurons", axis=alt.Axis(grid=False)),
        tooltip=[
            alt.Tooltip("from:Q", format=".3f"),
            alt.Tooltip("to:Q", format=".3f"),
            alt.Tooltip("neurons:Q"),
        ],
    )
    points = [{"in": float(x), "out": float(y)} for x, y in zip(at, curve, strict=True)]
    line: Any = alt.Chart(data_of(points)).mark_line(color=palette.ink, strokeWidth=2.5)
    line = line.encode(
        x=alt.X("in:Q", title="what goes in"),
        y=alt.Y("out:Q", title="what comes out of the curve", axis=alt.Axis(grid=False)),
        tooltip=[alt.Tooltip("in:Q", format=".3f"), alt.Tooltip("out:Q", format=".4f")],
    )
    drawn = [bars, line]
    if chosen is not None:
        drawn.append(rule_at("in:Q", chosen, palette))
    return alt.layer(*drawn).resolve_scale(y="independent").properties(height=_HEIGHT)


def _plain(text: str) -> str:
    """A name as it stands in a Vega expression."""
    return text.replace("\\", "\\\\").replace("'", "\\'")
