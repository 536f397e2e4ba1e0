"""What the pages ask of a trace: exact where it says exact, and elsewhere as far off as it says."""

import math
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch

from models.attention import (
    HeadGridRequest,
    HeadMapRequest,
    HeadPictureRequest,
    InputError,
    NoSuchMapError,
    TracedTextRequest,
    TraceRequest,
    block_starts,
    max_pooled,
    trace_attention,
    without_columns,
)
from models.engine import Engine
from tests.models.map_blocks import blocks_of

PRONOUN = "The animal didn't cross the street because it was too tired."
NAME = "Dr. Zorblax lives in Oslo. Yesterday I met Dr. Z"
TEXTS = {"minilm": PRONOUN, "smollm2": NAME}
HEADS = [("minilm", 3, 1), ("minilm", 0, 11), ("smollm2", 17, 3), ("smollm2", 0, 0)]

GONE = {
    ("minilm", "sink"): [0, -1],
    ("minilm", "special"): [0, -1],
    ("minilm", "first"): [0],
    ("smollm2", "sink"): [0],
    ("smollm2", "special"): [],
    ("smollm2", "first"): [0],
}


@pytest.fixture(scope="module")
def engine(minilm, smollm2):
    """An engine of its own, with the models that the other tests loaded."""
    loaded = {"minilm": minilm, "smollm2": smollm2}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("models.loading.load_model", loaded.__getitem__)
        yield Engine(10**9)


@pytest.fixture(scope="module")
def traces(minilm, smollm2):
    """The same forwards, run without an engine."""
    return {each.card.name: trace_attention(each, TEXTS[each.card.name]) for each in (minilm, smollm2)}


def map_request(name, layer, head, left_out="", text=None):
    kind = "encoder" if name == "minilm" else "decoder"
    return HeadMapRequest(TraceRequest(name, text or TEXTS[name]), kind, layer, head, left_out)


# ----- One map


@pytest.mark.parametrize(("name", "layer", "head"), HEADS)
def test_a_map_is_exactly_the_traces(engine, traces, name, layer, head):
    request = map_request(name, layer, head)
    answer = engine.run(request)
    assert answer.weights.dtype == np.float32
    np.testing.assert_array_equal(answer.weights, traces[name].weights(request.kind, layer, head))
    np.testing.assert_array_equal(answer.visible, traces[name].visible(request.kind, layer, head))
    np.testing.assert_array_equal(answer.seen, 1)


def test_a_decoder_sees_the_past_only_and_an_encoder_everything(engine):
    decoder = engine.run(map_request("smollm2", 17, 3))
    np.testing.assert_array_equal(decoder.visible, np.tri(len(decoder.weights), dtype=bool))
    assert not decoder.weights[~decoder.visible].any()
    assert engine.run(map_request("minilm", 3, 1)).visible.all()


@pytest.mark.parametrize(("name", "layer"), [("minilm", 3), ("smollm2", 17)])
def test_no_head_is_the_mean_over_the_heads(engine, traces, name, layer):
    request = map_request(name, layer, None)
    heads = traces[name].weights(request.kind, layer)
    answer = engine.run(request)
    np.testing.assert_allclose(answer.weights, np.mean(heads, axis=0, dtype=np.float64), atol=1e-6)
    assert np.abs(answer.weights - heads).max(axis=(1, 2)).min() > 0.1, "a single head would pass"
    np.testing.assert_array_equal(answer.visible, traces[name].visible(request.kind, layer, 0))


@pytest.mark.parametrize(("name", "layer", "head"), [*HEADS, ("minilm", 3, None), ("smollm2", 17, None)])
def test_without_its_sink_a_row_is_rescaled_and_says_how_much_is_seen(engine, name, layer, head):
    whole = engine.run(map_request(name, layer, head)).weights
    answer = engine.run(map_request(name, layer, head, left_out="sink"))
    last = whole.shape[1] - 1
    gone = [0, last] if name == "minilm" else [0]
    kept = [place for place in range(last + 1) if place not in gone]
    assert not answer.weights[:, gone].any()
    np.testing.assert_allclose(answer.seen, whole[:, kept].sum(axis=1), atol=1e-6)
    for query, (row, seen) in enumerate(zip(answer.weights, answer.seen, strict=True)):
        if seen == 0:
            assert not row.any()
        else:
            assert row.sum() == pytest.approx(1, abs=1e-5)
            np.testing.assert_allclose(row[kept], whole[query, kept] / whole[query, kept].sum(), rtol=1e-4, atol=1e-7)
    if name == "smollm2":
        assert answer.seen[0] == 0, "the first token sees itself alone, and that is the sink"
    assert 0 < answer.seen[1:].min() < 0.9, "this text's sink weighs too little for the test to mean anything"


