"""Below the plan: what else can be asked, as tabs named by questions."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import streamlit as st

from pages.anatomy import (
    contributions,
    export,
    families,
    history,
    neurons,
    parts_off,
    way_up,
    why_softmax_and_heads,
    word_order,
)
from pages.anatomy.choices import NEURONS, SAYS
from pages.anatomy.explanations import EXPLANATION
from pages.shared.page import Tab, tabs
from pages.shared.sentences_and_charts import explanation

if TYPE_CHECKING:
    from models.anatomy import ModelPlan


def below(plan: "ModelPlan | None") -> None:
    """The tabs; what is waited for is said in each, where it moves nothing of the plan.

    plan: what is drawn above, None where nothing is.
    """
    parts: dict[str, Callable[[], object] | Tab] = {
        SAYS: Tab(lambda: contributions.show(st.empty()), contributions.leave),
        "One token on its way up": lambda: way_up.show(st.empty()),
        NEURONS: Tab(lambda: neurons.show(st.empty()), neurons.leave),
        "How does it know the order?": lambda: word_order.show(st.empty()),
        "What if a part is off?": lambda: parts_off.show(st.empty()),
        families.TITLE: lambda: families.show(st.empty()),
        "Why √d, softmax, heads?": lambda: why_softmax_and_heads.show(st.empty()),
        history.TITLE: lambda: history.show(st.empty()),
        "What am I looking at?": lambda: explanation(EXPLANATION),
        "Take it with you": lambda: export.take_along(plan),
        "Show the code": export.code,
    }
    tabs("below_anatomy", parts)
