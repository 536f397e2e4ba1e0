"""Unigram's lattice: every piece that fits a word, as a bar over its letters, the best way through it marked."""

from typing import Any

import altair as alt

from models.tokenization import Lattice, readable_text
from viz.chart_parts import letter_size
from viz.palette import LIGHT

_LANE = 26
# What the axis and its title take of the height.
_AXIS = 80


def lattice_chart(found: Lattice, chosen: int) -> Any:
    """An Altair chart: letters from left to right, bars that do not overlap in a lane, the `chosen` way on top."""
    path = set(found.best[chosen].pieces) if found.best else set()
    free: list[int] = []
    rows = []
    for place in sorted(range(len(found.pieces)), key=lambda each: (each not in path, found.pieces[each].start)):
        piece = found.pieces[place]
        lane = next((lane for lane, until in enumerate(free) if until <= piece.start and lane > 0), None)
        if place in path:
            lane = 0
        elif lane is None:
            lane = max(1, len(free))
        while len(free) <= lane:
            free.append(0)
        free[lane] = max(free[lane], piece.end)
        rows.append(
            {
                "start": piece.start,
                "end": piece.end,
                "middle": (piece.start + piece.end) / 2,
                "lane": lane,
                "piece": readable_text(piece.text),
                "score": piece.score,
                "kind": "unknown" if piece.is_unknown else "on the path" if place in path else "fits too",
            }
        )
    base: Any = alt.Chart(alt.Data(values=rows))
    y = alt.Y("lane:O", axis=None, sort="ascending")
    bars = base.mark_bar(cornerRadius=4, stroke=LIGHT.amount[3]).encode(
        x=alt.X(
            "start:Q",
            scale=alt.Scale(domain=[0, max(1, len(found.word))], nice=False),
            axis=alt.Axis(title="characters of the word", tickMinStep=1, grid=True),
        ),
        x2="end:Q",
        y=y,
        fillOpacity=alt.condition("datum.kind == 'on the path'", alt.value(0.9), alt.value(0.12)),
        color=alt.value(LIGHT.amount[3]),
        tooltip=[
            alt.Tooltip("piece:N"),
            alt.Tooltip("score:Q", format=".3f", title="log-probability"),
            alt.Tooltip("kind:N"),
        ],
    )
    names = base.mark_text(fontSize=letter_size(13), color=LIGHT.quiet).encode(x="middle:Q", y=y, text="piece:N")
    return alt.layer(bars, names).properties(height=_LANE * max(1, len(free)) + _AXIS)
