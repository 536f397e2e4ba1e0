"""How many weights one file may hold."""

from models.errors import HeadlightError

MOST_NUMBERS = 8_000_000


class TooManyNumbersError(HeadlightError):
    """The maps are too many for one file."""


def check_weight_count(numbers: int) -> None:
    """Raises TooManyNumbersError where a file would have more than `MOST_NUMBERS` weights."""
    if numbers > MOST_NUMBERS:
        raise TooManyNumbersError(
            f"These maps have {numbers:,} numbers, and one file holds at most {MOST_NUMBERS:,}; take a shorter text or "
            "fewer layers."
        )
