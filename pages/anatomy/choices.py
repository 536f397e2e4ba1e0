"""What can be chosen on the anatomy page."""

import re
from typing import Any

from models.catalog import ARCHITECTURES
from pages.shared import thread
from pages.shared.link import Choice, Names, one_of, whole_number
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

WAYS_OFF = {
    "heads": "Heads",
    "mlps": "MLPs",
    "layers": "Layers",
    "norms": "Norms",
    "residuals": "Residual connections",
    "tokens": "Tokens",
    "positions": "Positions",
}
VIEWS_OFF = {"text": "For this text", "depth": "Lengths at depth"}
PLACES = {"off": "All the first", "shuffled": "Shuffled", "reversed": "Reversed"}
ATTENTION_KINDS = {"encoder": "Encoder", "decoder": "Decoder", "cross": "Cross"}
INNER_TEMPERATURES = (0.125, 0.25, 0.5, 0.7071, 1.0, 1.4142, 2.0, 4.0, 8.0)
MOST_OFF = 40
ALL_OFF = Names(("all",))


def _parts_off(text: str) -> Names:
    names = Names(each for each in text.split(",") if each)
    if names == ALL_OFF or (len(names) <= MOST_OFF and all(_OF_PART.fullmatch(each) for each in names)):
        return names
    raise ValueError("The link switches off no parts that are here; the first one is off.")


def _inner(text: str) -> float:
    if text not in map(str, INNER_TEMPERATURES):
        raise ValueError("The link's temperature inside of the head is none of those here; 2 is taken.")
    return float(text)


_OF_PART = re.compile(r"(encoder|decoder|cross|target|)\.-?\d{1,4}\.\d{1,4}")
OFF_SORT: Choice[str] = Choice("off_sort", "mlps", one_of("sort of part", tuple(WAYS_OFF)))
# Stack, layer and number, as in decoder.3.0, with commas between; None for the first one.
PARTS_OFF: Choice[Names | None] = Choice("parts_off", None, _parts_off, (*thread.OWNERS, OFF_SORT))
OFF_VIEW: Choice[str] = Choice("off_view", "text", one_of("view", tuple(VIEWS_OFF)))
PLACES_ARE: Choice[str] = Choice("places_are", "off", one_of("order of places", tuple(PLACES)))
# One head, for what is looked at inside of attention.
ATT_KIND: Choice[str | None] = Choice(
    "att_kind", None, one_of("kind of attention", tuple(ATTENTION_KINDS)), (thread.MODEL,)
)
ATT_LAYER: Choice[int | None] = Choice("att_layer", None, whole_number("layer"), (thread.MODEL, ATT_KIND))
ATT_HEAD: Choice[int] = Choice("att_head", 0, whole_number("head"), (thread.MODEL, ATT_KIND))
ATT_KEY: Choice[int] = Choice("att_key", 0, whole_number("key"), thread.OWNERS)
INNER_T: Choice[float] = Choice("inner_t", 2.0, _inner)
# Of each family a model, "" for the one that is always there, and the same text with another word.
OF_FAMILIES: dict[str, Choice[str]] = {
    family: Choice(f"family_{family}", "", thread.named_in_link) for family in ("encoder", "decoder", "seq2seq")
}
EDITED: Choice[str] = Choice("edited_text", "", thread.readable, (thread.TEXT,))
FAMILY_DEPTH: Choice[int] = Choice("family_depth", 50, whole_number("depth", 0, 100))
OF_ORDER: tuple[Choice[Any], ...] = (
    *(OFF_SORT, PARTS_OFF, OFF_VIEW, PLACES_ARE, ATT_KIND, ATT_LAYER, ATT_HEAD, ATT_KEY, INNER_T),
    *(*OF_FAMILIES.values(), EDITED, FAMILY_DEPTH),
)

CHOICES: tuple[Choice[Any], ...] = (
    *(PLAN_OF, PLAN_CONFIG, PART, UNFOLDED, SHADED),
    *OF_PARTS,
    *OF_ORDER,
)
