"""What chance gives: the same labels dealt out over the same places in other ways."""

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import comb

import numpy as np
from jaxtyping import Int64

# Up to so many ways to deal out the labels, each of them is tried; of more, so many are drawn.
_MOST_WAYS = 2_000
_SEED = 0


@dataclass(frozen=True)
class Chance:
    """What comes of senses that are dealt out at random over the vectors, each as often as it is there.

    mean: how many vectors share the sense of their nearest then. as_many: in what part of such ways there are at least
    as many of them as were found. ways: how many there are, or were drawn; is_exact: whether these are all there are.
    """

    mean: float
    as_many: float
    ways: int
    is_exact: bool


@lru_cache(maxsize=8)
def dealt_out(senses: tuple[str, ...]) -> tuple[Int64[np.ndarray, "way sentence"], bool]:
    """The senses as numbers, first as they are and then dealt out otherwise; and whether these are all ways to do so.

    All of them where there are few, else a sample that is the same each time.
    """
    names = {name: number for number, name in enumerate(dict.fromkeys(senses))}
    own = np.array([names[each] for each in senses], dtype=np.int64)
    counts = np.bincount(own).tolist()
    if _ways(counts) > _MOST_WAYS:
        draws = np.random.default_rng(_SEED)
        return np.stack([own, *(draws.permutation(own) for _ in range(_MOST_WAYS - 1))]), False
    others = (each for each in _labellings(len(own), counts) if each != own.tolist())
    return np.array([own.tolist(), *others], dtype=np.int64), True


def _ways(counts: Sequence[int]) -> int:
    ways, left = 1, sum(counts)
    for count in counts:
        ways *= comb(left, count)
        left -= count
    return ways


def _labellings(places: int, counts: Sequence[int]) -> Iterator[list[int]]:
    """Every way to give label 0 to `counts[0]` of the places, label 1 to `counts[1]` of the others, and so on."""

    def dealt(label: int, free: tuple[int, ...], labels: list[int]) -> Iterator[list[int]]:
        if label == len(counts):
            yield labels
            return
        for taken in itertools.combinations(free, counts[label]):
            rest = tuple(each for each in free if each not in taken)
            yield from dealt(label + 1, rest, [label if place in taken else each for place, each in enumerate(labels)])

    yield from dealt(0, tuple(range(places)), [0] * places)
