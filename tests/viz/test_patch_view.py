"""A picture with its looks: what goes to the browser, and how much that is."""

import zlib
from typing import Any

import numpy as np
import pytest

from tests.viz.wire import header_of, unpack
from viz.components.patch_view import PatchLooks, PatchState, packed, state_of, steps_of
from viz.picture_bytes import jpeg_of

STEPS = 63


def pixels(rows=4, columns=4, patch=14):
    """A picture in which each patch has a shade of its own."""
    shades = np.linspace(0, 255, rows * columns).astype(np.uint8).reshape(rows, columns)
    return np.repeat(np.repeat(shades, patch, 0), patch, 1)[..., None].repeat(3, -1)


def weights(heads=3, tokens=17, seed=0):
    """Rows that add up to 1, a few of which look at little."""
    drawn = np.random.default_rng(seed).random((heads, tokens, tokens)) ** 6
    return (drawn / drawn.sum(-1, keepdims=True)).astype(np.float32)


def looks(rows=4, columns=4, firsts=("class token",), heads=3, known=None):
    tokens = len(firsts) + rows * columns
    cells, most = steps_of(weights(heads, tokens)[:, slice(None) if known is None else list(known)], STEPS)
    shown = pixels(rows, columns)
    size = (shown.shape[1], shown.shape[0])
    return PatchLooks("a-picture", jpeg_of(shown), size, rows, columns, firsts, 5, cells, most, STEPS, "caption", known)


def read(data):
    """The header, and what stands behind it."""
    header = header_of(data)
    heads, known, tokens = header["heads"], len(header["known"]), header["tokens"]
    sizes = [("float32", (heads, known)), *(("uint8", (header[each],)) for each in ("pictureBytes", "packedBytes"))]
    header, (most, picture, cells) = unpack(data, *sizes)
    steps = np.frombuffer(zlib.decompress(cells.tobytes()), np.uint8).reshape(heads, known, tokens)
    return header, most, picture.tobytes(), steps


def test_the_message_has_every_weight_and_the_picture():
    shown = looks()
    header, most, picture, steps = read(packed(shown)[0])
    assert picture == shown.picture
    assert (header["rows"], header["columns"], header["layer"], header["firsts"]) == (4, 4, 5, ["class token"])
    exact = weights()
    found = most[..., None] * (steps / header["steps"]) ** 2
    assert np.abs(found - exact).max() <= most.max() / STEPS + 1e-6
    np.testing.assert_allclose(found.max(-1), exact.max(-1), rtol=1e-6)


def test_what_is_chosen_is_told_apart_and_exactly():
    row = weights()[1, 3]
    state = state_of(PatchState((0, 3), 1, "map", {(1, 3): row}, "note"))
    assert state["queries"] == [0, 3]
    told: Any = state["rows"]
    np.testing.assert_array_equal(np.array(told["1-3"], np.float32), row)


def test_another_choice_leaves_the_message_as_it_is_and_another_layer_does_not():
    shown = looks()
    assert packed(shown) == packed(looks())
    other = PatchLooks(**vars(shown) | {"layer": 6})
    assert packed(shown)[1] != packed(other)[1]


def test_a_layer_of_a_small_model_goes_in_one_message():
    """All heads from all 257 tokens, and the picture, in less than 300 kB."""
    shown = looks(16, 16, heads=6)
    assert len(packed(shown)[0]) < 300_000


def test_weights_that_do_not_fit_the_picture_are_refused():
    with pytest.raises(ValueError, match="expected weights"):
        PatchLooks(**vars(looks()) | {"firsts": ("class token", "register 0")})
