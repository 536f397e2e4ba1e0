"""The attention studio: every view of every kind, and what the link and More say of it."""

import re
from types import SimpleNamespace

import numpy as np
import pytest

from models.attention import (
    HeadMapRequest,
    QueryKeyRequest,
    TraceRequest,
)
from models.engine import engine
from pages.attention.other_text import with_another_end
from pages.attention.tabs import OTHER_TEXT
from pages.attention.two_sentences import sentences_part
from tests.pages.screen import Screen
from tests.pages.studio_screen import (
    COUNT,
    PRONOUN,
    chips,
    heads_of,
    lines,
    opened,
    press,
    products_of,
    select,
    trace_of,
    with_more,
)
from viz.number_format import part_text

# Each model with a short text, a kind, and a layer and head of it.
KINDS = [
    ("minilm", PRONOUN, "encoder", 3, 1),
    ("smollm2", COUNT, "decoder", 17, 3),
    ("spelling_to_sound", "knight", "encoder", 1, 2),
    ("spelling_to_sound", "knight", "decoder", 1, 2),
    ("spelling_to_sound", "knight", "cross", 2, 1),
]

pytestmark = pytest.mark.usefixtures("one_torch_thread")


# ----- Views


@pytest.mark.quick(3)
@pytest.mark.parametrize(("model", "text", "kind", "layer", "head"), KINDS)
def test_each_view_shows_the_numbers_of_the_trace(model, text, kind, layer, head):
    trace = engine.run(trace_of(model, text))
    weights, visible = trace.weights(kind, layer), trace.visible(kind, layer)
    screen = opened(model, text, kind, layer, head, view="heads")
    shown, drawn = heads_of(screen)
    np.testing.assert_allclose(drawn, np.where(visible, weights, np.nan), atol=5e-4)
    assert (shown["map"], shown["shown"], shown["first"]) == (f"{kind}-{layer}-{head}", [head], [0, 0])
    select(screen, "qk")
    shown, drawn = products_of(screen)
    selected = shown["selected"]
    found = engine.run(QueryKeyRequest(trace_of(model, text), kind, layer, head, selected))
    for name, numbers in drawn.items():
        np.testing.assert_array_equal(numbers, getattr(found, name))
    np.testing.assert_allclose(drawn["weights"], weights[head, selected], atol=1e-6)
    assert shown["places"] == list(range(weights.shape[2]))
    select(screen, "model")
    assert screen.shown["view"] == "model"
    assert (screen.shown["layers"], screen.shown["heads"]) == (list(trace.layers(kind)), len(weights))
    select(screen, "matrix")
    assert screen.has_picture
    np.testing.assert_allclose(screen.cells[0], np.where(visible[:], weights[head], np.nan), atol=5e-4)
    assert not screen.problems
    assert not screen.notes


@pytest.mark.parametrize(("earlier", "now"), [("head", "matrix"), ("grid", "model")])
def test_links_from_before_open_what_they_meant(earlier, now):
    screen = Screen(view=earlier)
    assert screen.shown["view"] == screen.query["view"] == now
    assert not screen.notes


@pytest.mark.parametrize("view", ["heads", "qk"])
def test_all_layers_and_a_layers_mean_have_a_sentence_where_they_have_no_picture(view):
    screen = Screen(view=view, layer="all")
    assert screen.component("attention_view") is None
    said = "Lines are drawn for the heads of one layer" if view == "heads" else "Queries and keys are those of one head"
    assert [each for each in lines(screen) if said in each]
    assert screen.test.select_slider(key="layer_box").value == "all"
    screen.test.select_slider(key="layer_box").set_value(2)
    screen.run()
    # A layer's mean has all of its heads as lines, and no single query and key.
    assert screen.query["head"] == "mean"
    if view == "heads":
        assert heads_of(screen)[0]["shown"] == list(range(12))
    else:
        assert [each for each in lines(screen) if said in each]
    assert not screen.problems


