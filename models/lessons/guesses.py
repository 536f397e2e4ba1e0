"""A guess, checked as it comes from a browser, and how far it is from the truth."""

import math
from dataclasses import dataclass

from models.errors import HeadlightError
from models.lessons.ask import Ask
from models.lessons.readings import Readings

# The place of the chosen option; a number; the places of the options, best first; a bar for each option.
Guess = int | float | tuple[int, ...] | tuple[float, ...]
# So near a number counts as right: this part of the slider's length.
NEAR = 0.05


class GuessError(HeadlightError):
    """A guess that does not fit what was asked."""


@dataclass(frozen=True)
class Outcome:
    """A guess beside the truth.

    right: the places of the options that are right, of "choose"; of "order" the right order.
    truth: of "number", the number; of the others, the value of each option (of borders, empty).
    hits: how many of what was asked are right, of `of`; chance: how many a blind guess hits on average.
    apart: of "number" and "draw", the mean distance of guess and truth, in the truth's unit.
    """

    right: tuple[int, ...]
    truth: tuple[float | int, ...]
    hits: int
    of: int
    chance: float | int
    apart: float | int

    @property
    def is_right(self) -> bool:
        """Whether all of it is."""
        return self.hits == self.of


def options_of(ask: Ask, found: Readings) -> tuple[str, ...]:
    """What can be chosen, ordered or drawn."""
    return ask.options or (() if ask.kind == "number" else found.labels)


def checked_guess(ask: Ask, found: Readings, told: object) -> Guess:
    """The guess that a browser told. Raises GuessError for one that is outside of what was asked."""
    count = len(options_of(ask, found))
    if ask.kind == "choose":
        if type(told) is int and 0 <= told < count:
            return told
    elif ask.kind == "number":
        if _is_number(told) and ask.least <= told <= ask.most:  # ty: ignore[unsupported-operator]
            return told  # ty: ignore[invalid-explicit-return]
    elif isinstance(told, list | tuple) and len(told) == count:
        if ask.kind == "order" and all(type(each) is int for each in told) and sorted(told) == list(range(count)):
            return tuple(told)
        if ask.kind == "draw" and all(_is_number(each) and 0 <= each <= 1 for each in told):
            return tuple(float(each) for each in told)
    raise GuessError("This guess is not among what can be chosen here; choose again.")


def _is_number(value: object) -> bool:
    return type(value) in (int, float) and math.isfinite(value)  # ty: ignore[invalid-argument-type]


def outcome(ask: Ask, found: Readings, guess: Guess) -> Outcome:
    """How far the guess is from the truth. Raises QuestionError for an option that the truth does not have."""
    if ask.kind == "number":
        assert isinstance(guess, int | float)
        truth = found.value(ask.of or found.labels[0])
        apart = abs(guess - truth)
        near = max(NEAR * (ask.most - ask.least), 1 if found.unit in ("count", "rank") and ask.most > 20 else 0)
        return Outcome((), (truth,), int(apart <= near), 1, min(1.0, 2 * near / (ask.most - ask.least)), apart)
    options = options_of(ask, found)
    if ask.borders:
        truth = found.value(ask.of or found.labels[0])
        right = (sum(truth >= border for border in ask.borders),)
        return Outcome(right, (truth,), int(guess in right), 1, 1 / len(options), 0)
    values = tuple(found.value(each) for each in options)
    if ask.kind == "choose":
        best = max(values) if ask.by == "largest" else min(values)
        right = tuple(place for place, value in enumerate(values) if value == best)
        return Outcome(right, values, int(guess in right), 1, len(right) / len(options), 0)
    if ask.kind == "order":
        assert isinstance(guess, tuple)
        ordered = sorted(values, reverse=True)
        # Of equal ones either may stand first.
        hits = sum(values[int(place)] == value for place, value in zip(guess, ordered, strict=True))
        right = tuple(sorted(range(len(values)), key=lambda place: -values[place]))
        return Outcome(right, values, hits, len(values), 1.0, 0)
    assert isinstance(guess, tuple)
    gaps = [abs(one - other) for one, other in zip(guess, values, strict=True)]
    return Outcome((), values, sum(gap <= NEAR for gap in gaps), len(gaps), 2 * NEAR * len(gaps), sum(gaps) / len(gaps))
