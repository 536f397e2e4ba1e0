"""The inspector of the tokenizers page."""

from typing import TYPE_CHECKING

import streamlit as st

from pages.shared.link import NumberPair
from pages.tokenizers.choices import ShownTokenizers
from viz.inspector import heading, line
from viz.tokenizers_tables import StretchLine, difference, stretch_sentence, stretch_table

if TYPE_CHECKING:
    from models.tokenization import Comparison, Counts

LINES = {
    "nothing": "Choose a piece to read its id and bytes, and to compare that stretch here.",
    "counts": "Fewer is not better: look at unknowns and the round trip.",
}


def inspect(now: ShownTokenizers, found: "Comparison", counts: "list[Counts]", stretch: NumberPair | None) -> None:
    """What each tokenizer makes of the selected stretch, and which of them do not give the text back."""
    parts = [line(LINES["nothing"])]
    if stretch is not None:
        lines = stretch_lines(now, found, stretch)
        parts = [stretch_sentence(now.text[slice(*stretch)], lines), stretch_table(lines)]
    parts.append(line(LINES["counts"]))
    changed = [difference(card.title, each) for card, each in zip(now.cards, counts, strict=True)]
    if any(changed):
        parts += [heading("What does not come back"), *changed]
    st.html("".join(parts))


def stretch_lines(now: ShownTokenizers, found: "Comparison", stretch: NumberPair) -> list[StretchLine]:
    """The pieces of each column that overlap the stretch."""
    start, end = (len(found.text[: max(0, place - found.start)].encode()) for place in stretch)
    lines = []
    for card, column in zip(now.cards, found.columns, strict=True):
        inside = [
            int(look)
            for look, low, high in zip(column.look, column.starts, column.ends, strict=True)
            if low < end and start < high
        ]
        lines.append(
            StretchLine(
                card.title,
                tuple(column.looks[look].text for look in inside),
                tuple(column.ids[look] for look in inside),
            )
        )
    return lines
