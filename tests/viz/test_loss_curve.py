"""The curve of a training, drawn from its numbers."""

from models.training_curve import TrainingCurve
from viz.loss_curve import loss_curve


def test_every_number_is_drawn_and_the_state_is_marked():
    curve = TrainingCurve((25, 50, 75), (4.9, 3.5, 2.5))
    line, rule = loss_curve(curve, 50).to_dict()["layer"]
    assert [(each["step"], each["loss"]) for each in line["data"]["values"]] == [(25, 4.9), (50, 3.5), (75, 2.5)]
    assert rule["data"]["values"] == [{"step": 50}]
    assert line["encoding"]["x"]["type"] == line["encoding"]["y"]["type"] == "quantitative"
