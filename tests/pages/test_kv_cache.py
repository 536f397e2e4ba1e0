"""The KV cache page: what it opens on, what a link says, every tab, and what has no cache."""

import csv
import io
import json
import shlex
import subprocess
import sys
import time

import numpy as np
import pytest

from models.catalog import ARCHITECTURES, MODELS
from models.decoding import DecodingSettings, WriteRequest, decode
from models.engine import engine
from models.loading import load_model
from pages.caching import take
from pages.shared.examples import CACHES
from tests.pages.screen import ATTENTION, ROOT, Screen
from tests.viz.wire import header_of

PAGE = "pages/kv_cache.py"
ONCE = CACHES[0]
TABS = (
    "Does the formula agree?",
    "When does it outgrow the model?",
    "What if?",
    "What does it buy?",
    "In 8 bits?",
    "What am I looking at?",
    "Take it with you",
    "Show the code",
)


class Cache(Screen):
    """A session on the KV cache page."""

    def __init__(self, **query):
        super().__init__(PAGE, **query)

    @property
    def has_picture(self):
        return self.component("cache_growth") is not None

    @property
    def shown(self):
        return header_of(self.component("cache_growth"))

    @property
    def fed(self):
        """The header of the steps that were sent."""
        return header_of(self.component(f"cache_feed_{self.shown['run']}"))

    @property
    def html(self):
        return "".join(each.proto.body for each in self.test.get("html"))

    def open_tab(self, label):
        self.test.session_state["below_kv_cache"] = label
        return self.run()

    def until_done(self):
        for _ in range(400):
            if self.fed["isDone"]:
                return self.run()
            time.sleep(0.1)
            self.run()
        raise AssertionError("it did not come to an end")


def test_it_opens_on_the_example_stopped_at_step_five():
    screen = Cache().until_done()
    assert screen.typed == ONCE.text
    assert screen.query == {"model": "smollm2", "text": ONCE.text, "drawn": "5"}
    assert screen.test.sidebar.selectbox(key="model_box").value == "smollm2"
    header = screen.shown
    assert (header["selected"], header["focus"], header["mostSteps"]) == (5, True, 20)
    assert header["kinds"] == ["full"] * 30
    assert header["weightBytes"] == 4 * 134_515_008
    assert screen.fed["count"] == 20
    # Columns computed: 11 with the cache, 45 without.
    given, step = len(header["prompt"]), 5
    assert given + step - 1 == 11
    assert step * given + step * (step - 1) // 2 == 45
    assert ONCE.look in [each.value for block in screen.blocks("inspector") for each in block.markdown]
    assert "45 KiB" in screen.html
    assert "135 KiB" in screen.html
    assert not screen.problems
    assert not screen.notes


