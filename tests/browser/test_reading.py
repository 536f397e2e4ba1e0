"""The numbers behind the picture, on the pointer and in files, are those that the model computed."""

import csv
import io
import json
import re

import numpy as np
import pytest

from viz.number_format import part_text

PRONOUN = "The animal didn't cross the street because it was too tired."
NAME = "Dr. Zorblax lives in Oslo. Yesterday I met Dr. Z"


def number(tip):
    """The weight in a tooltip: "it → animal: 68.3 %"."""
    said = re.fullmatch(r"(.*) → (.*): ([.\d]+)(·10⁻.+)?\N{NO-BREAK SPACE}%", tip, re.DOTALL)
    assert said, tip
    return said[1], said[2], 0.0 if said[4] else float(said[3]) / 100


def test_a_typed_text_is_drawn_and_every_number_is_the_traces(tab, weights):
    text = "A bird in the hand is worth two in the bush."
    tab.open().look(text)
    tab.wait_for_tokens(["[CLS]", *text.lower().removesuffix(".").split(), ".", "[SEP]"])
    assert tab.map.get_attribute("data-map") == "encoder-3-1"
    exact = weights("minilm", text, 3, 1)
    np.testing.assert_allclose(tab.values(), exact, rtol=0, atol=5e-4)
    for query, key in [(1, 2), (5, 0), (11, 12), (0, 11), (12, 0)]:
        tab.point_at(query, key)
        from_, to, shown = number(tab.tip)
        assert (from_, to) == (tab.tokens[query], tab.tokens[key])
        assert shown == pytest.approx(exact[query, key], abs=5e-4 + 5e-4)
        assert tab.value(query, key) == pytest.approx(exact[query, key], abs=5e-4)
    tab.page.mouse.move(2, 2)
    assert tab.tip is None


def test_the_strip_is_the_selected_row(tab, weights):
    tab.open(text=PRONOUN, layer=3, head=1, token=10)
    row = weights("minilm", PRONOUN, 3, 1)[10]
    for place, weight in enumerate(row):
        share = tab.chips.nth(place).locator(".share").text_content()
        assert share == (part_text(float(weight)).removesuffix("\N{NO-BREAK SPACE}%") if weight >= 0.005 else "")
    tab.chips.nth(2).hover()
    assert number(tab.tip) == ("it", "animal", pytest.approx(row[2], abs=1e-3))
    assert tab.tip.endswith(f": {part_text(float(row[2]))}")
    assert part_text(float(row[2])) in tab.inspector.text_content()
    # The same position is outlined everywhere, the same text elsewhere is dotted.
    tab.point_at(10, 1)
    assert tab.page.locator(".attention-view .chip.same .piece").all_text_contents() == ["the"]
    assert tab.page.locator(".attention-view .chip.hovered .piece").all_text_contents() == ["the", "it"]


def test_the_masked_half_of_a_decoder_is_the_future(tab, weights):
    tab.open(model="smollm2", text=NAME, layer=17, head=3, token=5)
    exact = weights("smollm2", NAME, 17, 3)
    values = np.array(tab.values())
    assert not values[np.triu_indices(len(values), 1)].any()
    np.testing.assert_allclose(values, exact, rtol=0, atol=5e-4)
    for query, key in [(2, 9), (0, 16), (14, 15)]:
        tab.point_at(query, key)
        assert "future" in tab.tip
    tab.point_at(16, 5)
    assert number(tab.tip)[2] == pytest.approx(exact[16, 5], abs=1e-3)
    hidden = tab.page.locator(".attention-view .chip.unseen-part").count()
    assert hidden == len(values) - 6
    assert "future" in tab.page.locator(".attention-view .legend").text_content()


@pytest.mark.parametrize(
    ("query", "layer", "head"),
    [
        pytest.param({"text": PRONOUN, "layer": 3, "head": 1}, 3, 1, marks=pytest.mark.slow),
        ({"model": "smollm2", "text": NAME, "layer": 17, "head": "mean"}, 17, None),
    ],
)
def test_the_files_hold_exactly_what_was_computed(tab, weights, query, layer, head):
    tab.open(**query)
    tab.open_tab("Take it with you")
    exact = weights(query.get("model", "minilm"), query["text"], layer, head)
    exact = exact.mean(axis=0) if head is None else exact
    lines = list(csv.reader(io.StringIO(tab.download("CSV"), newline="")))
    assert lines[0][1:] == [line[0] for line in lines[1:]]
    assert lines[0][1:] == [f"{place} {token}" for place, token in enumerate(tab.tokens)]
    np.testing.assert_array_equal(
        np.array([[each or 0 for each in line[1:]] for line in lines[1:]], dtype=np.float32), exact
    )
    read = json.loads(tab.download("JSON"))
    np.testing.assert_array_equal(np.nan_to_num(np.array(read["weights"], dtype=np.float32)), exact)
    assert read["tokens"] == tab.tokens


@pytest.mark.slow
def test_a_long_text_is_pooled_and_its_row_is_exact(tab, weights):
    text = " ".join(f"{number} bottles of beer on the wall," for number in range(99, 30, -1))
    tab.open(model="smollm2").look(text)
    tab.page.locator(".st-key-too_long_for_a_link").wait_for()
    tab.page.locator(".attention-view .caption", has_text="Pooled").wait_for()
    tab.page.wait_for_function("() => !new URLSearchParams(location.search).has('text')")
    count = tab.chips.count()
    assert count > 512
    exact = weights("smollm2", text, 17, 3)
    assert exact.shape == (count, count)
    selected = int(tab.query["token"])
    strip = tab.map.evaluate(
        "(root, [query, count]) => [...Array(count).keys()].map(key => root.headlight.value(query, key))",
        [selected, count],
    )
    np.testing.assert_allclose(strip, exact[selected], rtol=0, atol=5e-4)
    assert tab.value(selected - 1, 0) is None, "of the other rows there is no exact number to give"
    starts = np.arange(512) * count // 512
    pooled = np.maximum.reduceat(np.maximum.reduceat(exact, starts, 0), starts, 1)
    row, column = 300, 20
    tab.map.evaluate("root => root.scrollIntoView({ block: 'center' })")
    tab.point_at(int(starts[row]), int(starts[column]))
    said = re.search(r"largest weight near .*: ([.\d]+)(·10⁻.+)?\N{NO-BREAK SPACE}%$", tab.tip)
    assert said is not None
    shown = 0.0 if said[2] else float(said[1]) / 100
    # The cells are smaller than the pointer is exact: any of its neighbours may be under it.
    near = pooled[row - 1 : row + 2, column - 1 : column + 2]
    assert near.min() - 1e-3 <= shown <= near.max() + 1e-3
