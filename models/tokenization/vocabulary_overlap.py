"""Two vocabularies beside each other: which pieces both have, by what they stand for."""

from collections import Counter
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from models.engine import Engine
from models.tokenization.vocabulary import ADDED, UNKNOWN, Vocabulary, VocabularyRequest

_EXAMPLES = 24
# The last one holds all that are longer.
LENGTHS = (1, 2, 3, 4, 5, 6, 8, 10, 15)


@dataclass(frozen=True)
class OverlapPart:
    """The pieces that both have, or only one of them.

    count: how many. scripts, lengths: of these, by script, and by length in characters (the longest in each row of
        LENGTHS, then None for all longer ones). examples: ids in the first vocabulary that has them, spread evenly over
        all of them.
    """

    count: int
    scripts: tuple[tuple[str, int], ...]
    lengths: tuple[tuple[int | None, int], ...]
    examples: tuple[int, ...]


@dataclass(frozen=True)
class Overlap:
    """What two vocabularies share. Their pieces are equal where they stand for equal bytes, however they are written:
    special and added ones do not count.

    sizes: how many different pieces each has.
    """

    shared: OverlapPart
    only_one: OverlapPart
    only_other: OverlapPart
    sizes: tuple[int, int]


def overlap(one: Vocabulary, other: Vocabulary) -> Overlap:
    """What both have, only the one, and only the other."""
    first, second = _own_pieces(one), _own_pieces(other)
    return Overlap(
        _part(one, [place for data, place in first.items() if data in second]),
        _part(one, [place for data, place in first.items() if data not in second]),
        _part(other, [place for data, place in second.items() if data not in first]),
        (len(first), len(second)),
    )


@dataclass(frozen=True)
class SharedCount:
    """How many pieces two tokenizers share, and how many each has; as in `Overlap`."""

    one: str
    other: str
    shared: int
    sizes: tuple[int, int]


def _own_pieces(vocabulary: Vocabulary) -> dict[bytes, int]:
    """By what it stands for, the place of each of the algorithm's own pieces: of equal ones the first."""
    found: dict[bytes, int] = {}
    for place in np.flatnonzero(~(vocabulary.has(ADDED) | vocabulary.has(UNKNOWN))).tolist():
        found.setdefault(vocabulary.data[place], place)
    return found


def _part(vocabulary: Vocabulary, places: list[int]) -> OverlapPart:
    scripts = Counter(vocabulary.scripts[each] for each in vocabulary.script[places].tolist())
    row = np.searchsorted(LENGTHS, vocabulary.lengths[places])
    counts = np.bincount(row, minlength=len(LENGTHS) + 1).tolist()
    step = max(1, len(places) // _EXAMPLES)
    examples = tuple(int(vocabulary.ids[place]) for place in places[::step][:_EXAMPLES])
    return OverlapPart(
        len(places), tuple(scripts.most_common()), tuple(zip((*LENGTHS, None), counts, strict=True)), examples
    )


@dataclass(frozen=True)
class OverlapRequest:
    """What the vocabularies of two tokenizers share."""

    one: str
    other: str

    def answer(self, engine: Engine) -> Overlap:
        """Raises NoVocabularyError."""
        return overlap(engine.run(VocabularyRequest(self.one)), engine.run(VocabularyRequest(self.other)))


@dataclass(frozen=True)
class SharedCountsRequest:
    """How many pieces every two of these tokenizers share."""

    tokenizers: tuple[str, ...]

    def answer(self, engine: Engine) -> tuple[SharedCount, ...]:
        """Raises NoVocabularyError."""
        pieces = {name: _own_pieces(engine.run(VocabularyRequest(name))).keys() for name in self.tokenizers}
        return tuple(
            SharedCount(one, other, len(pieces[one] & pieces[other]), (len(pieces[one]), len(pieces[other])))
            for one, other in combinations(self.tokenizers, 2)
        )