def test_the_steps_that_are_sent_are_those_that_were_measured():
    screen = Cache(model="smollm2", text=ONCE.text, tokens="6").until_done()
    steps = list(decode(load_model("smollm2"), ONCE.text, DecodingSettings(max_new_tokens=6, with_norms=True)))
    data = screen.component(f"cache_feed_{screen.shown['run']}")
    header = header_of(data)
    for step, (piece, text, probability, groups, positions) in zip(steps, header["steps"], strict=True):
        assert (piece, text) == (step.piece.text, step.text)
        assert probability == pytest.approx(step.probability, abs=1e-5)
        assert positions == (7 if step.index == 0 else 1)
        assert groups == [[30, step.cache.bytes[0], step.cache.allocated_bytes[0], step.cache.positions[0]]]
    length = int.from_bytes(data[:4], "little")
    norms = np.frombuffer(data[4 + -(-length // 4) * 4 :], dtype=np.float16)
    first = norms[: 2 * 30 * 7].reshape(2, 30, 7)
    np.testing.assert_allclose(first[0], steps[0].norms.keys, rtol=2e-3)
    np.testing.assert_allclose(first[1], steps[0].norms.values, rtol=2e-3)


@pytest.mark.parametrize("example", CACHES, ids=lambda each: each.label)
def test_every_example_opens(example):
    screen = Cache(text="x", model="smollm2", tokens="8").open_example(example.label).until_done()
    assert screen.typed == example.text
    assert screen.test.sidebar.selectbox(key="model_box").value == example.model
    assert screen.shown["selected"] == example.drawn <= screen.fed["count"]
    assert not screen.problems


def test_a_seq2seq_model_has_two_caches():
    screen = Cache(model="spelling_to_sound", text="knight").until_done()
    header = screen.shown
    assert header["kinds"] == ["full"] * 3 + ["cross"] * 3
    assert len(header["prompt"]) == 1
    assert len(header["source"]) == 7
    assert screen.fed["source"] == [3, 7]
    screen.open_tab(TABS[0])
    assert "L0 to L2, self-attention" in screen.html
    assert "L0 to L2, cross-attention" in screen.html
    assert "6 of 6 cache layers" in screen.html


def test_an_encoder_keeps_nothing_and_says_why():
    screen = Cache(model="minilm", text="A text.")
    assert not screen.has_picture
    [said] = [each.value for block in screen.blocks("no_cache") for each in block.info]
    assert "keeps nothing" in said
    assert not screen.problems
    screen.test.button(key="show_decoder").click()
    assert screen.run().until_done().typed == ONCE.text


def test_the_text_comes_along_from_another_page():
    screen = Cache(model="smollm2", text="A text that goes from page to page", tokens="8").until_done()
    screen.go(ATTENTION)
    assert Screen.shown.fget(screen)["queries"][0] == "A"
    screen.go(PAGE)
    assert screen.typed == "A text that goes from page to page"


@pytest.mark.parametrize("label", TABS)
@pytest.mark.parametrize("model", ["smollm2", "spelling_to_sound"])
def test_every_tab_opens(label, model):
    screen = Cache(model=model, text="knight", tokens="8").until_done().open_tab(label)
    if (label, model) == ("In 8 bits?", "spelling_to_sound"):
        assert ["8-bit cache of transformers is for decoders" in each for each in screen.problems] == [True]
        return
    assert not screen.problems
    expected = {
        "Does the formula agree?": "measured: the same",
        "When does it outgrow the model?": "the cache",
        "What if?": "One more token",
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
    assert "1,460 tokens" in screen.html
    assert screen.query["rows"] == "8"


def test_other_key_heads_and_numbers():
    screen = Cache(model="smollm2", text=ONCE.text, tokens="8").until_done().open_tab(TABS[2])
    assert "90 MiB for 2,048 tokens" in screen.html
    screen.test.select_slider(key="if_heads").set_value(9)
    assert "270 MiB for 2,048 tokens" in screen.run().html
    screen.test.select_slider(key="if_heads").set_value(1)
    screen.test.segmented_control(key="if_numbers").set_value("bf16")
    assert "15 MiB for 2,048 tokens" in screen.run().html
    assert "6\N{NARROW NO-BREAK SPACE}× as much" in screen.html
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
    screen.test.button(key="stop_timing").click()
    screen.run()
    screen.run()
    assert not screen.problems
    for _ in range(100):
        if not engine.jobs_running:
            return
        time.sleep(0.1)
    raise AssertionError("the timing goes on")


def test_8_bits():
    screen = Cache(model="smollm2", text=ONCE.text, tokens="20").until_done().open_tab(TABS[4])
    assert "293 KiB instead of 1.14 MiB" in screen.html
    assert "part at token 11" in screen.html


def test_a_cell_is_said_in_words():
    screen = Cache(model="smollm2", text=ONCE.text, tokens="8", drawn="8", cell="17-3").until_done()
    assert "L17 keeps a key and a value for “␣time”: 384 numbers, 1,536 bytes." in screen.inspector
    assert "The layer holds 14 columns, 21,504 bytes (21 KiB), measured." in screen.inspector
    assert screen.shown["pinned"] == [17, 3]
    later = Cache(model="smollm2", text=ONCE.text, tokens="8", drawn="2", cell="17-12").until_done()
    assert "Column 12 is not there yet" in later.inspector


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ({"tokens": "5000"}, "number of new tokens is not between 1 and 1,000"),
        ({"tokens": "many"}, "number of new tokens is not a number"),
        ({"drawn": "0"}, "number of drawn tokens is not between"),
        ({"drawn": "30", "tokens": "8"}, "stops at token 30; there are 8"),
        ({"cell": "here"}, "not a layer and a position"),
        ({"cell": "77-1", "tokens": "8"}, "in no layer of this cache"),
        ({"cache": "huge"}, "names no cache"),
        ({"shade": "dark"}, "names no shade"),
        ({"rows": "0"}, "number of rows is not between"),
        ({"model": "gpt5"}, "names no model"),
    ],
    ids=lambda each: " ".join(f"{name} {value}" for name, value in each.items()) if isinstance(each, dict) else "",
)
def test_a_bad_link_is_said_and_the_page_lives(query, sentence):
    screen = Cache(**{"model": "smollm2", "text": ONCE.text, "tokens": "8"} | query)
    said = list(screen.notes)
    if screen.has_picture:
        while not screen.fed["isDone"]:
            time.sleep(0.1)
            said += screen.run().notes
        said += screen.run().notes
    assert any(sentence in each for each in said), said
    assert not screen.problems


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "no text"),
        ("a\0b", "is a NUL"),
        ("word " * 9_000, "8,192"),
    ],
    ids=["empty", "NUL", "too long"],
)
def test_bad_text_gets_a_sentence(text, sentence):
    screen = Cache(model="smollm2", text="x", tokens="8").until_done()
    screen.look(text)
    for _ in range(50):
        if screen.problems:
            break
        time.sleep(0.1)
        screen.run()
    assert any(sentence in each for each in screen.problems), screen.problems
    assert screen.typed == text
    screen.look("fine again")
    assert screen.until_done().has_picture


