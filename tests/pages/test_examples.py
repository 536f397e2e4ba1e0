"""Every example shows what it says it shows."""

import re

import numpy as np
import pytest

from pages.attention.examples import EXAMPLES
from tests.pages.screen import Screen

ANIMAL, WIDE, NAME, GREEN, KNIGHT = EXAMPLES


@pytest.fixture(scope="module")
def screen():
    return Screen()


def shares(screen):
    """Token -> the strip's weight, summed where a token comes twice."""
    found = {}
    for token, weight in zip(screen.shown["queries"], np.nan_to_num(screen.row), strict=True):
        found[token] = found.get(token, 0) + weight
    return found


@pytest.mark.parametrize("example", [pytest.param(each, id=each.label) for each in EXAMPLES])
def test_an_example_opens_what_it_names(screen, example):
    screen.test.segmented_control(key="view_box").set_value("model")
    screen.run().open_example(example.label)
    kind = {"minilm": "encoder", "smollm2": "decoder", "spelling_to_sound": "cross"}[example.model]
    assert screen.shown["map"] == f"{kind}-{example.layer}-{example.head}"
    assert screen.shown["selected"] == (example.step if example.kind else example.token)
    assert screen.typed == example.text
    assert screen.query["model"] == example.model
    assert not screen.problems
    assert not screen.notes


def test_an_example_may_be_opened_when_the_sink_is_out():
    """What it says holds with the sink in: without it no weight can leave *animal* for `[CLS]`."""
    screen = Screen(sink="out").open_example(WIDE.label)
    assert shares(screen)["[CLS]"] == pytest.approx(0.33, abs=0.01)


def test_it_is_the_animal_when_it_was_tired(screen):
    screen.open_example(ANIMAL.label)
    assert screen.view[1] == "it"
    found = shares(screen)
    assert found["animal"] == pytest.approx(0.68, abs=0.01)
    assert max(found, key=found.get) == "animal"
    assert "looks mostly at <b><bdi>animal</bdi></b>: 67.7" in screen.inspector


def test_it_is_not_the_street_when_it_was_wide(screen):
    screen.open_example(WIDE.label)
    assert screen.view[1] == "it"
    found = shares(screen)
    assert found["animal"] == pytest.approx(0.28, abs=0.01)
    assert found["[CLS]"] == pytest.approx(0.33, abs=0.01)
    assert found["street"] == pytest.approx(0.12, abs=0.01)


def test_an_invented_name_is_gone_on_with(screen):
    screen.open_example(NAME.label)
    assert NAME.token == len(screen.shown["queries"]) - 1
    found = shares(screen)
    assert found["or"] == pytest.approx(0.90, abs=0.01)
    following = screen.inspector.partition("Next token")[2]
    assert re.findall(r"<bdi>(.*?)</bdi>.*?>(69\.\d)", following)[0][0] == "or"


def test_looking_at_apples(screen):
    screen.open_example(GREEN.label)
    assert GREEN.token == len(screen.shown["queries"]) - 1
    found = shares(screen)
    assert found["␣apples"] == pytest.approx(0.93, abs=0.01)


@pytest.mark.parametrize("example", [pytest.param(each, id=each.label) for each in EXAMPLES])
def test_what_an_example_says_names_no_head_and_no_figure(example):
    """They stand in the picture, which is right also when a model changes."""
    assert not any(character.isdigit() for character in example.look)
