"""Below the plan: what else can be asked, as tabs named by questions."""

from collections.abc import Callable

from streamlit.delta_generator import DeltaGenerator

from pages.anatomy import export
from pages.anatomy.explanations import EXPLANATION
from pages.shared.page import Tab, tabs
from pages.shared.parts import explanation


def below(status: DeltaGenerator) -> None:  # noqa: ARG001 - tabs that ask the engine take it
    """The tabs."""
    parts: dict[str, Callable[[], object] | Tab] = {
        "What am I looking at?": lambda: explanation(EXPLANATION),
        "Take it with you": export.take_along,
        "Show the code": export.code,
    }
    tabs("below_anatomy", parts)
