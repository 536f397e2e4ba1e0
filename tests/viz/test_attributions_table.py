"""The table of what counts for a token."""

import re

from viz.attributions_table import WayColumn, attributions_table


def test_bars_of_a_column_with_losses_go_both_ways():
    ways = [WayColumn("weights", (0.5, 0.25), 0.1), WayColumn("hidden", (-1.88, 0.94), float("nan"))]
    bars = re.findall(r'<span style="([^"]*)"', attributions_table(["Paris", "is"], ways))
    assert bars == [
        "width:100.0%",
        "margin-left:0.0%;width:50.0%",
        "width:50.0%",
        "margin-left:50.0%;width:25.0%",
    ]
