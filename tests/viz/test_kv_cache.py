"""What the KV cache page draws and writes: packed steps, escaped tables, charts, numbers as people read them."""

import numpy as np
import pytest

from models.kv_cache.shape import LayerShape
from tests.viz.wire import header_of, unpack
from viz.components.cache_feed import GrowthStep
from viz.components.cache_feed import packed as packed_steps
from viz.components.cache_growth import GrowthPicture, packed
from viz.components.scaffold.bundling import browser_source
from viz.kv_cache_charts import Curve, Mark, bytes_chart, steps_chart, timing_chart
from viz.kv_cache_tables import TermLine, formula_table, side_by_side
from viz.number_format import billions_text, bytes_text, seconds_text, times_text
from viz.tables import sentences, table

LAYERS = 3


def step(index, positions=1, source=0):
    draw = np.random.default_rng(index)
    return GrowthStep(
        piece=f"␣{index}",
        text=f" {index}",
        probability=1 / (index + 3),
        layers=((10 * (index + 1), 10 * (index + 1), index + 1),) * 2 + ((7, 9, 1),),
        norms=draw.random((2, LAYERS, positions), dtype=np.float32),
        cross_norms=draw.random((2, 2 if source else 0, source), dtype=np.float32),
    )


def test_steps_are_packed_with_equal_layers_once():
    steps = [step(0, positions=5, source=4), step(1), step(2)]
    shapes = [(np.float16, each.norms.shape) for each in steps]
    header, arrays = unpack(packed_steps("run", steps, 0, is_done=False), *shapes, (np.float16, (2, 2, 4)))
    assert header["run"] == "run"
    assert (header["since"], header["count"], header["isDone"]) == (0, 3, False)
    assert header["source"] == [2, 4]
    assert header["steps"][1] == ["␣1", " 1", 0.25, [[2, 20, 20, 2], [1, 7, 9, 1]], 1]
    for each, found in zip(steps, arrays, strict=False):
        np.testing.assert_allclose(found, each.norms, rtol=1e-3)
    np.testing.assert_allclose(arrays[3], steps[0].cross_norms, rtol=1e-3)


def test_nothing_new_is_a_header_alone():
    header, arrays = unpack(packed_steps("run", [], 7, is_done=True))
    assert header == {"run": "run", "since": 7, "count": 7, "isDone": True, "steps": [], "source": [0, 0]}
    assert arrays == []


def test_a_step_of_a_large_model_is_small():
    """30 layers: an update of ten steps stays far below 5 kB."""
    one = GrowthStep(
        "␣token",
        " token",
        0.123456,
        ((1_545_216, 1_545_216, 1_006),) * 30,
        np.ones((2, 30, 1), np.float32),
        np.zeros((2, 0, 0), np.float32),
    )
    assert len(packed_steps("0123456789abcdef", [one] * 10, 990, is_done=False)) < 2_200


def picture(**more):
    settings = {
        "run": "r",
        "prompt": ("a", "</script>"),
        "hidden": 0,
        "source": (),
        "layers": tuple(LayerShape(layer, "full", heads=2, key_width=8, value_width=8) for layer in range(LAYERS)),
        "allocated": None,
        "most_steps": 5,
        "selected": 2,
        "pinned": None,
        "shade": "value",
        "weight_bytes": 1_000,
        "text_before": "a b",
        "caption": "c",
    }
    return GrowthPicture(**(settings | more))


def test_the_picture_is_a_header_without_steps():
    header = header_of(packed(picture()))
    assert header["prompt"] == ["a", "</script>"]
    assert header["selected"] == 2
    assert (header["kinds"], header["keyWidths"]) == (["full"] * LAYERS, [8] * LAYERS)
    assert set(header["palette"]) == {"light", "dark"}


def test_a_picture_that_does_not_fit_is_refused():
    with pytest.raises(ValueError, match="expected"):
        picture(shade="colour")


def test_the_script_is_lean():
    source = browser_source("cache_growth")
    assert len(source) < 45_000
    assert "class Player" in source


HOSTILE = '<img src=x onerror="1">'


def test_tables_escape_what_they_are_given():
    made = [
        formula_table([TermLine(HOSTILE, ((HOSTILE, 3),), 3, 3, HOSTILE)]),
        table((HOSTILE, "b"), ((HOSTILE, HOSTILE),), chosen=0),
        sentences([HOSTILE]),
        side_by_side(HOSTILE, "b", 1, ((HOSTILE, HOSTILE), ("b", "c"))),
    ]
    for each in made:
        assert "<img" not in each
        assert "&lt;img" in each


def test_a_formula_says_whether_it_holds():
    line = TermLine("L0", (("layers", 2), ("numbers", 3)), 24, 24)
    assert "✓ measured: the same" in formula_table([line])
    assert "measured: 25 bytes" in formula_table([TermLine("L0", line.terms, 24, 25)])


def test_texts_part_where_they_part():
    made = side_by_side("one", "other", 1, (("a", "b"), ("a", "c")))
    assert ">a<ins>b</ins>" in made
    assert ">a<ins>c</ins>" in made
    assert "<ins></ins>" in side_by_side("one", "other", None, (("a",), ("a",)))


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (0, "0 bytes"),
        (1_023, "1,023 bytes"),
        (46_080, "45 KiB"),
        (506_880, "495 KiB"),
        (70_272, "68.6 KiB"),
        (538_060_032, "513 MiB"),
        (1_520_640, "1.45 MiB"),
        (2**30, "1 GiB"),
        (671_026_419_200, "625 GiB"),
        (2**60, "1,024 PiB"),
    ],
)
def test_bytes(number, text):
    assert bytes_text(number) == text


def test_other_quantities():
    assert [seconds_text(each) for each in (0.0004, 0.045, 1.884, 12.34)] == ["0.4 ms", "45 ms", "1.88 s", "12.3 s"]
    assert [billions_text(each) for each in (530.4e9, 19.2e9, 269_512_704)] == [
        "530 billion",
        "19 billion",
        "0.27 billion",
    ]
    assert [times_text(each).replace("\N{NARROW NO-BREAK SPACE}", " ") for each in (4.0, 2.346, 19.2)] == [
        "4 ×",
        "2.35 ×",
        "19 ×",
    ]


def test_charts_hold_the_numbers_they_are_given():
    lengths = np.array([1, 10, 100])
    curves = [Curve("one", lengths, lengths * 46_080, is_chosen=True), Curve("two", lengths, lengths * 92_160)]
    marks = [Mark("weights", bytes=538_060_032), Mark("limit", length=8_192)]
    spec = bytes_chart(curves, marks).to_dict()
    values = spec["layer"][0]["data"]["values"]
    assert [each["bytes"] for each in values if each["name"] == "two"] == (lengths * 92_160).tolist()
    ticks = spec["layer"][0]["encoding"]["y"]["axis"]["values"]
    assert 3 <= len(ticks) <= 9
    assert all(np.log2(tick).is_integer() for tick in ticks)
    times = timing_chart(lengths, lengths / 2.0, lengths / 1.0, title="ms", scale=1000).to_dict()
    assert {each["value"] for each in times["data"]["values"]} >= {500.0, 100_000.0}
    assert len(steps_chart([0.0, 0.5], title="nats", diverges_at=1).to_dict()["layer"]) == 2
    assert "layer" not in steps_chart([0.0, 0.5], title="nats", diverges_at=None).to_dict()
