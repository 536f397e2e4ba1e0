"""Which token of one text stands for which of another."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from itertools import takewhile


@dataclass(frozen=True)
class Alignment:
    """Which token of one text stands for which of another: from both ends towards the middle.

    pairs: (place in the one, place in the other), in order; what is left over in the longer text has no partner.
    note: what has to be said where the lengths differ; "" where they do not.
    """

    pairs: tuple[tuple[int, int], ...]
    note: str


def aligned_tokens(one: Sequence[Hashable], other: Sequence[Hashable]) -> Alignment:
    """The alignment of two texts by their token ids.

    Of unequal lengths, the tokens with which both begin and those with which both end stand for each other. What is
    between is aligned from both ends as far as the shorter one goes: half of it from the left, the rest from the right.
    """
    shorter = min(len(one), len(other))
    if len(one) == len(other):
        return Alignment(tuple((place, place) for place in range(shorter)), "")
    before = _equal(one, other)
    after = min(_equal(one[::-1], other[::-1]), shorter - before)
    first = before + (shorter - before - after) // 2
    pairs = [(place, place) for place in range(first)]
    pairs += [(len(one) - shorter + place, len(other) - shorter + place) for place in range(first, shorter)]
    left = abs(len(one) - len(other))
    return Alignment(
        tuple(pairs),
        f"The texts have {len(one)} and {len(other)} tokens: {first} are aligned from the beginning and "
        f"{shorter - first} from the end, and {left} of the longer one {'has' if left == 1 else 'have'} no partner.",
    )


def _equal(one: Sequence[Hashable], other: Sequence[Hashable]) -> int:
    """With how many equal tokens both begin."""
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False)))
