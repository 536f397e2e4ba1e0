"""What the sampling page sends to the browser: the curves as they are, chips, tokens and branches, within bounds."""

import gzip

import numpy as np
import pytest

from models.decoding import TokenTrajectory
from tests.viz.wire import header_of, unpack
from viz.components.next_token import LiveStages, NextTokenPicture, StageChip, packed
from viz.components.step_scores import packed as packed_scores
from viz.components.written_text import BranchLine, WrittenText, WrittenToken
from viz.components.written_text import packed as packed_text

RANKS = np.array([0, 1, 2, 9, 99])
CURVES = np.array([[0.5, 0.2, 0.1, 1e-3, 1e-9], [0.625, 0.25, 0.125, 0, 0]], dtype=np.float32)


def picture(**more):
    chips = (
        StageChip("raw", "", "as it is", 0, True, True, 100, 1, 1.5, 0, 99),
        StageChip("temperature", "1", "divides", None, True, False),
        StageChip("top-k", "3", "keeps", 1, True, False, 3, 0.8, 0.9, 0, 2),
    )
    values = {
        "stages": chips,
        "is_library_order": True,
        "top": (
            TokenTrajectory(7, "␣</script>", 0, 2.0, (0.5, 0.625), None),
            TokenTrajectory(3, "\u202eb", 9, 1.0, (1e-3, 0.0), "top-k"),
        ),
        "followed": None,
        "selected": 7,
        "drawn": 7,
        "stage": None,
        "ranks": RANKS,
        "pieces": ("a", "b", "c", "d", "e"),
        "curves": CURVES,
        "vocabulary": 100,
        "is_greedy": False,
        "caption": "100 tokens",
        "live": None,
    }
    return NextTokenPicture(**(values | more))


def test_the_curves_reach_the_browser_as_they_are():
    header, (ranks, curves) = unpack(packed(picture()), ("<u4", (5,)), ("<f4", (2, 5)))
    np.testing.assert_array_equal(ranks, RANKS)
    np.testing.assert_array_equal(curves, CURVES)
    assert header["rowCount"] == 2
    assert [stage["row"] for stage in header["stages"]] == [0, None, 1]
    assert header["stages"][2] | {"hint": ""} == {
        "name": "top-k",
        "value": "3",
        "hint": "",
        "row": 1,
        "isOn": True,
        "isFixed": False,
        "survivors": 3,
        "kept": 0.8,
        "entropy": 0.9,
        "first": 0,
        "last": 2,
    }
    assert header["top"] == [[7, "␣</script>", 0, [0.5, 0.625], None], [3, "\u202eb", 9, [0.001, 0.0], "top-k"]]
    assert header["followed"] is None


def test_a_probability_keeps_what_a_float32_has():
    share = float(np.float32(1.2345678e-7))
    header = header_of(packed(picture(followed=TokenTrajectory(5, "x", 50, 0.5, (share, share), None))))
    assert np.float32(header["followed"][3][0]) == pytest.approx(np.float32(share), rel=1e-6)


@pytest.mark.parametrize(
    "scores",
    [
        np.sort(np.random.default_rng(0).normal(0, 5, 49_152))[::-1],
        np.random.default_rng(1).normal(0, 1e30, 1_000),
        np.array([0.0, -0.0, 1e-45, -1e-45, 3.4e38, -3.4e38, -np.inf, 7, -np.inf]),
        np.full(30, -np.inf),
        np.array([2.5]),
    ],
    ids=["falling", "in no order", "the ends of float32", "nothing", "one"],
)
def test_scores_reach_the_browser_exactly(scores):
    scores = scores.astype(np.float32)
    data = packed_scores("next_token", "mark", scores)
    header, _ = unpack(data, ("u1", header_of(data)["size"]))
    between = np.frombuffer(gzip.decompress(data[data.index(b"\x1f\x8b") :][: header["size"]]), np.uint8)
    numbered = -np.cumsum(between.reshape(4, -1).T.copy().view("<u4")[:, 0], dtype=np.uint32)
    bits = np.where(numbered >> 31, numbered & 0x7FFFFFFF, ~numbered).astype(np.uint32)
    np.testing.assert_array_equal(bits, scores.view(np.uint32))
    if len(scores) > 2_000:
        assert len(data) < 2 * len(scores), "less than half precision"


def test_what_the_picture_follows_the_knobs_by():
    live = LiveStages(
        "mark", {"temperature": 0.9, "top-k": 0}, ("top-p",), ("top-p", "temperature"), 0.25, is_drawn=True
    )
    assert header_of(packed(picture(live=live)))["live"] == {
        "of": "mark",
        "values": {"temperature": 0.9, "top-k": 0},
        "off": ["top-p"],
        "order": ["top-p", "temperature"],
        "number": 0.25,
        "isDrawn": True,
    }
    assert header_of(packed(picture()))["live"] is None


def test_points_and_curves_go_together():
    with pytest.raises(ValueError, match="a rank, a piece and a column for each point, found 5, 4 and 5"):
        picture(pieces=("a", "b", "c", "d"))


def test_a_text_with_its_tokens_and_branches():
    tokens = [WrittenToken(" Paris", "␣Paris", 0.772539, 0.855903, 0), WrittenToken("\n", "⏎", 1e-12, 1e-3, 900, True)]
    text = WrittenText(
        "The capital of France is",
        tokens,
        1,
        True,
        False,
        "rank",
        49_152,
        "2 tokens",
        [BranchLine("", 1, " Paris.", 0), BranchLine("⏎", 2, "</b>", 1)],
        1,
    )
    header, _ = unpack(packed_text(text))
    assert header["tokens"] == [[" Paris", "␣Paris", 0.772539, 0.855903, 0, 0], ["\n", "⏎", 1e-12, 0.001, 900, 1]]
    assert header["branches"] == [["", 1, " Paris.", 0], ["⏎", 2, "</b>", 1]]
    assert (header["selected"], header["goesOn"], header["isDone"], header["current"]) == (1, True, False, 1)


def test_a_colour_that_is_not_there():
    with pytest.raises(ValueError, match="probability, rank, surprisal, found hue"):
        WrittenText("", [], 0, True, True, "hue", 10, "")
