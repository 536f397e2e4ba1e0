"""Tokens in rows and ways of asking what counts in columns, as escaped HTML."""

import html
import math
from collections.abc import Sequence
from dataclasses import dataclass

from viz.table_cells import bar_of


@dataclass(frozen=True)
class WayColumn:
    """One way of asking: a score for each token (NaN where it has none), and its agreement with the truth, NaN for the
    truth itself."""

    name: str
    scores: Sequence[float]
    agreement: float


def attributions_table(tokens: Sequence[str], ways: Sequence[WayColumn]) -> str:
    """Bars by size, on a scale of each column's own; where a column has scores below 0, its bars go from the middle to
    the left and to the right.
    """
    most = [max((abs(each) for each in way.scores if not math.isnan(each)), default=0.0) for way in ways]
    signed = [any(each < 0 for each in way.scores) for way in ways]
    head = "<th></th>" + "".join(f'<th colspan="2">{html.escape(way.name)}</th>' for way in ways)
    rows = "".join(
        f"<tr><th><bdi>{html.escape(token)}</bdi></th>"
        + "".join(
            _cell(way.scores[place], largest, is_signed=both)
            for way, largest, both in zip(ways, most, signed, strict=True)
        )
        + "</tr>"
        for place, token in enumerate(tokens)
    )
    last = "".join(f'<td class="bar"></td><td>{_number(way.agreement)}</td>' for way in ways)
    foot = f'<tr class="agreement"><th>agrees</th>{last}</tr>'
    whole = f'<table class="headlight-figures headlight-ways"><tr>{head}</tr>{rows}{foot}</table>'
    return f'<div class="headlight-wide">{whole}</div>'


def _cell(score: float, most: float, *, is_signed: bool) -> str:
    part = 0.0 if math.isnan(score) or not most else score / most
    bar = _from_the_middle(part) if is_signed else bar_of(abs(part))
    return f'<td class="bar">{bar}</td><td>{_number(score)}</td>'


def _from_the_middle(part: float) -> str:
    start, width = 50 + min(0.0, 50 * part), 50 * abs(part)
    return f'<span style="margin-left:{start:.1f}%;width:{width:.1f}%"></span>'


def _number(value: float) -> str:
    return "–" if math.isnan(value) else f"{value:.2f}".replace("-", "−")
