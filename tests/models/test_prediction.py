"""The same model with another cache, known models, and what fits where: by the formula alone."""

from dataclasses import replace

import pytest
import torch
import transformers

from models.catalog import ARCHITECTURES
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
    predict,
    predict_cache,
    with_key_value_heads,
    with_window,
)
from tests.models import architectures

LLAMA = known_config(ARCHITECTURES["llama-3-8b"])


# Published: Llama 2 7B, 512 KiB a token in 16 bits: 2 × 32 layers × 4,096 × 2 bytes (Touvron et al. 2023,
# arXiv 2307.09288, table 1: 7B without grouped queries); Llama 3 8B with 8 key heads, 128 KiB. OPT 13B, 800 KB: Kwon et
# al. 2023 (PagedAttention, arXiv 2309.06180), section 3. DeepSeek-V3 70.272 KB, Qwen2.5 72B 327.680 KB, Llama 3.1 405B
# 516.096 KB: DeepSeek-AI 2025 ("Insights into DeepSeek-V3", arXiv 2505.09343), table 1.
@pytest.mark.quick(3)
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


@pytest.mark.quick(7)
@pytest.mark.parametrize("name", ARCHITECTURES)
def test_figures_of_known_models_make_their_number_of_parameters(name):
    """A mistyped layer or width would make another number. On the meta device nothing is allocated."""
    known = ARCHITECTURES[name]
    with torch.device("meta"):
        model = transformers.AutoModelForCausalLM.from_config(known_config(known))
    assert model.num_parameters() == pytest.approx(known.parameters, rel=1e-6)


@pytest.mark.slow
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
    first = crossover(shape, free, dtype="bf16")
    assert first == free // (128 * 1024) + 1
    assert predict(shape, first - 1, dtype="bf16").total_bytes <= free
    assert predict(shape, first, dtype="bf16").total_bytes > free
    assert crossover(shape, 0) == 1
    assert crossover(shape, -5) == 1
    windowed = with_window(shape, 128)
    assert crossover(windowed, free) is None
    assert bytes_at(shape, [0, 1, 2], dtype="bf16").tolist() == [0, 131_072, 262_144]


def test_a_source_is_there_from_the_first_token_on():
    facts = Engine().run(CacheFactsRequest("spelling_to_sound"))
    # 8,762,624 bytes of weights, 26,880 of the source, 3,840 for each token.
    assert crossover(facts.shape, facts.weight_bytes, dtype=facts.dtype, source_positions=7) == 2_275
    assert crossover(facts.shape, facts.weight_bytes, rows=256, dtype=facts.dtype, source_positions=7) == 2
    assert crossover(facts.shape, 20_000, dtype=facts.dtype, source_positions=7) == 1


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
