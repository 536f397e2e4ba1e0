"""What a class guessed, counted beside the truth; nobody's name is in it."""

from collections.abc import Sequence
from dataclasses import dataclass

from models.lessons.ask import Ask
from models.lessons.guesses import Guess, options_of, outcome
from models.lessons.readings import Readings

# Of a slider's range, from end to end.
BINS = 10


@dataclass(frozen=True)
class Tally:
    """answered: how many did. right: how many of these have all of it right; by_chance: how many of them would if they
    guessed blindly; None where a blind guess is not one of a few.
    bars: of "choose" how many chose each option; of "number" how many lie in each tenth of the slider, the upper end
    belonging to the last; of "order" how many put each option at its right place, in the order of the options; of
    "draw" the mean bar of each option, parts of 1.
    """

    answered: int
    right: int
    by_chance: float | int | None
    bars: tuple[float | int, ...]


def tally(ask: Ask, found: Readings, guesses: Sequence[Guess]) -> Tally:
    """The guesses counted. Raises QuestionError for an option that the truth does not have."""
    seen = [outcome(ask, found, each) for each in guesses]
    right = sum(each.is_right for each in seen)
    by_chance = len(guesses) * seen[0].chance if seen and ask.kind in ("choose", "number") else None
    count = BINS if ask.kind == "number" else len(options_of(ask, found))
    bars: list[float | int] = [0] * count
    for guess, own in zip(guesses, seen, strict=True):
        if ask.kind == "choose":
            assert isinstance(guess, int)
            bars[guess] += 1
        elif ask.kind == "number":
            assert isinstance(guess, int | float)
            bars[bin_of(ask, guess)] += 1
        else:
            assert isinstance(guess, tuple)
            for place, value in enumerate(guess):
                if ask.kind == "draw":
                    bars[place] += value / len(guesses)
                elif own.truth[int(value)] == sorted(own.truth, reverse=True)[place]:
                    bars[int(value)] += 1
    return Tally(len(guesses), right, by_chance, tuple(bars))


def bin_of(ask: Ask, value: float | int) -> int:
    """In which tenth of the slider a number lies; what is beyond an end counts to that."""
    part = (value - ask.least) / (ask.most - ask.least)
    return max(0, min(BINS - 1, int(part * BINS)))
