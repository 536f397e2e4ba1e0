"""A chart as what a browser is sent."""

from typing import Any

import altair as alt
from altair.utils import schemapi


def spec_of(chart: Any) -> dict[str, Any]:
    """An Altair chart as a Vega-Lite specification, not held against the schema: that took most of a rerun, and a chart
    that was right in the tests is right with other numbers. Neither are the parts of charts that are made from now on.
    """
    schemapi.disable_debug_mode()
    # Streamlit says how wide and high a chart is where it says nothing itself.
    if alt.theme.active == "default":
        alt.theme.enable("none")
    return chart.to_dict(validate=False)
