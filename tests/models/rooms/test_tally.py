"""A class's guesses, counted beside the truth."""

import pytest

from models.lessons import Ask, Readings
from models.rooms import tally
from models.rooms.tally import BINS, bin_of

FOUND = Readings("part", ("a", "b", "c"), (0.6, 0.3, 0.1))


def test_choices_are_counted_beside_chance():
    counted = tally(Ask("choose", "?", ("a", "b", "c")), FOUND, (0, 0, 1, 2, 0, 1))
    assert (counted.answered, counted.bars, counted.right) == (6, (3, 2, 1), 3)
    assert counted.by_chance == pytest.approx(2)


def test_numbers_lie_in_tenths_of_the_slider():
    ask = Ask("number", "?", of="a", least=0, most=1)
    counted = tally(ask, FOUND, (0.0, 0.05, 0.58, 0.62, 1.0))
    assert counted.bars == (2, 0, 0, 0, 0, 1, 1, 0, 0, 1)
    assert counted.right == 2
    assert [bin_of(ask, each) for each in (-3, 0.1, 0.999, 7)] == [0, 1, BINS - 1, BINS - 1]


def test_of_orders_each_place_is_counted():
    counted = tally(Ask("order", "?", ("c", "a", "b")), FOUND, ((1, 2, 0), (1, 0, 2), (0, 1, 2)))
    assert counted.bars == (1, 2, 1)
    assert counted.right == 1


def test_of_drawn_bars_the_mean_is_shown():
    counted = tally(Ask("draw", "?", ("a", "b", "c")), FOUND, ((1.0, 0.0, 0.0), (0.5, 0.5, 0.0)))
    assert counted.bars == pytest.approx((0.75, 0.25, 0.0))
    assert counted.by_chance is None


@pytest.mark.parametrize("kind", ["choose", "number", "order", "draw"])
def test_nobody_answered(kind):
    ask = Ask(kind, "?", () if kind == "number" else ("a", "b", "c"), of="a")
    counted = tally(ask, FOUND, ())
    assert (counted.answered, counted.right, counted.by_chance) == (0, 0, None)
    assert len(counted.bars) == (BINS if kind == "number" else 3)
    assert not any(counted.bars)
