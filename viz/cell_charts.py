"""Numbers of pairs as cells: rows and columns are places, tokens or layers."""

from collections.abc import Sequence
from typing import Any

import altair as alt
import numpy as np
from jaxtyping import Float

from viz.chart_parts import data_of, named_axis, named_by
from viz.palette import LIGHT, Palette

_SIDE = 300
_LABELLED = 40


def cells_chart(
    cells: Float[np.ndarray, "row column"],
    rows: Sequence[str],
    columns: Sequence[str],
    of: str,
    *,
    titles: tuple[str, str] = ("", ""),
    height: int | None = None,
    most: float | None = None,
    palette: Palette = LIGHT,
) -> Any:
    """Each cell as dark as its number; where there are negative ones, purple is below 0 and green above. NaN: nothing.

    of: what a number is. titles: of the vertical and the horizontal axis. most: the size of a number at the end of the
        scale, where several maps have one; their own where none is given.
    """
    known = cells[np.isfinite(cells)]
    most = most or float(np.abs(known).max(initial=0.0)) or 1.0
    is_signed = bool((known < 0).any())
    # In a few letters: a map of forty tokens has 1,600 of them. Names are said by the browser.
    values = [
        {"r": row, "c": column, "v": float(f"{cells[row, column]:.4g}")}
        for row in range(len(rows))
        for column in range(len(columns))
        if np.isfinite(cells[row, column])
    ]
    ramp, domain = (palette.difference, [-most, most]) if is_signed else (palette.amount, [0, most])
    chart: Any = alt.Chart(data_of(values)).mark_rect()
    named = {"from": named_by(rows, "datum.r"), "to": named_by(columns, "datum.c")}
    return (
        chart.transform_calculate(**named)
        .encode(
            x=alt.X("c:O", axis=named_axis(columns, _LABELLED, titles[1] or None), scale=_places(len(columns))),
            y=alt.Y("r:O", axis=named_axis(rows, _LABELLED, titles[0] or None), scale=_places(len(rows))),
            color=alt.Color(
                "v:Q",
                scale=alt.Scale(domain=domain, range=list(ramp)),
                legend=alt.Legend(title=of, format=".3~g", gradientLength=120),
            ),
            tooltip=[
                alt.Tooltip("from:N", title=titles[0] or "row"),
                alt.Tooltip("to:N", title=titles[1] or "column"),
                alt.Tooltip("v:Q", title=of, format=".4g"),
            ],
        )
        .properties(height=height or _SIDE)
    )


def _places(count: int) -> Any:
    return alt.Scale(domain=list(range(count)), padding=0)
