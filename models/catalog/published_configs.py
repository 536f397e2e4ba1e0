"""Known architectures by the figures of their published configs: enough to say what their KV cache takes."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any


@dataclass(frozen=True)
class KnownArchitecture:
    """A model that need not be here.

    model_type, figures: what transformers makes its config of. parameters: all of them, also those of experts that a
        token does not use. weight_bits: per parameter, as published.
    positions: the longest context that it was published for. source: where the figures stand.
    """

    name: str
    title: str
    model_type: str
    figures: Mapping[str, object] = field(hash=False)
    parameters: int
    positions: int
    source: str
    weight_bits: int = 16


# The figures that stand in a row without their names.
_GROUPED = (
    *("num_hidden_layers", "num_attention_heads", "num_key_value_heads", "head_dim"),
    *("hidden_size", "intermediate_size", "vocab_size"),
)


def _known(
    name: str, title: str, model_type: str, hub: str, parameters: int, positions: int, *row: int, **more: Any
) -> KnownArchitecture:
    bits = more.pop("weight_bits", 16)
    figures = MappingProxyType((dict(zip(_GROUPED, row, strict=True)) if row else {}) | more)
    source = f"https://huggingface.co/{hub}"
    return KnownArchitecture(name, title, model_type, figures, parameters, positions, source, bits)


def _hidden(layers: int, heads: int, width: int) -> dict[str, Any]:
    return {"num_hidden_layers": layers, "num_attention_heads": heads, "hidden_size": width}


_ALL = (
    _known(
        *("gpt2", "GPT-2", "gpt2", "openai-community/gpt2", 124_439_808, 1_024),
        weight_bits=32,
        n_layer=12,
        n_head=12,
        n_embd=768,
        vocab_size=50_257,
    ),
    _known(
        *("opt-13b", "OPT 13B", "opt", "facebook/opt-13b", 12_853_473_280, 2_048),
        **_hidden(40, 40, 5_120),
        word_embed_proj_dim=5_120,
        ffn_dim=20_480,
        vocab_size=50_272,
    ),
    _known(
        *("falcon-7b", "Falcon 7B (one key head)", "falcon", "tiiuae/falcon-7b", 6_921_720_704, 2_048),
        **_hidden(32, 71, 4_544),
        multi_query=True,
        vocab_size=65_024,
    ),
    _known(
        *("llama-2-7b", "Llama 2 7B", "llama", "meta-llama/Llama-2-7b-hf", 6_738_415_616, 4_096),
        *(32, 32, 32, 128, 4_096, 11_008, 32_000),
    ),
    _known(
        *("llama-2-70b", "Llama 2 70B", "llama", "meta-llama/Llama-2-70b-hf", 68_976_648_192, 4_096),
        *(80, 64, 8, 128, 8_192, 28_672, 32_000),
    ),
    _known(
        *("llama-3-8b", "Llama 3 8B", "llama", "meta-llama/Meta-Llama-3-8B", 8_030_261_248, 8_192),
        *(32, 32, 8, 128, 4_096, 14_336, 128_256),
    ),
    _known(
        *("llama-3-70b", "Llama 3 70B", "llama", "meta-llama/Meta-Llama-3-70B", 70_553_706_496, 8_192),
        *(80, 64, 8, 128, 8_192, 28_672, 128_256),
    ),
    _known(
        *("llama-3.1-405b", "Llama 3.1 405B", "llama", "meta-llama/Llama-3.1-405B", 405_853_388_800, 131_072),
        *(126, 128, 8, 128, 16_384, 53_248, 128_256),
    ),
    _known(
        *("mistral-7b", "Mistral 7B v0.1", "mistral", "mistralai/Mistral-7B-v0.1", 7_241_732_096, 32_768),
        *(32, 32, 8, 128, 4_096, 14_336, 32_000),
        sliding_window=4_096,
    ),
    _known(
        *("gemma-2-9b", "Gemma 2 9B", "gemma2", "google/gemma-2-9b", 9_241_705_984, 8_192),
        *(42, 16, 8, 256, 3_584, 14_336, 256_000),
        sliding_window=4_096,
    ),
    _known(
        *("gemma-3-1b", "Gemma 3 1B", "gemma3_text", "google/gemma-3-1b-pt", 999_885_952, 32_768),
        *(26, 4, 1, 256, 1_152, 6_912, 262_144),
        sliding_window=512,
    ),
    _known(
        *(
            "gemma-3-27b",
            "Gemma 3 27B (its text part)",
            "gemma3_text",
            "google/gemma-3-27b-pt",
            27_009_346_304,
            131_072,
        ),
        *(62, 32, 16, 128, 5_376, 21_504, 262_208),
        sliding_window=1_024,
    ),
    _known(
        *("qwen2.5-72b", "Qwen2.5 72B", "qwen2", "Qwen/Qwen2.5-72B", 72_706_203_648, 131_072),
        *(80, 64, 8, 128, 8_192, 29_568, 152_064),
    ),
    _known(
        *("qwen3-0.6b", "Qwen3 0.6B", "qwen3", "Qwen/Qwen3-0.6B", 596_049_920, 40_960),
        *(28, 16, 8, 128, 1_024, 3_072, 151_936),
        tie_word_embeddings=True,
    ),
    _known(
        *("qwen3-8b", "Qwen3 8B", "qwen3", "Qwen/Qwen3-8B", 8_190_735_360, 40_960),
        *(36, 32, 8, 128, 4_096, 12_288, 151_936),
    ),
    _known(
        *("deepseek-v3", "DeepSeek-V3 (latents)", "deepseek_v3", "deepseek-ai/DeepSeek-V3", 671_026_419_200, 163_840),
        weight_bits=8,
        **_hidden(61, 128, 7_168),
        num_key_value_heads=128,
        kv_lora_rank=512,
        qk_rope_head_dim=64,
    ),
    _known(
        *("smollm2-135m", "SmolLM2 135M", "llama", "HuggingFaceTB/SmolLM2-135M", 134_515_008, 8_192),
        *(30, 9, 3, 64, 576, 1_536, 49_152),
        tie_word_embeddings=True,
    ),
    _known(
        *("smollm2-360m", "SmolLM2 360M", "llama", "HuggingFaceTB/SmolLM2-360M", 361_821_120, 8_192),
        *(32, 15, 5, 64, 960, 2_560, 49_152),
        tie_word_embeddings=True,
    ),
    _known(
        *("smollm2-1.7b", "SmolLM2 1.7B", "llama", "HuggingFaceTB/SmolLM2-1.7B", 1_711_376_384, 8_192),
        *(24, 32, 32, 64, 2_048, 8_192, 49_152),
        tie_word_embeddings=True,
    ),
)

ARCHITECTURES: Mapping[str, KnownArchitecture] = MappingProxyType({each.name: each for each in _ALL})
