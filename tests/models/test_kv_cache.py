"""What is measured in a cache of transformers, and that a config alone predicts it, byte for byte."""

import copy
import functools
from itertools import product
from typing import Any

import numpy as np
import pytest
import torch
import transformers
from transformers import DynamicCache, StaticCache

from models.decoding import DecodingSettings, decode, decode_batch
from models.decoding.loop import next_logits
from models.decoding.prepared_generation import padded, prepare
from models.kv_cache import cache_shape, measure_cache, newest_norms, predict_cache
from models.loading import load_model
from tests.models import architectures
from tests.models.architectures import IDS, WINDOW
from tests.models.config_settings import DECODER_LAYERS, INDEXED, LINEAR, PLAIN, WIDE_GROUPED
from tests.models.generated import generated

WRITERS = (*architectures.DECODERS, *architectures.SEQ2SEQ)
WINDOWED = ("mistral", "gemma2", "gemma3", "gpt_oss")
LENGTHS = (1, 3, 7)
PROMPT = len(IDS)
HALF = torch.bfloat16


def in_dtype(name, dtype):
    # With one argument where it is the default, as elsewhere: it is made once.
    return architectures.loaded(name) if dtype == torch.float32 else architectures.loaded(name, dtype)


def positions_after(config, steps, prompt=PROMPT):
    """How many positions have been through the decoder when so many tokens are drawn."""
    return (1 if config.is_encoder_decoder else prompt) + steps - 1


def predicted(config, steps, *, rows=1, dtype="float32", prompt=PROMPT, beams=1, allocated=None):
    return predict_cache(
        config,
        positions_after(config, steps, prompt),
        rows,
        dtype,
        beams=beams,
        source_positions=prompt if config.is_encoder_decoder else 0,
        newest=1 if steps > 1 or config.is_encoder_decoder else prompt,
        allocated_positions=allocated,
    )


@pytest.mark.quick(12)
@pytest.mark.parametrize("name", WRITERS)
@pytest.mark.parametrize("rows", [1, 3])
@pytest.mark.parametrize("dtype", [torch.float32, HALF], ids=["fp32", "bf16"])
def test_every_byte_is_predicted(name, rows, dtype):
    loaded = in_dtype(name, dtype)
    steps = [row[0] for row in decode_batch(loaded, [IDS] * rows, DecodingSettings(max_new_tokens=max(LENGTHS)))]
    for count in LENGTHS:
        if count <= len(steps):
            assert steps[count - 1].cache == predicted(loaded.model.config, count, rows=rows, dtype=dtype)


@pytest.mark.quick(3)
@pytest.mark.parametrize("name", WRITERS)
def test_a_static_cache_is_allocated_for_all_that_may_come(name):
    loaded = architectures.loaded(name)
    longest = positions_after(loaded.model.config, 8) + 1
    steps = list(decode(loaded, IDS, DecodingSettings(max_new_tokens=8, cache="static")))
    assert steps
    for count, step in enumerate(steps, start=1):
        assert step.cache == predicted(loaded.model.config, count, allocated=longest)
    if name not in WINDOWED:
        assert steps[0].cache.total_allocated_bytes == steps[-1].cache.total_allocated_bytes
        assert steps[0].cache.total_bytes < steps[0].cache.total_allocated_bytes


REAL = ("smollm2", "spelling_to_sound")


@functools.cache
def real(name):
    return load_model(name)