def test_the_columns_of_the_sink_are_given_back_nowhere_else():
    weights = np.array([[[0.5, 0.25, 0.25], [1, 0, 0], [0, 0, 0], [0.2, 0.2, 0.2]]], dtype=np.float32)
    rescaled, seen = without_columns(weights, np.array([True, False, False]))
    np.testing.assert_allclose(rescaled, [[[0, 0.5, 0.5], [0, 0, 0], [0, 0, 0], [0, 0.3, 0.3]]], atol=1e-6)
    np.testing.assert_allclose(seen, [[0.5, 0, 0, 2 / 3]], atol=1e-6)


@pytest.mark.parametrize(("layer", "head"), [(99, 0), (0, 99)])
def test_a_map_that_there_is_not_is_refused(engine, layer, head):
    with pytest.raises(NoSuchMapError):
        engine.run(map_request("minilm", layer, head))


def test_an_empty_text_is_refused_and_not_kept(engine):
    for _ in range(2):
        with pytest.raises(InputError, match="no text"):
            engine.run(TracedTextRequest(TraceRequest("minilm", " ")))
    assert engine.run(TracedTextRequest(TraceRequest("minilm", "a"))).tokens == ("[CLS]", "a", "[SEP]")


# ----- What a screen shows of a map


def picture(engine, request, query, side):
    return engine.run(HeadPictureRequest(request, query, side))


@pytest.mark.parametrize(("name", "layer", "head"), HEADS)
def test_a_small_picture_is_the_map_itself(engine, name, layer, head):
    request = map_request(name, layer, head)
    whole = engine.run(request)
    size = len(whole.weights)
    shown = picture(engine, request, 5, side=size)
    np.testing.assert_array_equal(np.isnan(shown.cells), ~whole.visible)
    np.testing.assert_array_equal(shown.cells[whole.visible], whole.weights[whole.visible])
    np.testing.assert_array_equal(np.isnan(shown.row), ~whole.visible[5])
    np.testing.assert_array_equal(shown.row[whole.visible[5]], whole.weights[5][whole.visible[5]])
    assert shown.most == whole.weights.max()
    assert shown.seen == 1
    assert shown.size == (size, size)


@pytest.mark.parametrize("side", [1, 2, 5, 7, 16])
@pytest.mark.parametrize(("name", "layer", "head"), HEADS)
def test_a_large_picture_is_pooled_by_the_largest_weight_and_its_row_is_exact(engine, name, layer, head, side):
    request = map_request(name, layer, head)
    whole = engine.run(request)
    size, query = len(whole.weights), 9
    assert size >= side
    shown = picture(engine, request, query, side)
    assert shown.cells.shape == (side, side)
    for cell, seen in zip(shown.cells.flat, blocks_of(whole, side), strict=True):
        assert cell == seen.max() if seen.size else np.isnan(cell)
    np.testing.assert_array_equal(shown.row[whole.visible[query]], whole.weights[query][whole.visible[query]])
    np.testing.assert_array_equal(np.isnan(shown.row), ~whole.visible[query])
    assert shown.most == whole.weights.max()


def test_a_picture_without_the_sink_says_what_is_seen_of_its_row(engine):
    request = map_request("minilm", 3, 1, left_out="sink")
    seen = engine.run(request).seen
    assert len(set(seen.tolist())) > 5
    for query in (1, 5, 9):
        assert picture(engine, request, query, 512).seen == seen[query]


@pytest.mark.parametrize("name", TEXTS)
@pytest.mark.parametrize("left_out", ["", "sink", "first", "special"])
def test_a_thumbnail_decodes_to_the_pooled_weights(engine, traces, name, left_out):
    trace, kind, side = traces[name], traces[name].kinds[0], 6
    grid = engine.run(HeadGridRequest(TraceRequest(name, TEXTS[name]), kind, left_out, side))
    assert grid.layers == trace.layers(kind)
    assert grid.tokens == (len(trace.tokens),) * 2
    assert grid.thumbnails.shape == (len(grid.layers), trace.heads(kind, 0), side, side)
    starts = block_starts(len(trace.tokens), side)
    for thumbnails, layer in zip(grid.thumbnails, grid.layers, strict=True):
        exact = trace.weights(kind, layer)
        if left_out:
            exact[:, :, GONE[name, left_out]] = 0
            exact /= exact.sum(axis=-1, keepdims=True).clip(1e-30)
        pooled = np.maximum.reduceat(np.maximum.reduceat(exact, starts, 1), starts, 2)
        np.testing.assert_allclose(thumbnails / 4095, np.sqrt(pooled.clip(0, 1)), rtol=0, atol=0.51 / 4095)


