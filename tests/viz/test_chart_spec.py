"""Charts as they are sent: as Streamlit would, without the schema."""

import numpy as np
import pytest
from altair.utils.schemapi import SchemaBase
from streamlit.elements.vega_charts import _convert_altair_to_vega_lite_spec

from viz.anatomy_charts import parts_chart, way_chart
from viz.chart_spec import spec_of

CHARTS = {
    "layered": lambda: way_chart(np.arange(1.0, 5.0), {"MLP": np.arange(1.0, 4.0)}, 1),
    "with a selection": lambda: parts_chart(("a", "b"), ("one", "two"), np.array([1.0, -2.0]), "a", "logit"),
}


@pytest.mark.parametrize("name", CHARTS)
def test_it_is_what_streamlit_would_send_and_nothing_is_held_against_the_schema(name, monkeypatch):
    chart = CHARTS[name]()
    # The whole chart is right by the schema.
    chart.to_dict()
    theirs = _convert_altair_to_vega_lite_spec(chart)
    assert spec_of(chart) | {"datasets": {}} == theirs
    monkeypatch.setattr(SchemaBase, "validate", None)
    again = spec_of(CHARTS[name]())
    assert again["height"] == theirs["height"]
