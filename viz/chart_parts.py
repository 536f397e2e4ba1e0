"""What several charts have in them."""

from typing import Any

import altair as alt

from viz.palette import LIGHT, Palette


def rule_at(field: str, place: float | int, palette: Palette = LIGHT) -> Any:
    """A line in the accent's colour across a chart, at a place of its horizontal axis; field: as in "layer:Q"."""
    rule: Any = alt.Chart(alt.Data(values=[{field.partition(":")[0]: place}]))
    return rule.mark_rule(color=palette.accent, strokeWidth=2).encode(x=field)