@pytest.mark.quick(24)
@pytest.mark.parametrize(
    ("name", "rows", "beams", "dtype"),
    [
        # Of the real ones, which take their time, one way in each run.
        pytest.param(*each, marks=pytest.mark.slow if each[0] in REAL and each[1:] != (3, 4, torch.float32) else [])
        for each in product([*WRITERS, *REAL], [1, 3], [1, 4], [torch.float32, HALF])
    ],
)
def test_beams_and_batches_are_rows(name, rows, beams, dtype):
    """The cache that transformers' own search leaves behind."""
    if name in WRITERS:
        model: Any = in_dtype(name, dtype).model
        ids = IDS
    else:
        whole: Any = real(name)
        model = copy.deepcopy(whole.model).to(dtype)
        ids = tuple(whole.tokenizer("knight")["input_ids"])
    asked, mask = padded([ids] * rows, 0, left=True, device=model.device)
    found = generated(model, asked, attention_mask=mask, num_beams=beams, min_new_tokens=6, max_new_tokens=6)
    measured = measure_cache(found.past_key_values)
    expected = predicted(model.config, 6, rows=rows, dtype=dtype, prompt=len(ids), beams=beams)
    assert (measured.rows, measured.dtype) == (rows * beams, expected.dtype)
    assert measured.bytes == expected.bytes
    assert measured.positions == expected.positions


@pytest.mark.parametrize("name", REAL)
@pytest.mark.parametrize("rows", [1, 3])
def test_the_real_models_are_predicted(name, rows):
    loaded = real(name)
    text = {"smollm2": "Once upon a time there was a", "spelling_to_sound": "knight"}[name]
    prompt = len(loaded.tokenizer(text)["input_ids"])
    steps = [row[0] for row in decode_batch(loaded, [text] * rows, DecodingSettings(max_new_tokens=4))]
    for count, step in enumerate(steps, start=1):
        assert step.cache == predicted(loaded.model.config, count, rows=rows, prompt=prompt)
    # What the pages say of them.
    if name == "smollm2":
        assert steps[3].cache.total_bytes == rows * 10 * 46_080
    else:
        assert steps[0].cache.kinds == ("full",) * 3 + ("cross",) * 3


@pytest.mark.parametrize("name", ["mistral", "gemma2", "gemma3", "gpt_oss"])
def test_a_sliding_layer_keeps_one_less_than_its_window(name):
    loaded = architectures.loaded(name)
    steps = list(decode(loaded, IDS, DecodingSettings(max_new_tokens=6)))
    windows = architectures.ARCHITECTURES[name].windows
    for step in steps:
        cache = step.cache
        for kind, window, positions in zip(cache.kinds, windows, cache.positions, strict=True):
            assert kind == ("full" if window is None else "sliding")
            assert positions == (len(IDS) + step.index if window is None else WINDOW - 1)
    # A view of what was there before: the whole prompt at first, one more than it keeps from then on.
    place = windows.index(WINDOW)
    one = steps[0].cache.bytes[place] // (WINDOW - 1)
    assert steps[0].cache.allocated_bytes[place] == one * len(IDS)
    assert steps[1].cache.allocated_bytes[place] == one * WINDOW


def test_latent_attention_keeps_latents_and_rotary_keys():
    loaded = architectures.loaded("deepseek_v3")
    cache = next(decode(loaded, IDS)).cache
    assert cache.kinds == ("latent", "latent")
    assert (cache.heads, cache.key_widths, cache.value_widths) == ((1, 1), (10, 10), (4, 4))
    assert cache.total_bytes == 2 * len(IDS) * (10 + 4) * 4


def test_cross_attention_stands_still():
    for name in architectures.SEQ2SEQ:
        steps = list(decode(architectures.loaded(name), IDS, DecodingSettings(max_new_tokens=4)))
        cross = [kind == "cross" for kind in steps[0].cache.kinds]
        assert sum(cross) == DECODER_LAYERS
        for step in steps:
            for is_cross, positions in zip(cross, step.cache.positions, strict=True):
                assert positions == (len(IDS) if is_cross else step.index + 1)


MORE = {
    "one key head": ("LlamaConfig", "LlamaForCausalLM", {"num_key_value_heads": 1}),
    "a window in some layers": (
        "Gemma3TextConfig",
        "Gemma3ForCausalLM",
        {"num_key_value_heads": 1, "head_dim": 8, "sliding_window": 5, "num_hidden_layers": 7},
    ),
    "linear layers": ("Qwen3NextConfig", "Qwen3NextForCausalLM", WIDE_GROUPED | LINEAR),
    "an index": ("DeepseekV32Config", "DeepseekV32ForCausalLM", INDEXED),
}


