"""What is measured in a cache of transformers, and that a config alone predicts it, byte for byte."""

import copy
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
import transformers
from transformers import DynamicCache, StaticCache

from models.catalog import ARCHITECTURES
from models.decoding import DecodingSettings, decode, decode_batch
from models.decoding.loop import next_logits
from models.decoding.preparation import padded, prepare
from models.engine import Engine
from models.kv_cache import (
    CacheFactsRequest,
    CacheFormulaError,
    KnownCachesRequest,
    bytes_at,
    bytes_per_token,
    cache_shape,
    crossover,
    known_config,
    longest_context,
    measure_cache,
    most_rows,
    newest_norms,
    predict,
    predict_cache,
    with_key_value_heads,
    with_window,
)
from models.loading import load_model, wrap_model
from tests.models import architectures
from tests.models.architectures import IDS, WINDOW

WRITERS = (*architectures.DECODERS, *architectures.SEQ2SEQ)
WINDOWED = ("mistral", "gemma2", "gemma3", "gpt_oss")
LENGTHS = (1, 3, 7)
PROMPT = len(IDS)
HALF = torch.bfloat16


def in_dtype(name, dtype):
    if dtype == torch.float32:
        return architectures.loaded(name)
    return wrap_model(architectures.build(name, "eager").to(dtype), None, architectures.ARCHITECTURES[name].family)


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


@pytest.mark.parametrize("name", WRITERS)
@pytest.mark.parametrize("rows", [1, 3])
@pytest.mark.parametrize("dtype", [torch.float32, HALF], ids=["fp32", "bf16"])
def test_every_byte_is_predicted(name, rows, dtype):
    loaded = in_dtype(name, dtype)
    steps = [row[0] for row in decode_batch(loaded, [IDS] * rows, DecodingSettings(max_new_tokens=max(LENGTHS)))]
    for count in LENGTHS:
        if count <= len(steps):
            assert steps[count - 1].cache == predicted(loaded.model.config, count, rows=rows, dtype=dtype)


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


@pytest.mark.parametrize("name", WRITERS)
@pytest.mark.parametrize("beams", [1, 4])
def test_beams_are_rows(name, beams):
    """The cache that transformers' own search leaves behind."""
    loaded = architectures.loaded(name)
    model: Any = loaded.model
    rows, mask = padded([IDS], 0, left=True, device=loaded.device)
    found = model.generate(
        rows,
        attention_mask=mask,
        num_beams=beams,
        do_sample=False,
        min_new_tokens=6,
        max_new_tokens=6,
        return_dict_in_generate=True,
        use_cache=True,
        pad_token_id=0,
    )
    cache = found.past_key_values
    measured = measure_cache(cache)
    expected = predicted(model.config, 6, beams=beams)
    assert measured.rows == beams
    assert measured.bytes == expected.bytes
    assert measured.positions == expected.positions


@pytest.mark.parametrize("name", ["smollm2", "spelling_to_sound"])
@pytest.mark.parametrize("rows", [1, 3])
def test_the_real_models_are_predicted(name, rows):
    loaded = load_model(name)
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


@pytest.mark.parametrize("name", ["smollm2", "spelling_to_sound"])
@pytest.mark.parametrize("beams", [1, 4])
def test_the_real_models_are_predicted_in_half_precision_and_with_beams(name, beams):
    whole = load_model(name)
    model: Any = copy.deepcopy(whole.model).to(HALF)
    inputs = whole.tokenizer("knight", return_tensors="pt")
    found = model.generate(
        inputs["input_ids"],
        num_beams=beams,
        do_sample=False,
        min_new_tokens=5,
        max_new_tokens=5,
        return_dict_in_generate=True,
        use_cache=True,
        pad_token_id=0,
    )
    measured = measure_cache(found.past_key_values)
    prompt = inputs["input_ids"].shape[1]
    expected = predicted(model.config, 5, dtype=HALF, prompt=prompt, beams=beams)
    assert (measured.bytes, measured.rows, measured.dtype) == (expected.bytes, beams, "bfloat16")


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
        assert sum(cross) == architectures.DECODER_LAYERS
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
    "linear layers": (
        "Qwen3NextConfig",
        "Qwen3NextForCausalLM",
        {
            "num_key_value_heads": 2,
            "head_dim": 8,
            "num_hidden_layers": 4,
            "linear_num_key_heads": 2,
            "linear_num_value_heads": 4,
            "linear_key_head_dim": 8,
            "linear_value_head_dim": 6,
            "linear_conv_kernel_dim": 4,
            "num_experts": 4,
            "num_experts_per_tok": 2,
            "moe_intermediate_size": 16,
            "shared_expert_intermediate_size": 16,
        },
    ),
    "an index": (
        "DeepseekV32Config",
        "DeepseekV32ForCausalLM",
        {
            "num_key_value_heads": 4,
            "q_lora_rank": 12,
            "kv_lora_rank": 10,
            "qk_rope_head_dim": 4,
            "qk_nope_head_dim": 4,
            "v_head_dim": 6,
            "moe_intermediate_size": 24,
            "n_routed_experts": 4,
            "n_shared_experts": 1,
            "num_experts_per_tok": 2,
            "n_group": 2,
            "topk_group": 1,
            "first_k_dense_replace": 1,
            "index_n_heads": 2,
            "index_head_dim": 8,
            "index_topk": 4,
        },
    ),
}


