"""What a person chose: kept in the session, mirrored to the address, and read back from it.

A choice lives in the session under its name. `receive` takes what an opened link says, `mirror` writes what is chosen
into the address, so that the address can be copied at any time. A link without a name leaves that choice alone: going
from page to page keeps the thread (model, text, token).
"""

import math
import urllib.parse
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, NoReturn, TypeVar

import streamlit as st

LONGEST_ENCODED_TEXT = 2000

Value = TypeVar("Value")
_MIRRORED = "link:mirrored"
_NOTES = "link:notes"
_OURS = "link:ours"
_EARLIER = "link:earlier"
_TOLD = "link:told"
# So far does the browser's Back button go; a text that is too long for a link is kept with each.
_MOST_EARLIER = 40
_MOST_EARLIER_CHARACTERS = 2_000_000


@dataclass(frozen=True, eq=False)
class Choice(Generic[Value]):
    """Something that can be chosen and stands in a link.

    name: as in the query string. default: where nothing was chosen.
    parse: from the link's text to a value; raises ValueError with the sentence that a person reads.
    belongs_to: other choices (the text, the model) without whose values this one means nothing: once one of them is
        another, this one is the default again. They stand before it where a link is read.
    is_always: stands in the link also while it is the default.
    """

    name: str
    default: Value
    parse: Callable[[str], Value]
    belongs_to: "tuple[Choice[Any], ...]" = ()
    is_always: bool = False

    @property
    def value(self) -> Value:
        """What is chosen now in this session."""
        return st.session_state[self._key] if self.is_chosen else self.default

    @property
    def is_chosen(self) -> bool:
        """Whether this session, or the link that opened it, chose anything, for what it belongs to."""
        if self._key not in st.session_state:
            return False
        if self.belongs_to and st.session_state.setdefault(f"{self._key}:of", self._owners) != self._owners:
            del st.session_state[self._key], st.session_state[f"{self._key}:of"]
            return False
        return True

    def choose(self, value: Value) -> None:
        """Choose it; the address follows with the next `mirror`.

        What no link could say is not taken, and the default is: a widget says whatever is sent in its name.
        """
        st.session_state[self._key] = value if self._can_be_said(value) else self.default
        if self.belongs_to:
            st.session_state[f"{self._key}:of"] = self._owners

    @property
    def _key(self) -> str:
        return f"choice:{self.name}"

    @property
    def _owners(self) -> tuple[Any, ...]:
        return tuple(each.value for each in self.belongs_to)

    def _can_be_said(self, value: Value) -> bool:
        # Nothing at all can be chosen in a widget, and a page says so.
        if value is None or value == self.default or not str(value):
            return True
        try:
            self.parse(str(value))
        except ValueError:
            return False
        return True

    def forget(self) -> None:
        """As if nothing had been chosen, here or in a link."""
        self.choose(self.default)


def one_of(what: str, allowed: Sequence[str]) -> Callable[[str], str]:
    """A parser that takes these words only."""

    def parse(text: str) -> str:
        if text not in allowed:
            raise ValueError(f"The link names no {what} that is here; the default is shown.")
        return text

    return parse


def one_number_of(what: str, allowed: Sequence[int]) -> Callable[[str], int]:
    """A parser that takes these numbers only."""
    parse = one_of(what, tuple(map(str, allowed)))
    return lambda text: int(parse(text))


def whole_number(
    what: str, least: int = 0, most: int | None = None, instead: str = "the default is shown"
) -> Callable[[str], int]:
    """A parser of numbers from 0 on, or within these bounds; without them the page itself checks how far they go."""

    def parse(text: str) -> int:
        if not is_whole(text):
            raise ValueError(f"The link's {what} is not a number from 0 on; the default is shown.")
        if most is not None and not least <= int(text) <= most:
            raise ValueError(f"The link's {what} is not between {least} and {most:,}; {instead}.")
        return int(text)

    return parse


def is_whole(text: str, digits: int = 9) -> bool:
    """Whether it is a whole number from 0 on, of so many digits at the most."""
    return text.isascii() and text.isdecimal() and len(text) <= digits


def number_within(
    sentence: str, least: float, most: float, kind: Callable[[str], float | int] = float
) -> Callable[[str], float | int]:
    """A parser of numbers of a kind, within these bounds; the sentence is what a person reads of anything else."""

    def parse(text: str) -> float | int:
        try:
            value = kind(text)
        except ValueError:
            value = math.nan
        if not least <= value <= most:
            raise ValueError(sentence)
        return value

    return parse


class Names(tuple[str, ...]):
    """Names, written in a link with a comma between them."""

    __slots__ = ()

    def __str__(self) -> str:
        return ",".join(self)


class NumberPair(tuple[int, int]):
    """Two whole numbers from 0 on, written in a link as 3-12."""

    __slots__ = ()

    def __str__(self) -> str:
        return f"{self[0]}-{self[1]}"


