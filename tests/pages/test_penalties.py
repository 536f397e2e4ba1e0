"""Penalties by count and a bias of tokens: knobs of the sampling page, in its link, stages in the library's order."""

import pytest

from models.decoding import BiasRequest, WordError
from models.engine import engine
from pages.sampling.choices import named_settings, settings_of
from tests.pages.sampling_screen import PARIS, Sampling
from tests.pages.test_sampling import assert_curves_are, own_stages, own_steps, settings, texts_of

pytestmark = pytest.mark.usefixtures("one_torch_thread")

HERE = {"model": "smollm2", "text": PARIS}
COUNTED = {"presence_penalty": "0.5", "frequency_penalty": "-0.2", "repetition_penalty": "1.2"}
BIAS = "Paris = -5\n=the = 2.5"


def bias_of(text):
    return tuple((each.ids[0], each.bias) for each in engine.run(BiasRequest("smollm2", tuple(text.split("\n")))))


def test_they_are_stages_in_the_order_of_the_library():
    screen = Sampling(**HERE, **COUNTED, bias=BIAS)
    numbers = {name: float(value) for name, value in COUNTED.items()}
    expected = own_stages(**numbers, logit_bias=bias_of(BIAS))
    assert_curves_are(screen, expected)
    names = [each["name"] for each in screen.shown["stages"]]
    assert names[:4] == ["raw", "logit bias", "repetition penalty", "presence and frequency"]
    assert screen.shown["isLibraryOrder"]
    (chip,) = [each for each in screen.shown["stages"] if each["name"] == "presence and frequency"]
    assert chip["value"] == "0.5 · -0.2"
    assert screen.query.items() >= {**COUNTED, "bias": BIAS}.items()
    assert not screen.said


def test_what_is_turned_is_named_and_reset():
    screen = Sampling(**HERE, frequency_penalty="0.4", bias=BIAS)
    assert "Turned under “More”: Frequency penalty, bias of tokens." in screen.html
    screen.press("reset_knobs")
    assert not screen.query.keys() & {"frequency_penalty", "bias"}


def test_the_text_that_was_written_keeps_its_penalties_in_the_link():
    mine = settings(max_new_tokens=6, presence_penalty=1.5, frequency_penalty=-0.25, logit_bias=bias_of(BIAS))
    assert settings_of(named_settings(mine)) == mine
    screen = Sampling(**HERE, written=named_settings(mine)).until_done()
    assert screen.text == texts_of(
        own_steps(max_new_tokens=6, presence_penalty=1.5, frequency_penalty=-0.25, logit_bias=bias_of(BIAS))
    )


def test_a_stage_that_is_switched_off_biases_nothing():
    screen = Sampling(**HERE, bias=BIAS, off="logit bias")
    assert "logit bias" not in screen.survivors
    assert "logit bias" in [each["name"] for each in screen.shown["stages"]]


def test_a_word_is_taken_by_its_first_piece_and_that_is_said():
    word = "Llanfairpwll"
    (found,) = engine.run(BiasRequest("smollm2", (f"{word} = 3",)))
    assert len(found.ids) > 1
    screen = Sampling(**HERE, bias=f"{word} = 3")
    assert f"“{word}” is {len(found.ids)} tokens here: its first one, “{found.pieces[0]}”, is biased." in screen.html


def test_a_space_comes_before_it_unless_it_is_meant_exactly():
    tokenizer = engine.model("smollm2").tokenizer
    assert bias_of(BIAS) == ((tokenizer(" Paris")["input_ids"][0], -5.0), (tokenizer("the")["input_ids"][0], 2.5))


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        ("Paris", "is no bias"),
        ("Paris = five", "is no bias"),
        ("Paris = nan", "is no bias"),
        ("Paris = 101", "from -100 to 100"),
        (" = 3", "is no bias"),
        ("Paris = 1\nParis = 2", "begin with the same token"),
    ],
)
def test_what_is_no_bias_is_said(said, sentence):
    with pytest.raises(WordError, match=sentence):
        bias_of(said)


def test_a_link_with_a_bias_that_is_none_is_said_in_its_place():
    screen = Sampling(**HERE, bias="Paris", presence_penalty="101", written="bias=9999999:1&temperature=1.0")
    assert any("is no bias" in each for each in screen.problems)
    assert any("Presence penalty in the link is not a number from -100 to 100" in each for each in screen.notes)


def test_a_rule_for_a_token_that_is_not_here_is_said():
    screen = Sampling(**HERE, written="bias=9999999:1&temperature=1.0")
    assert any("a rule for a token that is not here" in each for each in screen.problems)
    assert "written" not in screen.query
