"""How did it learn this? The same head on the same word at earlier steps of the training."""

from typing import TYPE_CHECKING

import numpy as np
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from models.catalog import EARLIER, MODELS, model_card
from pages.attention import writing_steps
from pages.attention.choices import TRAINED
from pages.shared import thread
from pages.shared.asking_engine import ask
from pages.shared.bound_widgets import bound
from pages.shared.link import note
from pages.shared.sentences_and_charts import chart
from viz.number_format import part_text

if TYPE_CHECKING:
    from models.attention import HeadMapRequest


def learning(request: "HeadMapRequest", selected: int, status: DeltaGenerator) -> None:
    """The same head on the same word at earlier steps of the training."""
    from dataclasses import replace

    from models.attention import HeadMapRequest, StepRowsRequest, TracedTextRequest
    from models.training_curve import training_curve
    from viz.loss_curve import loss_curve

    model = MODELS[thread.MODEL.value]
    states = [*EARLIER[model.name], model]
    steps = [state.steps for state in states]
    if TRAINED.value is not None and TRAINED.value not in steps:
        note(f"There is no state after {TRAINED.value:,} training steps; the one after {steps[0]:,} is shown.")
        TRAINED.forget()
    chosen = bound(
        st.select_slider,
        TRAINED,
        "Training steps",
        steps,
        key="state_box",
        shown=lambda trained: steps[0] if trained is None else trained,
        format_func="{:,}".format,
    )
    state = model_card(states[steps.index(chosen)].name)
    trace = replace(request.trace, model=state.name)
    traced = ask(TracedTextRequest(trace), status)
    map_request = HeadMapRequest(trace, request.kind, request.layer, request.head, request.left_out)
    rows = ask(StepRowsRequest(map_request), status)
    chart(loss_curve(training_curve(model), state.steps or 0), key="curve")
    with st.container(key="learning"):
        writing_steps.cross_steps(traced, rows, map_request, selected, key="learning_steps")
    shares = np.array([each.probability for each in traced.written])
    st.caption(
        f"After {state.steps:,} training steps the model gives this output a probability of "
        f"{part_text(float(shares.prod()))}. The output is the one above, so that the states can be compared."
    )