def number_pair(sentence: str) -> Callable[[str], NumberPair]:
    """A parser of two numbers; the sentence is what a person reads of anything else."""

    def parse(text: str) -> NumberPair:
        first, dash, second = text.partition("-")
        if not (dash and is_whole(first) and is_whole(second)):
            raise ValueError(sentence)
        return NumberPair((int(first), int(second)))

    return parse


class NumberPairs(tuple[tuple[int, int], ...]):
    """Pairs of whole numbers from 0 on, written in a link as 4.123-9.500."""

    __slots__ = ()

    def __str__(self) -> str:
        return "-".join(f"{first}.{second}" for first, second in self)


def number_pairs(sentence: str, most: int | None = None) -> Callable[[str], NumberPairs]:
    """A parser of so many pairs at the most; the sentence is what a person reads of anything else."""

    def parse(text: str) -> NumberPairs:
        pairs = [part.partition(".") for part in text.split("-") if part]
        numbers = [number for first, _, second in pairs for number in (first, second)]
        if not all(is_whole(each, 7) for each in numbers) or (most is not None and len(pairs) > most):
            raise ValueError(sentence)
        return NumberPairs((int(first), int(second)) for first, _, second in pairs)

    return parse


def receive(choices: Sequence[Choice[Any]]) -> None:
    """Take over what the address says, where it says something else than what was last written there."""
    if st.query_params.to_dict() == st.session_state.get(_OURS):
        return
    now = st.query_params.to_dict()
    mirrored = st.session_state.get(_MIRRORED, {})
    # Going to another page empties the address: that is not back to where nothing was chosen.
    earlier = _earlier().get(frozenset(now.items())) if now and now != mirrored else None
    for choice in choices:
        if earlier is not None:
            # Back, or forward: all is as it was there, what is no part of a link as well.
            choice.choose(earlier.get(choice.name, choice.default))
            continue
        said = now.get(choice.name)
        if said is None or said == mirrored.get(choice.name):
            continue
        try:
            choice.choose(choice.parse(said))
        except ValueError as error:
            choice.choose(choice.default)
            note(str(error))


def _earlier() -> dict[frozenset[tuple[str, str]], dict[str, Any]]:
    """The addresses that this session wrote, and what was chosen there."""
    return st.session_state.setdefault(_EARLIER, {})


def run_again() -> NoReturn:
    """Run the whole page anew because of something that the page did itself.

    Such a run has the address with which the browser asked for the one before: what was written there since is not in
    it yet, and it must not take a person's newer choice back.
    """
    st.session_state[_OURS] = st.query_params.to_dict()
    st.rerun()


def mirror(choices: Sequence[Choice[Any]]) -> None:
    """Write what is chosen into the address. A text that would make the link too long stays out of it."""
    said = {choice.name: str(choice.value) for choice in choices if choice.value is not None and fits(choice)}
    st.session_state[_MIRRORED] = said
    st.session_state.pop(_OURS, None)
    earlier = _earlier()
    earlier.pop(frozenset(said.items()), None)
    earlier[frozenset(said.items())] = {choice.name: choice.value for choice in choices}
    while len(earlier) > _MOST_EARLIER or (len(earlier) > 1 and _characters(earlier) > _MOST_EARLIER_CHARACTERS):
        del earlier[next(iter(earlier))]
    if st.query_params.to_dict() != said:
        st.query_params.from_dict(said)
    told = st.session_state.get(_TOLD)
    if told is not None:
        told()


def when_mirrored(told: Callable[[], None] | None) -> None:
    """Have this called each time a page of this session has settled and written its address; None for no more."""
    st.session_state[_TOLD] = told


def mirrored() -> dict[str, str]:
    """What this session last wrote into the address, by name."""
    return dict(st.session_state.get(_MIRRORED, {}))


def _characters(earlier: dict[frozenset[tuple[str, str]], dict[str, Any]]) -> int:
    """Of the texts that are kept, the same one counted once."""
    texts = {
        id(value): len(value) for chosen in earlier.values() for value in chosen.values() if isinstance(value, str)
    }
    return sum(texts.values())


def fits(choice: Choice[Any]) -> bool:
    """Whether this choice is short enough for a link: a longer one would break the reload."""
    said = str(choice.value)
    return len(said) <= LONGEST_ENCODED_TEXT and len(urllib.parse.quote(said)) <= LONGEST_ENCODED_TEXT


def address(choices: Sequence[Choice[Any]], also: Mapping[str, str]) -> str:
    """The whole link to what is chosen, to be copied; also: what it says beside that, by name."""
    query = {choice.name: str(choice.value) for choice in choices if choice.value is not None and fits(choice)}
    base = (st.context.url or "").partition("?")[0]
    return f"{base}?{urllib.parse.urlencode({**query, **also}, quote_via=urllib.parse.quote)}"


def note(sentence: str) -> None:
    """Keep a sentence for the next `notes`."""
    st.session_state.setdefault(_NOTES, []).append(sentence)


def has_notes() -> bool:
    """Whether something was kept that has not been shown."""
    return bool(st.session_state.get(_NOTES))


def take_notes() -> list[str]:
    """The sentences that were kept since the last time, each once."""
    return list(dict.fromkeys(st.session_state.pop(_NOTES, [])))
