"""The neurons of an MLP beside the modules' own numbers, products by hand and hooks of torch."""

import numpy as np
import pytest
import torch
from torch.nn import functional

from models.anatomy.experts import ExpertsRequest
from models.anatomy.mlp_weights import NeuronError, curve_values, neurons_of
from models.anatomy.neuron_bank import FiringRequest
from models.anatomy.neurons import LayersWithMlpRequest, NeuronsRequest, PushedRequest
from models.anatomy.one_changed import NeuronTurnedRequest, PartOffRequest
from models.attention import TraceRequest
from models.engine import engine, size_of
from models.heads.measured_quantity import Quantity
from models.heads.parts_of_model import EffectsError, Place
from models.heads.sentence_bank import plain_bank
from tests.in_each_run import only
from tests.models import architectures
from tests.models.architectures import ARCHITECTURES, IDS, NAMES
from tests.models.heads.small import REPRESENTATIVES, engine_of, trace_of
from tests.models.heads.theirs import their_output

QUICK = (*REPRESENTATIVES, "gpt2", "deepseek_v3")
EACH = only(QUICK, NAMES)
# Where the last matrix of layer 0 is, as transformers names it, and whether its rows are the neurons.
LAST = {"llama": ("model.layers.0.mlp.down_proj", False), "gpt2": ("transformer.h.0.mlp.c_proj", True)}
TANH_GELU = ("gpt2", "albert", "gemma2", "gemma3")
# Of these no one matrix writes what the MLP gives: experts take turns.
MIXTURES = {"gpt_oss": (0, 1), "deepseek_v3": (1,)}


def kind_of(name):
    return "encoder" if ARCHITECTURES[name].family == "encoder" else "decoder"


def neurons(name, layer=0, position=4):
    return engine_of(name).run(NeuronsRequest(trace_of(name), kind_of(name), layer, position))


@pytest.mark.parametrize("name", EACH)
def test_the_curve_is_the_module_s_own_on_a_thousand_inputs(name):
    loaded = engine_of(name).model(name)
    (stack,) = [each for each in engine_of(name).run(LayersWithMlpRequest(name)) if each.kind == kind_of(name)]
    assert stack.layers == (0, 1)
    assert [place for place in (0, 1) if stack.why_not[place]] == list(MIXTURES.get(name, ()))
    if stack.why_not[0]:
        return
    mlp = neurons_of(loaded, kind_of(name), 0)
    x = np.linspace(-9, 9, 1_000, dtype=np.float32)
    found = curve_values(mlp, x)
    with torch.inference_mode():
        assert mlp.curve is not None
        np.testing.assert_array_equal(found, mlp.curve(torch.from_numpy(x)))
        given = torch.from_numpy(x)
        tanh = functional.gelu(given, approximate="tanh")
        known = {"t5": functional.relu(given)} | dict.fromkeys(TANH_GELU, tanh)
        known |= dict.fromkeys(("llama", "qwen3", "mistral", "deepseek_v3"), functional.silu(given))
        np.testing.assert_allclose(found, known.get(name, functional.gelu(given)), atol=1e-5)
    assert mlp.is_gated == (name in ("llama", "qwen3", "mistral", "gemma2", "gemma3", "deepseek_v3", "modernbert"))


@pytest.mark.parametrize("name", ["llama", "gpt2"])
def test_what_goes_in_and_comes_out_is_what_the_modules_are_given(name):
    path, rows_are_neurons = LAST[name]
    model = architectures.eager(name)
    last = model.get_submodule(path)
    taken = []
    handle = last.register_forward_pre_hook(lambda _, given: taken.append(given[0][0]))
    with torch.inference_mode():
        model(torch.tensor([IDS]))
    handle.remove()
    found = neurons(name)
    np.testing.assert_allclose(found.given, taken[0][4], rtol=1e-4, atol=1e-5)
    weight = model.get_parameter(f"{path}.weight").detach()
    matrix = weight if rows_are_neurons else weight.T
    np.testing.assert_allclose(found.lengths, matrix.norm(dim=1), rtol=1e-5)
    np.testing.assert_array_equal(found.order, np.argsort(-found.strength, kind="stable"))
    assert found.near_zero == int((taken[0][4].abs() < 0.01 * taken[0][4].abs().max()).sum())
    if not found.is_gated:
        np.testing.assert_allclose(found.bent, found.given, rtol=1e-6)
    np.testing.assert_allclose(np.interp(found.into, found.curve_at, found.curve), found.bent, atol=1e-2)


@pytest.mark.parametrize("name", ["llama", "gpt2"])
@pytest.mark.parametrize("through", ["head", "norm"])
def test_the_tokens_that_a_neuron_pushes_are_those_of_a_product_by_hand(name, through):
    path, rows_are_neurons = LAST[name]
    model = architectures.eager(name)
    weight = model.get_parameter(f"{path}.weight").detach()
    column = (weight if rows_are_neurons else weight.T)[7]
    if through == "norm":
        gain = model.get_parameter("transformer.ln_f.weight" if name == "gpt2" else "model.norm.weight").detach()
        column = gain * (column - column.mean() if name == "gpt2" else column)
    by_hand = (model.get_output_embeddings().weight.detach() @ column).numpy()
    (found,) = engine_of(name).run(PushedRequest(name, "decoder", 0, (7,), through, 5))
    np.testing.assert_array_equal(found.up_ids, np.argsort(-by_hand, kind="stable")[:5])
    np.testing.assert_array_equal(found.down_ids, np.argsort(by_hand, kind="stable")[:5])
    np.testing.assert_allclose(found.up_by, by_hand[found.up_ids], rtol=1e-4)


