"""The estimate is gradient × activation of an independent backward pass, and leaves nothing on the model."""

import numpy as np
import pytest
import torch
import transformers
from scipy.stats import spearmanr

from models.attention import TraceRequest
from models.forward.interventions import ReplaceOutput, Vectors
from models.heads.changed_runs import ChangedRuns, given_by
from models.heads.effects import Effects, EffectsRequest, maps_of
from models.heads.estimated_effects import EstimateRequest, agreement
from models.heads.measured_quantity import MeasuredRequest, Quantity, QuantityError
from models.heads.parts_of_model import Place
from models.heads.rank_correlation import rank_correlation
from models.heads.switched_off_values import Off
from models.loading import wrap_model
from tests.in_each_run import only
from tests.models import architectures, odd_architectures
from tests.models.architectures import DECODERS, HEADS, IDS, SEQ2SEQ
from tests.models.heads.small import BANK, OTHER_IDS, REPRESENTATIVES, engine_of, quantity_of, target_of, trace_of
from tests.models.heads.test_effects import joined_heads, some_places
from tests.models.heads.theirs import banked_means, close, first, layers_of, mlp_of, read, with_first
from tests.models.test_query_key import own_engine
from tests.models.test_threads import all_at_once

WRITERS = (*DECODERS, *SEQ2SEQ)
EACH = only(REPRESENTATIVES, WRITERS)


def estimate(name, part="heads", off=None):
    found = engine_of(name).run(EstimateRequest(trace_of(name), quantity_of(name), part, off or Off()))
    return {each.kind: each for each in found.maps}


def backward(name, module, *, is_input):
    """What passes a module of transformers' own model, and the gradient of the quantity along it."""
    model = architectures.eager(name)
    kept = []

    def keep(tensor):
        # Added to the graph where it is not in one yet.
        kept.append(tensor if tensor.requires_grad else tensor.detach().requires_grad_())
        return kept[-1]

    if is_input:
        handle = module.register_forward_pre_hook(lambda _, given: (keep(given[0]), *given[1:]))
    else:
        handle = module.register_forward_hook(lambda _, __, out: with_first(out, keep(first(out))))
    target = target_of(name)
    more = {"decoder_input_ids": torch.tensor([target])} if target else {}
    try:
        with torch.enable_grad():
            logits = model(input_ids=torch.tensor([IDS]), use_cache=False, **more)["logits"][0]
            value = read(name, logits, logits.detach())
            (slope,) = torch.autograd.grad(value, kept)
    finally:
        handle.remove()
    return kept[0][0].detach().double(), slope[0].double()


@pytest.mark.parametrize("name", EACH)
def test_heads_are_gradient_times_activation(name):
    zero, mean, other = (
        estimate(name, off=off) for off in (Off(), Off("mean", BANK), Off("other text", other=OTHER_IDS))
    )
    for place in some_places(name):
        module = architectures.projections(architectures.eager(name), name, place.kind)[place.layer]
        given, slope = backward(name, module, is_input=True)
        width = given.shape[-1] // HEADS
        mine = slice(place.head * width, (place.head + 1) * width)
        given, slope = given[:, mine], slope[:, mine]
        close(zero[place.kind].of(place), -(given * slope).sum().item(), 1e-4)
        banked = [joined_heads(name, place.kind, place.layer, ids)[:, mine] for ids in BANK]
        average = banked_means(banked, len(given)).double()
        close(mean[place.kind].of(place), ((average - given) * slope).sum().item(), 1e-4)
        there = joined_heads(name, place.kind, place.layer, OTHER_IDS)[:, mine].double()
        if len(there) != len(given):
            # Three from the beginning, four from the end.
            there = torch.cat([there[:3], given[3:5], there[3:]])
        close(other[place.kind].of(place), ((there - given) * slope).sum().item(), 1e-4)


@pytest.mark.parametrize("name", EACH)
def test_mlps_are_gradient_times_activation(name):
    found = estimate(name, "mlps")
    for kind, own in found.items():
        for layer in own.layers:
            given, slope = backward(name, mlp_of(name, kind, layer), is_input=False)
            close(own.of(Place(kind, layer)), -(given * slope).sum().item(), 1e-4)


@pytest.mark.parametrize("name", ["llama", pytest.param("t5", marks=pytest.mark.slow)])
def test_layers_are_gradient_times_what_they_add(name):
    found = estimate(name, "layers")
    for kind, own in found.items():
        for layer in own.layers:
            module = layers_of(name, kind)[layer]
            seen = []
            hook = module.register_forward_pre_hook(lambda _, given, seen=seen: seen.append(given[0].detach()))
            try:
                given, slope = backward(name, module, is_input=False)
            finally:
                hook.remove()
            close(own.of(Place(kind, layer)), -((given - seen[0][0].double()) * slope).sum().item(), 1e-4)


