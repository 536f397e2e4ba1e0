"""Charts of the vision page."""

from collections.abc import Sequence
from typing import Any

import altair as alt
import numpy as np
from jaxtyping import Bool, Float

from viz.chart_parts import data_of
from viz.palette import LIGHT, Palette

_HEIGHT = 260
_MOST_DOTS = 4_000


def distances_chart(
    means: Float[np.ndarray, "layer head"],
    layers: Sequence[int],
    even: float,
    chosen: tuple[int, int] | None,
    palette: Palette = LIGHT,
) -> Any:
    """A dot for each head, over its layer; dashed what a head has that looks everywhere alike. chosen: row and head."""
    rows = [
        {
            "layer": f"L{layer}",
            "head": f"L{layer} H{head}",
            "distance": float(means[row, head]),
            "is": (row, head) == chosen,
        }
        for row, layer in enumerate(layers)
        for head in range(means.shape[1])
    ]
    names = [f"L{layer}" for layer in layers]
    dots: Any = alt.Chart(data_of(rows)).mark_circle(opacity=1)
    dots = dots.encode(
        x=alt.X("layer:N", sort=names, title="layer", axis=alt.Axis(labelAngle=0)),
        y=alt.Y("distance:Q", title="mean distance, patches", scale=alt.Scale(zero=True)),
        color=alt.Color(
            "is:N", scale=alt.Scale(domain=[False, True], range=[palette.amount[4], palette.accent]), legend=None
        ),
        size=alt.condition("datum.is", alt.value(150), alt.value(55)),
        tooltip=[alt.Tooltip("head:N"), alt.Tooltip("distance:Q", format=".2f")],
    )
    return alt.layer(_dashed(even, palette), dots).properties(height=_HEIGHT)


def lengths_chart(
    lengths: Float[np.ndarray, "layer place"],
    outlying: Bool[np.ndarray, "layer patch"],
    specials: Sequence[str],
    palette: Palette = LIGHT,
) -> Any:
    """The length of each token's vector after each layer: patches as dots, outlying ones in the accent, the tokens
    before them as lines.
    """
    first, names = len(specials), ["in", *(f"L{each}" for each in range(len(lengths) - 1))]
    every = max(1, -(-lengths[:, first:].size // _MOST_DOTS))
    dots = [
        {"layer": names[layer], "length": float(lengths[layer, first + patch]), "is": bool(outlying[layer, patch])}
        for layer in range(len(lengths))
        for patch in range(outlying.shape[1])
        if patch % every == 0 or outlying[layer, patch]
    ]
    lines = [
        {"layer": names[layer], "length": float(lengths[layer, place]), "token": special}
        for place, special in enumerate(specials)
        for layer in range(len(lengths))
    ]
    x = alt.X("layer:N", sort=names, title="after layer", axis=alt.Axis(labelAngle=0))
    y = alt.Y("length:Q", title="length of the vector", scale=alt.Scale(type="log", nice=False))
    drawn: Any = alt.Chart(data_of(dots)).mark_tick(thickness=2, width=16)
    drawn = drawn.encode(
        x=x,
        y=y,
        color=alt.Color(
            "is:N", scale=alt.Scale(domain=[False, True], range=[palette.amount[3], palette.accent]), legend=None
        ),
        tooltip=[alt.Tooltip("length:Q", format=".4g")],
    )
    parts = [drawn]
    if lines:
        special: Any = alt.Chart(data_of(lines)).mark_line(strokeWidth=2, color=palette.quiet)
        dash = alt.StrokeDash("token:N", sort=list(specials), legend=alt.Legend(title=None, orient="bottom"))
        parts.append(special.encode(x=x, y=y, detail="token:N", strokeDash=dash, tooltip=["token:N", "length:Q"]))
    return alt.layer(*parts).properties(height=_HEIGHT)


def _dashed(place: float, palette: Palette) -> Any:
    rule: Any = alt.Chart(alt.Data(values=[{"distance": place}]))
    return rule.mark_rule(color=palette.quiet, strokeWidth=2, strokeDash=[4, 3]).encode(y=alt.Y("distance:Q"))
