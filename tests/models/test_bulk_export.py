"""Maps of several texts in one file: read back by the libraries that others read them with."""

import json

import numpy as np
import pytest
from safetensors import safe_open

from models.attention import (
    AttentionFileRequest,
    ExportError,
    TokenCountsRequest,
    ZeroHead,
    export_attention,
    trace_attention,
)
from models.loading import FolderError, load_model
from tests.models import architectures
from tests.models.architectures import IDS, TARGET_IDS
from tests.models.test_folders import save

TEXTS = ["The cat sat.", "A big dog barked <b> שלום 🍓"]


def read(path):
    """Arrays by name, and the tokens of each text."""
    if path.suffix == ".npz":
        with np.load(path, allow_pickle=False) as file:
            arrays = dict(file)
        names = [each for each in arrays if "tokens" in each]
        return arrays, {name: tuple(arrays.pop(name).tolist()) for name in names}
    with safe_open(path, "np") as file:
        tokens = {
            f"{number}.{name}": tuple(each)
            for name, lists in file.metadata().items()
            for number, each in enumerate(json.loads(lists))
        }
        names = file.keys()
        return {name: file.get_tensor(name) for name in names}, tokens


def check(traces, arrays, tokens):
    left = set(arrays)
    for number, trace in enumerate(traces):
        assert tokens[f"{number}.tokens"] == trace.tokens
        np.testing.assert_array_equal(arrays[f"{number}.ids"], trace.inputs.ids)
        left.discard(f"{number}.ids")
        if trace.target_pieces:
            assert tokens[f"{number}.target_tokens"] == trace.target_tokens
            left.discard(f"{number}.target_ids")
        for kind in trace.kinds:
            for layer in trace.layers(kind):
                name = f"{number}.{kind}.{layer}"
                left.discard(name)
                found, weights = arrays[name], trace.weights(kind, layer)
                assert found.dtype == np.float32
                assert found.shape == weights.shape
                for head, each in enumerate(found):
                    seen = trace.visible(kind, layer, head)
                    np.testing.assert_array_equal(each[seen], weights[head][seen])
                    assert np.isnan(each[~seen]).all()
    assert not left


@pytest.mark.quick(3)
@pytest.mark.parametrize("ending", ["npz", "safetensors"])
@pytest.mark.parametrize("name", ["bert", "llama", "gemma3", "t5"])
def test_every_map_reads_back_exactly(name, ending, tmp_path):
    loaded = architectures.loaded(name)
    target = TARGET_IDS if loaded.card.family == "seq2seq" else None
    traces = [trace_attention(loaded, ids, target) for ids in (IDS, IDS[:3])]
    path = tmp_path / f"maps.{ending}"
    export_attention(traces, path)
    check(traces, *read(path))
    export_attention(traces[0], path)
    check(traces[:1], *read(path))


def test_several_texts_have_a_trace_each(minilm):
    both = trace_attention(minilm, TEXTS)
    assert [each.tokens for each in both] == [trace_attention(minilm, text).tokens for text in TEXTS]
    np.testing.assert_array_equal(
        both[1].weights("encoder", 2), trace_attention(minilm, TEXTS[1]).weights("encoder", 2)
    )
    (off,) = trace_attention(minilm, TEXTS[:1], interventions=[ZeroHead("encoder", 1, 2)])
    assert np.abs(off.outputs - both[0].outputs).max() > 1e-3


def test_several_texts_may_have_a_target_each():
    loaded = load_model("spelling_to_sound")
    one, other = trace_attention(loaded, ["cat", "dog"], ["K AE1 T", "D AO1 G"])
    assert one.target_tokens == trace_attention(loaded, "cat", "K AE1 T").target_tokens
    assert other.target_tokens != one.target_tokens


def test_a_trace_says_in_a_line_what_it_is(minilm):
    trace = trace_attention(minilm, TEXTS[0], interventions=[ZeroHead("encoder", 1, 2)])
    assert repr(trace) == "<AttentionTrace of MiniLM-L6 (encoder): 6 tokens, 6 encoder layers, 1 interventions>"


def test_the_engine_gives_the_bytes_of_the_file(engine, tmp_path):
    assert engine.run(TokenCountsRequest("minilm", tuple(TEXTS)))[0] == 6
    for how in ("npz", "safetensors"):
        path = tmp_path / f"maps.{how}"
        path.write_bytes(engine.run(AttentionFileRequest("minilm", tuple(TEXTS), how)))
        check(trace_attention(engine.model("minilm"), TEXTS), *read(path))
    path.write_bytes(engine.run(AttentionFileRequest("spelling_to_sound", ("cat",), "safetensors")))
    assert {name.split(".")[1] for name in read(path)[0]} == {"ids", "target_ids", "encoder"}


@pytest.mark.parametrize("name", ["maps.pt", "maps", "maps.npy"])
def test_another_ending_is_refused_before_anything_is_written(minilm, name, tmp_path):
    with pytest.raises(ExportError, match=r"\.npz or \.safetensors"):
        export_attention(trace_attention(minilm, TEXTS[0]), tmp_path / name)
    assert not (tmp_path / name).exists()
    with pytest.raises(ExportError, match="no text"):
        export_attention([], tmp_path / "maps.npz")


def test_a_path_is_as_good_as_a_name(no_folders, tmp_path, monkeypatch):
    folder = save("llama", tmp_path / "llama")
    monkeypatch.chdir(tmp_path)
    cards = [load_model(each).card for each in (f"folder:{folder}", str(folder), folder, "./llama")]
    assert cards == cards[:1] * 4
    with pytest.raises(FolderError, match="no such folder"):
        load_model("/not/there")
