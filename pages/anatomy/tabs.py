"""Below the plan: what else can be asked, as tabs named by questions."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from streamlit.delta_generator import DeltaGenerator

from pages.anatomy import export, history
from pages.anatomy.explanations import EXPLANATION
from pages.shared.page import Tab, tabs
from pages.shared.parts import explanation

if TYPE_CHECKING:
    from models.anatomy import Plan


def below(plan: "Plan | None", status: DeltaGenerator) -> None:
    """The tabs. plan: what is drawn above, None where nothing is."""
    parts: dict[str, Callable[[], object] | Tab] = {
        "What am I looking at?": lambda: explanation(EXPLANATION),
        history.TITLE: lambda: history.show(status),
        "Take it with you": lambda: export.take_along(plan),
        "Show the code": export.code,
    }
    tabs("below_anatomy", parts)
