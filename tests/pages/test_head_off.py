"""The tab in which a head of the attention page is switched off."""

import pytest

from models.attention import HeadsOffRequest, TraceRequest
from models.engine import engine
from pages.attending.tabs import HEAD_OFF
from tests.pages.screen import Screen
from viz.inspector import part_text

OSLO = "Dr. Zorblax lives in Oslo. Yesterday I met Dr. Z"

pytestmark = pytest.mark.usefixtures("one_torch_thread")


def said(screen):
    return "".join(each.proto.body for each in screen.test.get("html"))


def test_a_decoder_s_head_beside_the_others_of_its_layer():
    screen = Screen(model="smollm2", text=OSLO, layer="17", head="3").open_tab(HEAD_OFF)
    assert not screen.problems
    found = engine.run(HeadsOffRequest(TraceRequest("smollm2", OSLO), "decoder", 17))
    shown = said(screen)
    for head, part in enumerate(found.without):
        assert f"without L17 H{head}" in shown
        assert part_text(part) in shown
    assert f"From {part_text(found.before)} to {part_text(found.without[3])} without L17 H3" in shown
    assert "How likely “or” comes next" in shown


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ({"model": "minilm", "text": "The keys are here.", "layer": "2", "head": "7"}, "keeps (cosine)"),
        ({"model": "spelling_to_sound", "text": "knight", "layer": "1", "head": "2"}, "holds the output as it stands"),
        ({"model": "minilm", "text": "The keys are here.", "layer": "2", "head": "mean"}, "choose one of them"),
    ],
    ids=["encoder", "seq2seq", "the mean"],
)
def test_what_it_says_for_others(query, words):
    screen = Screen(**query).open_tab(HEAD_OFF)
    assert not screen.problems
    assert words in said(screen)


def test_a_text_that_is_too_long_is_said():
    screen = Screen(model="smollm2", text="one " * 600, layer="2", head="1").open_tab(HEAD_OFF)
    (problem,) = screen.problems
    assert "at most 512" in problem
