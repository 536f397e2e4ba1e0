"""What can be chosen on the anatomy page."""

import re
from typing import Any

from models.catalog import ARCHITECTURES
from pages.shared import thread
from pages.shared.link import Choice, one_of, whole_number
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

# Tabs to which an example leads.
SAYS, NEURONS = "What does each part say for the next token?", "What does an MLP neuron do?"
ORDERS = {"size": "Largest first", "layers": "In order of layers"}
READ_THROUGH = {"head": "The head alone", "norm": "With the final norm's gain"}
FACTORS = (-2.0, -1.0, 0.0, 0.5, 1.0, 2.0, 5.0, 10.0)


def _said_part(text: str) -> str:
    if not re.fullmatch(r"(encoder|decoder|cross)\.\d{1,4}\.(mlp|\d{1,4})", text):
        raise ValueError("The link switches off no part that is here; none is.")
    return text


def _factor(text: str) -> float:
    if text not in map(str, FACTORS):
        raise ValueError("The link turns the neuron by no factor that is here; it is switched off.")
    return float(text)


# What each part says: of a typed token, "" the likeliest; less that of another one. Of a seq2seq model the step.
SAID_TOKEN: Choice[str] = Choice("said_token", "", thread.readable, thread.OWNERS)
SAID_LESS: Choice[str] = Choice("said_less", "", thread.readable, thread.OWNERS)
SAID_STEP: Choice[int | None] = Choice("said_step", None, whole_number("step"), thread.OWNERS)
SAID_TOWARDS: Choice[int | None] = Choice("said_towards", None, whole_number("token"), thread.OWNERS)
SAID_ORDER: Choice[str] = Choice("said_order", "size", one_of("order of parts", tuple(ORDERS)))
# A part with its layer: decoder.29.mlp, decoder.23.4.
SAID_OFF: Choice[str | None] = Choice("said_off", None, _said_part, thread.OWNERS)
UP_LAYER: Choice[int | None] = Choice("up_layer", None, whole_number("layer"), (thread.MODEL,))
MLP_LAYER: Choice[int | None] = Choice("mlp_layer", None, whole_number("layer"), (thread.MODEL,))
NEURON: Choice[int | None] = Choice("neuron", None, whole_number("neuron"), (*thread.OWNERS, MLP_LAYER))
NEURON_TIMES: Choice[float] = Choice("neuron_times", 0.0, _factor, (*thread.OWNERS, MLP_LAYER))
READ_BY: Choice[str] = Choice("neuron_read", "head", one_of("way to read a neuron", tuple(READ_THROUGH)))
OF_PARTS: tuple[Choice[Any], ...] = (
    *(SAID_TOKEN, SAID_LESS, SAID_STEP, SAID_TOWARDS, SAID_ORDER, SAID_OFF),
    *(UP_LAYER, MLP_LAYER, NEURON, NEURON_TIMES, READ_BY),
)

CHOICES: tuple[Choice[Any], ...] = (
    *(PLAN_OF, PLAN_CONFIG, PART, UNFOLDED, SHADED),
    *OF_PARTS,
)