def test_a_model_s_own_odds_of_a_masked_token():
    config = transformers.BertConfig(**architectures.PLAIN)
    model = transformers.BertForMaskedLM._from_config(config, attn_implementation="eager").eval()
    engine = own_engine("masked", wrap_model(model, None, "encoder"))
    quantity = Quantity("masked token", position=4)
    trace = TraceRequest("masked", IDS)
    exact, guessed = (engine.run(of(trace, quantity)) for of in (EffectsRequest, EstimateRequest))
    shares = torch.softmax(torch.from_numpy(architectures.run(model)).double()[4], -1)
    assert exact.measured.ids == (int(shares.argmax()),)
    assert exact.measured.value == pytest.approx(float(torch.log(shares.max() / (1 - shares.max()))), abs=1e-5)
    # Of a model drawn this small, everything is nearly a line.
    assert agreement(exact, guessed).spearman > 0.9


def test_a_vector_has_no_slope():
    with pytest.raises(QuantityError, match="every slope is 0"):
        estimate("bert")


def test_nothing_is_left_on_the_model():
    loaded = architectures.loaded("llama")
    before = [(each.requires_grad, each.grad, each._version) for each in loaded.model.parameters()]
    engine_of("llama").run(EstimateRequest(trace_of("llama", IDS[:5]), quantity_of("llama")))
    assert [(each.requires_grad, each.grad, each._version) for each in loaded.model.parameters()] == before
    assert all(each[1] is None for each in before)
    assert not any(each._forward_hooks or each._forward_pre_hooks for each in loaded.model.modules())


def test_two_people_estimate_at_once():
    loaded = architectures.loaded("mistral")
    requests = [EstimateRequest(trace_of("mistral", IDS[:length]), quantity_of("mistral")) for length in (5, 6, 7, 9)]
    alone = [own_engine("mistral", loaded).run(each).maps[0].effects for each in requests]
    engine = own_engine("mistral", loaded)
    for found, expected in zip(
        all_at_once([lambda each=each: engine.run(each) for each in requests]), alone, strict=True
    ):
        close(found.maps[0].effects, expected, 1e-6)


@pytest.mark.parametrize("name", ["qwen3_next", "falcon_h1", "llama4", "minimax"])
def test_odd_architectures_have_the_slope_of_a_small_step(name):
    engine = own_engine(name, odd_architectures.loaded(name))
    trace = TraceRequest(name, IDS)
    found = engine.run(EstimateRequest(trace, Quantity("next token"))).maps[0]
    runs = ChangedRuns(engine, trace, Quantity("next token"))
    layer = found.layers[-1]
    given = given_by(runs.loaded, runs.trace.inputs, "heads")["decoder", layer].numpy()
    steps = [
        ReplaceOutput("decoder", layer, head, Vectors(np.ascontiguousarray(given[:, head] * np.float32(scale))))
        for head in range(HEADS)
        for scale in (1 - 1e-2, 1 + 1e-2)
    ]
    values = runs.values([(each,) for each in steps]).reshape(HEADS, 2)
    close(found.effects[-1], (values[:, 0] - values[:, 1]) / 2e-2, 2e-3)
    assert np.abs(found.effects[-1]).max() > 0.02


def test_a_layer_that_attends_twice_has_an_estimate():
    engine = own_engine("diffllama", odd_architectures.loaded("diffllama"))
    found = engine.run(EstimateRequest(TraceRequest("diffllama", IDS), Quantity("next token")))
    assert found.maps[0].effects.shape == (2, HEADS)
    assert np.isfinite(found.maps[0].effects).all()


def effects_of(numbers):
    measured = engine_of("llama").run(MeasuredRequest(trace_of("llama"), quantity_of("llama")))
    places = tuple(Place("decoder", 0, head) for head in range(len(numbers)))
    return Effects(
        measured, "heads", maps_of(places, dict(zip(places, numbers, strict=True))), len(numbers), len(numbers)
    )


def test_agreement_is_counted_by_hand():
    exact, guessed = effects_of([-3.0, 2.0, -1.0, 0.5, 0.1]), effects_of([-1.0, -2.0, -0.4, 0.5, 0.2])
    told = agreement(exact, guessed, 2)
    assert (told.common, told.most, told.signs) == (2, 2, 0.5)
    assert agreement(effects_of([1.0, 2.0]), effects_of([1.0, 2.0])).most == 2
    assert np.isnan(agreement(effects_of([1.0, 2.0]), effects_of([1.0, 2.0])).spearman)


def test_rank_correlation_is_scipy_s():
    draw = np.random.default_rng(3)
    for _ in range(5):
        one, other = draw.integers(0, 6, 12).astype(float), draw.normal(size=12)
        assert rank_correlation(one, other) == pytest.approx(spearmanr(one, other).statistic)
    assert np.isnan(rank_correlation(np.ones(4), np.arange(4.0)))
