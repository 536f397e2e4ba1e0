"""What can be chosen on the KV cache page."""

from typing import Any

import streamlit as st

from pages.shared import thread
from pages.shared.examples import CacheExample
from pages.shared.link import Choice, one_of, whole_number

LENGTHS = (8, 20, 32, 64, 128, 256, 512, 1_000)
KEPT = {"dynamic": "Grows", "static": "Static"}
_MODEL = "caching:model"
SHADES = {"value": "Values", "key": "Keys"}


def _between(what: str, least: int, most: int) -> Any:
    parse = whole_number(what)

    def parsed(text: str) -> int:
        number = parse(text)
        if not least <= number <= most:
            raise ValueError(f"The link's {what} is not between {least} and {most:,}; the default is taken.")
        return number

    return parsed


class Cell(tuple[int, int]):
    """A layer of the cache and a position, written in a link as 3-12."""

    __slots__ = ()

    def __str__(self) -> str:
        return f"{self[0]}-{self[1]}"


def _cell(text: str) -> Cell:
    layer, dash, position = text.partition("-")
    if not dash or not all(part.isascii() and part.isdecimal() and len(part) < 10 for part in (layer, position)):
        raise ValueError("The link's cell is not a layer and a position, as in 3-12; none is selected.")
    return Cell((int(layer), int(position)))


TOKENS: Choice[int] = Choice("tokens", 20, _between("number of new tokens", 1, LENGTHS[-1]))
DRAWN: Choice[int | None] = Choice("drawn", None, _between("number of drawn tokens", 1, LENGTHS[-1]))
KEEPING: Choice[str] = Choice("cache", "dynamic", one_of("cache", tuple(KEPT)))
SHADE: Choice[str] = Choice("shade", "value", one_of("shade", tuple(SHADES)))
CELL: Choice[Cell | None] = Choice("cell", None, _cell)
ROWS: Choice[int] = Choice("rows", 1, _between("number of rows", 1, 1_024))

EVERY = (*thread.THREAD, TOKENS, DRAWN, KEEPING, SHADE, CELL, ROWS)


def in_the_link() -> tuple[Choice[Any], ...]:
    """The choices that differ from what is shown without them, and the thread."""
    more = (TOKENS, DRAWN, KEEPING, SHADE, CELL, ROWS)
    return (*thread.THREAD, *(each for each in more if each.value != each.default))


def heed_model(name: str) -> None:
    """Tokens and cells of a model that was changed in the sidebar mean nothing in this one."""
    if st.session_state.setdefault(_MODEL, name) != name:
        st.session_state[_MODEL] = name
        forget_places()


def open_example(example: CacheExample) -> None:
    """Show an example as it was meant: its model, its text, stopped at its token."""
    thread.choose_model(example.model)
    st.session_state[_MODEL] = example.model
    thread.choose_text(example.text)
    TOKENS.choose(example.tokens)
    DRAWN.choose(example.drawn)
    KEEPING.choose("dynamic")
    SHADE.choose("value")
    CELL.choose(None)
    ROWS.choose(1)


def forget_places() -> None:
    """Another text or model: tokens and cells of the former one mean nothing in it."""
    DRAWN.choose(None)
    CELL.choose(None)
