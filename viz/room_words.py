"""What a class guessed, in words and rows; the truth beside it."""

from models.lessons import Ask, Readings
from models.lessons.guesses import Guess, Outcome, options_of
from models.rooms.tally import BINS, Tally, bin_of
from viz.components.room_question import GuessBar
from viz.lesson_words import value_text


def class_words(ask: Ask, counted: Tally) -> str:
    """How many have it right, beside what blind guessing gives."""
    if not counted.answered:
        return "Nobody has answered."
    if ask.kind == "draw":
        return f"{counted.answered} answered; the mean of their bars beside the truth."
    right = f"{counted.right} of {counted.answered} have {'the whole order' if ask.kind == 'order' else 'it'} right"
    if counted.by_chance is None:
        return f"{right}."
    chance = "less than 1" if counted.by_chance < 1 else f"about {counted.by_chance:.0f}"
    return f"{right}; blind guessing gives {chance}."


def class_rows(ask: Ask, found: Readings, counted: Tally, truth: Outcome, guess: Guess | None) -> list[GuessBar]:
    """A row for each option, or for each tenth of the slider. truth: as `outcome` has it, of any guess; guess: this
    member's own, None without one.
    """
    longest = 1 if ask.kind == "draw" else max(counted.bars, default=0) or 1
    if ask.kind == "number":
        right, own = bin_of(ask, truth.truth[0]), None if guess is None else bin_of(ask, _number(guess))
        return [
            GuessBar(
                _bin_name(ask, found, place), bar / longest, str(bar), is_right=place == right, is_own=place == own
            )
            for place, bar in enumerate(counted.bars)
        ]
    options = options_of(ask, found)
    has_values = len(truth.truth) == len(options)
    most = 1.0 if ask.kind == "draw" else max((abs(each) for each in truth.truth), default=0) or 1
    rows = []
    for place, (option, bar) in enumerate(zip(options, counted.bars, strict=True)):
        value = truth.truth[place] if has_values else None
        rows.append(
            GuessBar(
                option,
                bar / longest,
                value_text(found.unit, bar) if ask.kind == "draw" else str(bar),
                None if value is None else max(0.0, value / most),
                "" if value is None else value_text(found.unit, value),
                is_right=ask.kind == "choose" and place in truth.right,
                is_own=ask.kind == "choose" and guess == place,
            )
        )
    return [rows[place] for place in truth.right] if ask.kind == "order" else rows


def _bin_name(ask: Ask, found: Readings, place: int) -> str:
    span = (ask.most - ask.least) / BINS
    low, high = ask.least + place * span, ask.least + (place + 1) * span
    return f"{value_text(found.unit, low)} to {value_text(found.unit, high)}"


def _number(guess: Guess) -> float | int:
    assert isinstance(guess, int | float)
    return guess
