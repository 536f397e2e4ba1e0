"""Three ways to cut a text without having learnt anything: bytes, characters, words between white space."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class BaselineCut:
    """Ids with the bytes and the span (start, end in code points) of each."""

    ids: tuple[int, ...]
    data: tuple[bytes, ...]
    spans: tuple[tuple[int, int], ...]


def bytes_of_text(text: str) -> BaselineCut:
    """Each byte of the text in UTF-8; its id is its value. The bytes of one character have one span."""
    whole = text.encode()
    spans = [(place, place + 1) for place, character in enumerate(text) for _ in character.encode()]
    return BaselineCut(tuple(whole), tuple(bytes([byte]) for byte in whole), tuple(spans))


def characters(text: str) -> BaselineCut:
    """Each code point; its id is its number in Unicode."""
    spans = tuple((place, place + 1) for place in range(len(text)))
    return BaselineCut(tuple(map(ord, text)), tuple(character.encode() for character in text), spans)


def words(text: str) -> BaselineCut:
    """What stands between white space; equal words have one id, counted from 0 in the order in which they come up."""
    found = list(re.finditer(r"\S+", text))
    numbers: dict[str, int] = {}
    ids = tuple(numbers.setdefault(match[0], len(numbers)) for match in found)
    return BaselineCut(ids, tuple(match[0].encode() for match in found), tuple(match.span() for match in found))


BASELINES: Mapping[str, Callable[[str], BaselineCut]] = {
    "bytes": bytes_of_text,
    "characters": characters,
    "words": words,
}


def text_of(name: str, pieces: tuple[bytes, ...]) -> str:
    """The text that the pieces of a baseline give back; words are put together with one space, all they know."""
    return (b" " if name == "words" else b"").join(pieces).decode("utf-8", "replace")
