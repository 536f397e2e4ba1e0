"""Projector mode, on every page: the picture with its result and what it is of, in the link, and the way back."""

import re
from html import escape

import pytest

from pages.shared.registry import HOME, PAGES
from tests.pages.lesson_screen import Lesson
from tests.pages.screen import Screen
from tests.pages.studio_screen import HOSTILE, PRONOUN, typed_other

OTHER_TEXT = "what-if-another-word-stood-there"


def html(screen):
    return "".join(each.proto.body for each in screen.test.get("html"))


NAMED = {
    "tokenizers": "GPT-2",
    "anatomy": "Plan",
    "attention": "Matrix · Encoder attention · L3 H1",
    "embeddings": "In context · ",
    "heads": "Roles · Decoder attention",
    "kv_cache": "Cache: grows",
    "sampling": "Top-p (nucleus) 0.9",
    "vision": "Flower · L8 H4",
}


@pytest.mark.quick(2)
@pytest.mark.parametrize(("page", "named"), NAMED.items())
def test_it_says_what_the_picture_is_of_and_can_be_left(page, named):
    entry = next(each for each in PAGES if each.address == page)
    screen = Screen(entry.script, projector="on")
    assert not screen.problems
    assert screen.query["projector"] == "on"
    assert named in html(screen)
    # Its question is the one first heading there too, for who does not see the picture.
    assert re.findall("<h1[^>]*>(.*?)</h1>", html(screen)) == [escape(entry.question)]
    assert not screen.test.title
    assert not [each for each in screen.test.button if (each.key or "").startswith("example_")]
    screen.press("leave_projector")
    assert "projector" not in screen.query
    assert [each.value for each in screen.test.title] == [entry.question]
    screen.press("projector_button")
    assert screen.query["projector"] == "on"


def test_every_page_says_it():
    assert {each.address for each in PAGES} == NAMED.keys()


def test_the_text_is_text_and_stays():
    screen = Screen(text=f"{PRONOUN} {HOSTILE}", layer="3", head="1", projector="on")
    assert not screen.test.text_area
    assert "animal" in html(screen)
    assert "<img" not in html(screen)
    assert "looks mostly at" in screen.inspector
    screen.press("leave_projector")
    assert screen.typed == f"{PRONOUN} {HOSTILE}"
    assert screen.shown["map"] == "encoder-3-1"


def test_the_tab_that_is_open_stands_below_the_picture():
    screen = Screen(text=PRONOUN, layer="3", head="1", projector="on", tab=OTHER_TEXT)
    assert [each.key for each in screen.test.text_area] == ["other_box"]
    assert not screen.test.main.tabs
    assert not screen.problems


def drawn_first(screen):
    """The pictures, from the top down."""
    keys = [each.key for each in screen.test.get("bidi_component")]
    return [each for each in keys if each in ("attention_view", "other_view")]


def test_two_texts_are_compared_before_the_map_of_the_one_and_both_are_named():
    screen = Screen(text=PRONOUN, layer="3", head="1", projector="on", tab=OTHER_TEXT)
    other = PRONOUN.replace("tired", "wide")
    assert f"compared with: {escape(other)}" in html(screen)
    assert drawn_first(screen) == ["other_view", "attention_view"]
    typed_other(screen, "A big dog & a cat barked.")
    assert "compared with: A big dog &amp; a cat barked." in html(screen)
    screen.press("leave_projector")
    assert drawn_first(screen) == ["attention_view", "other_view"]


@pytest.mark.parametrize("query", [{"text": " "}, {"model": "smollm2", "view": "steps", "length": "2"}])
def test_it_can_be_left_wherever_it_was_entered(query):
    screen = Screen(projector="on", **query).press("leave_projector")
    assert screen.typed == query.get("text", screen.typed)
    assert "projector" not in screen.query


def test_where_there_is_no_picture_it_ends():
    screen = Screen(projector="on").go(HOME.script)
    screen.go("pages/attention/page.py")
    assert "projector" not in screen.query


def test_it_stays_from_step_to_step_of_a_lesson_whose_rail_is_a_line():
    screen = Lesson(lesson="silent-letters")
    assert not screen.rail["isSlim"]
    screen.press("projector_button")
    assert screen.rail["isSlim"]
    screen.step(2)
    assert (screen.rail["step"], screen.rail["isSlim"], screen.query["projector"]) == (2, True, "on")
    assert screen.query["text"] == "knight"


@pytest.mark.quick(1)
@pytest.mark.parametrize(
    ("page", "query", "said"),
    [
        (
            "attention",
            {"text": PRONOUN, "model": "minilm", "changed": "head:encoder-3-1"},
            "compare with the other heads",
        ),
        ("heads", {"of_head": "10-1"}, "It has other names"),
        ("tokenizers", {"tab": "which-one-should-i-take", "verdict_of": "file"}, "No file is counted yet"),
    ],
    ids=["a head off", "names", "verdict"],
)
def test_no_sentence_leads_to_what_is_not_shown(page, query, said):
    script = next(each for each in PAGES if each.address == page).script
    alone = Screen(script, projector="on", **query)
    shown = all_said(alone)
    assert said in shown
    assert "under “" not in shown
    assert "under “" in all_said(alone.press("leave_projector"))


def all_said(screen):
    return html(screen) + "".join(
        each.value for each in (*screen.test.markdown, *screen.test.caption, *screen.test.info)
    )
