"""What can be chosen on the KV cache page."""

from typing import Any

from models.catalog import ARCHITECTURES
from models.loading.hub_ids import HUB, HubError, hub_id
from pages.shared import thread
from pages.shared.link import (
    Choice,
    Names,
    NumberPair,
    number_pair,
    number_within,
    one_number_of,
    one_of,
    whole_number,
)
from pages.shared.pasted_config import PASTED, PastedConfig, pasted_in_link

LENGTHS = (8, 20, 32, 64, 128, 256, 512, 1_000)
KEPT = {"dynamic": "Grows", "static": "Static"}
SHADES = {"value": "Values", "key": "Keys"}
# Bits of a kept number, and what torch or transformers call it.
DTYPES = {32: "float32", 16: "bfloat16", 8: "fp8", 4: "int4"}
MOST_CURVES = 6
TIMED_LENGTHS = (16, 32, 64, 128)
REPEATS = (1, 3, 5)


def _number(what: str, least: float, most: float) -> Any:
    sentence = f"The link's {what} is not between {least} and {most:,}; the default is taken."
    return number_within(sentence, least, most, lambda text: plain_number(float(text)))


def plain_number(number: float) -> float | int:
    """As a link writes it: 80, not 80.0."""
    return int(number) if number == int(number) else number


def _count(what: str, most: int, least: int = 1) -> Any:
    return whole_number(what, least, most, "the default is taken")


def _names(text: str) -> Names:
    names = Names(each for each in text.split(",") if each)
    if len(names) > MOST_CURVES or len(set(names)) < len(names) or not set(names) <= ARCHITECTURES.keys():
        raise ValueError("The link names no known models, or too many of them; the default is shown.")
    return names


def _planned(text: str) -> str:
    """A known model, a pasted one, or one of the hub; whether that was fetched here, the planner sees."""
    if not text.startswith(HUB):
        return one_of("model to plan for", (*ARCHITECTURES, PASTED))(text)
    try:
        which = hub_id(text)
    except HubError as error:
        raise ValueError(f"{error} This page's model is planned for.") from error
    return f"{HUB}{which.repository}@{which.revision}"


_cell = number_pair("The link's cell is not a layer and a position, as in 3-12; none is selected.")
MOST_CARDS, MOST_GIGABYTES, MOST_TEXTS, MOST_TOKENS = 1_024, 10_000, 1_000_000, 1 << 24
TOKENS: Choice[int] = Choice("tokens", 20, _count("number of new tokens", LENGTHS[-1]))
DRAWN: Choice[int | None] = Choice("drawn", None, _count("number of drawn tokens", LENGTHS[-1]), thread.OWNERS)
KEEPING: Choice[str] = Choice("cache", "dynamic", one_of("cache", tuple(KEPT)))
SHADE: Choice[str] = Choice("shade", "value", one_of("shade", tuple(SHADES)))
CELL: Choice[NumberPair | None] = Choice("cell", None, _cell, thread.OWNERS)
# Of the kept numbers; None: as the model keeps them.
BITS: Choice[int | None] = Choice("bits", None, one_number_of("number of bits", tuple(DTYPES)))
ROWS: Choice[int] = Choice("rows", 1, _count("number of texts at once", MOST_TEXTS))
# What is planned: "" for the page's model.
PLANNED: Choice[str] = Choice("plan", "", _planned)
CONFIG: Choice[PastedConfig | None] = Choice("config", None, pasted_in_link)
CARD_GIGABYTES: Choice[float] = Choice("card_gb", 80, _number("memory of a card", 0.1, MOST_GIGABYTES))
CARDS: Choice[int] = Choice("cards", 1, _count("number of cards", MOST_CARDS))
USED: Choice[float] = Choice("used", 90, _number("share of the memory", 1, 100))
WEIGHT_BITS: Choice[float | None] = Choice("weight_bits", None, _number("number of bits of a weight", 1, 32))
CONTEXT: Choice[int] = Choice("context", 2_048, _count("number of tokens of a text", MOST_TOKENS))
_OTHERWISE = (thread.MODEL, PLANNED, CONFIG)
KEY_HEADS: Choice[int | None] = Choice("key_heads", None, _count("number of key heads", 2_048), _OTHERWISE)
WINDOW: Choice[int | None] = Choice("window", None, _count("window", MOST_TOKENS, 2), _OTHERWISE)

CURVES: Choice[Names] = Choice("curves", Names(("gpt2", "llama-3-8b", "gemma-2-9b", "deepseek-v3")), _names)
# What is timed.
TIMED: Choice[int] = Choice("timed", 32, one_number_of("number of timed tokens", TIMED_LENGTHS))
ROUNDS: Choice[int] = Choice("rounds", 3, one_number_of("number of rounds", REPEATS))

CHOICES: tuple[Choice[Any], ...] = (
    *(TOKENS, DRAWN, KEEPING, SHADE, BITS, CELL, ROWS),
    *(PLANNED, CONFIG, CARD_GIGABYTES, CARDS, USED, WEIGHT_BITS, CONTEXT, KEY_HEADS, WINDOW),
    *(CURVES, TIMED, ROUNDS),
)


def forget_places() -> None:
    """A run of another length: tokens and cells of the former one mean nothing in it."""
    DRAWN.forget()
    CELL.forget()