@pytest.mark.parametrize("what", MORE)
def test_other_kinds_of_layers_are_predicted(what):
    config_class, model_class, more = MORE[what]
    config = getattr(transformers, config_class)(
        **{
            "vocab_size": 64,
            "hidden_size": 32,
            "intermediate_size": 48,
            "num_hidden_layers": 2,
            "num_attention_heads": 4,
            "max_position_embeddings": 64,
            "pad_token_id": 0,
            "bos_token_id": 2,
            "eos_token_id": 3,
        }
        | more
    )
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
        assert steps[0].norms.cross_keys.shape == (architectures.DECODER_LAYERS, len(IDS))
        assert steps[1].norms.cross_keys.size == 0


def test_norms_come_only_where_they_are_asked_for():
    steps = list(decode(architectures.loaded("llama"), IDS, DecodingSettings(max_new_tokens=2)))
    assert [step.norms for step in steps] == [None, None]


def test_norms_of_nothing():
    assert newest_norms(DynamicCache(), 1, with_cross=True).keys.shape == (0, 1)


# ----- What if


LLAMA = known_config(ARCHITECTURES["llama-3-8b"])


# Published: Llama 2 7B, 512 KiB a token in 16 bits: 2 × 32 layers × 4,096 × 2 bytes (Touvron et al. 2023,
# arXiv 2307.09288, table 1: 7B without grouped queries); Llama 3 8B with 8 key heads, 128 KiB. OPT 13B, 800 KB: Kwon et
# al. 2023 (PagedAttention, arXiv 2309.06180), section 3. DeepSeek-V3 70.272 KB, Qwen2.5 72B 327.680 KB, Llama 3.1 405B
# 516.096 KB: DeepSeek-AI 2025 ("Insights into DeepSeek-V3", arXiv 2505.09343), table 1.
@pytest.mark.parametrize(
    ("name", "size"),
    [
        ("llama-2-7b", 512 * 1024),
        ("llama-3-8b", 128 * 1024),
        ("opt-13b", 800 * 1024),
        ("deepseek-v3", 70_272),
        ("qwen2.5-72b", 327_680),
        ("llama-3.1-405b", 516_096),
    ],
)
def test_bytes_per_token_are_the_published_ones(name, size):
    config = known_config(ARCHITECTURES[name])
    assert bytes_per_token(cache_shape(config), "bf16") == size
    ten, eleven = (predict_cache(config, count, dtype=torch.bfloat16).total_bytes for count in (10, 11))
    assert eleven - ten == size


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_figures_of_known_models_make_their_number_of_parameters(name):
    """A mistyped layer or width would make another number. On the meta device nothing is allocated."""
    known = ARCHITECTURES[name]
    with torch.device("meta"):
        model = transformers.AutoModelForCausalLM.from_config(known_config(known))
    assert model.num_parameters() == pytest.approx(known.parameters, rel=1e-6)


def test_the_shelf_of_known_models_is_answered_without_weights():
    answer = Engine().run(KnownCachesRequest())
    assert [each.architecture.name for each in answer] == list(ARCHITECTURES)
    assert all(each.shape for each in answer)
    weights = {each.architecture.name: each.weight_bytes for each in answer}
    assert weights["llama-3-8b"] == 2 * 8_030_261_248
    assert weights["deepseek-v3"] == 671_026_419_200


