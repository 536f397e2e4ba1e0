"""Charts about heads: an effect beside chance, how many heads are enough, and what counts for a token."""

from collections.abc import Sequence
from typing import Any

import altair as alt
import numpy as np
from jaxtyping import Float

from viz.chart_parts import data_of, rule_at
from viz.palette import LIGHT, Palette

_ROW = 34
# The horizontal axis and its title, which Streamlit fits into the height of a chart.
_AXIS = 80
_HEIGHT = 260


def chance_chart(
    chosen: float,
    groups: Sequence[tuple[str, Float[np.ndarray, " _"]]],
    unit: str,
    palette: Palette = LIGHT,
) -> Any:
    """One effect as a line across rows of ticks, each of a group of effects that it is compared with."""
    rows = [
        {"group": name, "effect": float(each)}
        for name, effects in groups
        for each in effects[np.isfinite(effects)].tolist()
    ]
    ticks: Any = alt.Chart(data_of(rows)).mark_tick(thickness=2, size=18, color=palette.amount[3])
    ticks = ticks.encode(
        x=alt.X("effect:Q", title=f"change in {unit}", axis=alt.Axis(grid=False)),
        y=alt.Y("group:N", title=None, sort=[name for name, _ in groups], axis=alt.Axis(labelLimit=260)),
        tooltip=[alt.Tooltip("group:N"), alt.Tooltip("effect:Q", format=".4f")],
    )
    return alt.layer(ticks, rule_at("effect:Q", chosen, palette)).properties(height=_ROW * max(1, len(groups)) + _AXIS)


def faithfulness_chart(
    counts: Sequence[int],
    kept: Float[np.ndarray, " count"],
    drawn: Float[np.ndarray, "draw count"],
    enough: float,
    palette: Palette = LIGHT,
) -> Any:
    """How much of the way the first k heads keep, beside as many heads at random; both as parts of the whole way."""
    best, drawn_so = "the most important k", "k at random"
    rows = [{"k": k, "share": float(each), "which": best} for k, each in zip(counts, kept, strict=True)]
    for number, row in enumerate(drawn):
        pairs = zip(counts, row, strict=True)
        rows += [{"k": k, "share": float(each), "which": drawn_so, "draw": number} for k, each in pairs]
    rows = [each for each in rows if np.isfinite(each["share"])]
    colours = alt.Scale(domain=[best, drawn_so], range=[palette.amount[4], palette.quiet])
    dashes = alt.Scale(domain=[best, drawn_so], range=[[1, 0], [4, 3]])
    bent = alt.Scale(type="symlog")
    lines: Any = alt.Chart(data_of(rows)).mark_line(point=True, strokeWidth=2)
    lines = lines.encode(
        x=alt.X(
            "k:Q", title="heads that stay on", scale=bent, axis=alt.Axis(grid=False, format="d", values=_ticks(counts))
        ),
        y=alt.Y("share:Q", title="part of the way kept", axis=alt.Axis(format=".0%")),
        color=alt.Color("which:N", scale=colours, legend=alt.Legend(title=None, orient="top")),
        strokeDash=alt.StrokeDash("which:N", scale=dashes, legend=None),
        detail=alt.Detail("draw:N"),
        tooltip=[alt.Tooltip("which:N"), alt.Tooltip("k:Q"), alt.Tooltip("share:Q", format=".1%")],
    )
    rule: Any = alt.Chart(data_of([{"share": enough}])).mark_rule(color=palette.accent, strokeWidth=2)
    return alt.layer(lines, rule.encode(y=alt.Y("share:Q"))).properties(height=_HEIGHT)


def _ticks(counts: Sequence[int]) -> list[int]:
    """0, then 1, 2 and 5 of each power of ten up to the last count: on a bent axis Vega marks only the far end."""
    most = max(counts, default=0)
    steps = [digit * 10**power for power in range(len(str(most))) for digit in (1, 2, 5)]
    return [0, *(each for each in steps if each <= most)]
