"""One query in one head, step by step, against what transformers' own functions and modules are given and return."""

import sys
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache

import numpy as np
import pytest
import torch

from models.attention import (
    CutLink,
    HideToken,
    NoSuchMapError,
    QueryKeyRequest,
    ReplacePattern,
    TraceRequest,
    ZeroHead,
)
from models.attention.output_projection import receivers_of
from models.engine import Engine
from tests.models import architectures
from tests.models.architectures import ARCHITECTURES, HEADS, IDS, KINDS, TARGET_IDS

TIGHT = {"rtol": 0, "atol": 1e-5}
# The model's own function adds up in float32, and the scores of these are as large as 60.
CLOSE = {"rtol": 1e-5, "atol": 1e-5}
LAST = HEADS - 1
# What the decoder is to write so that it is given TARGET_IDS.
WRITTEN = (*TARGET_IDS[1:], 9)

CAPPED = "The scores are capped: 2 · tanh(score / 2)."
SINK = "An attention sink takes part in the softmax: the weights add up to less than 1."
BETWEEN = {"gemma2": (CAPPED,), "gpt_oss": (SINK,)}
WITH_ROTARY = {
    *("modernbert", "gpt_neox", "llama", "qwen3", "mistral", "gemma2", "gemma3", "gpt_oss"),
    "deepseek_v3",
}


def own_engine(name, loaded):
    engine = Engine(10**8)
    engine._models.get(name, lambda: loaded)
    return engine


@cache
def engine_of(name):
    return own_engine(name, architectures.loaded(name))


def ask(name, kind, layer, head, query, interventions=()):
    return engine_of(name).run(QueryKeyRequest(traced(name, interventions), kind, layer, head, query))


def traced(name, interventions=()):
    target = WRITTEN if ARCHITECTURES[name].family == "seq2seq" else None
    return TraceRequest(name, IDS, target, tuple(interventions))


def softmax(scores, sink=None):
    wide = np.asarray([*scores, *([] if sink is None else [sink])], dtype=np.float64)
    shares = np.exp(wide - wide.max())
    return (shares / shares.sum())[: len(scores)]


# ----- The reference: transformers' eager function, its softmax, and the modules found by name


@dataclass
class Step:
    """One call of the eager function: what it was given, what its softmax was given, and what it returned."""

    query: np.ndarray
    key: np.ndarray
    value: np.ndarray
    scores: np.ndarray
    joined: np.ndarray
    projected: np.ndarray | None = None


@contextmanager
def watched(model, steps):
    """Have each call of the eager function beside this model's class written into `steps`."""
    beside = sys.modules[type(model).__module__]
    plain, plain_softmax = beside.eager_attention_forward, torch.nn.functional.softmax
    given = []

    def softmax_seen(scores, *arguments, **keywords):
        given.append(scores)
        return plain_softmax(scores, *arguments, **keywords)

    def seen(module, query, key, value, *arguments, **keywords):
        given.clear()
        output, weights = plain(module, query, key, value, *arguments, **keywords)
        repeats = query.shape[1] // key.shape[1]
        key, value = (each.repeat_interleave(repeats, dim=1) for each in (key, value))
        arrays = [each[0].numpy() for each in (query, key, value, given[0])]
        steps.append(Step(*arrays, output[0].flatten(1).numpy()))
        return output, weights

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(beside, "eager_attention_forward", seen)
        patch.setattr(torch.nn.functional, "softmax", softmax_seen)
        yield


@cache
def reference(name):
    """For each kind its layers, from a forward of transformers' own eager model."""
    model, kinds = architectures.eager(name), ARCHITECTURES[name].projections
    steps, projected = [], {kind: [] for kind in kinds}
    hooks = [
        module.register_forward_hook(lambda _, __, output, kind=kind: projected[kind].append(output[0].numpy()))
        for kind in kinds
        for module in dict.fromkeys(architectures.projections(model, name, kind))
    ]
    with watched(model, steps):
        architectures.run(model)
    for hook in hooks:
        hook.remove()
    if len(kinds) == 1:
        found = dict.fromkeys(kinds, steps)
    else:
        first = architectures.ENCODER_LAYERS
        found = {"encoder": steps[:first], "decoder": steps[first::2], "cross": steps[first + 1 :: 2]}
    for kind, layers in found.items():
        for step, output in zip(layers, projected[kind], strict=True):
            step.projected = output
    return found


