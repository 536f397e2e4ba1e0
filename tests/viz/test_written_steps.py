"""The message of the written steps: weights as they are, what cannot be looked at kept apart from 0, tokens as data."""

from pathlib import Path

import numpy as np
import pytest

from tests.viz.wire import header_of, unpack
from viz.components import written_steps as package
from viz.components.scaffold.bundling import browser_source
from viz.components.written_steps import StepsPicture, packed
from viz.number_format import part_text

KEYS = ("k", "n", "i", "g", "h", "t", "</s>")
OUTPUTS = ("N", "AY1", "T", "</s>")


def picture(weights=None, **changes):
    outputs = changes.get("outputs", OUTPUTS)
    keys = changes.get("keys", KEYS)
    settings = {
        "name": "L2 H1",
        "map": "cross-2-1",
        "keys": keys,
        "outputs": outputs,
        "hints": tuple(f"{output}, 90.0 %" for output in outputs),
        "probabilities": (0.9,) * len(outputs),
        "weights": np.full((len(outputs), len(keys)), 1 / len(keys), np.float32) if weights is None else weights,
        "selected": 0,
        "most": 1.0,
        "written_from": None,
        "special": (),
        "unknown": (),
        "special_outputs": (),
        "text_before": "",
        "texts": outputs,
        "caption": "What is shown.",
    }
    return StepsPicture(**settings | changes)


def unpacked(shown):
    return unpack(packed(shown), (np.float32, (len(shown.outputs), len(shown.keys))))


def test_numbers_are_the_exact_ones():
    weights = np.random.default_rng(3).dirichlet(np.full(7, 0.1), size=4).astype(np.float32)
    weights[0, :3] = 1, 0, 6e-8
    header, (found,) = unpacked(picture(weights, special=(6,), special_outputs=(3,), selected=2))
    np.testing.assert_array_equal(found, weights)
    assert found[0, 0] == 1
    assert found[0, 1] == 0
    assert (header["keys"], header["outputs"]) == (list(KEYS), list(OUTPUTS))
    assert (header["special"], header["specialOutputs"], header["selected"]) == ([6], [3], 2)
    assert header["writtenFrom"] is None


@pytest.mark.parametrize("last", [0, 1], ids=["without the last", "with the last"])
def test_what_cannot_be_looked_at_is_not_zero(last):
    """The keys are the text itself, with or without what the last step wrote."""
    keys = ("Once", "upon", "a", "time", ",")[: 4 + last]
    weights = np.full((3, len(keys)), np.nan, np.float32)
    for step in range(3):
        weights[step, : 2 + step] = 0, *(np.full(1 + step, 1 / (1 + step)))
    header, (found,) = unpacked(picture(weights, keys=keys, outputs=("a", "time", ","), written_from=2))
    np.testing.assert_array_equal(np.isnan(found), np.isnan(weights))
    np.testing.assert_array_equal(found[:, 0], 0)
    assert header["writtenFrom"] == 2


@pytest.mark.parametrize("token", ["</script><img src=x onerror=1>", "\u202e\u0301", "שלום", "🏳️‍🌈", "\n", ""])
def test_tokens_are_data(token):
    keys, outputs = (token, "b"), ("a", token)
    header = header_of(packed(picture(keys=keys, outputs=outputs, text_before=token)))
    assert (header["keys"], header["outputs"], header["texts"]) == (list(keys), list(outputs), list(outputs))
    assert header["hints"][1] == f"{token}, 90.0 %"
    assert header["textBefore"] == token


def test_scripts_put_text_in_as_text_only():
    source = browser_source("written_steps")
    for name in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "http:", "https:"):
        assert name not in source


def test_a_share_is_written_as_beside_the_picture():
    probabilities = (0.9996, 0.996, 0.013, 0.009)
    shares = header_of(packed(picture(probabilities=probabilities)))["shares"]
    assert shares == [part_text(each) for each in probabilities]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"hints": ("one",)}, "4 hints"),
        ({"probabilities": (0.5,) * 5}, "4 probabilities"),
        ({"texts": ()}, "4 texts"),
        ({"weights": np.zeros((4, 6), np.float32)}, "4 steps x 7 keys"),
        ({"weights": np.zeros((3, 7), np.float32)}, "4 steps x 7 keys"),
        ({"selected": 4}, "from 0 to 3"),
        ({"selected": -1}, "from 0 to 3"),
        ({"written_from": 2}, "4 written keys, or 3"),
        ({"written_from": 5}, "4 written keys, or 3"),
    ],
)
def test_what_does_not_fit_together_is_refused(changes, expected):
    with pytest.raises(ValueError, match=expected):
        picture(**changes)


def test_nothing_written_is_refused():
    with pytest.raises(ValueError, match="at least one"):
        picture(outputs=())


def test_it_is_small():
    folder = Path(package.__file__).parent
    own = sum(len(part.read_bytes()) for part in folder.iterdir() if part.suffix in {".js", ".css"})
    assert own < 14_500
    words = tuple(f"▁word{number}" for number in range(40))
    weights = np.random.default_rng(5).dirichlet(np.ones(40), size=40).astype(np.float32)
    source = browser_source("written_steps")
    message = packed(picture(weights, keys=words, outputs=words))
    assert len(message) + len(source.encode()) < 60_000
