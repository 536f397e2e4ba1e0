"""The charts about heads: what they leave room for, and which numbers their axes carry."""

import numpy as np

from viz.heads_charts import chance_chart, faithfulness_chart

ROW, AXIS = 30, 60


def test_each_group_beside_chance_has_a_row_of_its_own():
    groups = [("other heads of its layer", np.array([0.1, -0.2])), ("L16 H0 on other texts", np.array([0.3]))]
    one, two = (chance_chart(-0.997, groups[:count], "nats").to_dict() for count in (1, 2))
    # Streamlit fits the axis and its title into the height.
    assert one["height"] >= ROW + AXIS
    assert two["height"] - one["height"] >= ROW


def test_few_heads_can_be_read_off_the_axis():
    counts = [0, 1, 3, 9, 30, 90, 270]
    drawn = faithfulness_chart(counts, np.linspace(0, 1, 7), np.zeros((2, 7)), 0.8).to_dict()
    axis = drawn["layer"][0]["encoding"]["x"]["axis"]
    assert axis["values"] == [0, 1, 2, 5, 10, 20, 50, 100, 200]
