"""The KV cache page: what it opens on, what a link says, and what has no cache."""

import time

import numpy as np
import pytest

from models.catalog import MODELS
from models.decoding import DecodingSettings, decode
from models.loading import load_model
from pages.kv_cache.examples import EXAMPLES as CACHES
from tests.pages.bad_links import bad_links
from tests.pages.cache_screen import ONCE, PAGE, TABS, Cache
from tests.pages.screen import ATTENTION, Screen
from tests.viz.wire import header_of


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


@pytest.mark.quick(1)
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
    assert screen.html.index("self-attention") < screen.html.index("cross-attention")
    screen.open_tab(TABS[1])
    assert "2,275 tokens" in screen.html


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


def test_a_cell_is_said_in_words():
    screen = Cache(model="smollm2", text=ONCE.text, tokens="8", drawn="8", cell="17-3").until_done()
    assert "L17 keeps a key and a value for “␣time”: 384 numbers, 1,536 bytes." in screen.inspector
    assert "The layer holds 14 columns, 21,504 bytes (21 KiB), measured." in screen.inspector
    assert screen.shown["pinned"] == [17, 3]
    in_16 = Cache(model="smollm2", text=ONCE.text, tokens="8", drawn="8", cell="17-3", bits="16").until_done()
    assert "1,536 bytes in 32 bits a number, as it is kept here; in 16 bits 768 bytes." in in_16.inspector
    assert "measured in 32 bits a number, as it is kept here; in 16 bits 10.5 KiB." in in_16.inspector
    in_16.open_tab(TABS[0])
    assert any(
        "Sizes in 32 bits a number, as it is kept here; in 16 bits 315 KiB." in each.value
        for each in in_16.test.caption
    )
    later = Cache(model="smollm2", text=ONCE.text, tokens="8", drawn="2", cell="17-12").until_done()
    assert "Column 12 is not there yet" in later.inspector


@pytest.mark.quick(4)
@bad_links(
    """
    tokens=5000          number of new tokens is not between 1 and 1,000
    tokens=many          number of new tokens is not a number
    drawn=0              number of drawn tokens is not between
    drawn=30&tokens=8    stops at token 30; there are 8
    cell=here            not a layer and a position
    cell=77-1&tokens=8   in no layer of this cache
    cell=3-999&tokens=8  in column 999, which this cache has not
    cache=huge           names no cache
    shade=dark           names no shade
    rows=0               number of texts at once is not between
    model=gpt5           names no model
    """
)
def test_a_bad_link_is_said_and_the_page_lives(query, said):
    screen = Cache(**{"model": "smollm2", "text": ONCE.text, "tokens": "8"} | query)
    notes = list(screen.notes)
    if screen.has_picture:
        while not screen.fed["isDone"]:
            time.sleep(0.1)
            notes += screen.run().notes
        notes += screen.run().notes
    assert any(said in each for each in notes), notes
    assert not screen.problems


@pytest.mark.slow
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


def test_models_on_the_shelf_say_what_they_keep():
    """Every decoder and seq2seq model opens; every encoder says why it has none, and a vision model reads no text."""
    for name, card in MODELS.items():
        screen = Cache(model=name, text="one", tokens="8")
        assert screen.has_picture == (card.family not in ("encoder", "vision"))
        assert not screen.problems
