"""The parts of a page's inspector, as escaped HTML."""

import html
from collections.abc import Sequence
from dataclasses import dataclass

from viz.glossary import explained, term
from viz.number_format import cosine_text, part_text
from viz.table_cells import bar_cell, bar_of, number_cells, piece_cell, rows_table


@dataclass(frozen=True)
class Share:
    """One line of a list: what it is and its part of the whole, 0 to 1."""

    text: str
    part: float


def shares(lines: Sequence[Share]) -> str:
    """A list with a bar and a number on each line; the bars have one scale, from 0 to 1."""
    rows = (piece_cell(line.text) + bar_cell(line.part) + number_cells(part_text(line.part)) for line in lines)
    return rows_table("headlight-shares", *rows)


def cosine_bars(names: Sequence[str], values: Sequence[float | int]) -> str:
    """A list with a bar from 0 to 1 and the number on each line; what is below 0 has no bar."""
    rows = (
        piece_cell(name) + bar_cell(max(0.0, value)) + number_cells(cosine_text(value))
        for name, value in zip(names, values, strict=True)
    )
    return rows_table("headlight-shares", *rows)


def sentence(token: str, head: str, line: Share, *, rescaled: bool = False, is_written: bool = False) -> str:
    """What a token looks at most, in words, or, where it `is_written`, what the step that writes it looks at most;
    `rescaled` where the sink was taken out of its row.
    """
    name, head = f"<b><bdi>{html.escape(token)}</bdi></b>", html.escape(head)
    who, where = (f"To write “{name}”, {head} looks", "") if is_written else (f"{name} looks", f" in {head}")
    if line.part == 0:
        return f'<p class="headlight-sentence">{who} at the {term("sink")} alone{where}.</p>'
    whole = f"of what is left without the {term('sink')}" if rescaled else "of its attention"
    return (
        f'<p class="headlight-sentence">{who} mostly at <b><bdi>{html.escape(line.text)}</bdi></b>: '
        f"{part_text(line.part)} {whole}{where}.</p>"
    )


@dataclass(frozen=True)
class LetterLine:
    """One token of a source: how much it is looked at, and what becomes of the output without it."""

    text: str
    part: float
    probability: float
    effect: str


def verdict(stays: Sequence[str], changes: Sequence[str], least: tuple[str, float] | None = None) -> str:
    """Which tokens can be hidden without a change of the output, and which cannot, in words.

    least: where none can, the one that matters least, and how likely the same output is without it.
    """
    if not stays and least is not None:
        token, part = least
        return (
            '<p class="headlight-sentence">None can be left out: something changes without each of them. <b><bdi>'
            f"{html.escape(token)}</bdi></b> matters least: without it the same output has {part_text(part)}.</p>"
        )
    parts = [
        f"{what} without {', '.join(f'<b><bdi>{html.escape(token)}</bdi></b>' for token in tokens)}."
        for what, tokens in (("The model still writes the same", stays), ("Something changes", changes))
        if tokens
    ]
    return f'<p class="headlight-sentence">{" ".join(parts)}</p>'


def letters_table(lines: Sequence[LetterLine], head: str) -> str:
    """A table of source tokens: share of the head's attention as a bar, and what hiding the token does."""
    rows = (
        piece_cell(each.text)
        + bar_cell(each.part)
        + number_cells(part_text(each.part), part_text(each.probability))
        + f"<td><bdi>{html.escape(each.effect)}</bdi></td>"
        for each in lines
    )
    names = (
        f'<th class="piece">token</th><th class="bar"></th><th class="number">looked at in {html.escape(head)}</th>'
        '<th class="number">output without it</th><th>what changes first</th>'
    )
    return rows_table("headlight-shares headlight-letters", names, *rows)


def line(text: str) -> str:
    """A line of smaller text."""
    return f'<p class="headlight-line">{explained(html.escape(text))}</p>'


def heading(text: str) -> str:
    """The heading of a further part."""
    return f'<p class="headlight-heading" role="heading" aria-level="2">{explained(html.escape(text))}</p>'


def result(page: str) -> str:
    """HTML that says a result, where that is no table, line or sentence: it can be covered until it was guessed."""
    return f'<div class="headlight-result">{page}</div>'


@dataclass(frozen=True)
class BeforeAfter:
    """One line of a comparison: what it is, its part of the whole before and after, 0 to 1, and what else to say."""

    text: str
    before: float
    after: float
    said: str = ""


def before_after(lines: Sequence[BeforeAfter]) -> str:
    """A table with a bar for before above one for after, on one scale from 0 to 1."""
    is_said = any(each.said for each in lines)
    rows = (
        piece_cell(each.text)
        + f'<td class="bar">{bar_of(each.before, "before")}{bar_of(each.after)}</td>'
        + number_cells(part_text(each.before), part_text(each.after))
        + (f"<td><bdi>{html.escape(each.said)}</bdi></td>" if is_said else "")
        for each in lines
    )
    names = '<th class="piece"></th><th class="bar"></th><th class="number">before</th><th class="number">after</th>'
    return rows_table("headlight-shares headlight-changes", names, *rows)
