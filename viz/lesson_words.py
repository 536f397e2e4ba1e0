"""What a lesson says of a guess and of the truth, in words."""

import re

from models.lessons import Ask, Outcome, Readings
from models.lessons.guesses import NEAR, Guess
from models.lessons.readings import Unit
from viz.number_format import bytes_text, cosine_text, level_text, part_text, points_text, times_text

_BLANK = re.compile(r"\{([^{}]{1,120})\}")


def value_text(unit: Unit, value: float | int) -> str:
    """A number of a lesson as the pages write it."""
    if unit == "part":
        return part_text(value)
    if unit == "bytes":
        return bytes_text(value)
    if unit == "times":
        return times_text(value)
    if unit == "cosine":
        return cosine_text(value)
    return level_text(value) if unit == "score" else f"{value:,.0f}"


def filled(text: str, found: Readings) -> str:
    """The text with numbers in it: {label} is one of them, {one : other} how many times as large one is, {largest} and
    {smallest} the labels of those. A name that is not there stays as it is.
    """

    def number(match: "re.Match[str]") -> str:
        said = match[1]
        if said in found.labels:
            return value_text(found.unit, found.value(said))
        if said in ("largest", "smallest"):
            best = (max if said == "largest" else min)(found.values)
            return f"“{found.labels[found.values.index(best)]}”"
        one, _, other = said.partition(" : ")
        if one in found.labels and other in found.labels and found.value(other):
            return times_text(found.value(one) / found.value(other))
        return match[0]

    return _BLANK.sub(number, text)


def gap_words(ask: Ask, options: tuple[str, ...], found: Readings, guess: Guess, seen: Outcome) -> str:
    """How far the guess is from the truth, in a sentence or two, beside what blind guessing gives."""
    unit = found.unit
    if ask.kind == "number":
        assert isinstance(guess, int | float)
        truth = seen.truth[0]
        if guess == truth:
            return f"Exactly: {value_text(unit, truth)}."
        apart = points_text(seen.apart) if unit == "part" else value_text(unit, seen.apart)
        near = "Close. " if seen.is_right else ""
        more = "less" if guess > truth else "more"
        return f"{near}You said {value_text(unit, guess)}; it is {value_text(unit, truth)}: {apart} {more}."
    if ask.kind == "choose":
        assert isinstance(guess, int)
        right = " or ".join(f"“{options[place]}”" for place in seen.right)
        chance = f"(Blind guessing: 1 in {1 / seen.chance:.2g}.)" if seen.chance else ""
        values = "" if ask.borders else f", {value_text(unit, seen.truth[seen.right[0]])}"
        if seen.is_right:
            return f"Yes: {right}{values}. {chance}"
        own = "" if ask.borders else f", {value_text(unit, seen.truth[guess])}"
        return f"You chose “{options[guess]}”{own}; it is {right}{values}. {chance}"
    if ask.kind == "order":
        ordered = ", ".join(options[place] for place in seen.right)
        return f"{seen.hits} of {seen.of} in their place (1 by chance). From the largest on: {ordered}."
    apart = points_text(seen.apart) if unit == "part" else value_text(unit, seen.apart)
    near = "5 percentage points" if unit == "part" else value_text(unit, NEAR)
    return f"Your bars are {apart} off on average; {seen.hits} of {seen.of} within {near}."
