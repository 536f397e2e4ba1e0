"""What a head does, as escaped HTML: a bar for each role, with its interval and what chance gives."""

import html
from collections.abc import Sequence
from dataclasses import dataclass

from viz.glossary import explained
from viz.number_format import counted, part_text
from viz.table_cells import number_cells, rows_table


@dataclass(frozen=True)
class RoleScore:
    """One role of one head: parts from 0 to 1.

    baseline: what chance gives, or the best fixed place. baseline_is: what it is, in words, as in "best fixed place".
    is_earned: whether the head has this name.
    """

    name: str
    score: float
    low: float
    high: float
    baseline: float
    baseline_is: str
    cases: int
    is_earned: bool


def role_scores(lines: Sequence[RoleScore]) -> str:
    """A line for each: the bar is the score, the thin line its interval, the tick what it must exceed."""
    rows = "".join(
        f'<div class="headlight-role{"" if each.is_earned else " unearned"}">'
        + f'<p class="name">{explained(html.escape(each.name))}</p>'
        + rows_table("headlight-shares", _bar(each) + number_cells(part_text(each.score)))
        + f'<p class="headlight-line">{explained(html.escape(numbers_of_score(each)))}</p></div>'
        for each in lines
    )
    return f'<div class="headlight-roles">{rows}</div>'


def numbers_of_score(line: RoleScore) -> str:
    """The numbers that stand beside a score."""
    return (
        f"{part_text(line.low)} to {part_text(line.high)}, on {counted(line.cases, 'case')}; {line.baseline_is} gives "
        f"{part_text(line.baseline)}."
    )


def _bar(line: RoleScore) -> str:
    low, high, at = (100 * min(1.0, max(0.0, each)) for each in (line.low, line.high, line.baseline))
    return (
        f'<td class="bar"><span style="width:{100 * min(1.0, max(0.0, line.score)):.1f}%"></span>'
        f'<i class="interval" style="left:{low:.1f}%;width:{high - low:.1f}%"></i>'
        f'<i class="chance" style="left:{at:.1f}%"></i></td>'
    )
