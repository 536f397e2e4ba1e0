"""The charts about heads: what they leave room for, and which numbers their axes carry."""

import numpy as np

from viz.heads_charts import chance_chart

ROW, AXIS = 30, 60


def test_each_group_beside_chance_has_a_row_of_its_own():
    groups = [("other heads of its layer", np.array([0.1, -0.2])), ("L16 H0 on other texts", np.array([0.3]))]
    one, two = (chance_chart(-0.997, groups[:count], "nats").to_dict() for count in (1, 2))
    # Streamlit fits the axis and its title into the height.
    assert one["height"] >= ROW + AXIS
    assert two["height"] - one["height"] >= ROW
