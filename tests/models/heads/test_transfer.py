"""Parts of one run put into another: beside transformers' own runs with hooks, and texts that cannot be compared."""

import numpy as np
import pytest

from models.attention import TraceRequest
from models.heads.activation_patching import TransferRequest
from models.heads.measured_quantity import Quantity
from models.heads.parts_of_model import EffectsError, Place
from models.heads.token_alignment import aligned_tokens
from tests.models.architectures import HEADS, IDS, SEQ2SEQ
from tests.models.heads.small import EACH, engine_of, quantity_of, trace_of
from tests.models.heads.test_effects import joined_heads, number_of, projected, some_places
from tests.models.heads.theirs import first, layers_of, mlp_of, nth_run, read, their_output, with_first

# Two tokens more at the place where the texts differ: three before, five after are the same, and one is another.
INTO = (*IDS[:3], 50, 7, 44, *IDS[4:])
PARTNERS = {**{place: place for place in range(3)}, **{place: place + 2 for place in range(3, 9)}}


def transfer(name, carrier):
    return engine_of(name).run(TransferRequest(trace_of(name), trace_of(name, INTO), quantity_of(name), carrier))


def share(name, hooks):
    """By transformers' own runs. An encoder's vector is read where its token stands in both texts."""
    intact = their_output(name)
    into, patched = (their_output(name, each, INTO) for each in ((), hooks))
    taken, before, after = (float(read(name, each, intact)) for each in (intact, into, patched))
    return (after - before) / (taken - before)


def near(found, expected, limit=1e-3):
    """Of texts that hardly differ, shares are large."""
    np.testing.assert_allclose(found, expected, rtol=3e-4, atol=limit)


def partners(name, kind):
    return {place: place for place in range(6)} if name in SEQ2SEQ and kind != "encoder" else PARTNERS


def put(name, kind, taken):
    """What is given with that of the other text at its partners' places."""

    def change(there):
        there = there.clone()
        for one, other in partners(name, kind).items():
            there[0, other] = taken[one]
        return there

    return change


def given_by_theirs(name, module, number, ids):
    seen = []
    their_output(name, [(module, nth_run(number, lambda _, __, out: seen.append(first(out).clone())), False)], ids)
    return seen[0].reshape(-1, seen[0].shape[-1])


@pytest.mark.parametrize("name", EACH)
def test_heads_put_into_another_text(name):
    answer = transfer(name, "heads")
    found = {each.kind: each for each in answer.maps}
    assert dict(answer.alignment.pairs) == PARTNERS
    assert "9 and 11 tokens" in answer.alignment.note
    for place in some_places(name):
        joined = joined_heads(name, place.kind, place.layer, IDS)
        width = joined.shape[-1] // HEADS
        taken = joined[:, place.head * width : (place.head + 1) * width]
        near(found[place.kind].of(place), share(name, [projected(name, place, put(name, place.kind, taken))]))


@pytest.mark.parametrize("name", EACH)
def test_mlps_put_into_another_text(name):
    for own in transfer(name, "mlps").maps:
        layer = own.layers[-1]
        module, number = mlp_of(name, own.kind, layer), number_of(name, layer)
        change = put(name, own.kind, given_by_theirs(name, module, number, IDS))
        hook = nth_run(number, lambda _, __, out, change=change: with_first(out, change(first(out))))
        near(own.of(Place(own.kind, layer)), share(name, [(module, hook, False)]))


@pytest.mark.parametrize("name", EACH)
def test_the_stream_put_into_another_text(name):
    for own in transfer(name, "stream").stream:
        pairs = partners(name, own.kind)
        assert own.places == tuple(pairs.values())
        for layer in (own.layers[0], own.layers[-1]):
            module, number = layers_of(name, own.kind)[layer], number_of(name, layer)
            taken = given_by_theirs(name, module, number, IDS)
            for one, other in (list(pairs.items())[3], list(pairs.items())[-1]):

                def here(_, __, out, one=one, other=other, taken=taken):
                    there = first(out).clone()
                    there[0, other] = taken[one]
                    return with_first(out, there)

                expected = share(name, [(module, nth_run(number, here), False)])
                near(own.shares[own.layers.index(layer), own.places.index(other)], expected)


def test_all_of_it_comes_over_with_the_last_place_of_the_last_layer():
    found = transfer("llama", "stream").stream[0]
    assert found.shares[-1, -1] == pytest.approx(1, abs=1e-4)
    near(found.shares[-1, :-1], 0, 1e-4)


def test_steps_fill_it_from_the_last_layer():
    request = TransferRequest(trace_of("mistral"), trace_of("mistral", INTO), quantity_of("mistral"))
    steps = list(request.computed(engine_of("mistral")))
    assert [each.done for each in steps] == [0, 16, 18]
    assert np.isfinite(steps[1].stream[0].shares[1]).all()
    assert np.isnan(steps[1].stream[0].shares[0]).sum() == 2


def test_texts_are_aligned_by_what_is_equal_and_then_from_both_ends():
    assert aligned_tokens((1, 2, 3), (1, 9, 3)).note == ""
    assert aligned_tokens((1, 2, 3), (1, 9, 3)).pairs == ((0, 0), (1, 1), (2, 2))
    assert aligned_tokens((1, 2, 3, 4), (1, 2, 9, 8, 4)).pairs == ((0, 0), (1, 1), (2, 3), (3, 4))
    assert aligned_tokens((7,), (1, 2, 7)).pairs == ((0, 2),)
    assert aligned_tokens((7,), (1, 2, 3)).pairs == ((0, 2),)
    assert aligned_tokens((5, 5, 5), (5, 5)).pairs == ((0, 0), (1, 1))
    assert "1 of the longer one has no partner" in aligned_tokens((1, 2), (1,)).note


@pytest.mark.parametrize(
    ("taken", "into", "quantity", "sentence"),
    [
        (trace_of("llama"), trace_of("llama"), Quantity("next token"), "do not differ"),
        (trace_of("llama"), TraceRequest("mistral", IDS), Quantity("next token"), "one model"),
        (trace_of("bert", IDS), trace_of("bert", IDS[:2]), Quantity("vector", position=4), "no partner"),
    ],
)
def test_texts_that_cannot_be_compared(taken, into, quantity, sentence):
    with pytest.raises(EffectsError, match=sentence):
        engine_of(taken.model).run(TransferRequest(taken, into, quantity))


def test_one_token_into_many():
    request = TransferRequest(trace_of("llama", IDS[:1]), trace_of("llama"), quantity_of("llama"))
    found = engine_of("llama").run(request)
    assert found.stream[0].places == (0,), "both begin with it"


def test_more_runs_than_are_made(monkeypatch):
    monkeypatch.setattr("models.heads.activation_patching.MOST_RUNS", 3)
    with pytest.raises(EffectsError, match="at most 3"):
        engine_of("gpt2").run(TransferRequest(trace_of("gpt2"), trace_of("gpt2", INTO[1:]), quantity_of("gpt2")))
