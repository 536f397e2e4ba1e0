"""What a person sees first, the thread from page to page, and what a link can say."""

import pytest

from models.catalog import MODELS
from pages.attention.examples import EXAMPLES
from pages.shared.course import heads
from pages.shared.registry import LESSONS, PAGES, ROOM
from tests.pages.screen import ATTENTION, HOME, PageScreen, Screen

ANIMAL = EXAMPLES[0]


def test_home_opens_and_leads_to_each_page():
    screen = Screen(HOME)
    assert len(screen.test.title) == 1
    assert [link.proto.page for link in screen.test.page_link] == [each.address for each in (*PAGES, LESSONS, ROOM)]
    assert any(f"{len(heads())} lessons" in each.value for each in screen.test.caption)
    assert not screen.problems
    assert not screen.notes


def test_the_attention_page_opens_with_one_head_that_does_something():
    screen = Screen()
    assert screen.view == ("encoder-3-1", "it")
    assert screen.shown["selected"] == 10
    assert screen.typed == ANIMAL.text
    assert screen.query == {
        "model": "minilm",
        "text": ANIMAL.text,
        "token": "10",
        "layer": "3",
        "head": "1",
        "view": "matrix",
        "sink": "in",
    }
    assert not screen.problems
    assert not screen.notes
    assert screen.test.sidebar.selectbox(key="model_box").value == "minilm"


def test_every_control_is_where_the_picture_is():
    test = Screen().test
    assert test.select_slider(key="layer_box").value == 3
    assert test.segmented_control(key="head_box").value == 1
    assert test.segmented_control(key="view_box").value == "matrix"
    assert test.toggle(key="sink_box").value is False


def test_layer_head_and_sink_change_the_picture_and_the_link():
    screen = Screen()
    screen.test.select_slider(key="layer_box").set_value(5)
    assert screen.run().shown["map"] == "encoder-5-1"
    screen.test.segmented_control(key="head_box").set_value(7)
    assert screen.run().shown["map"] == "encoder-5-7"
    screen.test.segmented_control(key="head_box").set_value("mean")
    assert screen.run().shown["map"] == "encoder-5-mean"
    assert screen.row[0] > 0
    screen.test.toggle(key="sink_box").set_value(True)
    screen.run()
    assert screen.row[0] == 0
    assert "rescaled" in screen.shown["caption"]
    assert {name: screen.query[name] for name in ("layer", "head", "sink")} == {
        "layer": "5",
        "head": "mean",
        "sink": "out",
    }


def test_the_grid_is_one_click_away():
    screen = Screen()
    screen.test.segmented_control(key="view_box").set_value("model")
    screen.run()
    assert not screen.has_picture
    assert screen.component("attention_view") is not None
    assert screen.query["view"] == "model"


def test_the_thread_goes_home_and_back():
    text = "The trophy does not fit in the suitcase because it is too big."
    screen = Screen(text=text, model="smollm2", token="9")
    token = screen.view[1]
    screen.go(HOME)
    assert screen.query == {"model": "smollm2", "text": text, "token": "9"}
    # Each card draws what it says that it opens on.
    drawn = PageScreen.html.fget(screen)
    assert "trophy" not in drawn
    assert "straw" in drawn
    screen.go(ATTENTION)
    assert screen.typed == text
    assert screen.view[1] == token
    assert screen.query["token"] == "9"
    assert screen.test.sidebar.selectbox(key="model_box").value == "smollm2"


def test_another_model_keeps_the_word_that_was_selected():
    screen = Screen()
    screen.test.sidebar.selectbox(key="model_box").set_value("smollm2")
    screen.run()
    assert screen.typed == ANIMAL.text
    assert screen.view[1].strip("␣") == "it"
    assert screen.shown["map"] == "decoder-3-1"
    assert not screen.notes


def test_a_new_text_selects_a_word_of_its_own():
    screen = Screen().look("Short, indeed!")
    assert screen.view[1] == "indeed"
    assert screen.query["text"] == "Short, indeed!"
    assert not screen.notes


LINK = {
    "model": "smollm2",
    "text": "One two three four.",
    "layer": "2",
    "head": "5",
    "token": "1",
    "view": "matrix",
    "sink": "out",
}


def test_a_link_opens_what_it_says():
    screen = Screen(**LINK)
    assert screen.view == ("decoder-2-5", "␣two")
    assert screen.typed == LINK["text"]
    assert screen.row[0] == 0
    assert screen.query == LINK
    assert not screen.notes


def test_a_link_to_the_grid_and_to_the_mean():
    assert Screen(view="model").component("attention_view") is not None
    assert Screen(head="mean", layer="0").shown["map"] == "encoder-0-mean"


def test_reloading_a_view_shows_it_again():
    first = Screen(**LINK)
    first.test.segmented_control(key="head_box").set_value(3)
    first.run()
    again = Screen(**first.query)
    assert again.view == first.view
    assert again.query == first.query


DEFAULTS = {"model": "minilm", "layer": "3", "head": "1", "token": "10", "view": "matrix", "sink": "in"}
BAD = [
    ("model", "zebra"),
    ("model", "<script>alert(1)</script>"),
    ("layer", "99"),
    ("layer", "-3"),
    ("layer", "1.5"),
    ("layer", "٣"),
    ("layer", "9" * 400),
    ("head", "99"),
    ("head", "-1"),
    ("head", "abc"),
    ("token", "999"),
    ("token", "16"),
    ("token", "-1"),
    ("view", "xyz"),
    ("sink", "maybe"),
]


@pytest.mark.quick(6)
@pytest.mark.parametrize(("name", "value"), BAD)
def test_a_bad_value_falls_back_with_one_note(name, value):
    screen = Screen(**{name: value})
    assert len(screen.notes) == 1
    assert screen.view == ("encoder-3-1", "it")
    assert {each: screen.query[each] for each in DEFAULTS} == DEFAULTS
    assert value not in screen.notes[0] or value.isdecimal(), "what came from outside is not repeated"
    assert not screen.problems
    assert not screen.run().notes, "it is said once"


def test_a_bad_value_does_not_leave_what_was_chosen_before():
    screen = Screen(layer="5")
    screen.test.query_params["layer"] = "five"
    assert len(screen.run().notes) == 1
    assert screen.view == ("encoder-3-1", "it")


def test_every_bad_value_is_said_and_the_good_ones_are_taken():
    screen = Screen(model="zebra", layer="99", head="abc", token="-1", view="xyz", sink="out")
    assert len(screen.notes) == 5
    assert screen.query == DEFAULTS | {"text": ANIMAL.text, "sink": "out"}


def test_a_head_that_the_other_model_does_not_have_is_said():
    screen = Screen(layer="3", head="11")
    screen.test.sidebar.selectbox(key="model_box").set_value("smollm2")
    screen.run()
    assert MODELS["smollm2"].heads == 9
    assert len(screen.notes) == 1
    assert screen.has_picture


def test_what_a_link_does_not_know_is_left_alone():
    screen = Screen(unknown="1", embed_options="dark_theme")
    assert screen.view == ("encoder-3-1", "it")
    assert not screen.notes


def test_a_link_that_says_something_twice():
    screen = Screen(layer=["2", "4"])
    assert screen.shown["map"] in ("encoder-2-1", "encoder-4-1")
    assert not screen.problems
