"""What fits onto cards: the plan beside the caches that transformers makes, and what a pasted config.json may say."""

import json

import pytest
from transformers import AutoModelForCausalLM

from models.catalog import ARCHITECTURES
from models.engine import engine
from models.errors import HeadlightError
from models.kv_cache import Cards, KnownCacheRequest, Load, cache_shape, known_config, plan, predict_cache
from models.kv_cache.config_file import ConfigFileRequest
from models.kv_cache.planning import Planned, on_each_card
from tests.models import architectures

WRITERS = (*architectures.DECODERS, *architectures.SEQ2SEQ)
LLAMA = {
    "architectures": ["LlamaForCausalLM"],
    "model_type": "llama",
    "hidden_size": 4096,
    "intermediate_size": 14336,
    "max_position_embeddings": 8192,
    "num_attention_heads": 32,
    "num_hidden_layers": 32,
    "num_key_value_heads": 8,
    "torch_dtype": "bfloat16",
    "vocab_size": 128256,
}


def of_config(settings):
    return engine.run(ConfigFileRequest(json.dumps(settings)))


@pytest.mark.quick(4)
@pytest.mark.parametrize("name", WRITERS)
def test_a_config_file_plans_what_the_model_keeps(name):
    """Parameters are the model's, and the cache of several texts is the one that `generate` fills."""
    model = architectures.loaded(name).model
    planned = of_config(model.config.to_dict())
    assert planned.parameters == model.num_parameters()
    assert planned.shape == cache_shape(model.config)
    for texts, tokens in ((1, 1), (3, 7), (5, 40)):
        found = plan(planned, Cards(1, 80, 0.9), Load(texts, tokens, 16, "bf16"))
        source = tokens if planned.is_seq2seq else 0
        expected = predict_cache(model.config, tokens, texts, "bf16", source_positions=source)
        assert found.cache_bytes == expected.total_bytes
        assert found.weight_bytes == 2 * planned.parameters


@pytest.mark.parametrize("name", ["gpt2", "llama-3-8b", "gemma-2-9b", "falcon-7b"])
def test_a_known_model_is_the_same_as_its_config_pasted(name):
    known, pasted = (
        engine.run(KnownCacheRequest(name)).planned,
        of_config(known_config(ARCHITECTURES[name]).to_diff_dict()),
    )
    assert (pasted.parameters, pasted.shape, pasted.query_heads) == (known.parameters, known.shape, known.query_heads)


def test_llama_on_a_card_by_hand():
    """16 bits: 16.06 GB of weights and 128 KiB a token."""
    planned = of_config(LLAMA)
    assert (planned.parameters, planned.weight_bits, planned.positions) == (8_030_261_248, 16, 8_192)
    found = plan(planned, Cards(1, 24, 0.9), Load(4, 8_192, 16, "bf16"))
    assert found.usable_bytes == 21_600_000_000
    assert found.text_bytes == 8_192 * 131_072
    assert found.left_bytes == 21_600_000_000 - 2 * 8_030_261_248 - 4 * 8_192 * 131_072
    assert found.fits
    assert found.most_texts == 5
    assert found.longest == (21_600_000_000 - 2 * 8_030_261_248) // (4 * 131_072)


@pytest.mark.quick(12)
@pytest.mark.parametrize("name", ["llama-3-8b", "gemma-2-9b", "mistral-7b", "deepseek-v3", "smollm2-135m", "falcon-7b"])
@pytest.mark.parametrize("count", [1, 2, 3, 8, 16, 1_024])
@pytest.mark.parametrize("dtype", ["bf16", "fp8", "int4"])
def test_the_longest_and_the_most_are_the_last_that_fit(name, count, dtype):
    planned = engine.run(KnownCacheRequest(name)).planned
    cards = Cards(count, 80, 0.9)
    found = plan(planned, cards, Load(7, 3_000, 4.85, dtype))
    if found.weight_bytes > found.usable_bytes:
        assert (found.longest, found.most_texts, found.fits) == (0, 0, False)
        return
    if found.longest is not None and 1 <= found.longest < 1 << 24:
        for tokens, fits in ((found.longest, True), (found.longest + 1, False)):
            assert plan(planned, cards, Load(7, tokens, 4.85, dtype)).fits is fits
    if found.most_texts is not None and 1 <= found.most_texts < 1_000_000:
        for texts, fits in ((found.most_texts, True), (found.most_texts + 1, False)):
            assert plan(planned, cards, Load(texts, 3_000, 4.85, dtype)).fits is fits


