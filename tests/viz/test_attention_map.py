"""The message of the attention map: float16 close enough to the trace, and what cannot be seen kept apart from 0."""

import numpy as np
import pytest

from tests.viz.wire import unpack
from viz.components.attention_map import MapPicture, packed


def picture(cells, row=None, **changes):
    rows, columns = cells.shape
    settings = {
        "name": "L3 H1",
        "map": "encoder-3-1",
        "queries": tuple(f"q{number}" for number in range(rows)),
        "keys": tuple(f"k{number}" for number in range(columns)),
        "cells": cells,
        "row": cells[0] if row is None else row,
        "selected": 0,
        "most": 1.0,
        "special": (0,),
        "unknown": (),
        "unseen_means": "the future",
        "caption": "What is shown.",
    }
    return MapPicture(**settings | changes)


def unpacked(shown):
    rows, columns = shown.cells.shape
    keys = len(shown.keys or shown.queries)
    return unpack(packed(shown), (np.float16, (rows, columns)), (np.float16, (keys,)))


def test_numbers_are_within_five_ten_thousandths():
    draw = np.random.default_rng(3)
    weights = draw.dirichlet(np.full(40, 0.05), size=30).astype(np.float32)
    weights[0, :3] = 1, 0, 6e-8
    _, (cells, row) = unpacked(picture(weights))
    assert weights.max() > 0.9, "large weights are where float16 is coarse"
    assert 0 < np.abs(cells.astype(np.float64) - weights).max() < 5e-4
    assert np.abs(row.astype(np.float64) - weights[0]).max() < 5e-4
    assert cells[0, 0] == 1
    assert cells[0, 1] == 0


def test_what_cannot_be_seen_is_not_zero():
    weights = np.array([[1, np.nan, np.nan], [0, 1, np.nan], [0.5, 0, 0.5]], dtype=np.float32)
    _, (cells, row) = unpacked(picture(weights))
    np.testing.assert_array_equal(np.isnan(cells), np.isnan(weights))
    np.testing.assert_array_equal(np.isnan(row), [False, True, True])
    assert cells[1, 0] == cells[2, 1] == 0


def test_a_pooled_map_says_so_and_sends_the_row_in_full():
    cells = np.full((2, 3), 0.5, dtype=np.float32)
    row = np.linspace(0, 1, 9, dtype=np.float32)
    tokens = tuple("abcdefghi")
    header, (_, strip) = unpacked(picture(cells, row, queries=tokens, keys=None))
    assert (header["rows"], header["columns"], header["keys"]) == (2, 3, None)
    assert len(strip) == 9
    assert header["caption"].startswith("What is shown. ")
    assert "2 x 3" in header["caption"] or "2 × 3" in header["caption"]
    whole, _ = unpacked(picture(cells))
    assert whole["caption"] == "What is shown."


@pytest.mark.parametrize("token", ["</script><img src=x onerror=1>", "\u202e\u0301", "🏳️‍🌈", "\n"])
def test_tokens_are_data(token):
    cells = np.eye(2, dtype=np.float32)
    header, _ = unpacked(picture(cells, queries=(token, "b"), keys=None))
    assert header["queries"] == [token, "b"]


def test_a_row_of_wrong_shape_is_refused():
    """The types hold while the tests run: axes that do not fit fail here and not in front of a student."""
    with pytest.raises(Exception, match="row"):
        picture(np.eye(2, dtype=np.float32), row=np.eye(2, dtype=np.float32))
