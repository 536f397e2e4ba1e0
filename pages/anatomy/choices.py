"""What can be chosen on the anatomy page."""

import re
from typing import Any

from models.catalog import ARCHITECTURES
from pages.shared import thread
from pages.shared.link import Choice, one_of
from pages.shared.pasted_config import PASTED, PastedConfig, pasted_in_link

SHADES = {"parameters": "Parameters", "operations": "Operations"}


def _part(text: str) -> str:
    if not re.fullmatch(r"[\w./+×~-]{0,300}", text):
        raise ValueError("The link names no part that is here; the default is shown.")
    return text


# What is drawn: "" for the page's model.
PLAN_OF: Choice[str] = Choice("plan_of", "", one_of("model to draw", (*ARCHITECTURES, PASTED)))
PLAN_CONFIG: Choice[PastedConfig | None] = Choice("plan_config", None, pasted_in_link)
_OF_PLAN = (thread.MODEL, PLAN_OF, PLAN_CONFIG)
# Parts within parts, with a slash between: decoder.3/mlp/up_proj.
PART: Choice[str | None] = Choice("part", None, _part, _OF_PLAN)
UNFOLDED: Choice[str] = Choice("plan_layers", "folded", one_of("way to draw layers", ("folded", "all")), _OF_PLAN)
SHADED: Choice[str] = Choice("plan_shade", "parameters", one_of("shade of the plan", tuple(SHADES)))

CHOICES: tuple[Choice[Any], ...] = (*(PLAN_OF, PLAN_CONFIG, PART, UNFOLDED, SHADED),)
