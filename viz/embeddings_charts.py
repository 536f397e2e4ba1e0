"""Charts of vectors layer by layer: cosines within and between senses, ranks through the layers, cosine matrices."""

from collections.abc import Sequence
from typing import Any

import altair as alt
import numpy as np
from jaxtyping import Float

from viz.chart_parts import letter_size, named_axis, rule_at, shift_apart
from viz.number_format import part_text
from viz.palette import LIGHT, Palette, between, readable_on

_HEIGHT = 240
_MATRIX = 22
_WRITTEN = 14
_LETTERS = 12


def gap_chart(
    within: Float[np.ndarray, " layer"],
    between: Float[np.ndarray, " layer"],
    random: Float[np.ndarray, " layer"],
    shares: Sequence[str],
    layer: int,
    palette: Palette = LIGHT,
) -> Any:
    """Mean cosines per layer: of the same sense, of different senses, and of random pairs; the gap is shaded.

    shares: for how many the nearest has the same sense, per layer, as the table says it.
    """
    rows = [
        {
            "layer": place,
            "same sense": float(within[place]),
            "another sense": float(between[place]),
            "random tokens": float(random[place]),
            "gap": float(within[place] - between[place]),
            "share": shares[place],
        }
        for place in range(len(within))
    ]
    data = alt.Data(values=rows)
    scale = alt.Scale(zero=False, nice=True)
    tooltip = [alt.Tooltip("layer:Q")] + [
        alt.Tooltip(f"{name}:Q", format=".3f") for name in ("same sense", "another sense", "gap", "random tokens")
    ]
    tooltip.append(alt.Tooltip("share:N", title="nearest has the same sense"))
    area: Any = alt.Chart(data).mark_area(color=palette.amount[1], opacity=0.8)
    area = area.encode(x=_layers(), y=alt.Y("same sense:Q", title="mean cosine", scale=scale), y2="another sense:Q")
    layers = [area]
    ends = [float(each[-1]) for each in (within, between, random)]
    extent = float(np.ptp([within, between, random]))
    for place, (name, colour, dash) in enumerate(
        (
            ("same sense", palette.ink, [1, 0]),
            ("another sense", palette.amount[4], [1, 0]),
            ("random tokens", palette.quiet, [4, 3]),
        )
    ):
        line: Any = alt.Chart(data).mark_line(color=colour, strokeDash=dash, strokeWidth=2, point={"color": colour})
        layers.append(line.encode(x=_layers(), y=alt.Y(f"{name}:Q", title="mean cosine", scale=scale), tooltip=tooltip))
        label: Any = alt.Chart(alt.Data(values=[rows[-1] | {"name": name}]))
        dy = shift_apart(ends, place, extent, _HEIGHT)
        label = label.mark_text(align="left", dx=7, dy=dy, fontSize=letter_size(12), color=colour)
        layers.append(label.encode(x=_layers(), y=f"{name}:Q", text="name:N"))
    return alt.layer(*layers, rule_at("layer:Q", layer, palette)).properties(height=_HEIGHT, padding={"right": 100})


def _layers() -> Any:
    return alt.X("layer:Q", title="layer", axis=alt.Axis(grid=False, tickMinStep=1, format="d"))


def rank_chart(
    ranks: Sequence[int], probabilities: Sequence[float | int], piece: str, layer: int | None, palette: Palette = LIGHT
) -> Any:
    """The place of a token among all (from 1), after each layer, on a logarithmic axis with the first on top."""
    rows = [
        {"layer": place, "place": rank + 1, "probability": part_text(float(share))}
        for place, (rank, share) in enumerate(zip(ranks, probabilities, strict=True))
    ]
    data = alt.Data(values=rows)
    y = alt.Y(
        "place:Q",
        title=f"place of {piece}",
        scale=alt.Scale(type="log", reverse=True, nice=False, domain=[1, max(10, *(row["place"] for row in rows))]),
        axis=alt.Axis(grid=True, values=[10**power for power in range(7)], format=",d"),
    )
    tooltip = [alt.Tooltip("layer:Q"), alt.Tooltip("place:Q", format=","), alt.Tooltip("probability:N")]
    line: Any = alt.Chart(data).mark_line(
        color=palette.amount[4], strokeWidth=2, point={"size": 45, "color": palette.amount[4]}
    )
    line = line.encode(x=_layers(), y=y, tooltip=tooltip)
    rules = [] if layer is None else [rule_at("layer:Q", layer, palette)]
    return alt.layer(line, *rules).properties(height=_HEIGHT)


