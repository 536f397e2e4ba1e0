"""Parts of maps for the screen: windows, a layer's heads, means of blocks, weights by value, columns left out."""

import numpy as np
import pytest
import torch

from models.attention import (
    HeadMapRequest,
    HeadPictureRequest,
    HeadWindowRequest,
    HideToken,
    LayerMapsRequest,
    NoSuchMapError,
    TraceRequest,
    trace_attention,
)
from tests.models.map_blocks import blocks_of

PRONOUN = "The animal didn't cross the street because it was too tired."
NAME = "Dr. Zorblax lives in Oslo. Yesterday I met Dr. Z"
TRACES = {
    "minilm": TraceRequest("minilm", PRONOUN),
    "smollm2": TraceRequest("smollm2", NAME),
    "spelling_to_sound": TraceRequest("spelling_to_sound", "knight", "N AY1 T"),
}
PLACES = [
    ("minilm", "encoder", 3),
    ("smollm2", "decoder", 17),
    ("spelling_to_sound", "encoder", 1),
    ("spelling_to_sound", "decoder", 1),
    ("spelling_to_sound", "cross", 2),
]
# What is taken out of the columns of "[CLS] … [SEP]", "Dr. …", "knight </s>" and "<pad> N AY1 T".
GONE = {
    ("minilm", "encoder"): {"special": [0, -1], "first": [0], "sink": [0, -1]},
    ("smollm2", "decoder"): {"special": [], "first": [0], "sink": [0]},
    ("spelling_to_sound", "encoder"): {"special": [-1], "first": [], "sink": [-1]},
    ("spelling_to_sound", "decoder"): {"special": [0], "first": [0], "sink": [0]},
    ("spelling_to_sound", "cross"): {"special": [-1], "first": [], "sink": [-1]},
}


@pytest.fixture(scope="module")
def traces(engine):
    """The same forwards, run without an engine."""
    return {name: trace_attention(engine.model(name), each.text, each.target) for name, each in TRACES.items()}


def without(weights, gone):
    """The weights without these columns, each row brought back to the sum that it had."""
    left = weights.astype(np.float64)
    left[..., gone] = 0
    sums = left.sum(axis=-1, keepdims=True)
    return np.where(sums > 0, left / np.where(sums > 0, sums, 1) * weights.sum(axis=-1, keepdims=True), 0)


# ----- A window


@pytest.mark.parametrize(("name", "kind", "layer"), PLACES)
def test_a_window_is_that_part_of_the_trace(engine, traces, name, kind, layer):
    whole, visible = traces[name].weights(kind, layer, 2), traces[name].visible(kind, layer, 2)
    request = HeadMapRequest(TRACES[name], kind, layer, 2)
    for queries, keys in [((1, 4), (0, 3)), ((0, 1), (2, 5)), ((0, len(whole)), (0, whole.shape[1]))]:
        answer = engine.run(HeadWindowRequest(request, queries, keys))
        part = (slice(*queries), slice(*keys))
        np.testing.assert_array_equal(answer, np.where(visible[part], whole[part], np.nan))
    if kind == "decoder":
        assert np.isnan(answer[0, 1:]).all(), "the future"
    else:
        assert not np.isnan(answer).any()


def test_a_window_shows_no_hidden_token(engine):
    trace = TraceRequest("minilm", PRONOUN, interventions=(HideToken(2),))
    answer = engine.run(HeadWindowRequest(HeadMapRequest(trace, "encoder", 3, 1), (4, 8), (1, 4)))
    np.testing.assert_array_equal(np.isnan(answer), [[False, True, False]] * 4)


# ----- A layer's heads


@pytest.mark.quick(14)
@pytest.mark.parametrize("by_value", [False, True])
@pytest.mark.parametrize("left_out", ["", "special", "first", "sink"])
@pytest.mark.parametrize(("name", "kind", "layer"), PLACES)
def test_a_layers_maps_are_those_of_its_heads(engine, traces, name, kind, layer, left_out, by_value):
    trace = traces[name]
    heads, lengths = trace.heads(kind, layer), np.linalg.norm(trace.values(kind, layer), axis=-1)
    request = HeadMapRequest(TRACES[name], kind, layer, None, left_out, by_value)
    for queries, keys in [((0, 99), (0, 99)), ((1, 3), (1, 4))]:
        answer = engine.run(LayerMapsRequest(request, queries, keys))
        assert len(answer) == heads
        for head in range(heads):
            weights, visible = trace.weights(kind, layer, head), trace.visible(kind, layer, head)
            if by_value:
                weights = weights * lengths[head]
            if left_out:
                weights = without(weights, GONE[name, kind][left_out])
            expected = np.where(visible, weights, np.nan)[slice(*queries), slice(*keys)]
            np.testing.assert_allclose(answer[head], expected, rtol=1e-5, atol=1e-6)
    assert np.abs(np.diff(np.nan_to_num(engine.run(LayerMapsRequest(request, (0, 99), (0, 99)))), axis=0)).max() > 0.05


def test_the_heads_of_all_layers_are_no_layers_maps(engine):
    request = HeadMapRequest(TRACES["minilm"], "encoder", None, None)
    with pytest.raises(NoSuchMapError):
        engine.run(LayerMapsRequest(request, (0, 3), (0, 3)))


# ----- Some of the queries of a trace


