"""The likeliest tokens of a row beside a sort of all of it."""

import numpy as np
import pytest

from models.attention.outputs import likeliest


@pytest.mark.parametrize("count", [1, 2, 8, 63, 64, 65])
@pytest.mark.parametrize("levels", [2, 5, 1_000_000])
def test_they_are_those_of_a_stable_sort(count, levels):
    # With few levels most numbers have equals, also at the border of what is taken.
    row = np.random.default_rng(count).integers(levels, size=64).astype(np.float32)
    assert likeliest(row, count) == np.argsort(-row, kind="stable")[:count].tolist()


def test_of_what_is_no_number_there_are_as_many():
    assert likeliest(np.full(64, np.nan), 3) == [0, 1, 2]