def matrix_chart(
    matrix: Float[np.ndarray, "row column"], rows: Sequence[str], columns: Sequence[str], palette: Palette = LIGHT
) -> Any:
    """Cosines as cells, shaded from the smallest to the largest one; numbers where there are few."""
    low, high = float(matrix.min()), float(matrix.max())
    cells = [
        {"row": row, "column": column, "from": one, "to": other, "cosine": (cosine := float(matrix[row, column]))}
        | {"ink": readable_on(between(palette.amount, (cosine - low) / ((high - low) or 1)))}
        for row, one in enumerate(rows)
        for column, other in enumerate(columns)
    ]
    data = alt.Data(values=cells)

    # Of the cells and not of the whole, in which the names would leave them no room. On a wall all of it is enlarged
    # (`st-key-cosines` of page.css), so that the letters have one size here.
    size = alt.Step(max(_MATRIX, min(40, 560 // max(1, len(columns)))))
    base: Any = alt.Chart(data).encode(
        x=alt.X("column:O", axis=named_axis(columns, letters=_LETTERS)),
        y=alt.Y("row:O", axis=named_axis(rows, letters=_LETTERS)),
        tooltip=[alt.Tooltip("from:N"), alt.Tooltip("to:N"), alt.Tooltip("cosine:Q", format=".3f")],
    )
    colour = alt.Color(
        "cosine:Q",
        scale=alt.Scale(domain=[low, high], range=list(palette.amount)),
        legend=alt.Legend(
            title="cosine", format=".2f", gradientLength=140, labelFontSize=_LETTERS, titleFontSize=_LETTERS
        ),
    )
    parts = [base.mark_rect().encode(color=colour)]
    if len(rows) <= _WRITTEN and len(columns) <= _WRITTEN:
        parts.append(
            # As the tables write it (`cosine_text`).
            base.mark_text(fontSize=_LETTERS).encode(
                text=alt.Text("cosine:Q", format=".3f"),
                color=alt.condition("datum.ink === 'black'", alt.value("black"), alt.value("white")),
            )
        )
    return alt.layer(*parts).properties(width=size, height=size)


def strip_chart(vector: Float[np.ndarray, " width"], palette: Palette = LIGHT) -> Any:
    """A vector as a strip of cells: how large each number is, and below or above the line by its sign."""
    rows = [{"place": place, "value": float(value)} for place, value in enumerate(vector)]
    chart: Any = alt.Chart(alt.Data(values=rows)).mark_bar(size=1, color=palette.amount[4])
    return chart.encode(
        x=alt.X("place:Q", title=None, axis=alt.Axis(grid=False, tickMinStep=1), scale=alt.Scale(nice=False)),
        y=alt.Y("value:Q", title=None, axis=alt.Axis(tickCount=4)),
        tooltip=[alt.Tooltip("place:Q", title="dimension"), alt.Tooltip("value:Q", format=".4f")],
    ).properties(height=90)


def wave_chart(wavelengths: Float[np.ndarray, " pair"], palette: Palette = LIGHT) -> Any:
    """After how many positions each pair of numbers has turned once, on a logarithmic axis."""
    rows = [{"pair": pair, "positions": float(length)} for pair, length in enumerate(wavelengths)]
    chart: Any = alt.Chart(alt.Data(values=rows)).mark_line(color=palette.amount[4], point={"color": palette.amount[4]})
    return chart.encode(
        x=alt.X("pair:Q", title="pair of numbers", axis=alt.Axis(grid=False, tickMinStep=1)),
        y=alt.Y(
            "positions:Q",
            title="positions",
            scale=alt.Scale(type="log"),
            axis=alt.Axis(format="~s", values=[10**power for power in range(0, 13, 2)]),
        ),
        tooltip=[alt.Tooltip("pair:Q"), alt.Tooltip("positions:Q", format=",.1f")],
    ).properties(height=150)
