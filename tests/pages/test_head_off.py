"""The tab in which a head of the attention page is switched off."""

import pytest

from models.attention import ChangedMapsRequest, HeadsOffRequest, HideToken, TraceRequest, ZeroHead
from models.engine import engine
from pages.attention.tabs import HEAD_OFF
from tests.pages.screen import Screen, read
from viz.number_format import part_text, points_text

OSLO = "Dr. Zorblax lives in Oslo. Yesterday I met Dr. Z"

pytestmark = pytest.mark.usefixtures("one_torch_thread")


def said(screen):
    return read("".join(each.proto.body for each in screen.test.get("html")))


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


def test_the_maps_that_changed_most_are_a_click_away():
    screen = Screen(model="smollm2", text=OSLO, layer="17", head="3", changed="head:decoder-17-3").open_tab(HEAD_OFF)
    before, after = TraceRequest("smollm2", OSLO), TraceRequest("smollm2", OSLO, None, (ZeroHead("decoder", 17, 3),))
    found = engine.run(ChangedMapsRequest(before, after, "decoder"))
    buttons = [each for each in screen.test.button if (each.key or "").startswith("changed_map_")]
    labels = [f"L{each.layer} H{each.head} · {part_text(each.largest)}" for each in found]
    assert [each.label for each in buttons] == labels
    buttons[0].click()
    screen.test.run()
    assert not screen.problems
    assert (screen.query["layer"], screen.query["head"]) == (str(found[0].layer), str(found[0].head))
    assert screen.query["changed"] == "head:decoder-17-3"
    assert f"Largest difference: {points_text(found[0].largest)}." in screen.shown["caption"]


def test_what_else_is_off_stays_off():
    query = {"model": "minilm", "text": "The keys are here.", "layer": "2", "head": "7", "token": "4"}
    screen = Screen(**query, changed="head:encoder-2-7,token:2").open_tab(HEAD_OFF)
    others = TraceRequest("minilm", "The keys are here.", None, (HideToken(2),))
    found = engine.run(HeadsOffRequest(others, "encoder", 2, 4))
    shown = said(screen)
    assert "What else you switched off or changed stays so" in shown
    assert found.token in shown
    assert "all heads" not in shown
    assert "L2 H7 on" in shown
    for part in found.without:
        assert part_text(part) in shown


def test_nothing_comes_after_the_last_layer():
    query = {"model": "minilm", "text": "The keys are here.", "layer": "5", "head": "7"}
    screen = Screen(**query, changed="head:encoder-5-7").open_tab(HEAD_OFF)
    assert "No map of these is another one than before" in said(screen)
    assert not screen.problems


@pytest.mark.slow
def test_a_text_that_is_too_long_is_said():
    screen = Screen(model="smollm2", text="one " * 600, layer="2", head="1").open_tab(HEAD_OFF)
    (problem,) = screen.problems
    assert "at most 512" in problem