@pytest.mark.parametrize(
    ("name", "count", "heads", "copies"),
    [
        ("llama-3-8b", 1, 8, 1),
        ("llama-3-8b", 4, 2, 1),
        ("llama-3-8b", 16, 1, 2),
        ("llama-3-8b", 3, 3, 9 / 8),
        ("smollm2-135m", 2, 2, 4 / 3),
        ("falcon-7b", 8, 1, 8),
    ],
)
def test_key_heads_that_do_not_divide_are_replicated(name, count, heads, copies):
    planned = engine.run(KnownCacheRequest(name)).planned
    found = plan(planned, Cards(count, 80, 0.9), Load(1, 100, 16, "bf16"))
    assert (found.key_heads, found.key_copies) == (heads, pytest.approx(copies))
    one = plan(planned, Cards(1, 80, 0.9), Load(1, 100, 16, "bf16"))
    assert count * found.cache_bytes == pytest.approx(copies * one.cache_bytes)


def test_latents_are_whole_on_every_card():
    shape = engine.run(KnownCacheRequest("deepseek-v3")).shape
    assert on_each_card(shape, 8) == shape


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "no config.json"),
        ("hello", "no config.json"),
        ("[1, 2]", "no config.json"),
        ("[" * 100_000, "no config.json"),
        ("{}", "none that the installed transformers knows"),
        ('{"model_type": "nonsense"}', "none that the installed transformers knows"),
        ('{"model_type": "bert"}', "keeps nothing"),
        ('{"model_type": "rwkv"}', "not predicted for this architecture"),
        ('{"model_type": "llama", "num_hidden_layers": 100000}', "512 layers"),
        ('{"model_type": "llama", "hidden_size": 1e30}', "beyond|more than|does not fit"),
        ('{"model_type": "llama", "num_attention_heads": 0}', "does not fit"),
        ('{"model_type": "llama", "num_hidden_layers": "many"}', "does not fit"),
        ('{"model_type": "switch_transformers", "num_experts": 1024, "num_layers": 512}', "more parts"),
    ],
)
def test_a_config_that_plans_nothing_is_one_sentence(text, said):
    with pytest.raises(HeadlightError, match=said) as caught:
        engine.run(ConfigFileRequest(text))
    assert "\n" not in str(caught.value)
    assert "Traceback" not in str(caught.value)


def test_packed_weights_and_code_of_its_own_are_not_asked_for():
    packed = LLAMA | {"quantization_config": {"bits": 4, "quant_method": "gptq"}, "auto_map": {"AutoConfig": "x.Y"}}
    assert of_config(packed) == of_config(LLAMA)


@pytest.mark.parametrize(
    ("cards", "load"),
    [
        (Cards(0, 80, 0.9), Load(1, 1, 16, "bf16")),
        (Cards(1, float("nan"), 0.9), Load(1, 1, 16, "bf16")),
        (Cards(1, 80, 1.5), Load(1, 1, 16, "bf16")),
        (Cards(1, 80, 0.9), Load(0, 1, 16, "bf16")),
        (Cards(1, 80, 0.9), Load(1, 1 << 25, 16, "bf16")),
        (Cards(1, 80, 0.9), Load(1, 1, 64, "bf16")),
        (Cards(1, 80, 0.9), Load(1, 1, 16, "int3")),
    ],
)
def test_numbers_beyond_bounds_are_a_sentence(cards, load):
    with pytest.raises(HeadlightError):
        plan(Planned("x", (), 1, 1, 16, 16, None), cards, load)


def test_the_parameters_are_those_of_transformers_own_class():
    config = known_config(ARCHITECTURES["smollm2-135m"])
    with __import__("torch").device("meta"):
        whole = AutoModelForCausalLM.from_config(config)
    assert of_config(config.to_dict()).parameters == whole.num_parameters() == 134_515_008
