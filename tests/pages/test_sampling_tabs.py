"""The tabs below the picture of the sampling page: each opens, on every kind of model, and has its main thing."""

import time
import urllib.parse

import pytest

from pages.sampling.tabs import EXPLANATION
from tests.pages.sampling_screen import PARIS, TABS, Sampling
from tests.pages.screen import read

pytestmark = pytest.mark.usefixtures("one_torch_thread")

HERE = {"model": "smollm2", "text": PARIS}
MANY, LUCK, DRAWS, BEAMS, PROMPTS, EXPLAINED, TAKE, _ = TABS


def test_whole_texts_wait_until_they_are_asked_for():
    screen = Sampling(**HERE).open_tab(MANY)
    assert screen.test.button(key="many_start").label == "Write them"
    assert "Nothing written yet with these settings." in [each.value for each in screen.test.caption]
    assert not screen.said


@pytest.mark.slow
def test_the_same_luck_is_shown_with_what_stands_above():
    screen = Sampling(**HERE, temperature="2", top_p="1", max_new_tokens="4").open_tab(LUCK)
    while not screen.blocks("luck_written"):
        time.sleep(0.1)
        screen.run()
    assert "They part at" in screen.html
    assert not screen.said


def test_draws_are_those_of_the_shown_step():
    screen = Sampling(**HERE).open_tab(DRAWS)
    assert "1,000 draws against the probabilities above" in screen.html
    assert screen.blocks("draws_chart")
    assert not screen.said


def test_beams_are_shown_as_a_tree():
    screen = Sampling(**HERE, beams="2", beam_tokens="3").open_tab(BEAMS)
    assert screen.blocks("beam_tree")
    assert screen.test.slider(key="beam_count").value == 2
    assert screen.query.items() >= {"beams": "2", "beam_tokens": "3"}.items()
    assert not screen.said


def test_prompts_stand_side_by_side():
    screen = Sampling(**HERE).open_tab(PROMPTS)
    [prompts] = screen.blocks("prompts")
    assert "down" in "".join(each.proto.body for each in prompts.get("html"))
    assert not screen.said


def test_it_is_explained_and_its_address_opens_the_same():
    screen = Sampling(**HERE, temperature="1.7", off="top-p", at="0").open_tab(EXPLAINED)
    assert EXPLANATION.strip() in [read(each.value).strip() for each in screen.test.markdown]
    screen.open_tab(TAKE)
    [said] = [each.value for each in screen.test.code]
    query = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(said).query))
    # Who opens it wants the picture, not the tab that it was taken from.
    assert query | {"tab": "take-it-with-you"} == screen.query
    assert Sampling(**query).shown == screen.shown


@pytest.fixture(scope="module")
def knight():
    return Sampling(model="spelling_to_sound", text="knight", max_new_tokens="4")


@pytest.mark.parametrize("label", TABS)
def test_a_seq2seq_model_opens_every_tab(knight, label):
    screen = knight.open_tab(label)
    assert not any("not foreseen" in each for each in screen.said), screen.said
    assert screen.has_picture