@pytest.mark.slow
def test_a_long_text_shows_the_tokens_round_the_selected_one():
    text = "one " * 600
    screen = Screen(model="smollm2", text=text, layer="2", head="1", token="450", view="heads")
    shown, drawn = heads_of(screen)
    first, last = 450 - 128, 450 + 128
    assert (shown["first"], shown["shape"]) == ([first, first], [9, 256, 256])
    trace = engine.run(TraceRequest("smollm2", text))
    expected = trace.weights("decoder", 2, 1)[first:last, first:last]
    seen = np.tri(256, dtype=bool)
    np.testing.assert_allclose(drawn[1][seen], expected[seen], atol=5e-4)
    assert np.isnan(drawn[1][~seen]).all()
    assert "256 of 601 tokens round the selected one" in shown["caption"]
    assert not screen.problems
    # A pattern is for shorter texts: it is left out, and the page keeps its controls.
    screen.test.query_params["changed"] = "pattern:decoder-2-1-even"
    screen.run()
    assert ["at most 512 tokens" in each for each in screen.notes] == [True]
    assert not chips(screen)
    assert screen.test.segmented_control(key="view_box").value == "heads"
    assert not screen.problems


# ----- What the link says of a view


def test_heads_beside_each_other_have_one_scale():
    screen = Screen(text=PRONOUN, layer="3", head="1", heads="0,4,1,99")
    shown = screen.shown
    assert [each["title"] for each in shown["panels"]] == ["L3 H1", "L3 H0", "L3 H4"]
    trace = engine.run(TraceRequest("minilm", PRONOUN))
    for cells, head in zip(screen.cells, (1, 0, 4), strict=True):
        np.testing.assert_allclose(cells, trace.weights("encoder", 3, head), atol=5e-4)
    most = max(float(trace.weights("encoder", 3, head).max()) for head in (0, 1, 4))
    assert [each["most"] for each in shown["panels"]] == pytest.approx([most] * 3)
    assert "All on one scale" in shown["caption"]
    select(screen, "heads")
    assert heads_of(screen)[0]["shown"] == [0, 1, 4]
    assert screen.query["heads"] == "0,1,4,99"
    assert not screen.notes


def test_colours_and_measures_stand_in_the_link():
    query = {"least": "0.1", "scale": "log", "by": "value", "sink": "first", "pooled": "mean"}
    screen = Screen(text=PRONOUN, layer="3", head="1", **query)
    shown = screen.shown
    assert (shown["least"], shown["isLog"]) == (0.1, True)
    request = HeadMapRequest(TraceRequest("minilm", PRONOUN), "encoder", 3, 1, "first", by_value=True)
    np.testing.assert_allclose(screen.cells[0], engine.run(request).weights, rtol=1e-3, atol=5e-4)
    assert "length of its key's value vector" in shown["caption"]
    assert "The first token is taken out" in shown["caption"]
    assert {name: screen.query[name] for name in query} == query
    # The inspector speaks of shares, so it stays with the weights.
    plain = engine.run(HeadMapRequest(request.trace, "encoder", 3, 1, "first")).weights[shown["selected"]]
    assert part_text(float(plain.max())) in screen.inspector
    again = Screen(**screen.query)
    assert (again.shown, again.query) == (shown, screen.query)
    reset = again.test.button(key="reset_options").label
    for word in ("weights from 0.1", "logarithmic", "by value", "mean of blocks", "without the first token"):
        assert word in reset
    press(again, "reset_options")
    assert not {"least", "scale", "by", "pooled"} & set(again.query)
    assert again.query["sink"] == "in"
    np.testing.assert_allclose(
        again.cells[0], engine.run(HeadMapRequest(request.trace, "encoder", 3, 1)).weights, atol=5e-4
    )
    assert not [each for each in again.test.button if each.key == "reset_options"]


