"""What is compared in a tab is in the link: a link opens it as it was, and what it cannot mean is said."""

import time

import pytest

from models.tokenization.piece_origins import MOST_WORDS
from pages.tokenizers import choices as tokenizers_choices
from tests.pages.screen import ATTENTION, Screen

pytestmark = [
    pytest.mark.usefixtures("one_torch_thread"),
    # BertViz reads its own script without closing it.
    pytest.mark.filterwarnings("ignore:unclosed file .*bertviz.*:ResourceWarning"),
]

TOKENIZERS, EMBEDDINGS, SAMPLING = (f"pages/{each}/page.py" for each in ("tokenizers", "embeddings", "sampling"))
KEYS = {"model": "minilm", "text": "The keys are here.", "layer": "2", "head": "7"}
KNIGHT = {"model": "spelling_to_sound", "text": "knight"}
CUT = {"text": "strawberry fields", "tokenizers": "gpt2,unigram", "stretch": "0-10"}
LATTICE = {**CUT, "tokenizer": "unigram"}
BANKS = {"model": "minilm", "text": "A bank by the river.\nThe bank lent money."}
PARIS = {"model": "smollm2", "text": "The capital of France is"}
BERTVIZ, LEARNT, HOW, SIMILAR, ORDER, MANY, WHOLE, LUCK, BEAMS = (
    *("what-does-bertviz-show", "how-did-it-learn-this", "how-was-it-cut", "how-similar-are-they"),
    *("does-order-matter", "many-sentences", "what-does-it-mean-for-whole-texts", "same-luck-another-setting"),
    "what-does-beam-search-find",
)
HERE = {
    BERTVIZ: (ATTENTION, KEYS),
    LEARNT: (ATTENTION, KNIGHT),
    HOW: (TOKENIZERS, CUT),
    SIMILAR: (EMBEDDINGS, BANKS),
    ORDER: (EMBEDDINGS, BANKS),
    MANY: (EMBEDDINGS, BANKS),
    WHOLE: (SAMPLING, PARIS),
    LUCK: (SAMPLING, {**PARIS, "max_new_tokens": "4"}),
    BEAMS: (SAMPLING, PARIS),
}


def opened(tab, said):
    page, here = HERE[tab]
    return Screen(page, **{**here, "tab": tab, **said})


def widget(screen, kind, key):
    (found,) = [each for each in getattr(screen.test, kind) if each.key == key]
    return found.value


@pytest.mark.quick(4)
@pytest.mark.parametrize(
    ("tab", "said", "widgets"),
    [
        (BERTVIZ, {"bertviz": "head", "bertviz_layers": "one"}, {("toggle", "bertviz_alone_box"): True}),
        (LEARNT, {"trained": "1600"}, {("select_slider", "state_box"): 1600}),
        (HOW, {"merges": "0.1"}, {("slider", "merge_step_0"): 1}),
        (HOW, {**LATTICE, "ways": "0.1"}, {("radio", "way_0"): 1}),
        (SIMILAR, {"line": "1"}, {("selectbox", "line_box"): 1}),
        (ORDER, {"swapped": "A river by the bank."}, {("text_input", "swapped_box"): "A river by the bank."}),
        (
            WHOLE,
            {"many_texts": "4", "many_tokens": "20", "against": "Wild"},
            {
                ("select_slider", "many_texts"): 4,
                ("select_slider", "many_tokens"): 20,
                ("multiselect", "many_presets"): ["Wild"],
            },
        ),
        (
            LUCK,
            {"luck": "another temperature", "luck_temperature": "0.4"},
            {("selectbox", "luck_other"): "another temperature", ("slider", "luck_temperature"): 0.4},
        ),
    ],
)
def test_a_link_opens_what_was_compared(tab, said, widgets):
    screen = opened(tab, said)
    assert {each: widget(screen, *each) for each in widgets} == widgets
    assert screen.query.items() >= {name: value for name, value in said.items() if value != "head"}.items()
    assert not screen.notes
    assert not screen.problems


@pytest.mark.quick(3)
@pytest.mark.parametrize(
    ("tab", "said", "notes"),
    [
        (BERTVIZ, {"bertviz": "neuron", "bertviz_layers": "two"}, ["no view of BertViz", "no choice of BertViz's"]),
        (LEARNT, {"trained": "1601"}, ["no state after 1,601 training steps"]),
        (HOW, {"merges": "0.99", "ways": "0.x"}, ["goes to step 99 of pre-token 1", "ways are not words and ways"]),
        (HOW, {"merges": "0.1-1.1-2.1-3.1-4.1-5.1-6.1-7.1-8.1"}, ["merges are not words and steps"]),
        (HOW, {**LATTICE, "ways": "0.9999"}, ["goes to step 9999 of pre-token 1"]),
        (
            SIMILAR,
            {"line": "7", "swapped": "word " * 99, "embedded": "maybe", "near_line": "-1"},
            ["names line 8; there are 2", "more than 400 characters", "no state of the lines", "line is not a number"],
        ),
        (
            WHOLE,
            {"many_texts": "4000", "many_tokens": "21", "against": "Wild,Own", "many_written": "1", "swept": "1"}
            | {"variety": "none", "luck": "Own", "luck_temperature": "nan", "word_followed": "x" * 61, "searched": "1"},
            [
                *(
                    "no number of texts",
                    "no length of the texts",
                    "compare with that are not here",
                    "not between 0 and 2",
                ),
                *("no state of the texts", "no state of the sweep", "no measure of variety", "no state of the search"),
                *("no settings to compare with", "more than 60 characters"),
            ],
        ),
    ],
)
def test_what_a_link_cannot_mean_is_said_and_the_default_is_shown(tab, said, notes):
    screen = opened(tab, said)
    assert [note for note in notes if not any(note in each for each in screen.notes)] == [], screen.notes
    assert not screen.query.keys() & (said.keys() - LATTICE.keys())
    assert not screen.problems