@pytest.mark.parametrize(("name", "kind", "layer"), PLACES)
def test_the_weights_of_some_queries_are_those_rows(traces, name, kind, layer):
    whole = traces[name].weights(kind, layer)
    for rows in (slice(1, 3), slice(0, 1), slice(2, None), slice(-2, None), slice(0, 99)):
        # A row's softmax is its own; only how the products are summed up may depend on how many there are.
        np.testing.assert_allclose(traces[name].weights(kind, layer, queries=rows), whole[:, rows], atol=1e-6)
        np.testing.assert_allclose(traces[name].weights(kind, layer, 1, rows), whole[1, rows], atol=1e-6)


# ----- Means of blocks


@pytest.mark.parametrize("side", [1, 4, 7])
@pytest.mark.parametrize(("name", "layer", "head"), [("minilm", 3, 1), ("smollm2", 17, 3)])
def test_a_mean_is_over_what_the_queries_of_a_block_may_see(engine, name, layer, head, side):
    kind = "encoder" if name == "minilm" else "decoder"
    request = HeadMapRequest(TRACES[name], kind, layer, head)
    whole = engine.run(request)
    shown = engine.run(HeadPictureRequest(request, 9, side, "mean"))
    for cell, seen in zip(shown.cells.flat, blocks_of(whole, side), strict=True):
        assert cell == pytest.approx(seen.mean(dtype=np.float64), abs=1e-6) if seen.size else np.isnan(cell)
    assert np.isnan(shown.cells).any() == (name == "smollm2" and side > 1)
    assert shown.most == whole.weights.max()
    np.testing.assert_array_equal(shown.row[whole.visible[9]], whole.weights[9][whole.visible[9]])


def test_a_map_that_is_small_enough_has_no_blocks(engine):
    request = HeadMapRequest(TRACES["smollm2"], "decoder", 17, 3)
    largest, mean = (engine.run(HeadPictureRequest(request, 9, 512, how)).cells for how in ("max", "mean"))
    np.testing.assert_array_equal(mean, largest)


# ----- Weight times the length of the value


@pytest.mark.parametrize(("name", "kind", "layer"), PLACES)
def test_by_value_each_weight_is_multiplied_by_the_length_of_its_keys_value(engine, traces, name, kind, layer):
    lengths = np.linalg.norm(traces[name].values(kind, layer).astype(np.float64), axis=-1)
    expected = traces[name].weights(kind, layer) * lengths[:, None]
    assert lengths.std(axis=1).min() > 0.01, "values of one length would hide a mistake"
    for head in (0, 3):
        answer = engine.run(HeadMapRequest(TRACES[name], kind, layer, head, by_value=True))
        np.testing.assert_allclose(answer.weights, expected[head], rtol=1e-5, atol=1e-7)
    mean = engine.run(HeadMapRequest(TRACES[name], kind, layer, None, by_value=True))
    np.testing.assert_allclose(mean.weights, expected.mean(axis=0), rtol=1e-4, atol=1e-6)


def test_the_three_query_heads_of_a_group_have_the_lengths_of_its_one_value(engine, traces, smollm2):
    """The values computed by hand from the hidden states: three key-value heads for nine query heads."""
    ids = torch.tensor([traces["smollm2"].inputs.ids])
    layer = smollm2.model.model.layers[17]
    with torch.inference_mode():
        hidden = smollm2.model(ids, output_hidden_states=True, use_cache=False).hidden_states[17]
        values = layer.self_attn.v_proj(layer.input_layernorm(hidden))[0].unflatten(-1, (3, 64))
    lengths = values.norm(dim=-1).numpy()
    assert np.abs(np.diff(lengths, axis=1)).max() > 0.1
    for head in range(9):
        request = HeadMapRequest(TRACES["smollm2"], "decoder", 17, head)
        weights = engine.run(request).weights
        moved = engine.run(HeadMapRequest(TRACES["smollm2"], "decoder", 17, head, by_value=True)).weights
        np.testing.assert_allclose(moved, weights * lengths[:, head // 3], rtol=1e-3, atol=1e-4)


def test_a_row_by_value_is_rescaled_to_what_it_was(engine):
    request = HeadMapRequest(TRACES["minilm"], "encoder", 3, 1, "sink", by_value=True)
    whole = engine.run(HeadMapRequest(TRACES["minilm"], "encoder", 3, 1, by_value=True)).weights
    answer = engine.run(request)
    np.testing.assert_allclose(answer.weights.sum(axis=1), whole.sum(axis=1), rtol=1e-4)
    np.testing.assert_allclose(answer.seen, whole[:, 1:-1].sum(axis=1) / whole.sum(axis=1), rtol=1e-4)


# ----- Columns that are left out


@pytest.mark.parametrize("what", ["special", "first", "sink"])
@pytest.mark.parametrize(("name", "kind", "layer"), PLACES)
def test_only_the_columns_that_are_named_are_left_out(engine, traces, name, kind, layer, what):
    whole = traces[name].weights(kind, layer, 1)
    answer = engine.run(HeadMapRequest(TRACES[name], kind, layer, 1, what))
    np.testing.assert_allclose(answer.weights, without(whole, GONE[name, kind][what]), atol=1e-5)
    kept = np.ones(whole.shape[1], dtype=bool)
    kept[GONE[name, kind][what]] = False
    np.testing.assert_allclose(answer.seen, whole[:, kept].sum(axis=1), atol=1e-5)
    assert answer.weights[:, kept].any()