BAD = {
    "least": "2",
    "scale": "cubic",
    "by": "luck",
    "sentences": "ac",
    "pooled": "min",
    "projector": "yes",
    "heads": "x",
}


def test_bad_choices_fall_back_with_a_note_each():
    screen = Screen(text=PRONOUN, **BAD)
    assert len(screen.notes) == len(BAD)
    assert not set(BAD) & set(screen.query)
    assert screen.has_picture
    assert not screen.problems


def test_sentences_of_a_text_with_two_and_with_one():
    text = "The cat sat. It was tired."
    screen = Screen(text=text, layer="3", head="1", sentences="ab")
    tokens = screen.shown["queries"]
    cut = tokens.index("it")
    assert screen.shown["part"] == [0, cut, cut, len(tokens)]
    for choice, part in {
        "aa": [0, cut, 0, cut],
        "ba": [cut, len(tokens), 0, cut],
        "bb": [cut, len(tokens), cut, len(tokens)],
    }.items():
        screen.test.query_params["sentences"] = choice
        assert screen.run().shown["part"] == part
    select(screen, "heads")
    shown, drawn = heads_of(screen)
    assert shown["first"] == [cut, cut]
    whole = engine.run(TraceRequest("minilm", text)).weights("encoder", 3)
    np.testing.assert_allclose(drawn, whole[:, cut:, cut:], atol=5e-4)
    with_more(select(screen, "matrix"))
    assert not screen.test.selectbox(key="sentences_box").disabled
    screen.look("One sentence only")
    assert screen.shown["part"] is None
    assert screen.test.selectbox(key="sentences_box").disabled
    assert not screen.problems
    assert not screen.notes
    # A line break parts before a full stop does.
    screen.look("Mr. Cat sat. He was tired\nand slept.")
    assert screen.shown["part"][0] == screen.shown["queries"].index("and")


@pytest.mark.parametrize(
    ("text", "second"),
    [
        ("Dr. Zorblax lives in Oslo. Yesterday I met Dr. Z", "Yesterday"),
        ("\n\nOne line\nand another.\n", "and"),
        ("Is it? Yes! It is.", "Yes"),
        ("One sentence. ", None),
        ("v1.2 is out, Mrs. A. Smith said.", None),
        ("", None),
        (" \n ", None),
        ("猫。 犬", "犬"),
    ],
)
def test_where_the_second_sentence_begins(text, second):
    spans = ((0, 0), *(found.span() for found in re.finditer(r"\w+|[^\w\s]", text)), (0, 0))
    cut = sentences_part(SimpleNamespace(spans=spans), text)
    assert (None if cut is None else text[slice(*spans[cut])]) == second


# ----- More


def test_every_option_behind_more_works_and_reset_takes_all_back():
    screen = with_more(Screen(text=PRONOUN, layer="3", head="1"))
    trace = TraceRequest("minilm", PRONOUN)
    screen.test.selectbox(key="left_out_box").set_value("special")
    screen.test.slider(key="least_box").set_value(0.05)
    screen.test.toggle(key="scale_box").set_value(True)
    screen.test.selectbox(key="by_box").set_value("value")
    screen.run()
    shown = screen.shown
    assert (shown["least"], shown["isLog"], screen.query["by"], screen.query["sink"]) == (
        0.05,
        True,
        "value",
        "special",
    )
    expected = engine.run(HeadMapRequest(trace, "encoder", 3, 1, "special", by_value=True))
    np.testing.assert_allclose(screen.cells[0], expected.weights, rtol=1e-3, atol=5e-4)
    screen.test.multiselect(key="heads_box").set_value([2, 0])
    screen.run()
    assert [each["title"] for each in screen.shown["panels"]] == ["L3 H1", "L3 H0", "L3 H2"]
    assert screen.query["heads"] == "0,2"
    press(screen, "reset_options")
    assert len(screen.shown["panels"]) == 1
    assert screen.test.slider(key="least_box").value == 0
    assert screen.test.toggle(key="scale_box").value is False
    assert not {"least", "scale", "by", "heads"} & set(screen.query)
    # The pattern of a head is switched on and off again like everything else.
    screen.test.selectbox(key="pattern_box").set_value("itself")
    screen.run()
    assert list(chips(screen)) == ["pattern:encoder-3-1-itself"]
    np.testing.assert_array_equal(screen.cells[1], np.eye(len(screen.cells[1])))
    screen.test.selectbox(key="pattern_box").set_value("first")
    assert list(chips(screen.run())) == ["pattern:encoder-3-1-first"]
    screen.test.selectbox(key="pattern_box").set_value("")
    assert not chips(screen.run())
    assert not screen.problems


