"""A map's part between two sentences: where the second one begins, and which rows and columns are asked for."""

import re
from typing import TYPE_CHECKING

from pages.attention.choices import SENTENCE
from pages.shared import thread

if TYPE_CHECKING:
    from models.attention import TracedText

# Neither an initial nor Dr., Mr., Ms., St., Mrs. ends a sentence.
_END = re.compile(r"(?<!\b[A-Z])(?<!\b(?:Dr|Mr|Ms|St))(?<!\bMrs)[.!?…。]\s")


def part_of(traced: "TracedText", queries: tuple[str, ...], kind: str) -> tuple[int, int, int, int] | None:
    """The queries of one sentence and the keys of another, where these are asked for."""
    if SENTENCE.value == "all" or traced.axes(kind).rows_are_target:
        return None
    cut = sentences_part(traced, thread.TEXT.value)
    if cut is None:
        return None
    sides = {"a": (0, cut), "b": (cut, len(queries))}
    first, second = SENTENCE.value
    return (*sides[first], *sides[second])


def sentences_part(traced: "TracedText", text: str) -> int | None:
    """The first token of the second sentence; None where there is one sentence only.

    The first one ends with a line break, else with a full stop, question mark or exclamation mark and a space; the full
    stop of an abbreviation ends none.
    """
    written = text.rstrip()
    start = len(text) - len(text.lstrip())
    ends = [written.find("\n", start)] if "\n" in written[start:] else [each.start() for each in _END.finditer(written)]
    place = next((each for each in ends if each >= 0), None)
    if place is None:
        return None
    later = [token for token, (start, end) in enumerate(traced.spans) if end > start and start > place]
    return later[0] if later else None
