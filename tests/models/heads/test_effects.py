"""Exact effects: each is that of a run of its own with that part off, of ours and of transformers' with a hook."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
import torch
import transformers

from models.attention import HideToken, QueryKeyRequest, TraceRequest, ZeroHead, trace_attention
from models.forward.inputs import InputError
from models.forward.interventions import InterventionError, ReplaceOutput, Vectors
from models.heads.effects import EffectsRequest
from models.heads.effects_of_parts import EffectsOfPartsRequest
from models.heads.parts_of_model import EffectsError, PartsRequest, Place
from models.heads.switched_off_values import MOST_SENTENCES, Off, OffError, means_request
from models.loading import wrap_model
from tests.models import architectures, odd_architectures
from tests.models.architectures import HEADS, IDS, NAMES
from tests.models.heads.small import BANK, EACH, OTHER_IDS, engine_of, quantity_of, target_of, trace_of
from tests.models.heads.theirs import (
    banked_means,
    close,
    first,
    layers_of,
    mlp_of,
    nth_run,
    read,
    their_effect,
    their_output,
    with_first,
)
from tests.models.test_query_key import own_engine


def number_of(name, layer):
    """Which run of its module a layer is."""
    return layer if name == "albert" else 0


def effects(name, part="heads", off=None, **more):
    return engine_of(name).run(EffectsRequest(trace_of(name, **more), quantity_of(name), part, off or Off()))


def projected(name, place, change):
    """A hook before the output projection of a layer that changes the part of one head."""
    module = architectures.projections(architectures.eager(name), name, place.kind)[place.layer]
    runs = iter(range(100))
    wanted = number_of(name, place.layer)

    def hook(_, given):
        if next(runs) != wanted:
            return None
        joined = given[0].clone()
        width = joined.shape[-1] // HEADS
        mine = slice(place.head * width, (place.head + 1) * width)
        joined[..., mine] = change(joined[..., mine])
        return (joined,)

    return (module, hook, True)


def joined_heads(name, kind, layer, ids):
    """What the heads of a layer give, side by side, [position, heads * width]: what its projection takes."""
    seen = []
    module = architectures.projections(architectures.eager(name), name, kind)[layer]
    their_output(name, [(module, lambda _, given: seen.append(given[0][0].clone()), True)], ids)
    return seen[number_of(name, layer)]


def some_places(name):
    """The first head of the first layer and the last of the last, of each kind."""
    trace = engine_of(name).run(trace_of(name))
    return [
        Place(kind, layer, head)
        for kind in trace.kinds
        for layer, head in ((trace.layers(kind)[0], 0), (trace.layers(kind)[-1], HEADS - 1))
    ]


@pytest.mark.quick(6)
@pytest.mark.parametrize("name", NAMES)
def test_a_head_off_is_a_run_of_its_own(name):
    found = effects(name)
    loaded = architectures.loaded(name)
    intact = trace_attention(loaded, IDS, target_of(name)).outputs
    assert found.done == found.of == sum(each.effects.size for each in found.maps)
    for each in found.maps:
        for layer in each.layers:
            for head in (0, HEADS - 1):
                place = Place(each.kind, layer, head)
                alone = trace_attention(loaded, IDS, target_of(name), [ZeroHead(each.kind, layer, head)]).outputs
                close(each.of(place), float(read(name, alone, intact) - read(name, intact, intact)))
    assert max(abs(effect) for _, effect in found.ranked()) > 1e-4


@pytest.mark.parametrize("name", EACH)
def test_a_head_off_is_transformers_own_run_with_a_hook(name):
    found = {each.kind: each for each in effects(name).maps}
    for place in some_places(name):
        expected = their_effect(name, [projected(name, place, torch.zeros_like)])
        close(found[place.kind].of(place), expected)


@pytest.mark.parametrize("name", EACH)
def test_a_head_at_its_mean_over_the_bank(name):
    found = {each.kind: each for each in effects(name, off=Off("mean", BANK)).maps}
    for place in some_places(name):
        joined = [joined_heads(name, place.kind, place.layer, ids) for ids in BANK]
        width = joined[0].shape[-1] // HEADS
        own = [each[:, place.head * width : (place.head + 1) * width] for each in joined]
        hook = projected(name, place, lambda mine, own=own: banked_means(own, mine.shape[1])[None])
        close(found[place.kind].of(place), their_effect(name, [hook]))


@pytest.mark.parametrize("name", EACH)
def test_a_head_as_in_another_text(name):
    answer = effects(name, off=Off("other text", other=OTHER_IDS))
    assert "9 and 7 tokens" in answer.note
    found = {each.kind: each for each in answer.maps}
    for place in some_places(name):
        other = joined_heads(name, place.kind, place.layer, OTHER_IDS)
        width = other.shape[-1] // HEADS
        other = other[:, place.head * width : (place.head + 1) * width]

        def as_there(mine, other=other):
            if len(other) == mine.shape[1]:
                return other[None]
            # Three from the beginning, four from the end, two in the middle stay.
            return torch.cat([other[:3], mine[0, 3:5], other[3:]])[None]

        close(found[place.kind].of(place), their_effect(name, [projected(name, place, as_there)]))


@pytest.mark.parametrize("name", EACH)
def test_an_mlp_off(name):
    found = {each.kind: each for each in effects(name, "mlps").maps}
    for kind, own in found.items():
        for layer in own.layers:
            zero = nth_run(number_of(name, layer), lambda _, __, out: with_first(out, torch.zeros_like(first(out))))
            close(own.of(Place(kind, layer)), their_effect(name, [(mlp_of(name, kind, layer), zero, False)]))


@pytest.mark.parametrize("name", EACH)
def test_an_mlp_at_its_mean_over_the_bank(name):
    found = effects(name, "mlps", Off("mean", BANK)).maps[-1]
    layer = found.layers[-1]
    module = mlp_of(name, found.kind, layer)
    number = number_of(name, layer)
    seen = []
    for ids in BANK:
        hook = nth_run(number, lambda _, __, out: seen.append(first(out).reshape(-1, first(out).shape[-1]).clone()))
        their_output(name, [(module, hook, False)], ids)

    def at_mean(_, __, out):
        shape = first(out).shape
        return with_first(out, banked_means(seen, shape[:-1].numel()).reshape(shape))

    hook = nth_run(number, at_mean)
    close(found.of(Place(found.kind, layer)), their_effect(name, [(module, hook, False)]))


def test_an_mlp_as_in_another_text():
    found = effects("llama", "mlps", Off("other text", other=OTHER_IDS)).maps[0]
    seen = []
    module = mlp_of("llama", "decoder", 0)
    their_output("llama", [(module, lambda _, __, out: seen.append(out[0].clone()), False)], OTHER_IDS)

    def as_there(_, __, out):
        # Three from the beginning, four from the end, two in the middle stay.
        return torch.cat([seen[0][:3], out[0, 3:5], seen[0][3:]])[None]

    close(found.of(Place("decoder", 0)), their_effect("llama", [(module, as_there, False)]))


def test_a_layer_adds_its_mean_over_the_bank():
    found = effects("llama", "layers", Off("mean", BANK)).maps[0]
    seen = []
    module = layers_of("llama", "decoder")[1]
    for ids in BANK:
        hook = (module, lambda _, given, out: seen.append((first(out) - given[0])[0]), False)
        their_output("llama", [hook], ids)

    def at_mean(_, given, out):
        return with_first(out, given[0] + banked_means(seen, given[0].shape[1])[None])

    close(found.of(Place("decoder", 1)), their_effect("llama", [(module, at_mean, False)]))


@pytest.mark.parametrize("name", EACH)
def test_a_layer_off_hands_on_what_it_is_given(name):
    found = {each.kind: each for each in effects(name, "layers").maps}
    for kind, own in found.items():
        for layer in own.layers:
            hook = nth_run(number_of(name, layer), lambda _, given, out: with_first(out, given[0]))
            close(own.of(Place(kind, layer)), their_effect(name, [(layers_of(name, kind)[layer], hook, False)]))


def test_all_sorts_of_parts_are_what_each_is_by_itself():
    request = EffectsOfPartsRequest(trace_of("llama"), quantity_of("llama"), ("heads", "mlps", "layers"))
    engine = own_engine("llama", architectures.loaded("llama"))
    steps = list(request.computed(engine))
    assert (steps[0].done, steps[0].of) == (0, 8 + 2 + 2)
    assert [each.done for each in steps] == sorted(each.done for each in steps)
    for part, found in steps[-1].of_part.items():
        close(found.maps[0].effects, effects("llama", part).maps[0].effects, 1e-6)
        assert request.of(part) in engine.answers, "each is kept by itself"


def test_the_means_say_how_far_they_are():
    from models.engine import HowFar

    engine = own_engine("llama", architectures.loaded("llama"))
    steps = list(means_request(engine, trace_of("llama"), "heads", Off("mean", BANK)).steps(engine))
    assert steps == [HowFar(done, 3) for done in (1, 2, 3)]


def test_steps_fill_the_maps_from_the_last_layer():
    steps = list(EffectsRequest(trace_of("llama"), quantity_of("llama")).computed(engine_of("llama")))
    assert steps[0].done == 0
    assert np.isnan(steps[0].maps[0].effects).all()
    assert steps[-1].done == 8
    own = EffectsRequest(trace_of("llama", IDS * 4), quantity_of("llama"))
    done = [np.isfinite(each.maps[0].effects) for each in own.computed(engine_of("llama"))]
    assert len(done) > 1
    for one, other in pairwise(done):
        assert (one <= other).all()


def test_of_very_many_steps_not_each_is_kept(monkeypatch):
    monkeypatch.setattr("models.heads.changed_runs._MOST_STEPS", 3)
    monkeypatch.setattr("models.heads.changed_runs._MOST_ROWS", 1)
    steps = list(EffectsRequest(trace_of("llama"), quantity_of("llama")).computed(engine_of("llama")))
    assert [each.done for each in steps] == [0, 1, 4, 7, 8]
    assert np.isfinite(steps[-1].maps[0].effects).all()


def test_a_seq2seq_model_begins_with_its_decoder():
    from models.heads.effects import backwards
    from models.heads.parts_of_model import places_of

    trace = engine_of("t5").run(trace_of("t5"))
    order = [(each.kind, each.layer) for each in backwards(trace, places_of(trace, "heads"))]
    expected = [("cross", 1), ("decoder", 1), ("cross", 0), ("decoder", 0), *(("encoder", each) for each in (2, 1, 0))]
    assert list(dict.fromkeys(order)) == expected


def test_what_is_changed_already_stays_so():
    trace = TraceRequest("llama", IDS, None, (ZeroHead("decoder", 0, 1), HideToken(3)))
    found = engine_of("llama").run(EffectsRequest(trace, quantity_of("llama"))).maps[0]
    loaded = architectures.loaded("llama")
    rows = [
        trace_attention(loaded, IDS, None, [*trace.interventions, *more]).outputs
        for more in ([], [ZeroHead("decoder", 1, 2)])
    ]
    close(found.of(Place("decoder", 1, 2)), float(read("llama", rows[1], rows[0]) - read("llama", rows[0], rows[0])))
    close(found.of(Place("decoder", 0, 1)), 0)


@pytest.mark.parametrize("name", ["qwen3_next", "falcon_h1", "diffllama", "jamba", "bert_pair"])
def test_layers_without_attention_have_an_mlp_and_no_heads(name):
    engine = own_engine(name, odd_architectures.loaded(name))
    is_pair = name in odd_architectures.SEQ2SEQ
    trace = TraceRequest(name, IDS, (33, 14, 3) if is_pair else None)
    quantity = replace(quantity_of("llama"), of="output" if is_pair else "next token")
    heads = engine.run(EffectsRequest(trace, quantity))
    assert heads.done == heads.of
    if name == "qwen3_next":
        assert heads.maps[0].layers == (3,)
        found = engine.run(EffectsRequest(trace, quantity, "mlps"))
        assert found.maps[0].layers == (0, 1, 2, 3)
        assert np.isfinite(found.maps[0].effects).all()
    if name == "jamba":
        assert engine.run(EffectsRequest(trace, quantity, "mlps")).maps[0].layers == (1,)
    if name == "diffllama":
        with pytest.raises(EffectsError, match="two outputs"):
            engine.run(EffectsRequest(trace, quantity, off=Off("mean", BANK)))


def test_where_the_mlp_cannot_be_seen_it_is_not_offered():
    engine = own_engine("opt", odd_architectures.loaded("opt"))
    assert engine.run(PartsRequest("opt")) == ("heads", "layers")
    with pytest.raises(EffectsError, match="cannot be seen"):
        engine.run(EffectsRequest(TraceRequest("opt", IDS), quantity_of("llama"), "mlps"))
    assert engine_of("bert").run(PartsRequest("bert")) == ("heads", "mlps", "layers")


@pytest.mark.parametrize("ids", [(11,), (11, 23)])
@pytest.mark.parametrize("part", ["heads", "mlps", "layers"])
def test_a_text_of_one_token(ids, part):
    found = engine_of("llama").run(EffectsRequest(trace_of("llama", ids), quantity_of("llama"), part))
    assert np.isfinite(found.maps[0].effects).all()


def test_a_model_of_one_head():
    config = transformers.LlamaConfig(**architectures.PLAIN | {"num_attention_heads": 1, "num_hidden_layers": 1})
    engine = own_engine("one", wrap_model(transformers.LlamaForCausalLM(config).eval(), None, "decoder"))
    found = engine.run(EffectsRequest(TraceRequest("one", IDS), quantity_of("llama")))
    assert found.maps[0].effects.shape == (1, 1)
    assert len(found.ranked()) == 1


def test_a_model_of_very_many_heads_is_refused(monkeypatch):
    monkeypatch.setattr("models.heads.parts_of_model.MOST_PARTS", 7)
    with pytest.raises(EffectsError, match="at most 7"):
        effects("mistral", ids=IDS[:3])


@pytest.mark.parametrize(
    ("off", "sentence"),
    [
        (Off("mean"), "there are 0"),
        (Off("mean", ((1, 2),) * (MOST_SENTENCES + 1)), "1 to 400"),
        (Off("other text"), "no other text"),
    ],
)
def test_a_way_to_switch_off_that_lacks_something(off, sentence):
    with pytest.raises(OffError, match=sentence):
        effects("llama", off=off)


def test_texts_that_are_too_long_or_not_there(monkeypatch):
    with pytest.raises(InputError):
        effects("llama", off=Off("other text", other=(11,) * 41))
    monkeypatch.setattr("models.heads.changed_runs.MOST_TOKENS", 5)
    with pytest.raises(EffectsError, match="at most 5"):
        effects("llama", ids=IDS[:-1])


def test_vectors_are_told_apart_by_what_they_hold():
    one, other, third = (Vectors(np.full((1, 8), each, np.float32)) for each in (1, 1, 2))
    assert one == other != third
    assert len({one, other, third}) == 2
    assert Vectors(np.zeros((2, 4), np.float32)) != Vectors(np.zeros((4, 2), np.float32))
    loaded = architectures.loaded("llama")
    for wrong in (
        ReplaceOutput("decoder", 0, 9, one),
        ReplaceOutput("decoder", 0, 0, Vectors(np.zeros((1, 5), np.float32))),
        ReplaceOutput("decoder", 0, 0, Vectors(np.zeros((3, 8), np.float32))),
        ReplaceOutput("decoder", 0, 0, one, (len(IDS),)),
        ReplaceOutput("decoder", 7, 0, one),
    ):
        with pytest.raises(InterventionError):
            trace_attention(loaded, IDS, None, [wrong])


def test_what_smollm2_says_of_dr_zorblax(smollm2):
    """The exact figure of the page's opening; of two layers alone, so that it costs little."""
    from models.heads.changed_runs import ChangedRuns
    from models.heads.measured_quantity import Quantity

    runs = ChangedRuns(
        own_engine("smollm2", smollm2),
        TraceRequest("smollm2", "Dr. Zorblax lives in Oslo. Yesterday I met Dr. Z"),
        Quantity("next token"),
    )
    assert runs.measured.token == "or"
    four = tuple(ZeroHead("decoder", *each) for each in ((17, 3), (17, 4), (17, 5), (18, 6)))
    values = runs.values([(ZeroHead("decoder", 16, 0),), four])
    assert values[0] - runs.measured.value == pytest.approx(-0.997, abs=0.01)
    assert np.exp(values[1]) == pytest.approx(0.02, abs=0.01)


def test_the_query_s_view_shows_what_was_put_in():
    given = Vectors(np.arange(16, dtype=np.float32).reshape(2, 8))
    changes = (ReplaceOutput("decoder", 1, 2, given, (3, 5)),)
    for query, row in ((5, 1), (4, None)):
        trace = TraceRequest("llama", IDS, None, changes)
        found = engine_of("llama").run(QueryKeyRequest(trace, "decoder", 1, 2, query))
        assert found.changed == (row is not None)
        if row is not None:
            np.testing.assert_allclose(found.head_output, given.numbers[row])
