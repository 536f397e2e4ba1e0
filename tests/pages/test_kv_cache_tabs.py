"""The tabs of the KV cache page, what is taken along, and the code that is shown."""

import csv
import io
import json
import sys
import time

import numpy as np
import pytest

from models.catalog import ARCHITECTURES
from models.decoding import DecodingSettings, WriteRequest
from models.engine import engine
from pages.kv_cache import export
from tests.pages.cache_screen import ONCE, TABS, Cache, wait_for_nothing_to_run


@pytest.fixture(scope="module", params=["smollm2", "spelling_to_sound"])
def knight(request):
    """A session in which this model has written, and the model."""
    return Cache(model=request.param, text="knight", tokens="8").until_done(), request.param


@pytest.mark.quick(2)
@pytest.mark.parametrize("label", TABS)
def test_every_tab_opens(knight, label):
    screen, model = knight
    screen.open_tab(label)
    assert not screen.problems
    if label == "In 8 bits?":
        screen.until_rounded()
        if model == "spelling_to_sound":
            [said] = [each.value for each in screen.test.info if "8-bit cache" in each.value]
            assert "is for decoders" in said
            assert "by the formula" in said
            return
    expected = {
        "Does the formula agree?": "measured: the same",
        "When does it outgrow the model?": "the cache",
        "What if?": "It fits",
        "In 8 bits?": "As it is",
    }
    assert expected.get(label, "") in screen.html


def test_the_formula_has_the_models_numbers_in_it():
    screen = Cache(model="smollm2", text=ONCE.text, tokens="8", drawn="3").until_done().open_tab(TABS[0])
    assert "L0 to L29, self-attention" in screen.html
    for number, what in (
        (30, "layers"),
        (3, "heads with"),
        (2, "key and value"),
        (64, "numbers"),
        (4, "bytes"),
        (9, "col"),
    ):
        assert f"<b>{number}</b><small>{what}" in screen.html
    assert "= 414,720 bytes (405 KiB)" in screen.html
    assert "30 of 30 cache layers: predicted and measured bytes are equal" in screen.html


def test_a_static_cache_is_all_there_from_the_start():
    screen = Cache(model="smollm2", text=ONCE.text, tokens="8", drawn="1", cache="static").until_done()
    assert screen.shown["allocated"] == 15
    [_, _, _, [group], _] = screen.fed["steps"][0]
    assert group == [30, 7 * 1_536, 15 * 1_536, 7]
    screen.open_tab(TABS[0])
    assert "30 of 30 cache layers" in screen.html
    assert "691,200 bytes" in screen.html
    assert "predicted 691,200" in screen.html


def test_the_limit_and_the_crossing_are_said():
    screen = Cache(model="smollm2", text=ONCE.text, tokens="8").until_done().open_tab(TABS[1])
    assert "11,677 tokens" in screen.html
    assert "beyond the model&#x27;s limit of 8,192" in screen.html
    screen.test.select_slider(key="rows_box").set_value(8)
    screen.run()
    assert "8 texts at once" in screen.html
    assert "in texts longer than 1,460 most of the memory is cache" in screen.html
    assert "1,460 tokens" in screen.html
    assert screen.query["rows"] == "8"


@pytest.mark.slow
def test_other_key_heads_and_numbers():
    screen = Cache(model="smollm2", text=ONCE.text, tokens="8").until_done().open_tab(TABS[2])
    assert "<td>90 MiB</td>" in screen.html
    screen.test.select_slider(key="key_heads_box").set_value(9)
    assert "<td>270 MiB</td>" in screen.run().html
    screen.test.select_slider(key="key_heads_box").set_value(1)
    screen.test.segmented_control(key="cache_bits_box").set_value(16)
    assert "<td>15 MiB</td>" in screen.run().html
    assert "As it is, the cache would take 90 MiB on a card." in screen.html
    # One precision for the whole page.
    assert "22.5 KiB over all layers, in 16 bits a number." in screen.html
    assert {"key_heads": "1", "bits": "16"}.items() <= screen.query.items()
    screen.test.number_input(key="card_gb_box").set_value(80.0)
    screen.run()
    for known in ARCHITECTURES.values():
        assert known.title in screen.html
    assert "the weights do not fit" in screen.html
    assert "68.6 KiB" in screen.html


def test_a_timing_runs_and_can_be_stopped():
    screen = Cache(model="spelling_to_sound", text="knight", tokens="8").until_done().open_tab(TABS[3])
    screen.test.select_slider(key="timing_tokens").set_value(16)
    screen.test.select_slider(key="timing_repeats").set_value(1)
    screen.test.button(key="start_timing").click()
    screen.run()
    for _ in range(200):
        if "faster" in screen.html:
            break
        time.sleep(0.1)
        screen.run()
    assert "16 tokens:" in screen.html
    assert "Floating-point operations" in screen.html
    screen = Cache(model="smollm2", text=ONCE.text, tokens="8").until_done().open_tab(TABS[3])
    screen.test.button(key="start_timing").click()
    screen.run()
    screen.test.button(key="timing_stop").click()
    screen.run()
    screen.run()
    assert not screen.problems
    wait_for_nothing_to_run()


