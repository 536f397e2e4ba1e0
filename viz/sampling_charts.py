"""Charts and a table of what sampling does to whole texts, and of draws beside their theory."""

import html
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import altair as alt

from viz.chart_parts import letter_size
from viz.glossary import explained
from viz.palette import LIGHT, Palette

if TYPE_CHECKING:
    from models.decoding import Draws

_ROW = 19
# A bar that is so many times as long as the longest of the others would leave nothing of them to be seen.
_MOST_TIMES = 3
_NONE = "–"


@dataclass(frozen=True)
class SweepPoint:
    """What the texts of one temperature come to: how likely (nats per token), how different; None is not drawn."""

    temperature: float | int
    log_probability: float | int | None
    variety: float | int | None
    is_chosen: bool = False


def sweep_chart(points: Sequence[SweepPoint], *, variety: str, palette: Palette = LIGHT) -> Any:
    """How likely the texts are to the model against how different they are, a point for each temperature."""
    rows = [
        {
            "temperature": float(each.temperature),
            "name": f"T {each.temperature:g}",
            "likely": each.log_probability,
            "different": each.variety,
            "chosen": each.is_chosen,
        }
        for each in points
        if each.log_probability is not None and each.variety is not None
    ]
    base: Any = alt.Chart(alt.Data(values=rows)).encode(
        x=alt.X(
            "likely:Q",
            title="log-probability per token (nats), likelier →",
            scale=alt.Scale(zero=False, padding=24),
            axis=alt.Axis(grid=True, tickCount=6),
        ),
        y=alt.Y(
            "different:Q",
            title=f"{variety}, more different →",
            scale=alt.Scale(zero=False, padding=18),
            axis=alt.Axis(grid=True, tickCount=5),
        ),
        tooltip=[
            alt.Tooltip("temperature:Q", title="temperature"),
            alt.Tooltip("likely:Q", format=".3f", title="log-probability per token"),
            alt.Tooltip("different:Q", format=".3f", title=variety),
        ],
    )
    colour = alt.condition("datum.chosen", alt.value(palette.accent), alt.value(palette.amount[3]))
    line = base.mark_line(color=palette.amount[3], strokeWidth=1.5, opacity=0.6).encode(order="temperature:Q")
    dots = base.mark_circle(size=90, opacity=1).encode(color=colour)
    names = base.mark_text(align="left", dx=9, dy=-9, fontSize=letter_size(12)).encode(
        text="name:N", color=alt.condition("datum.chosen", alt.value(palette.accent), alt.value(palette.ink))
    )
    return alt.layer(line, dots, names).properties(height=340)


def draws_chart(found: "Draws", palette: Palette = LIGHT) -> Any:
    """Bars of counts, with a tick where theory expects them and a line over the interval.

    All tokens that have no bar of their own have one together, unless it would be too long beside the others.
    """
    longest = max((max(each.high, each.count) for each in found.tokens), default=1)
    shown, others = [*found.tokens], found.others
    if others is not None and max(others.high, others.count) <= _MOST_TIMES * longest:
        shown.append(others)
    rows = [
        {
            "name": name,
            "count": each.count,
            "expected": found.count * each.probability,
            "low": each.low,
            "high": each.high,
            "interval": f"{each.low:,} to {each.high:,}",
        }
        for name, each in zip(_told_apart([each.text for each in shown]), shown, strict=True)
    ]
    base: Any = alt.Chart(alt.Data(values=rows)).encode(
        y=alt.Y(
            "name:N",
            sort=None,
            title=None,
            axis=alt.Axis(
                labelLimit=150,
                ticks=False,
                domain=False,
                labelFontSize=letter_size(12),
                labelOverlap=False,
                labelFlush=False,
            ),
        ),
        tooltip=[
            alt.Tooltip("name:N", title="token"),
            alt.Tooltip("count:Q", format=",", title="drawn"),
            alt.Tooltip("expected:Q", format=",.2f", title="expected"),
            alt.Tooltip("interval:N", title="95 of 100 such counts"),
        ],
    )
    x = alt.X("count:Q", title="draws", axis=alt.Axis(grid=True, tickCount=6))
    bars = base.mark_bar(color=palette.amount[2], height=alt.RelativeBandSize(0.72)).encode(x=x)
    reach = base.mark_rule(color=palette.ink, strokeWidth=1.2).encode(x="low:Q", x2="high:Q")
    ends = [base.mark_tick(color=palette.ink, thickness=1.2, size=7).encode(x=f"{end}:Q") for end in ("low", "high")]
    theory = base.mark_tick(color=palette.accent, thickness=2.5, size=13).encode(x="expected:Q")
    return alt.layer(bars, reach, *ends, theory).properties(height=_ROW * len(rows) + 20)


def _told_apart(texts: Sequence[str]) -> list[str]:
    """Each text, with a number after it where it has come before: bars of the same name would lie over each other."""
    seen: dict[str, int] = {}
    found = []
    for text in texts:
        seen[text] = seen.get(text, 0) + 1
        found.append(text if seen[text] == 1 else f"{text} ({seen[text]})")
    return found


@dataclass(frozen=True)
class FigureLine:
    """One figure of several settings. meaning: a sentence. digits: behind the point; None is written as a dash."""

    name: str
    meaning: str
    values: tuple[float | int | None, ...]
    digits: int = 2


def figures_table(names: Sequence[str], lines: Sequence[FigureLine]) -> str:
    """A row for each figure with what it means, a column for each setting."""
    head = "".join(f"<th><bdi>{html.escape(name)}</bdi></th>" for name in names)
    rows = "".join(
        f'<tr><th title="{html.escape(each.meaning)}">{explained(html.escape(each.name))}'
        f"<small>{explained(html.escape(each.meaning))}</small></th>"
        + "".join(f"<td>{_number(value, each.digits)}</td>" for value in each.values)
        + "</tr>"
        for each in lines
    )
    return (
        '<div class="headlight-wide"><table class="headlight-figures headlight-variety">'
        f"<tr><th></th>{head}</tr>{rows}</table></div>"
    )


def _number(value: float | int | None, digits: int) -> str:
    return _NONE if value is None else f"{value:,.{digits}f}"
