"""Parts switched off by hooks written by hand on transformers' own models, which know nothing of Headlight."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn


@dataclass(frozen=True)
class Named:
    """Where parts of the tests' architectures are, by the names of the library's modules.

    norm, norm_place: a norm, and (kind, layer, number) of it. part, stream: the module whose output is added to what
    `stream` is given; place: (kind, layer, number) of that residual connection, None for one in every layer.
    """

    norm: str
    norm_place: tuple[str, int, int]
    part: str
    stream: str
    place: tuple[str, int, int] | None


def _llama_like(norm: str = "input_layernorm", part: str = "self_attn", number: int = 0) -> Named:
    first = "model.layers.1"
    return Named(f"{first}.{norm}", ("decoder", 1, number), f"{first}.{part}", first, ("decoder", 1, 0))


NAMED = {
    "bert": Named(
        *("encoder.layer.1.attention.output.LayerNorm", ("encoder", 1, 0)),
        *("encoder.layer.1.attention.output.dense", "encoder.layer.1", ("encoder", 1, 0)),
    ),
    "roberta": Named(
        *("embeddings.LayerNorm", ("encoder", -1, 0)),
        *("encoder.layer.1.output.dense", "encoder.layer.1.intermediate", ("encoder", 1, 1)),
    ),
    "albert": Named(
        *("embeddings.LayerNorm", ("encoder", -1, 0)),
        *("encoder.albert_layer_groups.0.albert_layers.0.attention.dense", "encoder.albert_layer_groups.0", None),
    ),
    "modernbert": Named("layers.1.mlp_norm", ("encoder", 1, 1), "layers.1.attn", "layers.1", ("encoder", 1, 0)),
    "gpt2": Named(
        *("transformer.ln_f", ("decoder", 2, 0)),
        *("transformer.h.1.mlp", "transformer.h.1.ln_2", ("decoder", 1, 1)),
    ),
    "gpt_neox": Named(
        *("gpt_neox.layers.0.post_attention_layernorm", ("decoder", 0, 1)),
        *("gpt_neox.layers.1.mlp", "gpt_neox.layers.1", ("decoder", 1, 0)),
    ),
    "llama": _llama_like(),
    "qwen3": _llama_like("self_attn.k_norm", number=2),
    "mistral": _llama_like("post_attention_layernorm", number=1),
    "gemma2": _llama_like("pre_feedforward_layernorm", "post_attention_layernorm", number=2),
    "gpt_oss": _llama_like(),
    "deepseek_v3": _llama_like("post_attention_layernorm", number=3),
    "t5": Named(
        *("encoder.final_layer_norm", ("encoder", 3, 0)),
        *("decoder.block.1.layer.1.EncDecAttention", "decoder.block.1.layer.1", ("decoder", 1, 1)),
    ),
    "bart": Named(
        *("model.encoder.layernorm_embedding", ("encoder", -1, 0)),
        *("model.encoder.layers.1.self_attn", "model.encoder.layers.1", ("encoder", 1, 0)),
    ),
}


def first(value: Any) -> torch.Tensor:
    """The tensor, or the first of several."""
    return value[0] if isinstance(value, tuple) else value


@contextmanager
def norm_off(model: nn.Module, path: str) -> Iterator[None]:
    """The norm gives what it is given."""
    handle = model.get_submodule(path).register_forward_hook(lambda _, given, __: given[0])
    with handle:
        yield


@contextmanager
def residual_off(model: nn.Module, part: str, stream: str) -> Iterator[None]:
    """What the part gives, less what it is added to."""
    seen: list[torch.Tensor] = []

    def before(_: nn.Module, given: tuple[Any, ...], named: dict[str, Any]) -> None:
        seen.append(first(given) if given else next(iter(named.values())))

    def after(_: nn.Module, __: Any, output: Any) -> Any:
        less = first(output) - seen.pop()
        return (less, *output[1:]) if isinstance(output, tuple) else less

    one = model.get_submodule(stream).register_forward_pre_hook(before, with_kwargs=True)
    other = model.get_submodule(part).register_forward_hook(after)
    with one, other:
        yield
