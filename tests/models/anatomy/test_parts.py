"""The weights of a part, the lines that compute it, and what changed from model to model."""

import inspect

import numpy as np
import pytest
import torch
from transformers.models.llama import modeling_llama

from models.anatomy.history import StationRequest, box_words, differences
from models.anatomy.history_models import STATIONS
from models.anatomy.source_lines import MOST_LINES, source_lines
from models.anatomy.weight_summaries import MOST_CELLS, WeightsError, WeightsRequest


def test_weights_are_pooled_counted_and_measured(engine, smollm2):
    path = "model.layers.3.mlp.up_proj"
    weight = smollm2.model.get_submodule(path).weight.detach().numpy()
    found = engine.run(WeightsRequest("smollm2", path))
    assert (found.name, found.shape) == ("weight", weight.shape)
    cells = weight.reshape(MOST_CELLS, weight.shape[0] // MOST_CELLS, MOST_CELLS, weight.shape[1] // MOST_CELLS)
    np.testing.assert_allclose(found.pooled, np.sqrt((cells**2).mean(axis=(1, 3))), rtol=1e-4)
    assert found.cell == (cells.shape[1], cells.shape[3])
    assert found.counts.sum() == weight.size
    assert (found.norm, found.mean, found.spread) == pytest.approx(
        (np.linalg.norm(weight), weight.mean(), weight.std()), rel=1e-4, abs=1e-6
    )


@pytest.mark.parametrize("path", ["model.layers.99", "model.rotary_emb"])
def test_a_part_without_weights_is_a_sentence(engine, path):
    with pytest.raises(WeightsError, match="choose another one"):
        engine.run(WeightsRequest("smollm2", path))


def test_the_lines_are_those_of_the_installed_library():
    found = source_lines(modeling_llama.__name__, "LlamaAttention")
    assert found.file == "transformers/models/llama/modeling_llama.py"
    whole = inspect.getsource(modeling_llama).splitlines()
    lines = found.text.splitlines()
    assert 1 < len(lines) <= MOST_LINES
    assert [each.strip() for each in lines] == [each.strip() for each in whole[found.first - 1 : found.last]]
    assert "input_shape = hidden_states.shape[:-1]" in lines[0]
    assert source_lines("os", "walk") is None
    linear = source_lines(torch.nn.Linear.__module__, "Linear")
    assert linear.text == "return F.linear(input, self.weight, self.bias)"


def test_what_is_new_and_what_is_gone_is_seen(engine):
    places = {each.name: place for place, each in enumerate(STATIONS)}
    bert, gpt2 = (engine.run(StationRequest(places[name])) for name in ("bert", "gpt2"))
    assert [box_words(each) for each in gpt2.layer.inner.boxes if each.kind == "norm"] == ["LayerNorm"] * 2
    assert gpt2.positions == "learned vectors"
    assert bert.figures.cache == 0
    # Two vectors of 768 numbers in 12 layers, two bytes each.
    assert gpt2.figures.cache == gpt2.figures.cache_of_heads == 12 * 2 * 768 * 2
    assert sum(gpt2.is_new) == 1
    same = differences(gpt2.layer.inner, gpt2.layer.inner)
    assert (any(same[0]), same[1]) == (False, ())


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_every_change_buys_what_its_words_say(engine):
    found = {each.name: engine.run(StationRequest(place)) for place, each in enumerate(STATIONS)}
    assert found["transformer"].positions == "computed vectors (sinusoids)"
    assert found["t5"].positions == "a learned bias for each distance"
    assert found["llama3"].otherwise.cache == 4 * found["llama3"].figures.cache
    assert found["mixtral"].otherwise.operations > 3 * found["mixtral"].figures.operations
    assert found["gemma2"].otherwise.cache > found["gemma2"].figures.cache
    assert found["deepseek"].figures.cache == 61 * 2 * (512 + 64)
    assert found["deepseek"].figures.cache_of_heads == 61 * 2 * 128 * (192 + 128)
    assert "latent" in box_words(found["deepseek"].layer.inner.box("self_attn"))
    assert "q and k normed" in box_words(found["qwen3"].layer.inner.box("self_attn"))
    assert any(each.kind == "mixer" for each in found["jamba"].layer.inner.boxes)
