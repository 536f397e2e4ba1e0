"""A share of cases as the page says it: ties are named, and what chance gives stands beside it."""

from typing import TYPE_CHECKING

from viz.number_format import cosine_text, part_text

if TYPE_CHECKING:
    from models.embeddings import Separation


def share_of_cases(found: "Separation", between: str = " of ") -> str:
    """How many vectors share the sense of their nearest: 6 of 6; that it is a tie where two senses are equally near."""
    count = len(found.nearest)
    if found.tied == count:
        return "a tie"
    return f"{found.shared}{between}{count}" + (f", {found.tied} tied" if found.tied else "")


def how_often(part: float, ways: int) -> str:
    """A part of so many ways: in 10 % of them, or in fewer than one of them."""
    if part * ways < 0.5:
        return f"in none of {ways:,} ways"
    return f"in {part_text(part)}"


def baseline(cosine: float, of: str) -> str:
    """What two vectors have in common anyway. of: which ones, as in "tokens of this line"."""
    return f"two random {of} have a cosine of {cosine_text(cosine)}"
