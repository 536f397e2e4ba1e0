"""A trace of each architecture against transformers' own eager attention."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from models.attention import NoSuchMapError, trace_attention
from models.attention import trace as trace_module
from models.engine.cancellation import NobodyWaits, as_long_as
from models.forward.capture import full_mask
from models.forward.eager import head_alone
from models.loading import wrap_model
from tests.models import architectures
from tests.models.architectures import ARCHITECTURES, IDS, KINDS, NAMES, TARGET_IDS

TIGHT = 1e-5


@pytest.mark.parametrize("name", NAMES)
def test_there_is_a_map_for_each_layer_of_each_kind(name):
    trace = architectures.trace(name)
    if ARCHITECTURES[name].family == "seq2seq":
        assert trace.kinds == ("encoder", "decoder", "cross")
        assert trace.layers("encoder") == (0, 1, 2)
        assert trace.layers("decoder") == trace.layers("cross") == (0, 1)
    else:
        assert trace.kinds == (ARCHITECTURES[name].family,)
        assert trace.layers(trace.kinds[0]) == (0, 1)


@pytest.mark.quick(6)
@pytest.mark.parametrize(("name", "kind"), KINDS)
def test_weights_are_those_of_eager_attention(name, kind):
    trace = architectures.trace(name)
    reference = reference_weights(name, kind)
    assert len(reference) == len(trace.layers(kind))
    for layer, expected in enumerate(reference):
        # A pattern that looks alike everywhere would agree with almost anything.
        assert expected.std() > 0.01
        weights = trace.weights(kind, layer)
        assert weights.dtype == np.float32
        np.testing.assert_allclose(weights, expected, rtol=0, atol=TIGHT)


@pytest.mark.parametrize(("name", "kind"), KINDS)
def test_one_head_is_a_slice_of_its_layer(name, kind):
    trace = architectures.trace(name)
    for layer in trace.layers(kind):
        whole = trace.weights(kind, layer)
        assert trace.heads(kind, layer) == len(whole) == architectures.HEADS
        for head in range(len(whole)):
            np.testing.assert_array_equal(trace.weights(kind, layer, head), whole[head])


@pytest.mark.parametrize(("name", "kind"), KINDS)
def test_rows_add_up_to_one(name, kind):
    trace = architectures.trace(name)
    for layer in trace.layers(kind):
        rows = trace.weights(kind, layer).sum(axis=-1)
        if ARCHITECTURES[name].has_sinks:
            assert (rows > 0).all()
            assert (rows < 0.999).all()
        else:
            np.testing.assert_allclose(rows, 1, rtol=0, atol=TIGHT)


@pytest.mark.parametrize("name", NAMES)
def test_outputs_are_those_of_the_model_without_capture(name):
    trace = architectures.trace(name)
    expected = architectures.run(architectures.plain(name))
    assert trace.outputs.dtype == np.float32
    np.testing.assert_allclose(trace.outputs, expected, rtol=0, atol=1e-4)
    np.testing.assert_allclose(trace.last_output, expected[-1], rtol=0, atol=1e-4)
    np.testing.assert_allclose(trace.last_output, trace.outputs[-1], rtol=0, atol=TIGHT)


@pytest.mark.parametrize("name", NAMES)
def test_without_a_recording_the_model_computes_what_it_did(name):
    """Somebody who takes `loaded.model` for themselves gets the same numbers, and nothing is recorded."""
    expected = architectures.run(architectures.plain(name))
    output = architectures.run(architectures.loaded(name).model)
    np.testing.assert_allclose(output, expected, rtol=0, atol=1e-4)


@pytest.mark.parametrize("name", NAMES)
def test_token_ids_are_used_as_they_are(name):
    trace = architectures.trace(name)
    assert tuple(piece.id for piece in trace.pieces) == IDS
    assert trace.tokens == tuple(map(str, IDS))
    expected_target = TARGET_IDS if ARCHITECTURES[name].family == "seq2seq" else ()
    assert tuple(piece.id for piece in trace.target_pieces) == expected_target
    assert trace.target_tokens == tuple(map(str, expected_target))


@pytest.mark.parametrize("name", architectures.SEQ2SEQ)
def test_a_seq2seq_model_without_a_target_gets_its_start_token(name):
    trace = trace_attention(architectures.loaded(name), IDS)
    assert [piece.id for piece in trace.target_pieces] == [2]
    assert trace.weights("cross", 1).shape == (architectures.HEADS, 1, len(IDS))
    expected = architectures.run(architectures.eager(name), target=(2,))
    np.testing.assert_allclose(trace.outputs, expected, rtol=0, atol=1e-4)


@pytest.mark.quick(6)
@pytest.mark.parametrize(("name", "kind"), KINDS)
def test_visible_is_where_a_query_may_look(name, kind):
    trace = architectures.trace(name)
    for layer in trace.layers(kind):
        weights = trace.weights(kind, layer)
        expected = expected_visible(name, kind, layer, weights.shape[1:])
        for head in range(len(weights)):
            np.testing.assert_array_equal(trace.visible(kind, layer, head), expected)
        assert (weights[:, ~expected] == 0).all()
        assert (weights[:, expected] > 0).all()


@pytest.mark.quick(12)
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("count", [1, 2, 3])
def test_texts_shorter_than_a_window(name, count):
    """Masks are left out where nothing needs hiding, which is another path than that of a longer text."""
    ids = IDS[:count]
    seq2seq = ARCHITECTURES[name].family == "seq2seq"
    target = TARGET_IDS[:count] if seq2seq else None
    trace = trace_attention(architectures.loaded(name), ids, target)
    for kind in trace.kinds:
        for layer, expected in enumerate(reference_weights(name, kind, ids, target)):
            np.testing.assert_allclose(trace.weights(kind, layer), expected, rtol=0, atol=TIGHT)
            visible = expected_visible(name, kind, layer, expected.shape[1:])
            np.testing.assert_array_equal(trace.visible(kind, layer), visible)
    np.testing.assert_allclose(trace.outputs, architectures.run(architectures.plain(name), ids, target), atol=1e-4)


@pytest.mark.parametrize("name", ["bert", "llama", "mistral"])
def test_queries_and_keys_give_the_weights(name):
    trace = architectures.trace(name)
    kind = trace.kinds[0]
    for layer in trace.layers(kind):
        queries, keys = trace.queries(kind, layer), trace.keys(kind, layer)
        assert queries.shape == keys.shape == (architectures.HEADS, len(IDS), 8)
        assert queries.dtype == keys.dtype == np.float32
        scores = queries @ keys.transpose(0, 2, 1) / np.sqrt(8)
        scores[:, ~trace.visible(kind, layer)] = -np.inf
        shares = np.exp(scores - scores.max(axis=-1, keepdims=True))
        shares /= shares.sum(axis=-1, keepdims=True)
        np.testing.assert_allclose(shares, trace.weights(kind, layer), rtol=0, atol=TIGHT)


@pytest.mark.parametrize(("name", "kind"), KINDS)
def test_weights_and_values_give_what_the_output_projection_receives(name, kind):
    received = []
    projections = architectures.projections(architectures.loaded(name).model, name, kind)
    hooks = [
        module.register_forward_pre_hook(lambda _, arguments: received.append(arguments[0][0].numpy().copy()))
        for module in dict.fromkeys(projections)
    ]
    trace = architectures.trace(name)
    for hook in hooks:
        hook.remove()
    assert len(received) == len(trace.layers(kind))
    for layer, joined in enumerate(received):
        outputs = trace.weights(kind, layer) @ trace.values(kind, layer)
        expected = outputs.transpose(1, 0, 2).reshape(joined.shape)
        np.testing.assert_allclose(joined, expected, rtol=0, atol=TIGHT)


@pytest.mark.parametrize("name", ["llama", "qwen3", "mistral", "gemma2", "gemma3", "gpt_oss"])
def test_the_heads_of_a_group_share_keys_and_values(name):
    loaded, trace = architectures.loaded(name), architectures.trace(name)
    assert (loaded.card.heads, loaded.card.key_value_heads) == (4, 2)
    for vectors in (trace.keys("decoder", 1), trace.values("decoder", 1)):
        assert vectors.shape == (4, len(IDS), 8)
        np.testing.assert_array_equal(vectors[0], vectors[1])
        np.testing.assert_array_equal(vectors[2], vectors[3])
        assert abs(vectors[0] - vectors[2]).max() > 0.1


def test_layers_that_share_one_attention_are_told_apart():
    model, reference = (architectures.build("llama", "eager") for _ in range(2))
    for each in (model, reference):
        each.model.layers[1].self_attn = each.model.layers[0].self_attn
    trace = trace_attention(wrap_model(model, None, "decoder"), IDS)
    assert trace.layers("decoder") == (0, 1)
    attentions = architectures.forward(reference, output_attentions=True).attentions
    # transformers hooks the one module once for each layer, so it notes every call twice.
    assert len(attentions) == 4
    for layer, expected in enumerate(attentions[::2]):
        np.testing.assert_allclose(trace.weights("decoder", layer), expected[0].numpy(), rtol=0, atol=TIGHT)


def test_keys_may_be_wider_than_values():
    trace = architectures.trace("deepseek_v3")
    assert trace.queries("decoder", 0).shape == trace.keys("decoder", 0).shape == (4, len(IDS), 8)
    assert trace.values("decoder", 0).shape == (4, len(IDS), 6)


@pytest.mark.parametrize("ask", ["weights", "visible", "queries", "keys", "values", "heads"])
def test_a_map_that_is_not_there_is_refused_with_numbers(ask):
    trace = architectures.trace("llama")
    method = getattr(trace, ask)
    with pytest.raises(NoSuchMapError, match="it has decoder"):
        method("cross", 0)
    for layer in (-1, 2):
        with pytest.raises(NoSuchMapError, match=f"layer {layer}: .* layers 0 to 1"):
            method("decoder", layer)
    if ask in ("weights", "visible"):
        for head in (-1, 4):
            with pytest.raises(NoSuchMapError, match=f"head {head}: .* heads 0 to 3"):
                method("decoder", 0, head)


def test_nbytes_counts_what_is_held():
    """Two layers of queries [4, 9, 8] and of keys and values [2, 9, 8], and the output, all float32."""
    trace = architectures.trace("llama")
    least = 2 * (4 + 2 + 2) * len(IDS) * 8 * 4 + architectures.VOCABULARY * 4
    assert least <= trace.nbytes <= 2 * least


def reference_weights(name, kind, ids=IDS, target=TARGET_IDS):
    """For each layer [heads, query, key], from `output_attentions` of the eager model."""
    result = architectures.forward(architectures.eager(name), ids, target, output_attentions=True)
    field = f"{kind}_attentions" if ARCHITECTURES[name].family == "seq2seq" else "attentions"
    return [layer[0].numpy() for layer in result[field]]


def expected_visible(name, kind, layer, shape):
    query, key = np.indices(shape)
    window = ARCHITECTURES[name].windows[layer] if kind != "cross" and layer < 2 else None
    if kind == "decoder":
        return (key <= query) & (key > query - (window or len(IDS)))
    return abs(query - key) <= window if window else np.ones(shape, dtype=bool)


@pytest.mark.quick(4)
@pytest.mark.parametrize("name", architectures.NAMES)
def test_weights_computed_a_few_rows_at_a_time_are_the_same(name, monkeypatch):
    trace = architectures.trace(name)
    whole = {(kind, layer): trace.weights(kind, layer) for kind in trace.kinds for layer in trace.layers(kind)}
    monkeypatch.setattr("models.attention.trace._WEIGHTS_AT_ONCE", 0)
    monkeypatch.setattr("models.attention.trace._FEWEST_ROWS", 2)
    for (kind, layer), weights in whole.items():
        np.testing.assert_allclose(trace.weights(kind, layer), weights, atol=1e-6)
        np.testing.assert_allclose(trace.weights(kind, layer, 1), weights[1], atol=1e-6)


@pytest.mark.quick(6)
@pytest.mark.parametrize(("name", "kind"), KINDS)
def test_one_head_of_a_long_text_is_computed_without_the_others(name, kind, monkeypatch):
    trace = architectures.trace(name)
    monkeypatch.setattr(trace_module, "_LARGE_LAYER", 0)
    monkeypatch.setattr(trace_module, "_FEWEST_ROWS", 2)
    computed, attended = [], trace_module.attended

    def watched(call, device):
        computed.append(call.query.shape[1])
        return attended(call, device)

    monkeypatch.setattr(trace_module, "attended", watched)
    for layer in trace.layers(kind):
        whole = trace.weights(kind, layer)
        computed.clear()
        for head in range(len(whole)):
            np.testing.assert_allclose(trace.weights(kind, layer, head), whole[head], rtol=0, atol=1e-6)
        # Sinks are numbers of each head that stand on the module: there all heads are computed.
        assert set(computed) == {len(whole) if ARCHITECTURES[name].has_sinks else 1}


def test_a_head_with_numbers_of_its_own_is_not_taken_for_another():
    """A function that knows which head it computes gives otherwise for one alone, or fails: then all are computed."""
    name = next(each for each in NAMES if ARCHITECTURES[each].has_sinks)
    call = architectures.trace(name)._call("decoder", 1)
    whole = replace(call, mask=full_mask(call), is_causal=False)
    assert head_alone(whole, 2, slice(0, 4), torch.device("cpu")) is None


def test_who_left_is_not_computed_for_within_a_layer():
    """All heads of a layer of 4,000 tokens take seconds."""
    trace = architectures.trace("llama")
    asked = iter([True] * 3)
    with pytest.MonkeyPatch.context() as patch, as_long_as(lambda: next(asked, False)):
        patch.setattr(trace_module, "_WEIGHTS_AT_ONCE", 1)
        patch.setattr(trace_module, "_FEWEST_ROWS", 1)
        with pytest.raises(NobodyWaits):
            trace.weights("decoder", 0)
