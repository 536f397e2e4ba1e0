"""The card of a model, as escaped HTML: what it is, line by line, its parameters by part, its special tokens."""

import html
from collections.abc import Sequence
from typing import NamedTuple

from viz.glossary import explained
from viz.inspector import heading
from viz.number_format import part_text
from viz.table_cells import bar_cell, number_cells, rows_table


class CardLine(NamedTuple):
    """One line of a card. note: what that means, smaller. is_ours: the text as well is in our words."""

    name: str
    text: str
    note: str = ""
    is_ours: bool = False


def card_of_sections(sections: Sequence[tuple[str, str]]) -> str:
    """Sections side by side as far as there is room: a heading and HTML for each; one without HTML is left out."""
    return (
        '<div class="headlight-about">'
        + "".join(f"<section>{heading(title)}{content}</section>" for title, content in sections if content)
        + "</div>"
    )


def lines_table(lines: Sequence[CardLine]) -> str:
    """The lines below each other; "" without any."""
    return f'<table class="headlight-card">{"".join(map(_row, lines))}</table>' if lines else ""


def _row(line: CardLine) -> str:
    note = f"<small>{explained(html.escape(line.note))}</small>" if line.note else ""
    text = explained(html.escape(line.text)) if line.is_ours else f"<bdi>{html.escape(line.text)}</bdi>"
    return f"<tr><th>{html.escape(line.name)}</th><td>{text}{note}</td></tr>"


def parts(each: Sequence[tuple[str, int]]) -> str:
    """How many parameters each part has, and which share of all; parts without any are left out."""
    whole = max(1, sum(count for _, count in each))
    rows = (
        f"<th>{html.escape(name)}</th>{bar_cell(count / whole)}{number_cells(f'{count:,}', part_text(count / whole))}"
        for name, count in each
        if count
    )
    return rows_table("headlight-card parts", *rows)


def tokens(each: Sequence[tuple[str, int, str]], most: int = 24) -> str:
    """Special tokens: as written, id, and what for; of more than `most` those with a role come first."""
    ordered = sorted(each, key=lambda token: not token[2]) if len(each) > most else list(each)
    if not each:
        return ""
    rows = (
        f'<td><span class="headlight-chip"><bdi>{html.escape(text)}</bdi></span></td>'
        f"{number_cells(f'{number:,}')}<td>{html.escape(role)}</td>"
        for text, number, role in ordered[:most]
    )
    left = len(each) - most
    more = f'<p class="headlight-line">… and {left:,} more.</p>' if left > 0 else ""
    return rows_table("headlight-card tokens", *rows) + more


def template(text: str) -> str:
    """A chat template as it is, in a scrolling box; "" for none."""
    return text and f'<pre class="headlight-template"><bdi>{html.escape(text)}</bdi></pre>'


def ranges(numbers: Sequence[int]) -> str:
    """Numbers as people write them: 0–5, 8, 10–11."""
    found: list[list[int]] = []
    for number in numbers:
        if found and number == found[-1][1] + 1:
            found[-1][1] = number
        else:
            found.append([number, number])
    return ", ".join(str(first) if first == last else f"{first}–{last}" for first, last in found)
