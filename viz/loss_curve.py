"""How far a training had come: its loss over its steps, with one state marked."""

from typing import Any

import altair as alt

from models.training_curve import TrainingCurve
from viz.chart_parts import rule_at
from viz.palette import LIGHT

_HEIGHT = 160


def loss_curve(curve: TrainingCurve, chosen: int) -> Any:
    """An Altair chart: the loss as a line on a logarithmic axis, the chosen step as a rule in the accent's colour."""
    points = [{"step": step, "loss": loss} for step, loss in zip(curve.steps, curve.losses, strict=True)]
    line: Any = alt.Chart(alt.Data(values=points)).mark_line(color=LIGHT.amount[3], strokeWidth=1.5)
    line = line.encode(
        x=alt.X("step:Q", title="training steps", axis=alt.Axis(grid=False, tickCount=6)),
        y=alt.Y(
            "loss:Q",
            title="loss",
            scale=alt.Scale(type="log", nice=False),
            axis=alt.Axis(grid=False, values=[1, 1.5, 2, 3, 4]),
        ),
        tooltip=[alt.Tooltip("step:Q", format=","), alt.Tooltip("loss:Q", format=".3f")],
    )
    return alt.layer(line, rule_at("step:Q", chosen)).properties(height=_HEIGHT)
