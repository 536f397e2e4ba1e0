"""Histograms of pieces: how long they are, and in which scripts."""

from collections.abc import Sequence
from typing import Any

import altair as alt
import numpy as np
from jaxtyping import Int32, UInt16

from viz.palette import LIGHT, Palette

_HEIGHT = 190
_ROW = 22
_AXIS = 60
_MOST_SCRIPTS = 14


def length_chart(lengths: Int32[np.ndarray, " piece"], most: int, palette: Palette = LIGHT) -> Any:
    """How many pieces have each length in characters; the last bar holds all that are longer still."""
    counts = np.bincount(np.minimum(lengths, most))
    rows = [{"characters": place, "pieces": count} for place, count in enumerate(counts.tolist()) if count]
    bars: Any = alt.Chart(alt.Data(values=rows)).mark_bar(color=palette.amount[3], size=6)
    return bars.encode(
        x=alt.X("characters:Q", title="characters", axis=alt.Axis(grid=False, format="d")),
        y=alt.Y("pieces:Q", title="pieces"),
        tooltip=[alt.Tooltip("characters:Q"), alt.Tooltip("pieces:Q", format=",")],
    ).properties(height=_HEIGHT)


def script_chart(script: UInt16[np.ndarray, " piece"], scripts: Sequence[str], palette: Palette = LIGHT) -> Any:
    """How many pieces are in each script, the most frequent ones; all others together come last."""
    counts = np.bincount(script, minlength=len(scripts))
    order = [place for place in np.argsort(-counts, kind="stable").tolist() if counts[place]]
    rows = [{"script": scripts[place], "pieces": int(counts[place])} for place in order[:_MOST_SCRIPTS]]
    if rest := order[_MOST_SCRIPTS:]:
        rows.append({"script": f"{len(rest)} others", "pieces": int(counts[rest].sum())})
    bent = alt.Scale(type="symlog")
    bars: Any = alt.Chart(alt.Data(values=rows)).mark_bar(color=palette.amount[3])
    return bars.encode(
        x=alt.X("pieces:Q", title="pieces (bent scale)", scale=bent, axis=alt.Axis(grid=False, tickCount=4)),
        y=alt.Y("script:N", title=None, sort=[row["script"] for row in rows]),
        tooltip=[alt.Tooltip("script:N"), alt.Tooltip("pieces:Q", format=",")],
    ).properties(height=_ROW * len(rows) + _AXIS)