def test_more_opens_with_more_than_its_controls_have():
    screen = with_more(Screen(heads=",".join(map(str, range(12))), least="0.9"))
    assert screen.test.multiselect(key="heads_box").value == [0, 2, 3, 4, 5]
    assert screen.test.slider(key="least_box").value == 0.9
    assert len(screen.shown["panels"]) == 6
    assert not screen.problems


def test_the_other_text_that_was_typed_stays_beside_another_text():
    screen = Screen(other="The animal slept.")
    assert screen.query["other"] == "The animal slept."
    assert screen.look("Birds sing.").query["other"] == "The animal slept."
    screen.open_tab(OTHER_TEXT)
    assert screen.test.text_area(key="other_box").value == "The animal slept."


@pytest.mark.parametrize(
    ("text", "other"),
    [("The dog sleeps.", "The dog sleeps."), ("It was too tired.", "It was too wide."), ("wide", "tired"), ("…", "…")],
)
def test_no_word_of_an_example_comes_into_another_text(text, other):
    assert with_another_end(text) == other


@pytest.mark.quick(2)
@pytest.mark.parametrize(
    ("view", "words"),
    [
        ("matrix", "over the sentence"),
        ("heads", "Each line is one weight"),
        ("model", "Each small picture is one head's map"),
        ("qk", "From left to right that is one row"),
    ],
)
def test_each_view_explains_itself(view, words):
    screen = Screen(model="minilm", layer="3", head="1", view=view)
    assert any(words in each.value for each in screen.test.markdown)
    screen = Screen(model="spelling_to_sound", text="knight", kind="cross", layer="1", head="2", view=view)
    screen.choose_tab("What am I looking at?")
    screen.run()
    assert any("seq2seq model has two halves" in each.value for each in screen.test.markdown)
    assert not screen.problems


def test_the_head_that_is_chosen_is_the_one_that_is_drawn():
    screen = Screen(model="minilm", layer="3", head="1", view="heads", heads="1")
    assert screen.shown["shown"] == [1]
    screen.test.segmented_control(key="head_box").set_value(4)
    screen.run()
    assert screen.shown["shown"] == [4]
    screen.test.segmented_control(key="head_box").set_value("mean")
    screen.run()
    assert screen.shown["shown"] == list(range(12))
    several = Screen(model="minilm", layer="3", head="1", view="heads", heads="1,2")
    several.test.segmented_control(key="head_box").set_value(4)
    several.run()
    assert several.shown["shown"] == [1, 2]


def test_the_code_says_what_it_leaves_out():
    shown = {"model": "minilm", "layer": "3", "head": "1", "view": "qk"}
    screen = Screen(**shown, changed="head:encoder-3-1").open_tab("Show the code")
    captions = [each.value for each in screen.test.caption]
    assert any("with everything on" in each for each in captions)
    assert any("The numbers of q·k are in the JSON file" in each for each in captions)
    screen = Screen(**shown | {"view": "matrix"}).open_tab("Show the code")
    captions = [each.value for each in screen.test.caption]
    assert not any("everything on" in each or "q·k" in each for each in captions)