def test_other_numbers_of_key_heads():
    shape = cache_shape(LLAMA)
    own = bytes_per_token(shape)
    assert bytes_per_token(with_key_value_heads(shape, 32, 32)) == 4 * own
    assert bytes_per_token(with_key_value_heads(shape, 1, 32)) == own // 8
    with pytest.raises(CacheFormulaError, match="cannot share 5"):
        with_key_value_heads(shape, 5, 32)
    latent = cache_shape(known_config(ARCHITECTURES["deepseek-v3"]))
    assert with_key_value_heads(latent, 1, 128) == latent


@pytest.mark.parametrize("heads", [1, 2, 4])
def test_a_model_made_with_other_key_heads_has_the_cache_that_was_predicted(heads):
    """What "as if it were MHA or MQA" says is what transformers stores for such a model."""
    config = architectures.ARCHITECTURES["llama"].config()
    shape = with_key_value_heads(cache_shape(config), heads, config.num_attention_heads)
    config.num_key_value_heads = heads
    assert cache_shape(config) == shape


def test_windows():
    shape = cache_shape(LLAMA)
    kept = with_window(shape, 100)
    assert predict(kept, 5_000).positions == (99,) * 32
    assert predict(kept, 50).total_bytes == predict(shape, 50).total_bytes
    assert with_window(kept, None) == shape
    with pytest.raises(CacheFormulaError, match="at least 2"):
        with_window(shape, 1)
    mistral = cache_shape(known_config(ARCHITECTURES["mistral-7b"]))
    assert {layer.window for layer in mistral} == {4_096}


def test_what_fits_beside_the_weights():
    shape = cache_shape(LLAMA)
    free = 10 * 1024**3
    longest = longest_context(shape, free, dtype="bf16")
    assert longest == free // (128 * 1024)
    assert predict(shape, longest, dtype="bf16").total_bytes <= free
    assert predict(shape, longest + 1, dtype="bf16").total_bytes > free
    assert longest_context(shape, 0) == 0
    assert longest_context(shape, -5) == 0
    windowed = with_window(shape, 128)
    assert longest_context(windowed, free) is None
    assert most_rows(shape, free, 8_192, dtype="bf16") == 10
    assert most_rows(shape, -1, 8_192) == 0
    assert bytes_at(shape, [0, 1, 2], dtype="bf16").tolist() == [0, 131_072, 262_144]


def test_smollm2_outgrows_its_weights_beyond_its_limit():
    facts = Engine().run(CacheFactsRequest("smollm2"))
    assert facts.weight_bytes == 4 * 134_515_008
    assert crossover(facts.shape, facts.weight_bytes, dtype=facts.dtype) == 11_677
    assert facts.positions == 8_192
    assert crossover(facts.shape, facts.weight_bytes, rows=2, dtype=facts.dtype) == 5_839
    assert bytes_per_token(with_key_value_heads(facts.shape, 9, 9), facts.dtype) == 135 * 1024
    assert bytes_per_token(facts.shape, facts.dtype) == 45 * 1024


@pytest.mark.parametrize(("name", "dtype"), [("fp32", torch.float32), ("bf16", "bfloat16"), ("fp16", torch.float16)])
def test_names_of_numbers(name, dtype):
    assert predict_cache(LLAMA, 3, dtype=name) == predict_cache(LLAMA, 3, dtype=dtype)


def test_smaller_numbers():
    sizes = {name: predict_cache(LLAMA, 64, dtype=name).total_bytes for name in ("fp32", "bf16", "fp8", "int4")}
    assert sizes["fp32"] == 2 * sizes["bf16"] == 8 * sizes["int4"]
    # One scale for the keys and one for the values of each layer.
    assert sizes["fp8"] == sizes["bf16"] // 2 + 32 * 8


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        (lambda: predict_cache(LLAMA, -1), "no fewer than 0 positions"),
        (lambda: predict_cache(LLAMA, 1, 0), "at least one row"),
        (lambda: predict_cache(LLAMA, 1, dtype="int3"), "is not known here"),
        (lambda: predict_cache(LLAMA, 1, dtype=torch.int64), "is not known here"),
        (lambda: cache_shape(transformers.MambaConfig()), "There is no formula"),
    ],
    ids=["positions", "rows", "a name", "a torch dtype", "state space"],
)
def test_what_has_no_formula_is_said(wrong, sentence):
    with pytest.raises(CacheFormulaError, match=sentence):
        wrong()


def test_a_shape_can_be_changed_by_hand():
    shape = cache_shape(LLAMA)
    assert predict((replace(shape[0], heads=2), *shape[1:]), 1).bytes[0] * 4 == predict(shape, 1).bytes[0]
