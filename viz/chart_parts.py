"""What several charts have in them."""

from collections.abc import Sequence
from typing import Any

import altair as alt

from viz.palette import LIGHT, Palette


def data_of(rows: Sequence[dict[str, Any]]) -> Any:
    """Rows as a chart takes them. A tuple of them: Altair copies each row of a list for each layer of a chart."""
    return alt.Data(values=tuple(rows))


def rule_at(field: str, place: float | int, palette: Palette = LIGHT) -> Any:
    """A line in the accent's colour across a chart, at a place of its horizontal axis; field: as in "layer:Q"."""
    rule: Any = alt.Chart(alt.Data(values=[{field.partition(":")[0]: place}]))
    return rule.mark_rule(color=palette.accent, strokeWidth=2).encode(x=alt.X(field))


_GROWTH = "clamp(0.5 + 0.00521 * windowSize()[0] / 16, 1, 2)"


def letter_size(size: float | int) -> Any:
    """The size of letters that are written in a chart, in pixels of a laptop: they grow with the window as the page's
    own do (the first rule of page.css), and with the axes', which Streamlit takes from the page.
    """
    return alt.expr(f"{size} * {_GROWTH}")


def shift_apart(ends: Sequence[float], place: int, extent: float, height: int) -> Any:
    """By how many pixels a label at the end of a line, of three or fewer, moves away from the middle one, so that
    their letters of 12 pixels do not touch.

    ends: where the lines end; place: of this one. extent: of the values in a chart of `height` pixels, whose axis may
    be twice as long.
    """
    order = sorted(range(len(ends)), key=lambda each: -ends[each])
    rank, middle = order.index(place), len(order) // 2
    if rank == middle:
        return 0
    distance = abs(ends[place] - ends[order[middle]]) / extent * height / 2 if extent else 0.0
    return alt.expr(f"{'-' if rank < middle else ''}max(0, 16 * {_GROWTH} - {distance:.1f})")


def named_axis(
    names: Sequence[str], most: int | None = None, title: str | None = None, letters: int | None = None
) -> Any:
    """An axis of places that says their names; most: how many, every so many of more. letters: their size in pixels
    where it is not the page's.

    Equal names are different tokens: places are drawn, and named by an expression.
    """
    axis = alt.Axis(labelExpr=named_by(names, "datum.value"), labelLimit=150, title=title, ticks=False, domain=False)
    if letters is not None:
        axis.labelFontSize = letters
    if most is not None:
        axis.values = list(range(0, len(names), -(-len(names) // most)))
    return axis


def named_by(names: Sequence[str], number: str) -> str:
    """An expression of Vega's for the name with the number that another expression gives."""
    listed = ",".join(f"'{_plain(name)}'" for name in names)
    return f"[{listed}][{number}]"


def _plain(name: str) -> str:
    """A name inside of a quoted word of a Vega expression."""
    shown = "".join(each if each.isprintable() else "�" for each in name[:24])
    return shown.replace("\\", "\\\\").replace("'", "\\'")
