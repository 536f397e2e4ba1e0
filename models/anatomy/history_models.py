"""Published models that changed the block, with what each changed and where that was published."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from models.catalog import ARCHITECTURES


@dataclass(frozen=True)
class Station:
    """A model that changed the block.

    changed: what was new in it, in words. source, link: where that was published. without: the settings of its config
    that take one change back, and `instead`: what that is, in words.
    """

    name: str
    year: int
    title: str
    model_type: str
    figures: Mapping[str, object] = field(hash=False)
    changed: str
    source: str
    link: str
    without: Mapping[str, object] | None = field(default=None, hash=False)
    instead: str = ""


def _station(*given: Any, **more: Any) -> Station:
    name, year, title, kind, figures, changed, source, link = given
    return Station(name, year, title, kind, MappingProxyType(dict(figures)), changed, source, link, **more)


def _known(name: str) -> tuple[str, Mapping[str, object]]:
    return ARCHITECTURES[name].model_type, ARCHITECTURES[name].figures


_BASE_2017 = {
    "vocab_size": 37_000,
    "d_model": 512,
    "encoder_layers": 6,
    "decoder_layers": 6,
    "encoder_attention_heads": 8,
    "decoder_attention_heads": 8,
    "encoder_ffn_dim": 2_048,
    "decoder_ffn_dim": 2_048,
    "activation_function": "relu",
    "max_position_embeddings": 8_192,
    "scale_embedding": True,
    "pad_token_id": 0,
    "eos_token_id": 0,
    "forced_eos_token_id": 0,
    "decoder_start_token_id": 0,
}
_T5_BASE = {"d_model": 768, "d_kv": 64, "d_ff": 3_072, "num_layers": 12, "num_heads": 12, "vocab_size": 32_128}
_MIXTRAL = {
    "num_hidden_layers": 32,
    "num_attention_heads": 32,
    "num_key_value_heads": 8,
    "hidden_size": 4_096,
    "intermediate_size": 14_336,
    "num_local_experts": 8,
    "num_experts_per_tok": 2,
    "vocab_size": 32_000,
}
_ARXIV = "https://arxiv.org/abs/"

STATIONS: tuple[Station, ...] = (
    _station(
        *("transformer", 2017, "Transformer (base)", "marian", _BASE_2017),
        "Attention alone, in an encoder and a decoder; a norm after each sum, sinusoids for positions, ReLU",
        *("Vaswani et al. 2017", f"{_ARXIV}1706.03762"),
    ),
    _station(
        *("bert", 2018, "BERT (base)", "bert", {}),
        "The encoder alone: each token sees all others; learned positions, GELU",
        *("Devlin et al. 2018", f"{_ARXIV}1810.04805"),
    ),
    _station(
        *("gpt2", 2019, "GPT-2", *_known("gpt2")),
        "The decoder alone, no cross-attention; the norm moved before each part, past which the stream runs",
        *(
            "Radford et al. 2019",
            "https://openai.com/index/better-language-models",
        ),
    ),
    _station(
        *("t5", 2019, "T5 (base)", "t5", _T5_BASE),
        "A learned bias for each distance in place of position vectors; norms without mean and no biases",
        *("Raffel et al. 2019", f"{_ARXIV}1910.10683"),
    ),
    _station(
        *("llama2", 2023, "Llama 2 7B", *_known("llama-2-7b")),
        "Queries and keys are turned by their position (RoPE), the MLP is gated (SwiGLU), RMSNorm before each part",
        *("Touvron et al. 2023", f"{_ARXIV}2307.09288"),
    ),
    _station(
        *("llama3", 2024, "Llama 3 8B", *_known("llama-3-8b")),
        "Four heads look with one key and value (grouped queries)",
        *("Ainslie et al. 2023", f"{_ARXIV}2305.13245"),
        without=MappingProxyType({"num_key_value_heads": 32}),
        instead="with a key and a value for each head",
    ),
    _station(
        *("mixtral", 2024, "Mixtral 8x7B", "mixtral", _MIXTRAL),
        "Eight MLPs in place of one, of which a router takes two for each token",
        *("Jiang et al. 2024", f"{_ARXIV}2401.04088"),
        without=MappingProxyType({"num_experts_per_tok": 8}),
        instead="with all experts for each token",
    ),
    _station(
        *("gemma2", 2024, "Gemma 2 9B", *_known("gemma-2-9b")),
        "A norm before and one after each part; every other layer looks back 4,096 tokens at the most",
        *("Gemma Team 2024", f"{_ARXIV}2408.00118"),
        without=MappingProxyType({"layer_types": ["full_attention"] * 42}),
        instead="without windows",
    ),
    _station(
        *("jamba", 2024, "Jamba 52B", "jamba", {}),
        "Most layers have a state in place of attention (Mamba), one in eight attends; experts in every other layer",
        *("Lieber et al. 2024", f"{_ARXIV}2403.19887"),
        without=MappingProxyType({"attn_layer_period": 1, "attn_layer_offset": 0}),
        instead="with attention in every layer",
    ),
    _station(
        *("deepseek", 2024, "DeepSeek-V3", *_known("deepseek-v3")),
        "Keys and values are made of one small latent, which alone is kept (MLA); 256 small experts and one for all",
        *("DeepSeek-AI 2024", f"{_ARXIV}2412.19437"),
    ),
    _station(
        *("qwen3", 2025, "Qwen3 8B", *_known("qwen3-8b")),
        "A norm on each head's queries and keys, so that scores cannot run away",
        *("Yang et al. 2025", f"{_ARXIV}2505.09388"),
    ),
)
