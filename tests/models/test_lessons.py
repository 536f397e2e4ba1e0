"""What lessons are told is computed; what anybody may send as a lesson or a guess is read with bounds."""

import copy
import json
from contextlib import suppress
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from models.attention import trace_attention
from models.engine import Engine, engine
from models.errors import HeadlightError
from models.lessons import LessonError, QuestionError, Readings, lesson_text, outcome, read_lesson
from models.lessons.ask import Ask
from models.lessons.guesses import GuessError, checked_guess
from models.lessons.lesson import Claim
from models.lessons.lesson_file import LARGEST_LESSON_FILE, read_view
from models.lessons.question_base import option_of_token
from models.lessons.question_registry import QUESTIONS, question_of
from pages.shared.lesson_place import lesson_files

PAGES = {"home", "attention", "heads", "anatomy", "tokenizers", "embeddings", "kv_cache", "sampling", "vision"}
ANIMAL = "The animal didn't cross the street because it was too tired."
IT = {"kind": "encoder", "layer": 3, "head": 1, "of": "it", "at": ["animal", "street"]}
STEP = """
title = "One"
[[step]]
view = "attention?model=minilm&text=The cat sat."
say = "Look."
ask = "choose"
prompt = "Where?"
options = ["cat", "sat"]
truth = { question = "link weights", of = "cat", at = ["cat", "sat"] }
"""


def lesson(text):
    return read_lesson(text.encode() if isinstance(text, str) else text, "one", PAGES)


def test_the_weights_are_those_of_the_trace():
    found = engine.run(question_of("link weights", IT, "minilm", ANIMAL))
    trace = trace_attention(engine.model("minilm"), ANIMAL)
    row = trace.weights("encoder", 3, 1)[trace.tokens.index("it")]
    expected = [row[trace.tokens.index(each)] for each in ("animal", "street")]
    np.testing.assert_allclose(found.values, expected, rtol=1e-6)


def test_scores_and_weights_are_of_one_softmax():
    asked = {**IT, "at": []}
    scores = engine.run(question_of("scores", asked, "minilm", ANIMAL)).values
    weights = engine.run(question_of("link weights", asked, "minilm", ANIMAL)).values
    np.testing.assert_allclose(torch.tensor(scores).softmax(0), weights, atol=1e-5)


def test_next_tokens_are_the_model_s_own():
    loaded = engine.model("smollm2")
    text = "The capital of France is"
    ids = loaded.tokenizer(text, return_tensors="pt")
    with torch.inference_mode():
        own = loaded.model(**ids).logits[0, -1].double().softmax(-1)
    found = engine.run(question_of("next tokens", {"tokens": [" Paris", " London"]}, "smollm2", text))
    expected = [float(own[loaded.tokenizer(each)["input_ids"][0]]) for each in (" Paris", " London")]
    np.testing.assert_allclose(found.values, expected, rtol=1e-3)


def test_other_weights_have_another_truth():
    """Nothing is written down."""
    own = copy.copy(engine.model("minilm"))
    model = copy.deepcopy(own.model)
    generator = torch.Generator().manual_seed(3)
    with torch.no_grad():
        for each in model.parameters():
            each.add_(0.05 * torch.randn(each.shape, generator=generator))

    class Changed(Engine):
        def model(self, name):
            return replace(own, model=model)

    question = question_of("link weights", IT, "minilm", ANIMAL)
    before, after = engine.run(question), Changed().run(question)
    assert before.labels == after.labels
    assert abs(before.value("animal") - after.value("animal")) > 0.05


@pytest.mark.parametrize("name", QUESTIONS)
def test_a_question_without_its_arguments_answers_or_says_what_is_missing(name):
    question = question_of(name, {}, "minilm", "One two")
    with suppress(HeadlightError):
        found = engine.run(question)
        assert found.unit == question.unit
        assert len(set(found.labels)) == len(found.labels) == len(found.values)


@pytest.mark.parametrize(
    ("name", "given"),
    [
        ("no such", {}),
        ("next tokens", {"layer": 3}),
        ("next tokens", {"tokens": "a"}),
        ("next tokens", {"tokens": ["a"] * 13}),
        ("next tokens", {"text": "x" * 200_000}),
        ("link weights", {"layer": "3"}),
        ("link weights", {"layer": 1 << 40}),
        ("link weights", {"layer": True}),
    ],
)
def test_an_argument_that_is_not_known_is_refused(name, given):
    with pytest.raises(QuestionError):
        question_of(name, given, "minilm", "x")


@pytest.mark.parametrize("file", lesson_files().values(), ids=lesson_files())
def test_a_lesson_is_written_as_it_is_read(file):
    once = lesson(file.read_bytes())
    assert lesson(lesson_text(once)) == once


