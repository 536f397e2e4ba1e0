"""What stands below the picture on the attention page, as tabs named by questions; only the open one is computed."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from models.catalog import EARLIER, MODELS, model_card
from pages.attention import bertviz_tab, export, head_off, other_text, steps_pictures
from pages.attention.choices import HEAD_OFF, TRAINED, VIEW, head_name, is_projected
from pages.attention.explanations import explanation
from pages.shared import thread
from pages.shared.asking import ask
from pages.shared.bound import bound
from pages.shared.link import note
from pages.shared.page import open_tab_alone, tabs
from pages.shared.parts import chart
from pages.shared.parts import explanation as explain
from viz.inspector import LetterLine, letters, line, verdict
from viz.quantities import part_text

if TYPE_CHECKING:
    from models.attention import HeadMapRequest, TracedText

OTHER_TEXT = "What if another word stood there?"
BERTVIZ = "What does BertViz show?"


def below(
    request: "HeadMapRequest",
    shown: "HeadMapRequest",
    traced: "TracedText",
    selected: int,
    text: str,
) -> None:
    """The tabs that this view has; what is waited for is said in each, where it moves nothing of the picture. In
    projector mode the open one alone.

    request: the map with everything switched on; shown: as it is shown. text: what was traced, as a text.
    """
    is_cross = request.kind == "cross"
    model = MODELS[thread.MODEL.value]
    parts: dict[str, Callable[[], object]] = {}
    if is_cross:
        name = "Which letters are silent?" if model.writes else "Which tokens matter?"
        parts[name] = lambda: silence(request, traced, st.empty())
    if is_cross and model.name in EARLIER:
        parts["How did it learn this?"] = lambda: learning(request, selected, st.empty())
    parts |= {
        "What am I looking at?": lambda: explain(explanation(VIEW.value, is_cross=is_cross)),
        HEAD_OFF: lambda: head_off.show(request, shown, selected, st.empty()),
        OTHER_TEXT: lambda: other_text.show(request, traced, text, st.empty()),
        BERTVIZ: lambda: bertviz_tab.show(request, traced, st.empty()),
        "Take it with you": lambda: export.take_along(shown, traced, selected, text),
        "Show the code": lambda: export.code(request, shown, traced, selected, text),
    }
    if is_projected():
        open_tab_alone(parts)
        return
    # Another set of tabs is another widget: a tab that is not there cannot be the open one.
    tabs("below_cross" if is_cross else "below", parts)


def silence(request: "HeadMapRequest", traced: "TracedText", status: DeltaGenerator) -> None:
    """How much each source token is looked at, and what becomes of the output when it is hidden."""
    from models.attention import AbsencesRequest

    whole, *without = ask(AbsencesRequest(request.trace), status)
    weights = ask(request, status).weights
    steps = [step for step, is_special in enumerate(traced.written_special) if not is_special] or [0]
    looked_at = weights[steps].mean(axis=0)
    lines, stays, changes = [], [], []
    for place, absence in enumerate(without):
        if traced.is_special[place]:
            continue
        (stays if absence.first_changed is None else changes).append(traced.tokens[place])
        effect = "nothing" if absence.first_changed is None else f"{absence.before} → {absence.after}"
        lines.append(LetterLine(traced.tokens[place], float(looked_at[place]), absence.probability, effect))
    last = max(lines, key=lambda each: each.probability, default=None)
    least = None if last is None else (last.text, last.probability)
    st.html(
        verdict(stays, changes, least)
        + letters(lines, head_name(request.layer, request.head))
        + line(
            f"Looked at: the mean weight in {head_name(request.layer, request.head)} over the steps that write "
            "something. Output without it: how likely the model holds the same output when it cannot see the token "
            f"at all ({part_text(whole.probability)} with everything seen). A letter may be looked at and yet not "
            "matter, and a letter that makes no sound of its own may change its neighbour's."
        )
    )


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
        steps_pictures.cross_steps(traced, rows, map_request, selected, key="learning_steps")
    shares = np.array([each.probability for each in traced.written])
    st.caption(
        f"After {state.steps:,} training steps the model gives this output a probability of "
        f"{part_text(float(shares.prod()))}. The output is the one above, so that the states can be compared."
    )
