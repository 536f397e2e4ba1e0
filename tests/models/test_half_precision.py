"""A GPU's precision on the CPU, through the same code: nothing fails on a dtype, and the numbers are near float32's."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from models.attention import CutLink, HideToken, ReplacePattern, TraceRequest, ZeroHead, trace_attention
from models.decoding import DecodingSettings, NextTokenRequest, beam_search, decode, decode_batch
from models.embeddings import EmbedRequest, LensRequest, NearestRequest, NormsRequest, SwappedRequest, TableFactsRequest
from models.embeddings import embed as vectors_of
from models.engine import Engine
from models.loading import load
from models.loading.placement import Placement
from tests.models import architectures
from tests.models.architectures import ARCHITECTURES, DECODERS, IDS, NAMES, SEQ2SEQ

DTYPES = (torch.bfloat16, torch.float16)
WRITERS = (*DECODERS, *SEQ2SEQ)


def half(name, dtype=torch.bfloat16):
    return architectures.loaded(name, dtype)


def near(ours, other, dtype):
    """Within some roundings of a number as large as the largest."""
    assert ours.dtype == np.float32
    assert np.isfinite(ours).all()
    scale = max(1.0, float(np.abs(other).max()))
    assert float(np.abs(ours - other).max()) < (0.2 if dtype == torch.bfloat16 else 0.03) * scale


@pytest.mark.quick(9)
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", NAMES)
def test_a_trace(name, dtype):
    loaded, whole = half(name, dtype), architectures.trace(name)
    target = architectures.TARGET_IDS if ARCHITECTURES[name].family == "seq2seq" else None
    trace = trace_attention(loaded, IDS, target)
    assert trace.kinds == whole.kinds
    near(trace.outputs, whole.outputs, dtype)
    for kind in trace.kinds:
        for layer in trace.layers(kind):
            weights = trace.weights(kind, layer)
            assert weights.dtype == np.float32
            sums = weights.sum(axis=-1)
            assert (sums < 1.02).all()
            assert ARCHITECTURES[name].has_sinks or (sums > 0.98).all()
            assert (weights[:, ~trace.visible(kind, layer)] < 1e-6).all()
            for each in (trace.queries, trace.keys, trace.values):
                assert each(kind, layer).dtype == np.float32
        near(trace.weights(kind, 0), whole.weights(kind, 0), dtype)


@pytest.mark.quick(4)
@pytest.mark.parametrize("name", NAMES)
def test_interventions(name):
    loaded, kind = half(name), next(iter(ARCHITECTURES[name].projections))
    target = architectures.TARGET_IDS if ARCHITECTURES[name].family == "seq2seq" else None
    pattern = np.tril(np.ones((len(IDS), len(IDS)), dtype=np.float32))
    pattern /= pattern.sum(axis=1, keepdims=True)
    whole = trace_attention(loaded, IDS, target)
    for change in (
        ZeroHead(kind, 1, 0),
        HideToken(2),
        CutLink(kind, 1, query=3, key=2),
        ReplacePattern(kind, 1, 0, tuple(map(tuple, pattern.tolist()))),
    ):
        changed = trace_attention(loaded, IDS, target, [change])
        assert changed.outputs.dtype == np.float32
        assert np.isfinite(changed.outputs).all()
        assert not np.array_equal(changed.outputs, whole.outputs)


@pytest.mark.quick(6)
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", WRITERS)
def test_writing(name, dtype):
    loaded = half(name, dtype)
    settings = DecodingSettings(max_new_tokens=4, temperature=0.8, top_k=20, top_p=0.9, seed=3, with_stages=True)
    for cache in ("dynamic", "none", "static"):
        for step in decode(loaded, IDS, replace(settings, cache=cache)):
            assert step.stages[-1].probabilities.sum() == pytest.approx(1, abs=1e-4)
            assert 0 <= step.probability <= 1
    rows = [steps for steps in decode_batch(loaded, [IDS, IDS[:4]], settings) if steps]
    assert rows
    assert beam_search(loaded, IDS, beams=2, max_new_tokens=3)


@pytest.mark.parametrize("name", NAMES)
def test_vectors(name):
    loaded, whole = half(name), architectures.loaded(name)
    target = architectures.TARGET_IDS if ARCHITECTURES[name].family == "seq2seq" else None
    ours, other = vectors_of(loaded, IDS, target), vectors_of(whole, IDS, target)
    assert ours.hidden_states.dtype == ours.static.dtype == np.float32
    near(ours.hidden_states, other.hidden_states, torch.bfloat16)
    assert (ours.last, ours.target_last) == (other.last, other.target_last)


@pytest.mark.parametrize("name", ["llama", "gpt2", "gemma2", "t5", "bart", "gpt_oss"])
def test_what_pages_ask(name):
    engine, seq2seq = Engine(), ARCHITECTURES[name].family == "seq2seq"
    engine._models.get("half", lambda: half(name))
    target = architectures.TARGET_IDS if seq2seq else None
    engine.run(LensRequest("half", IDS, target))
    engine.run(TableFactsRequest("half"))
    assert engine.run(NormsRequest("half")).dtype == np.float32
    assert engine.run(NearestRequest("half", (5,), (1,))).values[0] == pytest.approx(1, abs=1e-3)
    engine.run(SwappedRequest("half", IDS, IDS[::-1]))
    if not seq2seq:
        engine.run(NextTokenRequest("half", IDS, ()))


def test_minilm_says_nearly_the_same(minilm):
    loaded = load.load_model("minilm", Placement(torch.bfloat16, {"": "cpu"}, (("cpu", 0),)))
    text = "The keys to the cabinet are on the table."
    ours, whole = trace_attention(loaded, text), trace_attention(minilm, text)
    assert np.abs(ours.weights("encoder", 5) - whole.weights("encoder", 5)).max() < 0.05
    one, other = ours.outputs.mean(axis=0), whole.outputs.mean(axis=0)
    assert float(one @ other / np.linalg.norm(one) / np.linalg.norm(other)) > 0.999
    engine = Engine()
    engine._models.get("minilm", lambda: loaded)
    assert engine.run(EmbedRequest("minilm", text)).hidden_states.dtype == np.float32
    assert engine.run(TraceRequest("minilm", text)).tokens == whole.tokens
