"""Vision models of many architectures: what is drawn is what transformers computes, each patch in its place."""

import copy

import numpy as np
import pytest
import torch
from transformers import PreTrainedModel, SwinConfig, SwinModel, ViTConfig, ViTModel

from models.forward.picture_inputs import picture_inputs
from models.loading import ArchitectureNotSupportedError, wrap_model
from models.pictures import cut
from models.vision.tracing import trace_picture
from tests.models.vision.towers import HEADS, LAYERS, PATCH, PROCESSING, SIDE, SPECIALS, TOWERS, tower

COLUMNS = SIDE // PATCH


def picture(height=40, width=60, seed=1):
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def eager(name) -> PreTrainedModel:
    model = copy.deepcopy(TOWERS[name]())
    model.set_attn_implementation("eager")
    return model


@pytest.mark.parametrize("name", TOWERS)
def test_weights_are_those_of_transformers_own_eager_attention(name):
    loaded = tower(name)
    seen = cut(picture(), PROCESSING, PATCH)
    trace = trace_picture(loaded, seen)
    with torch.inference_mode():
        known = eager(name)(torch.from_numpy(seen.given)[None], output_attentions=True)
    assert trace.layers("encoder") == tuple(range(LAYERS)) == tuple(range(len(known.attentions)))
    for layer in range(LAYERS):
        weights = trace.weights("encoder", layer)
        assert weights.shape == (HEADS, trace.places, trace.places)
        np.testing.assert_allclose(weights, known.attentions[layer][0], rtol=0, atol=1e-5)
    np.testing.assert_allclose(trace.outputs, known.last_hidden_state[0], rtol=0, atol=1e-4)


@pytest.mark.parametrize("name", TOWERS)
def test_states_between_blocks_are_transformers_hidden_states(name):
    seen = cut(picture(), PROCESSING, PATCH)
    trace = trace_picture(tower(name), seen)
    with torch.inference_mode():
        known = eager(name)(torch.from_numpy(seen.given)[None], output_hidden_states=True).hidden_states
    assert len(trace.states) == LAYERS + 1
    for ours, theirs in zip(trace.states[:-1], known[:-1], strict=True):
        np.testing.assert_allclose(ours, theirs[0], rtol=0, atol=1e-4)


@pytest.mark.parametrize("name", TOWERS)
def test_the_tokens_before_the_patches_are_seen(name):
    loaded = tower(name)
    assert loaded.sight.specials == SPECIALS[name]
    assert loaded.sight.patch == PATCH
    assert loaded.findings[0].verdict == "exact"


@pytest.mark.parametrize("name", TOWERS)
@pytest.mark.parametrize("size", [(SIDE, SIDE), (3 * PATCH, 7 * PATCH), (37 * PATCH, PATCH)], ids=str)
def test_a_white_square_moves_as_many_patches_in_the_map_as_in_the_picture(name, size):
    loaded = tower(name)
    rows, columns = (each // PATCH for each in size)
    places = sorted({0, columns - 1, rows * columns // 2, rows * columns - 1})
    grey = np.zeros((3, *size), dtype=np.float32)
    before = keys_of(loaded, grey)
    for place in places:
        top, left = (each * PATCH for each in divmod(place, columns))
        white = grey.copy()
        white[:, top : top + PATCH, left : left + PATCH] = 2
        changed = np.abs(keys_of(loaded, white) - before).max(axis=(0, 2)) > 0
        assert changed.nonzero()[0].tolist() == [len(SPECIALS[name]) + place]


def keys_of(loaded, given):
    """The first layer's keys: what a map of it is made of, token by token."""
    from models.attention.trace import traced

    inputs = picture_inputs(given, len(loaded.sight.specials), loaded.sight.patch)
    return traced(loaded, inputs)[0].keys("encoder", 0)


def test_windows_are_refused_with_the_reason():
    config = SwinConfig(image_size=32, patch_size=4, embed_dim=16, depths=[1, 1], num_heads=[2, 4], window_size=4)
    with pytest.raises(ArchitectureNotSupportedError, match=r"no heads to lay side by side|looks through windows"):
        wrap_model(SwinModel(config), None, "vision", PROCESSING)


def test_a_model_that_takes_one_size_alone_says_so(monkeypatch):
    model = ViTModel(
        ViTConfig(
            hidden_size=16,
            intermediate_size=16,
            num_hidden_layers=1,
            num_attention_heads=2,
            image_size=16,
            patch_size=4,
        )
    )
    monkeypatch.setattr(type(model.embeddings), "interpolate_pos_encoding", property())
    assert not wrap_model(model, None, "vision", PROCESSING).sight.takes_others