def test_a_note_of_a_tab_stands_beside_those_of_the_page():
    # The map is made by a job, and of a point nothing is known before.
    said = {"line": "7", "point": "99", "axes": "4"}
    end = time.monotonic() + 20
    while len((screen := opened(SIMILAR, said)).notes) < 3 and time.monotonic() < end:
        time.sleep(0.1)
    assert len(screen.notes) == 3


def test_another_word_is_cut_with_all_of_its_merges():
    screen = opened(HOW, {"merges": "0.1"})
    screen.test.session_state["choice:stretch"] = tokenizers_choices.NumberPair((11, 17))
    screen.run()
    assert "merges" not in screen.query


def test_as_many_words_have_a_place_in_a_link_as_are_replayed():
    assert tokenizers_choices.MOST_WORDS == MOST_WORDS


def test_a_state_that_is_chosen_is_in_the_link():
    screen = opened(LEARNT, {})
    assert "trained" not in screen.query
    screen.test.select_slider(key="state_box").set_value(400)
    assert screen.run().query["trained"] == "400"
    screen.test.select_slider(key="state_box").set_value(0)
    assert screen.run().query["trained"] == "0"


@pytest.mark.slow
def test_texts_that_were_written_are_written_for_whoever_opens_the_link():
    """And with other knobs nothing is written before somebody asks for it."""
    written = {"many_texts": "4", "many_tokens": "20", "against": "", "many_written": "yes"}
    screen = opened(WHOLE, written)
    while not screen.blocks("many_written"):
        time.sleep(0.1)
        screen.run()
    assert screen.query.items() >= written.items()
    screen.test.session_state["choice:temperature"] = 0.3
    assert "many_written" not in screen.run().query
    assert not screen.blocks("many_written")


def test_lines_that_were_embedded_are_embedded_for_whoever_opens_the_link():
    said = {"lines": "A river.\nA brook.\nA bank note.", "embedded": "yes", "near_line": "2"}
    screen = opened(MANY, said)
    for _ in range(100):
        if any(each.key == "near_line_box" for each in screen.test.selectbox):
            break
        time.sleep(0.1)
        screen.run()
    assert widget(screen, "selectbox", "near_line_box") == 2
    assert screen.query.items() >= said.items()
    screen.test.text_area(key="many_lines_box").set_value("A river.\nAnother one.")
    screen.run()
    assert not screen.query.keys() & {"embedded", "near_line"}


@pytest.mark.slow
def test_a_large_search_that_was_asked_for_is_made_for_whoever_opens_the_link():
    large = {"beams": "3", "beam_tokens": "43"}
    assert not opened(BEAMS, large).blocks("beam_tree")
    screen = opened(BEAMS, large | {"searched": "yes"})
    assert screen.blocks("beam_tree")
    screen.test.slider(key="beam_count").set_value(4)
    assert "searched" not in screen.run().query


def test_a_word_that_is_followed_stays_beside_the_token_that_was_picked():
    screen = opened(LUCK, {"word_followed": "green", "pick": "7042"})
    assert screen.query["pick"] == "7042"
    assert widget(screen, "text_input", "who_box") == "green"


@pytest.mark.parametrize(
    ("held", "is_held", "note"),
    [("1-2", True, ""), ("0-99", False, "holds token 99"), ("2-1", False, "held token is not"), ("a", False, "held")],
)
def test_a_held_token_is_in_the_link_and_said_to_the_picture(held, is_held, note):
    screen = Screen(ATTENTION, **KEYS, view="heads", held=held)
    assert screen.state("attention_view")["held"] == ([1, 2] if is_held else None)
    assert ("held" in screen.query) is is_held
    assert any(note in each for each in screen.notes) is bool(note)


def test_a_token_is_held_in_the_picture_and_let_go():
    screen = Screen(ATTENTION, **KEYS, view="heads")
    assert screen.tell("attention_view", "held", [1, 3]).query["held"] == "1-3"
    assert screen.tell("attention_view", "held", [-1, 3]).query.get("held") is None
    screen.tell("attention_view", "held", [0, 3])
    assert "held" not in screen.tell("attention_view", "held", []).query
