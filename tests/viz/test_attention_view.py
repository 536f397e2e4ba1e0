"""The messages of the four views: numbers close to the trace, what cannot be seen kept apart from 0, text as data."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from models.attention.query_key import QueryKey
from tests.viz.wire import header_of, unpack
from viz.components.attention_view import Frame, Heads, Matrix, Model, Panel, Products, packed, state_of

FRAME = Frame(
    name="L3 H1",
    map="encoder-3-1",
    kind="encoder",
    layer=3,
    head=1,
    queries=("a", "b"),
    keys=None,
    selected=1,
    special=(0,),
    unknown=(),
    unseen_means="the future",
    caption="What is shown.",
    note="In this row.",
)


def frame(count, **changes):
    return replace(FRAME, queries=tuple(f"q{number}" for number in range(count)), **changes)


def products_of(vectors):
    """A q·k picture's numbers, whatever they are: keys, values and outputs are these vectors."""
    first, row = vectors[0], vectors[:, 0]
    return QueryKey(first, vectors, row, 0.5, row, False, row, row, vectors, first, first, first, None, False, ())


def matrix(cells, row=None, size=None, **changes):
    return Matrix((Panel("L3 H1", cells, 1.0, size or cells.shape),), cells[1] if row is None else row, **changes)


def read(shown, view):
    data, of = packed(shown, view)
    shapes = [(np.float32, each.cells.shape) for each in view.panels]
    header, cells = unpack(data, *shapes)
    assert header["of"] == of
    return header, cells


def test_numbers_that_are_read_are_the_exact_ones():
    """Under the pointer stood .251 and beside it 25.2 %: .25157538 in half precision is .25146."""
    weights = np.full((3, 3), 0.25157538, dtype=np.float32)
    _, (cells,) = read(frame(3), matrix(weights))
    np.testing.assert_array_equal(cells, weights)
    row = np.full(300, 0.25157538, dtype=np.float32)
    many = np.full((300, 300), 0.25157538, dtype=np.float32)
    header = header_of(packed(frame(300), matrix(many, row))[0])
    assert header["bits"] == 16, "what is drawn alone is in half precision"
    assert np.asarray(state_of(frame(300), matrix(many, row))["row"], dtype=np.float32)[7] == row[7]


def test_numbers_are_within_five_ten_thousandths():
    weights = np.random.default_rng(3).dirichlet(np.full(280, 0.05), size=280).astype(np.float32)
    weights[0, :3] = 1, 0, 6e-8
    _, (cells,) = unpack(packed(frame(280), matrix(weights))[0], (np.float16, (280, 280)))
    assert weights.max() > 0.9, "large weights are where float16 is coarse"
    assert 0 < np.abs(cells.astype(np.float64) - weights).max() < 5e-4
    assert cells[0, 0] == 1
    assert cells[0, 1] == 0


def test_what_cannot_be_seen_is_not_zero():
    weights = np.array([[1, np.nan, np.nan], [0, 1, np.nan], [0.5, 0, 0.5]], dtype=np.float32)
    _, (cells,) = read(frame(3), matrix(weights))
    np.testing.assert_array_equal(np.isnan(cells), np.isnan(weights))
    assert cells[1, 0] == cells[2, 1] == 0


def test_a_pooled_map_says_how_and_its_row_is_told_in_full():
    cells, row = np.full((2, 3), 0.5, dtype=np.float32), np.linspace(0, 1, 9, dtype=np.float32)
    row[8] = np.nan
    view = matrix(cells, row, (9, 9), pooling="mean weight")
    header, _ = read(frame(9), view)
    assert header["panels"][0]["size"] == [9, 9]
    assert "2 × 3 cells, each the mean weight of its block" in header["caption"]
    assert header["pooling"] == "mean weight"
    told: Any = state_of(frame(9), view)["row"]
    np.testing.assert_allclose(told[:8], row[:8], atol=1e-5)
    assert told[8] is None, "JSON has no NaN"
    whole = matrix(np.eye(2, dtype=np.float32))
    assert "row" not in state_of(FRAME, whole), "the cells have it"
    assert read(FRAME, whole)[0]["caption"] == "What is shown."


def test_another_selected_token_does_not_send_the_picture_again():
    view = matrix(np.eye(2, dtype=np.float32))
    other = replace(FRAME, selected=0, note="In that row.")
    assert packed(FRAME, view) == packed(other, view)
    rest = {"pinned": None, "zoom": []}
    assert state_of(FRAME, view) == {"selected": 1, "note": "In this row.", **rest}
    assert state_of(other, view) == {"selected": 0, "note": "In that row.", **rest}