# ----- What is said of a text


def test_the_next_tokens_are_the_softmax_of_the_models_logits(engine, smollm2):
    answer = engine.run(TracedTextRequest(TraceRequest("smollm2", NAME), candidates=20))
    ids = torch.tensor([smollm2.tokenizer(NAME)["input_ids"]])
    with torch.inference_mode():
        expected = torch.softmax(smollm2.model(ids, use_cache=False).logits[0, -1].double(), dim=-1)
    best = torch.topk(expected, 20)
    assert [each.id for each in answer.next_tokens] == best.indices.tolist()
    np.testing.assert_allclose([each.probability for each in answer.next_tokens], best.values.numpy(), atol=1e-5)
    assert answer.next_tokens[0].text == "or"
    assert answer.next_tokens[0].probability == pytest.approx(0.69, abs=0.01)


def test_an_encoder_has_no_next_token(engine):
    assert engine.run(TracedTextRequest(TraceRequest("minilm", PRONOUN))).next_tokens == ()


@pytest.mark.parametrize("name", TEXTS)
def test_a_traced_text_says_what_maps_there_are(engine, traces, name):
    trace, text = traces[name], TEXTS[name]
    answer = engine.run(TracedTextRequest(TraceRequest(name, text)))
    (kind,) = answer.kinds
    assert (answer.tokens, answer.is_special) == (trace.tokens, trace.is_special)
    assert answer.layers_of(kind) == trace.layers(kind)
    assert {answer.heads_of(kind, layer) for layer in answer.layers_of(kind)} == {trace.heads(kind, 0)}
    assert [text[low:high].lower() for low, high in answer.spans if high] == [
        token.replace("␣", " ").lower().removeprefix("##")
        for token, special in zip(trace.tokens, trace.is_special, strict=True)
        if not special
    ]


def test_a_piece_that_the_vocabulary_does_not_have_is_named(engine):
    answer = engine.run(TracedTextRequest(TraceRequest("minilm", "a 🍓 b")))
    assert answer.is_unknown == (False, False, True, False, False)


# ----- Pooling, here and in the browser


def test_blocks_cover_everything_once():
    for length in range(1, 61):
        for limit in range(1, 21):
            starts = block_starts(length, limit)
            sizes = np.diff([*starts, length])
            assert len(starts) == min(length, limit)
            assert starts[0] == 0
            assert sizes.sum() == length
            # Cells are drawn equally large, so what they stand for is as equal as whole numbers allow.
            assert 1 <= sizes.min() <= sizes.max() <= sizes.min() + 1


def test_pooling_keeps_the_largest_of_each_block():
    draw = np.random.default_rng(7)
    for rows, columns, limit in [(1, 1, 1), (7, 7, 3), (13, 5, 4), (5, 13, 4), (60, 59, 20), (3, 3, 8)]:
        weights = draw.random((2, rows, columns), dtype=np.float32)
        pooled = max_pooled(weights, limit)
        assert pooled.shape == (2, min(rows, limit), min(columns, limit))
        high, wide = pooled.shape[1:]
        for row in range(high):
            for column in range(wide):
                block = weights[
                    :,
                    row * rows // high : (row + 1) * rows // high,
                    column * columns // wide : (column + 1) * columns // wide,
                ]
                np.testing.assert_array_equal(pooled[:, row, column], block.max(axis=(1, 2)))


def test_the_browser_finds_the_same_blocks():
    """`blockOf` and `firstOf` of the component say which token a pooled cell stands for."""
    source = (Path(__file__).resolve().parents[2] / "viz/components/attention_view/matrix.js").read_text()
    assert "Math.min(blocks - 1, Math.floor(((token + 1) * blocks - 1) / tokens))" in source
    assert "Math.floor((block * tokens) / blocks)" in source

    def block_of(token, blocks, tokens):
        return min(blocks - 1, math.floor(((token + 1) * blocks - 1) / tokens))

    def first_of(block, blocks, tokens):
        return math.floor((block * tokens) / blocks)

    for tokens in range(1, 61):
        for limit in range(1, 21):
            starts = block_starts(tokens, limit).tolist()
            blocks = len(starts)
            assert list(map(partial(first_of, blocks=blocks, tokens=tokens), range(blocks))) == starts
            found = [block_of(token, blocks, tokens) for token in range(tokens)]
            assert found == [sum(start <= token for start in starts) - 1 for token in range(tokens)]