@pytest.mark.parametrize("what", MORE)
def test_other_kinds_of_layers_are_predicted(what):
    config_class, model_class, more = MORE[what]
    config = getattr(transformers, config_class)(**PLAIN | more)
    model = getattr(transformers, model_class)._from_config(config).eval()
    ids = torch.tensor([IDS] * 2)
    with torch.inference_mode():
        cache = model(ids, use_cache=True).past_key_values
        for _ in range(3):
            cache = model(ids[:, :1], past_key_values=cache, use_cache=True).past_key_values
    assert measure_cache(cache) == predict_cache(config, len(IDS) + 3, 2)


@pytest.mark.parametrize("name", [name for name in architectures.NAMES if name not in WRITERS])
def test_an_encoder_keeps_nothing(name):
    assert cache_shape(architectures.loaded(name).model.config) == ()
    assert predict_cache(architectures.loaded(name).model.config, 5).total_bytes == 0


def test_an_empty_cache_holds_nothing():
    config = architectures.loaded("llama").model.config
    for cache in (DynamicCache(), DynamicCache(config=config), StaticCache(config=config, max_cache_len=4)):
        assert measure_cache(cache).total_bytes == 0
    assert predict_cache(config, 0).total_bytes == 0


@pytest.mark.parametrize("name", ["gpt2", "gpt_neox", "llama", "qwen3", "deepseek_v3"])
def test_an_8_bit_cache_is_predicted(name):
    loaded = architectures.loaded(name)
    steps = list(decode(loaded, IDS, DecodingSettings(max_new_tokens=5, cache="fp8")))
    for count, step in enumerate(steps, start=1):
        found = predicted(loaded.model.config, count, dtype="fp8")
        assert step.cache == found
        assert step.cache.dtype == "float8_e4m3fn"


# ----- Norms


@pytest.mark.quick(6)
@pytest.mark.parametrize("name", WRITERS)
@pytest.mark.parametrize("kept", ["dynamic", "static"])
def test_norms_are_those_of_the_stored_vectors(name, kept):
    loaded = architectures.loaded(name)
    steps = list(decode(loaded, IDS, DecodingSettings(max_new_tokens=5, cache=kept, with_norms=True)))
    state = prepare(loaded, [IDS], [DecodingSettings(5, cache=kept)])
    for index, step in enumerate(steps):
        with torch.inference_mode():
            next_logits(loaded, state, is_first=index == 0)
        cache = state.arguments["past_key_values"]
        own = getattr(cache, "self_attention_cache", cache)
        for place, layer in enumerate(each for each in own.layers if each.keys is not None):
            end = step.cache.positions[place]
            new = step.norms.keys.shape[1]
            known = min(new, end)
            for norms, vectors in ((step.norms.keys, layer.keys), (step.norms.values, layer.values)):
                expected = (
                    vectors[0, :, end - known : end].float().flatten(0, 0).permute(1, 0, 2).flatten(1).norm(dim=1)
                )
                np.testing.assert_allclose(norms[place, new - known :], expected.numpy(), rtol=1e-5)
                assert np.isnan(norms[place, : new - known]).all()
        state.ids = torch.cat([state.ids, torch.tensor([[step.token_id]])], dim=1)
    if loaded.model.config.is_encoder_decoder:
        assert steps[0].norms.cross_keys.shape == (DECODER_LAYERS, len(IDS))
        assert steps[1].norms.cross_keys.size == 0


def test_norms_come_only_where_they_are_asked_for():
    steps = list(decode(architectures.loaded("llama"), IDS, DecodingSettings(max_new_tokens=2)))
    assert [step.norms for step in steps] == [None, None]


def test_norms_of_nothing():
    assert newest_norms(DynamicCache(), 1, with_cross=True).keys.shape == (0, 1)
