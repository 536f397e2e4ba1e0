"""A part of a text, cut by several tokenizers, with the places where they disagree."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from jaxtyping import Int32, UInt16

from models.tokenization.boundaries import CutText, Disagreements, bytes_before
from models.tokenization.loaded_tokenizer import LoadedTokenizer
from models.tokenization.own_tokenizers import UserTokenizer
from models.tokenization.pieces import Look, readable_bytes
from models.tokenization.sandboxed import answered

# Characters of a text that are shown at a time; four columns of 1,000 tokens of English fit.
WINDOW = 6_000
_MOST_DISAGREEMENTS = 12
_MOST_LOOKED_THROUGH = 1_000


@dataclass(frozen=True, eq=False)
class Column:
    """One tokenizer's pieces in a window.

    ids, looks, ranks: of each distinct piece; its rank among the merges is -1 where it has none. look: for each piece
        the place among these.
    starts, ends: in bytes from the window's start.
    """

    ids: tuple[int, ...]
    looks: tuple[Look, ...]
    ranks: tuple[int, ...]
    look: UInt16[np.ndarray, " piece"]
    starts: Int32[np.ndarray, " piece"]
    ends: Int32[np.ndarray, " piece"]


class Disagreement(NamedTuple):
    """A stretch on which tokenizers disagree: in characters of the whole text, with the number of pieces of each."""

    start: int
    end: int
    text: str
    counts: tuple[int, ...]


@dataclass(frozen=True, eq=False)
class Comparison:
    """A window on a text, in several columns.

    start, end: of the window in characters; text: what stands in it.
    disagreements: starts and ends of the stretches in the window on which the columns disagree, in its bytes.
    largest: of the whole text, those on equal stretches once. count: how many there are in it.
    """

    start: int
    end: int
    text: str
    columns: tuple[Column, ...]
    disagreements: Int32[np.ndarray, "stretch 2"]
    largest: tuple[Disagreement, ...]
    count: int


def window_of(
    tokenizers: Sequence[LoadedTokenizer | UserTokenizer],
    cuts: Sequence[CutText],
    found: Disagreements,
    text: str,
    start: int,
) -> Comparison:
    """At most `WINDOW` characters of a text from `start` on.

    cuts: the whole text, cut by each tokenizer. found: where they disagree in it.
    """
    places = bytes_before(text)
    whole = text.encode()
    start = min(start, max(0, len(text) - 1))
    end = min(start + WINDOW, len(text))
    low, high = int(places[start]), int(places[end])
    inside = (found.starts < high) & (found.ends > low)
    spans = np.stack((found.starts[inside], found.ends[inside]), axis=1)
    return Comparison(
        start=start,
        end=end,
        text=text[start:end],
        columns=tuple(_column(loaded, cut, whole, low, high) for loaded, cut in zip(tokenizers, cuts, strict=True)),
        disagreements=(np.clip(spans, low, high) - low).astype(np.int32),
        largest=_largest(text, places, found),
        count=len(found.starts),
    )


def _largest(text: str, places: np.ndarray, found: Disagreements) -> tuple[Disagreement, ...]:
    """The largest disagreements; of those on equal stretches of text only the first."""
    distinct: dict[str, Disagreement] = {}
    for place in found.largest(_MOST_LOOKED_THROUGH):
        stretch = _stretch(text, places, found, place)
        distinct.setdefault(stretch.text, stretch)
        if len(distinct) == _MOST_DISAGREEMENTS:
            break
    return tuple(distinct.values())


def _stretch(text: str, places: np.ndarray, found: Disagreements, place: int) -> Disagreement:
    # A stretch may begin or end inside a character; people see whole ones.
    start = int(np.searchsorted(places, found.starts[place], side="right")) - 1
    end = int(np.searchsorted(places, found.ends[place], side="left"))
    return Disagreement(start, end, text[start:end], tuple(found.counts[:, place].tolist()))


def _column(loaded: LoadedTokenizer | UserTokenizer, cut: CutText, whole: bytes, low: int, high: int) -> Column:
    inside = np.flatnonzero((cut.ends > low) & (cut.starts < high))
    numbers, first, look = np.unique(cut.ids[inside], return_index=True, return_inverse=True)
    if loaded.facts is None:
        stretches = zip(cut.starts[inside][first].tolist(), cut.ends[inside][first].tolist(), strict=True)
        data = [whole[start:end] for start, end in stretches]
        looks = [Look(readable_bytes(each), each, is_special=False, is_unknown=False, token="") for each in data]
        ranks = [-1] * len(looks)
    else:
        known = answered(loaded, looked_up, numbers.tolist())
        looks, ranks = known.looks, known.ranks
    return Column(
        ids=tuple(numbers.tolist()),
        looks=tuple(looks),
        ranks=tuple(ranks),
        look=look.astype(np.uint16),
        starts=(cut.starts[inside] - low).astype(np.int32),
        ends=(cut.ends[inside] - low).astype(np.int32),
    )


@dataclass(frozen=True)
class LookedUp:
    """How pieces look, and their ranks among the merges (-1: none)."""

    looks: tuple[Look, ...]
    ranks: tuple[int, ...]


def looked_up(loaded: LoadedTokenizer, ids: Sequence[int]) -> LookedUp:
    """What is known of the pieces with these ids."""
    ranks = [None if loaded.merges is None else loaded.merges.rank_of(number) for number in ids]
    return LookedUp(tuple(map(loaded.look, ids)), tuple(-1 if rank is None else rank for rank in ranks))
