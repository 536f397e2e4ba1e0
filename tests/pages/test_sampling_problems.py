"""What is wrong on the sampling page is said in a sentence; what was typed stays, and the page goes on."""

import math
import time

import pytest

from models.engine import engine
from tests.pages.sampling_screen import PARIS, Sampling

pytestmark = pytest.mark.usefixtures("one_torch_thread")

HERE = {"model": "smollm2", "text": PARIS}
SIX = "max_new_tokens=6&temperature=1.0&top_p=0.9"
HOSTILE = "</script><img src=x onerror=alert(1)>"


def all_that_is_said(screen):
    """Until nothing is written any more."""
    said = screen.said
    while screen.written is not None and not screen.written["isDone"]:
        time.sleep(0.05)
        said += screen.run().said
    return said


@pytest.mark.quick(6)
@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ({"temperature": "abc"}, "Temperature in the link is not a number from 0 to 100; 1 is taken."),
        ({"top_p": "0"}, "Top-p (nucleus) in the link is not a number from 0.001 to 1; 0.9 is taken."),
        ({"top_k": "-1"}, "Top-k in the link is not a number"),
        ({"min_p": "1"}, "Min-p in the link is not a number"),
        ({"seed": "abc"}, "seed is not a whole number"),
        ({"seed": str(2**53)}, "seed is not a whole number"),
        ({"order": "nonsense"}, "names a stage that is not here"),
        ({"colour": "hue"}, "names no colour"),
        ({"pick": "99999999"}, "follows token 99,999,999; the vocabulary has 49,152"),
        ({"at": "999"}, "points at token 1,000 of a text, but none is written"),
        ({"at": "999", "written": SIX}, "points at token 1,000, but this text has 6"),
        ({"branch": "9.x"}, "branch is not steps and tokens"),
        ({"branch": "4.5-4.6"}, "does not name its steps in their order"),
        ({"branches": "1.2,x"}, "branch is not steps and tokens"),
        ({"branch": "500.3", "written": SIX}, "turns off at token 501, but the text before it ends after 6"),
        ({"branch": "3.9999999", "written": SIX}, "There is no token 9999999; the vocabulary has 49,152"),
        ({"written": "garbage"}, "settings of the written text cannot be read"),
        ({"written": "bad_word=-5"}, "settings of the written text cannot be read"),
        (
            {"written": "bad_word=9999999"},
            "written with a rule for a token that is not here; the vocabulary has 49,152",
        ),
    ],
    ids=lambda each: " ".join(f"{name} {value}" for name, value in each.items()) if isinstance(each, dict) else "",
)
def test_a_bad_link_is_said_and_the_page_lives(query, sentence):
    screen = Sampling(**HERE | query)
    said = all_that_is_said(screen)
    assert any(sentence in each for each in said), said
    assert not any("not foreseen" in each for each in said)
    assert screen.typed == PARIS
    assert screen.left == 10
    if query.get("written") == SIX:
        assert len(screen.text) == 6
    assert screen.query == HERE | ({"written": SIX} if query.get("written") == SIX else {})


def test_a_temperature_beyond_the_slider_is_taken_as_it_is():
    screen = Sampling(**HERE, temperature="100")
    assert (screen.sliders["temperature"]["value"], screen.sliders["temperature"]["most"]) == (100, 100)
    assert screen.left > 40_000
    assert not screen.said


@pytest.mark.quick(5)
@pytest.mark.parametrize(
    "told",
    [
        *({}, [], "x", None, {"count": 1}, {"count": "1", "values": {}}, {"count": 1, "values": [1]}),
        *({"count": 1, "values": {"temperature": each}} for each in ("2", None, math.nan, math.inf, [2], {})),
        {"count": 1, "values": {"typical": 0.5, "<b>": 1, "__class__": 2}},
        {"count": 10**30, "values": {}},
    ],
)
def test_what_no_slider_says_moves_none(told):
    screen = Sampling(**HERE).tell("knob_sliders", "moved", told)
    assert screen.query == HERE
    assert screen.left == 10
    assert not screen.said