HOSTILE = "</script><img src=x onerror=alert(1)> \u202eabc 🍓 <b>"


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
    rows = list(csv.DictReader(io.StringIO(take.steps_as_csv(steps))))
    assert len(rows) == sum(len(step.cache.bytes) for step in steps)
    for row in rows:
        step = steps[int(row["token"]) - 1]
        place = int(row["cache_layer"])
        assert int(row["bytes"]) == step.cache.bytes[place]
        assert int(row["columns"]) == step.cache.positions[place]
        assert row["kind"] == step.cache.kinds[place]
        assert row["piece"] == step.piece.text
        assert float(row["probability"]) == step.probability
    read = json.loads(take.steps_as_json(request, steps))
    assert read["text"] == text
    for token, step in zip(read["tokens"], steps, strict=True):
        assert tuple(token["bytes"]) == step.cache.bytes
        np.testing.assert_array_equal(np.array(token["key_norms"], dtype=np.float32), step.norms.keys)


@pytest.mark.parametrize("model", ["smollm2", "spelling_to_sound"])
def test_the_code_that_is_shown_gives_the_same_numbers(model):
    text = "knight's"
    screen = Cache(model=model, text=text, tokens="8").until_done().open_tab("Show the code")
    command, program = [each.value for each in screen.test.code]
    assert program == (ROOT / "docs" / "programs" / "kv_cache.py").read_text().rstrip()
    words = shlex.split(command)
    assert words[0] == "python"
    run = subprocess.run(
        [sys.executable, str(ROOT / "docs" / "programs" / words[1]), *words[2:]],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    _, steps = written(model, text, int(words[-1]))
    lines = run.stdout.splitlines()
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


def test_models_on_the_shelf_say_what_they_keep():
    """Every decoder and seq2seq model opens; every encoder says why it has none."""
    for name, card in MODELS.items():
        screen = Cache(model=name, text="one", tokens="8")
        assert screen.has_picture == (card.family != "encoder")
        assert not screen.problems