@pytest.mark.parametrize("factor", [0.0, 5.0, -1.0])
@pytest.mark.parametrize("name", ["llama", "gpt2"])
def test_a_neuron_turned_is_a_hook_on_its_last_matrix(name, factor):
    path, _ = LAST[name]
    last = architectures.eager(name).get_submodule(path)

    def turned(_, given):
        there = given[0].clone()
        there[..., 7] *= factor
        return (there,)

    logs = torch.log_softmax(torch.from_numpy(their_output(name, [(last, turned, True)])).double(), -1)
    intact = their_output(name)
    request = NeuronTurnedRequest(trace_of(name), Quantity("next token"), "decoder", 0, 7, factor)
    found = engine_of(name).run(request)
    assert found.after == pytest.approx(float(logs[-1, intact[-1].argmax()]), abs=1e-5)
    shares = {each.id: each.probability for each in found.after_tokens}
    assert shares == pytest.approx({each: float(logs[-1, each].exp()) for each in shares}, abs=1e-5)
    assert len(found.controls) == 15
    assert f"neuron {7}" not in found.control_names


@pytest.mark.parametrize(("part", "place"), [("heads", Place("decoder", 0, 2)), ("mlps", Place("decoder", 1))])
def test_a_part_off_is_what_a_run_with_it_off_gives(part, place):
    from models.heads.effects import EffectsRequest

    quantity = Quantity("next token")
    found = engine_of("llama").run(PartOffRequest(trace_of("llama"), quantity, part, place))
    effects = engine_of("llama").run(EffectsRequest(trace_of("llama"), quantity, part))
    assert found.effect == pytest.approx(dict(effects.ranked())[place], abs=1e-5)
    assert len(found.controls) == len(found.control_names) == (7 if part == "heads" else 1)
    assert 0 <= found.exceeded_by <= 1
    alone = engine_of("llama").run(PartOffRequest(trace_of("llama"), quantity, part, place, with_controls=False))
    assert (alone.after, alone.after_tokens, len(alone.controls)) == (found.after, found.after_tokens, 0)
    with pytest.raises(EffectsError, match="There is no L9"):
        engine_of("llama").run(PartOffRequest(trace_of("llama"), quantity, part, Place("decoder", 9)))


@pytest.mark.parametrize(
    "request_of",
    [
        lambda: NeuronsRequest(trace_of("llama"), "decoder", 9, 0),
        lambda: NeuronsRequest(trace_of("llama"), "decoder", 0, 99),
        lambda: PushedRequest("llama", "decoder", 0, (48,)),
        lambda: PushedRequest("bert", "encoder", 0, (1,)),
        lambda: NeuronTurnedRequest(trace_of("llama"), Quantity("next token"), "decoder", 0, 48),
        lambda: NeuronsRequest(trace_of("deepseek_v3"), "decoder", 1, 0),
    ],
    ids=["layer", "token", "neuron", "head", "neuron to turn", "mixture"],
)
def test_what_is_not_there_is_said_in_a_sentence(request_of):
    request = request_of()
    name = request.model if isinstance(request, PushedRequest) else request.trace.model
    with pytest.raises(NeuronError, match=r"\.$"):
        engine_of(name).run(request)


@pytest.mark.parametrize(("name", "layer"), [("deepseek_v3", 1), pytest.param("gpt_oss", 0, marks=pytest.mark.slow)])
def test_the_experts_are_those_that_the_router_takes(name, layer):
    model = architectures.eager(name)
    router = next(
        module for path, module in model.model.layers[layer].named_modules() if path.endswith((".gate", ".router"))
    )
    gave = []
    handle = router.register_forward_hook(lambda _, __, output: gave.append(output))
    with torch.inference_mode():
        model(torch.tensor([IDS]))
    handle.remove()
    weights, numbers = (each.reshape(len(IDS), -1) for each in gave[0][-2:])
    found = engine_of(name).run(ExpertsRequest(trace_of(name), "decoder", layer))
    for place in range(len(IDS)):
        theirs = dict(zip(numbers[place].tolist(), weights[place].tolist(), strict=True))
        ours = dict(zip(found.taken[place].tolist(), found.weights[place].tolist(), strict=True))
        assert ours == pytest.approx(theirs, abs=1e-5)
    assert found.count == 4
    assert found.chance == 0.5
    assert engine_of("llama").run(ExpertsRequest(trace_of("llama"), "decoder", 0)) is None


def test_a_neuron_fires_where_it_gives_most():
    bank = plain_bank("The cat sat on the mat.\nParis is the capital of France.\nSeven green apples fell down.")
    found = engine.run(FiringRequest("minilm", "encoder", 3, (5, 9), bank, 3))
    assert len(found.sentences) == 3
    for number in range(3):
        text = bank.sentences[number].text
        rows = [
            engine.run(NeuronsRequest(TraceRequest("minilm", text), "encoder", 3, place)).given[9]
            for place in range(len(found.sentences[number]))
        ]
        # The special tokens at both ends are left out.
        best = 1 + int(np.abs(rows[1:-1]).argmax())
        assert (found.places[1, number], found.values[1, number]) == (best, pytest.approx(rows[best], abs=1e-5))
    assert found.most(9, 1) == (int(np.abs(found.values[1]).argmax()),)


def test_the_cache_counts_what_the_numbers_of_one_token_keep_alive():
    text = "A short text of some more tokens"
    found = engine.run(NeuronsRequest(TraceRequest("minilm", text), "encoder", 3, 1))
    count = len(engine.model("minilm").tokenizer(text)["input_ids"])
    # They are rows of the numbers of all tokens.
    assert size_of(found) > 2 * count * found.into.nbytes