@pytest.mark.parametrize(("values", "query"), [({"temperature": -1}, {"temperature": "0.0"}), ({"top-k": 1e300}, {})])
def test_a_slider_goes_no_further_than_a_link(values, query):
    screen = Sampling(**HERE).tell("knob_sliders", "moved", {"count": 1, "values": values})
    assert screen.query == HERE | query
    assert not screen.said


@pytest.mark.quick(1)
@pytest.mark.parametrize(
    ("text", "sentence"),
    [("", "no text"), ("a\0b", "is a NUL"), ("word " * 9_000, "8,192")],
    ids=["empty", "NUL", "too long"],
)
def test_bad_text_gets_a_sentence(text, sentence):
    screen = Sampling(**HERE).look(text)
    [said] = screen.problems
    assert sentence in said
    assert screen.typed == text
    assert not screen.has_picture
    assert screen.look(PARIS).left == 10


def test_hostile_text_is_text():
    screen = Sampling(model="smollm2", text=HOSTILE, max_new_tokens="4").press("write").until_done()
    assert screen.typed == screen.written["before"] == HOSTILE
    for label in ("What am I looking at?", "Take it with you", "Show the code"):
        assert "<img" not in screen.open_tab(label).html
    assert not screen.said


def test_nothing_of_the_text_may_come_again():
    screen = Sampling(**HERE, no_repeat_ngram_size="1", max_new_tokens="8")
    ids = engine.model("smollm2").tokenizer(PARIS)["input_ids"]
    assert screen.survivors["no-repeat n-gram"] == 49_152 - len(set(ids))
    screen.press("write").until_done()
    pieces = [token[1] for token in screen.written["tokens"]]
    assert len({*pieces, "The", "␣capital", "␣of", "␣France", "␣is"}) == 8 + 5


@pytest.mark.parametrize("words", ["\n\n", "\u200b", "x" * 300], ids=["empty lines", "an unseen sign", "a long one"])
def test_words_that_forbid_nothing_of_what_may_come(words):
    screen = Sampling(**HERE, bad_words=words)
    assert screen.left == 10
    assert next(iter(screen.top)) == "␣Paris"
    assert not screen.said


def test_a_forbidden_word_cannot_come():
    screen = Sampling(**HERE, bad_words="Paris")
    [cut_by] = [each[4] for each in screen.shown["top"] if each[1] == "␣Paris"]
    assert cut_by == "bad words"
    assert "“␣Paris” cannot come: bad words cut it." in screen.inspector


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ({"top_k": "1", "bad_words": "Paris", "order": "top-k,bad words"}, "forbid every token"),
        ({"min_new_tokens": "40"}, "At least 40 and at most 32 tokens cannot both be held"),
    ],
    ids=["everything is forbidden", "longer than the longest"],
)
def test_knobs_that_contradict_each_other_can_be_set_back(query, sentence):
    screen = Sampling(**HERE, **query)
    [said] = screen.problems
    assert sentence in said
    assert screen.press("reset_knobs").left == 10
    assert not screen.said


@pytest.mark.slow
def test_a_stop_text_that_never_comes_stops_nothing():
    screen = Sampling(**HERE, stop="never to come", max_new_tokens="6").press("write").until_done()
    stopped = Sampling(**HERE, stop=screen.text[1], max_new_tokens="6").press("write").until_done()
    assert len(screen.text) == 6
    assert stopped.text == screen.text[:2]
    assert "A stop text came." in stopped.written["says"]


def test_an_encoder_without_a_head_has_no_knobs_and_the_way_to_a_model_that_writes():
    screen = Sampling(model="minilm", text="A text.", written=SIX)
    assert screen.problems == []
    [said] = [each.value for block in screen.blocks("no_next_token") for each in block.info]
    assert "no masked-language head" in said
    assert not screen.has_picture
    assert screen.written is None
    assert screen.typed == "A text."
    assert screen.component("knob_sliders") is None
    assert screen.press("show_decoder").has_picture
