"""The open tab and the pinned word, as links and other texts have them."""

import urllib.parse

import pytest

from tests.pages.screen import ATTENTION, Screen
from viz.number_format import part_text

ANIMAL = "The animal was tired."


def open_tab(screen):
    """The title of the tab that is open."""
    return next(each.label for each in screen.test.tabs if each.children)


@pytest.mark.quick(2)
@pytest.mark.parametrize(
    ("page", "name", "title"),
    [
        (ATTENTION, "what-if-this-head-were-off", "What if this head were off?"),
        ("pages/tokenizers/page.py", "made-of-what", "Made of what?"),
        ("pages/embeddings/page.py", "does-order-matter", "Does order matter?"),
        ("pages/kv_cache/page.py", "show-the-code", "Show the code"),
        ("pages/sampling/page.py", "what-am-i-looking-at", "What am I looking at?"),
    ],
)
def test_a_link_opens_a_tab_and_says_which_is_open(page, name, title):
    screen = Screen(page, tab=name)
    assert open_tab(screen) == title
    assert screen.query["tab"] == name
    assert not any("tab" in each for each in screen.notes)


def test_the_first_tab_needs_no_word_in_the_link():
    screen = Screen(text=ANIMAL, model="minilm")
    assert "tab" not in screen.query
    assert screen.open_tab("Show the code").query["tab"] == "show-the-code"


@pytest.mark.parametrize("name", ["no-such-tab", "<b>", "x" * 200])
def test_a_tab_that_is_not_there_is_said(name):
    screen = Screen(text=ANIMAL, model="minilm", tab=name)
    assert "tab" not in screen.query
    assert any("no tab" in each.value for each in screen.test.info)


def shared_link(screen):
    [link] = [each.value for each in screen.test.code if "://" in each.value or each.value.startswith("?")]
    return urllib.parse.parse_qs(link.partition("?")[2])


def test_a_link_to_take_along_opens_the_tab_that_was_open_before():
    screen = Screen(text=ANIMAL, model="minilm", tab="what-if-this-head-were-off").open_tab("Take it with you")
    assert shared_link(screen)["tab"] == ["what-if-this-head-were-off"]
    # Also when something else is chosen meanwhile, and another page has tabs of its own.
    assert shared_link(screen.look("Birds sing."))["tab"] == ["what-if-this-head-were-off"]
    assert "tab" not in shared_link(screen.go("pages/tokenizers/page.py").open_tab("Take it with you"))


def test_another_page_opens_on_its_own_first_tab():
    screen = Screen(text=ANIMAL, model="minilm", tab="show-the-code").go("pages/tokenizers/page.py")
    assert "tab" not in screen.query


def pinned(**query):
    """“tired” looks at “animal”, in the model's own numbers."""
    return Screen(text=ANIMAL, layer="3", head="1", **query)


def test_a_pin_is_in_the_link_and_said_to_the_picture():
    screen = pinned(model="minilm", token="4", pin="2")
    assert (screen.shown["pinned"], screen.shown["queries"][2]) == (2, "animal")
    assert screen.query["pin"] == "2"


def test_the_weight_of_a_pin_is_said_to_who_opens_its_link():
    screen = pinned(model="minilm", token="4", pin="5")
    tokens = screen.shown["queries"]
    assert f"Pinned: tired → {tokens[5]} {part_text(screen.row[5])}." in screen.shown["caption"]
    assert "Pinned" not in pinned(model="minilm", token="4").shown["caption"]


def test_a_pin_goes_where_its_word_goes():
    """Another model numbers the same words otherwise."""
    screen = pinned(model="minilm", token="4", pin="2")
    screen.test.selectbox(key="model_box").set_value("smollm2")
    screen.run()
    assert screen.shown["queries"][screen.shown["pinned"]].strip("␣ ") == "animal"
    assert not any("pinned" in each for each in screen.notes)


def test_a_pin_whose_word_is_gone_goes_and_that_is_said():
    screen = pinned(model="minilm", token="4", pin="2").look("A cat, not the least bit tired.")
    assert screen.shown["pinned"] is None
    assert "pin" not in screen.query
    assert any("tired → animal" in each for each in screen.notes)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("The big dog ran because it was tired.", "“animal” is not here"),
        ("The animal slept.", "“tired” is not here"),
        ("A cat sat.", "“tired” and “animal” are not here"),
        ("It was tired, said an animal.", "another token than “tired” is selected now"),
        ("An animal met an animal and was tired.", "“animal” is here 2 times"),
    ],
)
def test_a_pin_that_goes_names_what_is_missing_alone(text, why):
    """A new text is looked at from its last word on, as without a pin."""
    (said,) = pinned(model="minilm", token="4", pin="2").look(text).notes
    assert said == f"“tired → animal” was pinned; {why}, so nothing is pinned."


def test_a_pin_beyond_the_text_is_said():
    screen = pinned(model="minilm", token="4", pin="99")
    assert screen.shown["pinned"] is None
    assert any("pins token 99" in each for each in screen.notes)


@pytest.mark.parametrize("zoom", ["", "1-2", "200-100-0-100", "a-b-c-d", "0-100-0-100-7", "0-100-0-99999999999999"])
def test_a_zoom_that_is_none_is_said(zoom):
    screen = pinned(model="minilm", zoom=zoom)
    assert screen.shown["zoom"] == []
    assert screen.has_picture
    assert any("zoom" in each for each in screen.notes)


def test_a_zoom_is_in_the_link():
    screen = pinned(model="minilm", zoom="50-250-100-300")
    assert screen.shown["zoom"] == [50, 250, 100, 300]
    assert screen.query["zoom"] == "50-250-100-300"
