"""What is measured, of the models that are there and of a text of every sort."""

import numpy as np
import pytest

from models.attention import TraceRequest, trace_attention
from models.attention.outputs import log_softmax
from models.heads.measured_quantity import MeasuredRequest, QuantitiesRequest, Quantity, QuantityError
from tests.models.architectures import IDS
from tests.models.heads.small import engine_of, trace_of

PARIS = TraceRequest("smollm2", "The capital of France is")


def test_which_quantities_a_model_has(engine):
    asked = {name: engine.run(QuantitiesRequest(name)) for name in ("minilm", "smollm2", "spelling_to_sound")}
    assert asked == {
        "minilm": ("vector",),
        "smollm2": ("next token", "difference"),
        "spelling_to_sound": ("output",),
    }


def test_a_typed_token_with_or_without_its_space(engine, smollm2):
    logs = log_softmax(trace_attention(smollm2, PARIS.text).last_output)
    typed, spaced, likeliest = (
        engine.run(MeasuredRequest(PARIS, Quantity("next token", each))) for each in ("Paris", " Paris", "")
    )
    assert (typed.token, spaced.token) == ("␣Paris", "␣Paris")
    assert typed.value == pytest.approx(logs[typed.ids[0]], abs=1e-6)
    assert likeliest.value == pytest.approx(logs.max(), abs=1e-6)
    assert likeliest.note == typed.note == ""


def test_a_word_of_several_pieces_is_measured_by_its_first(engine):
    found = engine.run(MeasuredRequest(PARIS, Quantity("next token", "Zorblax")))
    assert found.token == "␣Z"
    assert found.note == "The word has 4 tokens here; its first one, “␣Z”, is measured."


def test_the_difference_of_two(engine, smollm2):
    logits = trace_attention(smollm2, PARIS.text).last_output
    found = engine.run(MeasuredRequest(PARIS, Quantity("difference", "Paris", "Rome")))
    assert found.value == pytest.approx(float(logits[found.ids[0]] - logits[found.ids[1]]), abs=1e-4)
    assert (found.token, found.other, found.unit) == ("␣Paris", "␣Rome", "logits")
    best = np.argsort(-logits)[:2].tolist()
    assert list(engine.run(MeasuredRequest(PARIS, Quantity("difference"))).ids) == best
    own = engine.run(MeasuredRequest(PARIS, Quantity("difference", smollm2.tokenizer.decode(best[:1])))).ids
    assert list(own) == best, "the likeliest other one"


def test_an_output_and_one_of_its_steps(engine):
    trace = TraceRequest("spelling_to_sound", "knight", "N AY1 T")
    whole = engine.run(MeasuredRequest(trace, Quantity("output")))
    steps = [engine.run(MeasuredRequest(trace, Quantity("output", position=each))) for each in range(4)]
    assert whole.value == pytest.approx(sum(each.value for each in steps), abs=1e-5)
    assert [each.token for each in steps] == ["N", "AY1", "T", "</s>"]


@pytest.mark.parametrize(
    ("name", "quantity", "sentence"),
    [
        ("minilm", Quantity("next token"), "take “vector”"),
        ("smollm2", Quantity("masked token"), "take “next token” or “difference”"),
        ("smollm2", Quantity("difference", "Paris", "Paris"), "always 0"),
        ("minilm", Quantity("vector", position=99), "no token 99"),
        ("spelling_to_sound", Quantity("output"), "Nothing is written yet"),
    ],
)
def test_what_cannot_be_measured_is_said(engine, name, quantity, sentence):
    with pytest.raises(QuantityError, match=sentence):
        engine.run(MeasuredRequest(TraceRequest(name, "knight"), quantity))


def test_a_model_without_a_tokenizer_takes_no_words():
    with pytest.raises(QuantityError, match="without a tokenizer"):
        engine_of("llama").run(MeasuredRequest(trace_of("llama", IDS), Quantity("next token", "cat")))
