"""What can be chosen on the KV cache page."""

from typing import Any

from pages.shared import thread
from pages.shared.link import Choice, NumberPair, number_pair, one_of, whole_number

LENGTHS = (8, 20, 32, 64, 128, 256, 512, 1_000)
KEPT = {"dynamic": "Grows", "static": "Static"}
SHADES = {"value": "Values", "key": "Keys"}


def _count(what: str, most: int) -> Any:
    return whole_number(f"number of {what}", 1, most, "the default is taken")


_cell = number_pair("The link's cell is not a layer and a position, as in 3-12; none is selected.")
TOKENS: Choice[int] = Choice("tokens", 20, _count("new tokens", LENGTHS[-1]))
DRAWN: Choice[int | None] = Choice("drawn", None, _count("drawn tokens", LENGTHS[-1]), thread.OWNERS)
KEEPING: Choice[str] = Choice("cache", "dynamic", one_of("cache", tuple(KEPT)))
SHADE: Choice[str] = Choice("shade", "value", one_of("shade", tuple(SHADES)))
CELL: Choice[NumberPair | None] = Choice("cell", None, _cell, thread.OWNERS)
ROWS: Choice[int] = Choice("rows", 1, _count("rows", 1_024))

CHOICES: tuple[Choice[Any], ...] = (TOKENS, DRAWN, KEEPING, SHADE, CELL, ROWS)


def forget_places() -> None:
    """A run of another length: tokens and cells of the former one mean nothing in it."""
    DRAWN.forget()
    CELL.forget()