HOSTILE = {
    "no TOML": "\x00\x01 = [",
    "no text": b"\xff\xfe\x00",
    "10 MB": b"title = 'a'\n" + b"#" * 10_000_000,
    "nested": "title = " + "[" * 100_000,
    "no step": 'title = "a"',
    "too many steps": 'title = "a"\n' + '[[step]]\nsay = "a"\n' * 25,
    "a number of 5,000 digits": f"minutes = {'9' * 5000}\n" + STEP,
    "infinite": STEP.replace("prompt =", "least = -inf\nprompt ="),
    "unknown question": STEP.replace("link weights", "launch"),
    "unknown word": STEP + 'script = "x"\n',
    "another site": STEP.replace("attention?", "https://evil.example/attention?"),
    "another site without a scheme": STEP.replace("attention?", "//evil.example/attention?"),
    "another page": STEP.replace("attention?", "room?"),
    "a file": STEP.replace("attention?", "../../etc/passwd?"),
    "a script for an address": STEP.replace("attention?", "javascript:alert(1)?"),
    "a long text": STEP.replace("The cat sat.", "x" * 200_000),
    "a long field": STEP.replace("Look.", "x" * 2_001),
    "a model from elsewhere": STEP.replace('of = "cat"', 'of = "cat", model = "hub:evil/model"'),
    "a model from elsewhere in its view": STEP.replace("model=minilm", "model=hub:evil/model"),
    "too many options": STEP.replace(
        '["cat", "sat"]\ntruth', f"{json.dumps([str(each) for each in range(60)])}\ntruth"
    ),
    "options that are equal": STEP.replace('["cat", "sat"]\ntruth', '["cat", "cat"]\ntruth'),
    "borders that are none": STEP + 'borders = ["a"]\n',
    "no truth": STEP.partition("truth")[0],
    "ends that are not in order": STEP + "least = 3\nmost = 1\n",
    "claims that are none": STEP + "claims = [3]\n",
    "a step that is none": 'title = "a"\nstep = [1]\n',
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_file_is_refused_in_a_sentence(text):
    with pytest.raises(LessonError) as raised:
        lesson(text)
    sentence = str(raised.value)
    assert len(sentence) < 900
    assert "evil" not in sentence
    assert "Traceback" not in sentence


@given(st.binary(max_size=300) | st.text(max_size=300).map(lambda text: (STEP + text).encode()))
def test_any_bytes_are_a_lesson_or_a_sentence(data):
    try:
        found = lesson(data)
    except LessonError:
        return
    assert lesson(lesson_text(found)) == found


def test_a_script_in_every_field_stays_text():
    text = STEP
    for each in ("One", "Look.", "Where?", "The cat sat."):
        text = text.replace(each, "</script><img src=x>")
    found = lesson(text)
    assert found.title == "</script><img src=x>"
    assert lesson(lesson_text(found)) == found


def test_the_largest_file_is_read():
    assert lesson(STEP + "#" * (LARGEST_LESSON_FILE - len(STEP.encode()))).title == "One"


def test_a_view_is_an_address_of_this_server():
    view = read_view("/attention?layer=3&text=a%20%26%20b", PAGES)
    assert (view.page, view.said("text"), view.said("layer")) == ("attention", "a & b", "3")


FOUND = Readings("part", ("a", "b", "c"), (0.5, 0.2, 0.2))


@pytest.mark.parametrize(
    ("ask", "guess", "hits"),
    [
        (Ask("choose", "?"), 0, 1),
        (Ask("choose", "?"), 1, 0),
        (Ask("choose", "?", by="smallest"), 2, 1),
        (Ask("choose", "?", options=("c", "a")), 1, 1),
        (Ask("choose", "?", options=("low", "high"), of="b", borders=(0.3,)), 0, 1),
        (Ask("choose", "?", options=("low", "high"), of="a", borders=(0.3,)), 0, 0),
        (Ask("number", "?", of="a"), 0.52, 1),
        (Ask("number", "?", of="a"), 0.4, 0),
        (Ask("order", "?", options=("a", "b", "c")), (0, 2, 1), 3),
        (Ask("order", "?", options=("a", "b", "c")), (1, 0, 2), 1),
        (Ask("draw", "?"), (0.5, 0.2, 0.9), 2),
    ],
)
def test_a_guess_is_compared(ask, guess, hits):
    assert outcome(ask, FOUND, checked_guess(ask, FOUND, guess)).hits == hits


@pytest.mark.parametrize("kind", ["choose", "number", "order", "draw"])
@pytest.mark.parametrize(
    "told",
    [None, -1, 3, 2.5, float("nan"), float("inf"), "a", True, [], [0, 1], [0, 0, 2], [0, 1, 9], [0.1, 0.2, 1.1], {}],
)
def test_a_guess_that_was_not_offered_is_refused(kind, told):
    with pytest.raises(GuessError):
        checked_guess(Ask(kind, "?"), FOUND, told)


@pytest.mark.parametrize(
    ("claim", "holds"),
    [
        (Claim("", "a", above=0.4), True),
        (Claim("", "a", above="b", times=3), False),
        (Claim("", "b", equals="c"), True),
        (Claim("", "b", equals=0.21, within=0.02), True),
        (Claim("", "b", below="a"), True),
        (Claim("", "b", is_largest=True), False),
    ],
)
def test_a_claim_holds_or_does_not(claim, holds):
    assert claim.holds(FOUND) is holds


def test_views_alone_are_a_lesson():
    links = lesson('title = "Links"\n[[step]]\nview = "attention?layer=3"\n[[step]]\nview = "heads"\n')
    assert [(step.say, step.view.page) for step in links.steps] == [("", "attention"), ("", "heads")]
    assert lesson(lesson_text(links)) == links


def test_a_guess_in_the_picture_is_one_of_its_options():
    here = lesson(STEP + "in_picture = true\n")
    assert here.steps[0].ask.in_picture
    assert not here.steps[0].is_covered
    assert lesson(lesson_text(here)) == here
    with pytest.raises(LessonError, match="choosing one of its options"):
        lesson(STEP.replace('options = ["cat", "sat"]\n', "") + "in_picture = true\n")
    assert [option_of_token(engine, "minilm", "The cat sat.", ["cat", "sat"], each) for each in (2, 3, 4)] == [
        0,
        1,
        None,
    ]
    assert option_of_token(engine, "minilm", "The cat sat.", ["cat", "sat"], None, start=5) == 0
