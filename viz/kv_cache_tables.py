"""The formula of a cache's size, and two texts side by side, as escaped HTML."""

import html
from collections.abc import Sequence
from dataclasses import dataclass

from viz.inspector import heading
from viz.number_format import bytes_text


@dataclass(frozen=True)
class TermLine:
    """Some layers of a cache that are alike: their name, the terms that are multiplied, both results in bytes.

    terms: what it is and how much, in order.
    """

    name: str
    terms: tuple[tuple[str, int], ...]
    predicted: int
    measured: int
    note: str = ""


def formula_table(lines: Sequence[TermLine]) -> str:
    """Each product written out under its words, and whether it is what was measured."""
    rows = []
    for each in lines:
        terms = '<span class="times">×</span>'.join(
            f'<span class="term"><b>{amount:,}</b><small>{html.escape(what)}</small></span>'
            for what, amount in each.terms
        )
        verdict = f'<span class="equal">= {each.predicted:,} bytes ({bytes_text(each.predicted)})</span> ' + (
            '<span class="right">✓ measured: the same</span>'
            if each.predicted == each.measured
            else f'<span class="wrong">measured: {each.measured:,} bytes</span>'
        )
        note = f'<p class="headlight-line">{html.escape(each.note)}</p>' if each.note else ""
        rows.append(f'<div class="headlight-terms">{heading(each.name)}<div>{terms} {verdict}</div>{note}</div>')
    return "".join(rows)


def side_by_side(left: str, right: str, diverges_at: int | None, texts: tuple[Sequence[str], Sequence[str]]) -> str:
    """Two texts, token by token, from the token on at which they part set off."""
    columns = []
    for name, written in zip((left, right), texts, strict=True):
        same = html.escape("".join(written[:diverges_at]))
        other = "" if diverges_at is None else html.escape("".join(written[diverges_at:]))
        columns.append(
            f'<div>{heading(name)}<p class="headlight-writing" dir="auto">{same}<ins>{other}</ins></p></div>'
        )
    return f'<div class="headlight-pair">{"".join(columns)}</div>'