@pytest.mark.parametrize("token", ["</script><img src=x onerror=1>", "\u202e\u0301", "🏳️‍🌈", "\n"])
def test_tokens_are_data(token):
    header, _ = read(replace(FRAME, queries=(token, "b")), matrix(np.eye(2, dtype=np.float32)))
    assert header["queries"] == [token, "b"]


def test_maps_of_two_texts_have_labels_of_their_own():
    one, other = np.eye(2, dtype=np.float32), np.eye(3, dtype=np.float32)
    panels = (Panel("this", one, 1.0, (2, 2)), Panel("that", other, 1.0, (3, 3), labels=(("x", "y", "z"),) * 2))
    header, cells = read(frame(3), Matrix(panels, one[0], has_strip=False))
    assert [each.shape for each in cells] == [(2, 2), (3, 3)]
    assert "queries" not in header["panels"][0]
    assert header["panels"][1]["queries"] == ["x", "y", "z"]


def test_the_heads_of_a_layer_say_where_they_begin():
    weights = np.random.default_rng(5).random((3, 2, 4)).astype(np.float32)
    weights[:, 0, 3] = np.nan
    view = Heads(weights, (0, 2), (7, 5))
    header, (cells,) = unpack(packed(FRAME, view)[0], (np.float32, (3, 2, 4)))
    assert (header["view"], header["shape"], header["first"]) == ("heads", [3, 2, 4], [7, 5])
    np.testing.assert_allclose(cells, weights, atol=5e-4)
    assert state_of(FRAME, view)["shown"] == [0, 2]


@pytest.mark.parametrize("shape", [(1, 1, 1, 1), (2, 3, 5, 5), (3, 3, 3, 3)])
def test_a_thumbnails_weight_is_within_five_ten_thousandths(shape):
    weights = np.random.default_rng(4).random(shape)
    weights.flat[0] = 1
    steps = np.rint(4095 * np.sqrt(weights)).astype(np.uint16)
    count = steps.size
    header, (data,) = unpack(packed(FRAME, Model(steps, tuple(range(shape[0]))))[0], (np.uint8, (3 * -(-count // 2),)))
    pairs = data.reshape(-1, 3).astype(int)
    numbers = np.stack([pairs[:, 0] | (pairs[:, 1] & 15) << 8, pairs[:, 1] >> 4 | pairs[:, 2] << 4], axis=1).ravel()
    np.testing.assert_array_equal(numbers[:count], steps.ravel())
    assert np.abs((numbers[:count] / 4095) ** 2 - weights.ravel()).max() < 5e-4
    assert (header["heads"], header["layers"]) == (shape[1], list(range(shape[0])))


def test_opening_another_head_does_not_send_the_thumbnails_again():
    view = Model(np.zeros((2, 2, 3, 3), dtype=np.uint16), (0, 1))
    assert packed(FRAME, view) == packed(replace(FRAME, layer=1, head=0, off_heads=("1-0",)), view)
    assert state_of(replace(FRAME, off_heads=("1-0",)), view)["offHeads"] == ["1-0"]


def test_products_are_sent_as_they_were_computed():
    draw = np.random.default_rng(9)
    numbers = {
        "query": draw.standard_normal(4),
        "keys": draw.standard_normal((3, 4)),
        "dots": draw.standard_normal(3),
        "added": np.array([0, -np.inf, 0.5]),
        "scores": np.array([1.0, -np.inf, 2.0]),
        "weights": np.array([0.25, 0, 0.75]),
        "values": draw.standard_normal((3, 2)),
        "head_output": draw.standard_normal(2),
        "concatenated": draw.standard_normal(6),
    }
    floats = {name: each.astype(np.float32) for name, each in numbers.items()}
    of_keys = ("keys", "dots", "added", "scores", "weights", "values")
    # Of six keys three are shown.
    places = [0, 2, 5]
    spread = {name: floats[name][[0, 0, 1, 0, 0, 2]] for name in of_keys}
    told = {"output": None, "contribution": None, "rotary": False, "between": ("Capped.",)}
    view = Products(tuple(places), QueryKey(scaling=0.5, has_bias=True, **(floats | spread | told)))
    header, found = unpack(packed(FRAME, view)[0], *((np.float32, each.shape) for each in floats.values()))
    for sent, came in zip(floats.values(), found, strict=True):
        np.testing.assert_array_equal(sent, came)
    assert (header["places"], header["joined"], header["width"], header["lines"]) == ([0, 2, 5], 6, 0, ["Capped."])
