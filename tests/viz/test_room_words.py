"""What a class guessed, as rows of bars in words."""

import pytest

from models.lessons import Ask, Readings
from models.lessons.guesses import outcome
from models.rooms.tally import tally
from viz.room_words import class_rows


@pytest.mark.parametrize(("unit", "texts"), [("cosine", ["0.750", "0.250"]), ("part", ["75.0 %", "25.0 %"])])
def test_bars_that_a_class_drew_are_told_in_the_unit_of_the_truth(unit, texts):
    ask, found = Ask("draw", "How alike?", ("with", "without")), Readings(unit, ("with", "without"), (0.9, 1.0))
    guesses = ((1.0, 0.0), (0.5, 0.5))
    rows = class_rows(ask, found, tally(ask, found, guesses), outcome(ask, found, guesses[0]), guesses[0])
    assert [each.text.replace("\xa0", " ") for each in rows] == texts
