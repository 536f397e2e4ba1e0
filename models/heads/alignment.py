"""Which token of one text stands for which of another."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Alignment:
    """Which token of one text stands for which of another: from both ends towards the middle.

    pairs: (place in the one, place in the other), in order; what is left over in the longer text has no partner.
    note: what has to be said where the lengths differ; "" where they do not.
    """

    pairs: tuple[tuple[int, int], ...]
    note: str


def aligned(one: int, other: int) -> Alignment:
    """The alignment of so many tokens with so many: half of the shorter from the beginning, the rest from the end.

    The later half is the larger one, since what follows is what a difference leads to.
    """
    shorter = min(one, other)
    first = shorter // 2
    pairs = [(place, place) for place in range(first)]
    pairs += [(one - shorter + place, other - shorter + place) for place in range(first, shorter)]
    if one == other:
        return Alignment(tuple(pairs), "")
    left = abs(one - other)
    return Alignment(
        tuple(pairs),
        f"The texts have {one} and {other} tokens: {first} are aligned from the beginning and {shorter - first} from "
        f"the end, and {left} in the middle of the longer one {'has' if left == 1 else 'have'} no partner.",
    )