def test_a_timing_ends_where_nobody_looks_at_it_any_more():
    screen = Cache(model="smollm2", text=ONCE.text, tokens="8").until_done().open_tab(TABS[3])
    screen.test.button(key="start_timing").click()
    screen.run()
    assert engine.jobs_running
    screen.open_tab(TABS[0])
    wait_for_nothing_to_run()


def test_a_run_that_was_stopped_starts_again():
    screen = Cache(model="smollm2", text="Stop this one", tokens="256")
    while not screen.fed["count"]:
        time.sleep(0.05)
        screen.run()
    screen.test.button(key="writing_stop").click()
    screen.run()
    screen.run()
    count = screen.fed["count"]
    assert count < 256
    assert any("Stopped after" in each.value for each in screen.test.caption)
    screen.test.button(key="writing_again").click()
    screen.run()
    for _ in range(300):
        if screen.fed["count"] > count:
            break
        time.sleep(0.1)
        screen.run()
    assert screen.fed["count"] > count
    screen.test.button(key="writing_stop").click()
    screen.run()
    wait_for_nothing_to_run()


@pytest.mark.slow
def test_8_bits():
    screen = Cache(model="smollm2", text=ONCE.text, tokens="20").until_done().open_tab(TABS[4]).until_rounded()
    assert "for 18 of the 20" in screen.html
    assert "293 KiB instead of 1.14 MiB" in screen.html
    assert "part at token 11" in screen.html


HOSTILE = "</script><img src=x onerror=alert(1)> \u202eabc 🍓 <b>"


@pytest.mark.slow
def test_hostile_text_is_escaped():
    screen = Cache(model="smollm2", text=HOSTILE, tokens="8", cell="3-1").until_done()
    for label in TABS:
        if label != "What does it buy?":
            screen.open_tab(label)
            assert "<img" not in screen.html
            assert not screen.problems


def written(model, text, tokens=5, cache="dynamic"):
    request = WriteRequest(model, text, DecodingSettings(max_new_tokens=tokens, cache=cache, with_norms=True))
    return request, engine.run(request)


@pytest.mark.parametrize(("model", "text"), [("smollm2", HOSTILE), ("spelling_to_sound", "knight")])
def test_exports_read_back_exactly(model, text):
    request, steps = written(model, text)
    rows = list(csv.DictReader(io.StringIO(export.steps_as_csv(steps))))
    assert len(rows) == sum(len(step.cache.bytes) for step in steps)
    for row in rows:
        step = steps[int(row["token"]) - 1]
        place = int(row["cache_layer"])
        assert int(row["bytes"]) == step.cache.bytes[place]
        assert int(row["columns"]) == step.cache.positions[place]
        assert row["kind"] == step.cache.kinds[place]
        assert row["piece"] == step.piece.text
        assert float(row["probability"]) == step.probability
    read = json.loads(export.steps_as_json(request, steps))
    assert read["text"] == text
    for token, step in zip(read["tokens"], steps, strict=True):
        assert tuple(token["bytes"]) == step.cache.bytes
        np.testing.assert_array_equal(np.array(token["key_norms"], dtype=np.float32), step.norms.keys)


@pytest.mark.quick(1)
@pytest.mark.parametrize("model", ["smollm2", "spelling_to_sound"])
def test_the_code_that_is_shown_gives_the_same_numbers(model, monkeypatch, capsys):
    text = "knight's"
    screen = Cache(model=model, text=text, tokens="8").until_done().open_tab("Show the code")
    lines = screen.output_of_the_code("kv_cache", monkeypatch, capsys)
    _, steps = written(model, text, int(sys.argv[-1]))
    for step, line in zip(steps, lines, strict=False):
        columns, _, size, *_ = line.split()
        assert int(columns) == step.cache.positions[0]
        assert int(size.replace(",", "")) == step.cache.total_bytes
    assert len(lines) >= len(steps)


def test_a_run_is_computed_once_for_everybody():
    request = WriteRequest("smollm2", "Computed once", DecodingSettings(max_new_tokens=4, with_norms=True))
    first = engine.start(request)
    while not engine.poll(first, wait=1).is_done:
        pass
    assert request in engine.answers
    kept = engine.run(request)
    again = engine.start(request)
    while not engine.poll(again, wait=1).is_done:
        pass
    assert all(one is other for one, other in zip(engine.poll(again).steps, kept, strict=True))