def places(step):
    count = step.query.shape[1]
    return [(head, query) for head in (0, LAST) for query in (0, count // 2, count - 1)]


# ----- Every architecture


@pytest.mark.quick(6)
@pytest.mark.parametrize(("name", "kind"), KINDS)
def test_each_step_is_that_of_transformers(name, kind):
    steps = reference(name)[kind]
    trace = engine_of(name).run(traced(name))
    assert len(steps) == len(trace.layers(kind))
    for layer, step in enumerate(steps):
        for head, query in places(step):
            found = ask(name, kind, layer, head, query)
            np.testing.assert_allclose(found.query, step.query[head, query], **CLOSE)
            np.testing.assert_allclose(found.keys, step.key[head], **CLOSE)
            np.testing.assert_allclose(found.values, step.value[head], **CLOSE)
            np.testing.assert_allclose(found.dots, step.key[head] @ step.query[head, query], **CLOSE)
            # gpt-oss has its sink as a further column, and takes away the largest.
            scores, keys = step.scores[head, query], len(found.keys)
            visible = scores[:keys] > -1e30
            np.testing.assert_array_equal(np.isfinite(found.scores), visible)
            np.testing.assert_array_equal(np.isfinite(found.added), visible)
            assert (found.added[~visible] == -np.inf).all()
            own = np.array([*found.scores, *([] if found.sink is None else [found.sink])])
            if found.sink is not None:
                own -= own.max()
            assert len(own) == len(scores)
            np.testing.assert_allclose(own[:keys][visible], scores[:keys][visible], **CLOSE)
            np.testing.assert_allclose(own[keys:], scores[keys:], **CLOSE)
            np.testing.assert_array_equal(found.weights, trace.weights(kind, layer, head)[query])
            np.testing.assert_allclose(found.head_output, found.weights @ found.values, **CLOSE)
            np.testing.assert_allclose(found.concatenated, step.joined[query], **CLOSE)
            width = len(found.head_output)
            np.testing.assert_array_equal(found.head_output, found.concatenated[head * width :][:width])
            np.testing.assert_allclose(found.output, step.projected[query], **CLOSE)
            assert not found.changed


@pytest.mark.parametrize(("name", "kind"), KINDS)
def test_the_scores_give_the_weights(name, kind):
    for layer, step in enumerate(reference(name)[kind]):
        for head, query in places(step):
            found = ask(name, kind, layer, head, query)
            assert found.between == BETWEEN.get(name, ())
            np.testing.assert_allclose(softmax(found.scores, found.sink), found.weights, **TIGHT)
            plain = found.dots * np.float64(found.scaling) + found.added
            if not found.between:
                np.testing.assert_allclose(found.scores, plain, **CLOSE)
                np.testing.assert_allclose(softmax(plain), found.weights, **TIGHT)
            assert (found.sink is not None) == ARCHITECTURES[name].has_sinks
            assert found.scaling == (1 if name == "t5" else pytest.approx(8**-0.5))
            assert found.has_bias == (name == "t5" and kind != "cross")
            assert found.rotary == (name in WITH_ROTARY)


def test_a_cap_and_a_sink_are_what_makes_the_weights():
    """What is said to lie between must change something, lest the sentence stand there for nothing."""
    capped = ask("gemma2", "decoder", 1, 0, 8)
    plain = capped.dots * np.float64(capped.scaling) + capped.added
    assert abs(softmax(plain) - capped.weights).max() > 0.01
    np.testing.assert_allclose(capped.scores, 2 * np.tanh(plain / 2), **TIGHT)
    sunk = ask("gpt_oss", "decoder", 1, 0, 8)
    module = architectures.loaded("gpt_oss").model.model.layers[1].self_attn
    assert sunk.sink == pytest.approx(float(module.sinks.detach()[0]))
    assert sunk.weights.sum() < 0.97


@pytest.mark.quick(6)
@pytest.mark.parametrize(("name", "kind"), KINDS)
def test_the_projection_is_found_and_the_heads_add_up_to_what_it_makes(name, kind):
    loaded, trace = architectures.loaded(name), engine_of(name).run(traced(name))
    named = architectures.projections(loaded.model, name, kind)
    for layer in trace.layers(kind):
        assert receivers_of(trace.loaded)[kind, layer].modules == (named[layer],)
        each = [ask(name, kind, layer, head, 4) for head in range(HEADS)]
        joined = torch.from_numpy(each[0].concatenated)[None, None]
        with torch.inference_mode():
            made, bias = named[layer](joined)[0, 0].numpy(), named[layer](torch.zeros_like(joined))[0, 0].numpy()
        np.testing.assert_allclose(each[0].output, made, **CLOSE)
        np.testing.assert_allclose(sum(one.contribution for one in each) + bias, made, **CLOSE)
        for one in each[1:]:
            np.testing.assert_array_equal(one.output, each[0].output)
            assert abs(one.contribution - each[0].contribution).max() > 0.01


# ----- What was changed in the run


def received_in(name, kind, layer, interventions):
    """What the projection that is found by name was given and returned while the trace ran."""
    module = architectures.projections(architectures.loaded(name).model, name, kind)[layer]
    seen = []
    hook = module.register_forward_hook(lambda _, given, output: seen.append((given[0][0], output[0])))
    architectures.trace(name, interventions)
    hook.remove()
    given, output = seen[layer if len(seen) > 1 else 0]
    return given.numpy(), output.numpy()


@pytest.mark.quick(6)
@pytest.mark.parametrize(("name", "kind"), KINDS)
def test_interventions_are_in_it(name, kind):
    for changes in ([ZeroHead(kind, 1, 2)], [HideToken(1)], [CutLink(kind, 1, 4, 3), ZeroHead(kind, 0, 0)]):
        joined, output = received_in(name, kind, 1, changes)
        found = ask(name, kind, 1, 2, 4, changes)
        np.testing.assert_allclose(found.concatenated, joined[4], **CLOSE)
        np.testing.assert_allclose(found.output, output[4], **CLOSE)
        is_off = changes[0] == ZeroHead(kind, 1, 2)
        assert found.changed == is_off
        assert abs(found.weights @ found.values).max() > 0.01
        if is_off:
            assert not found.head_output.any()
            assert not found.contribution.any()
        np.testing.assert_allclose(softmax(found.scores, found.sink), found.weights, **TIGHT)
    hidden = {HideToken(1): 1, CutLink(kind, 1, 4, 3): 3}
    for change, key in hidden.items():
        if isinstance(change, HideToken) and ARCHITECTURES[name].family == "seq2seq" and kind == "decoder":
            change = HideToken(1, in_target=True)
        # Of a window, a key outside is hidden anyhow: this one is inside.
        query = min(key + 1, 4) if isinstance(change, HideToken) else 4
        without = ask(name, kind, 1, 2, query, [change])
        whole = ask(name, kind, 1, 2, query)
        assert without.added[key] == without.scores[key] == -np.inf
        assert without.weights[key] == 0
        assert whole.weights[key] > 0
        assert np.isfinite(without.dots[key])
        assert without.between == whole.between


@pytest.mark.parametrize("name", ["llama", "gpt_oss"])
def test_a_query_that_may_look_nowhere(name):
    found = ask(name, "decoder", 0, 1, 0, [HideToken(0)])
    assert not found.weights.any()
    assert not found.concatenated.any()
    assert not found.contribution.any()
    assert (found.scores == -np.inf).all()
    assert (found.has_bias, found.sink) == (False, None)


@pytest.mark.parametrize("name", ["llama", "bert"])
def test_a_replaced_pattern(name):
    kind = ARCHITECTURES[name].family
    pattern = tuple(
        tuple(0.5 if key in (0, query // 2) else 0.0 for key in range(len(IDS))) for query in range(len(IDS))
    )
    changes = [ReplacePattern(kind, 1, 3, pattern)]
    joined, output = received_in(name, kind, 1, changes)
    found = ask(name, kind, 1, 3, 8, changes)
    np.testing.assert_array_equal(found.weights, np.float32(pattern[8]))
    np.testing.assert_allclose(found.head_output, np.float32(pattern[8]) @ found.values, **CLOSE)
    np.testing.assert_allclose(found.concatenated, joined[8], **CLOSE)
    np.testing.assert_allclose(found.output, output[8], **CLOSE)
    assert len(found.between) == 1
    assert "replaced" in found.between[0]
    whole = ask(name, kind, 1, 3, 8)
    # The first layer is as it was, so are the scores that this head would have had.
    np.testing.assert_array_equal(found.scores, whole.scores)
    other = ask(name, kind, 1, 0, 8, changes)
    assert other.between == ()
    np.testing.assert_array_equal(other.head_output, whole.concatenated[: len(other.head_output)])


# ----- The offline models


@pytest.fixture(scope="module")
def real(minilm, smollm2):
    engine = own_engine("minilm", minilm)
    engine._models.get("smollm2", lambda: smollm2)
    return engine


@pytest.mark.parametrize(
    ("name", "text", "target", "kind", "layer", "ending"),
    [
        ("minilm", "The keys to the cabinet are on the table.", None, "encoder", 3, "3.attention.output.dense"),
        ("smollm2", "Dr. Zorblax lives in Oslo. Yesterday I", None, "decoder", 17, "17.self_attn.o_proj"),
        ("spelling_to_sound", "knight", "N AY T", "encoder", 2, "encoder.block.2.layer.0.SelfAttention.o"),
        ("spelling_to_sound", "knight", "N AY T", "decoder", 0, "decoder.block.0.layer.0.SelfAttention.o"),
        ("spelling_to_sound", "knight", "N AY T", "cross", 1, "decoder.block.1.layer.1.EncDecAttention.o"),
    ],
)
def test_the_offline_models(real, name, text, target, kind, layer, ending):
    loaded = real.model(name)
    request = TraceRequest(name, text, target)
    projection = next(module for path, module in loaded.model.named_modules() if path.endswith(ending))
    seen = []
    hook = projection.register_forward_hook(lambda _, given, output: seen.append((given[0][0], output[0])))
    trace = request.answer(real)
    hook.remove()
    (given, output), heads = seen[0], trace.heads(kind, layer)
    each = [real.run(QueryKeyRequest(request, kind, layer, head, 3)) for head in range(heads)]
    with torch.inference_mode():
        bias = projection(torch.zeros_like(given[:1]))[0].numpy()
    for head, found in enumerate(each):
        assert (found.between, found.changed) == ((), False)
        np.testing.assert_array_equal(found.weights, trace.weights(kind, layer, head)[3])
        plain = found.dots * np.float64(found.scaling) + found.added
        np.testing.assert_allclose(softmax(plain), found.weights, **TIGHT)
        np.testing.assert_allclose(found.concatenated, given[3].numpy(), **CLOSE)
        np.testing.assert_allclose(found.output, output[3].numpy(), **CLOSE)
        assert found.has_bias == (kind in ("encoder", "decoder") and name == "spelling_to_sound")
        assert found.rotary == (name == "smollm2")
    np.testing.assert_allclose(sum(found.contribution for found in each) + bias, output[3].numpy(), **CLOSE)


# ----- Requests


def test_what_is_not_there_is_refused_with_numbers():
    for place, words in {
        ("cross", 0, 0, 0): "it has decoder",
        ("decoder", 2, 0, 0): "layer 2: .* layers 0 to 1",
        ("decoder", 0, -1, 0): "head -1: .* heads 0 to 3",
        ("decoder", 0, 4, 0): "head 4: .* heads 0 to 3",
        ("decoder", 0, 0, 9): "query 9 here: .* 0 to 8",
        ("decoder", 0, 0, -1): "query -1 here: .* 0 to 8",
    }.items():
        with pytest.raises(NoSuchMapError, match=words):
            ask("llama", *place)
