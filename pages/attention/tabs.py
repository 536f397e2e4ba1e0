"""What stands below the picture on the attention page, as tabs named by questions; only the open one is computed."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import streamlit as st

from models.catalog import EARLIER, MODELS
from pages.attention import bertviz_tab, export, head_off, other_text, silent_letters, training_steps
from pages.attention.choices import HEAD_OFF, VIEW
from pages.attention.explanations import view_explanation
from pages.shared import thread
from pages.shared.page import tabs
from pages.shared.sentences_and_charts import explanation as explain

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
    """The tabs that this view has; what is waited for is said in each, where it moves nothing of the picture.

    request: the map with everything switched on; shown: as it is shown. text: what was traced, as a text.
    """
    is_cross = request.kind == "cross"
    model = MODELS[thread.MODEL.value]
    parts: dict[str, Callable[[], object]] = {}
    if is_cross:
        name = "Which letters are silent?" if model.writes else "Which tokens matter?"
        parts[name] = lambda: silent_letters.silence(request, traced, st.empty())
    if is_cross and model.name in EARLIER:
        parts["How did it learn this?"] = lambda: training_steps.learning(request, selected, st.empty())
    parts |= {
        "What am I looking at?": lambda: explain(view_explanation(VIEW.value, is_cross=is_cross)),
        HEAD_OFF: lambda: head_off.show(request, shown, selected, st.empty()),
        OTHER_TEXT: lambda: other_text.show(request, traced, text, st.empty()),
        BERTVIZ: lambda: bertviz_tab.show(request, traced, st.empty()),
        "Take it with you": lambda: export.take_along(shown, traced, selected, text),
        "Show the code": lambda: export.code(request, shown, traced, selected, text),
    }
    # Another set of tabs is another widget: a tab that is not there cannot be the open one.
    tabs("below_cross" if is_cross else "below", parts)
