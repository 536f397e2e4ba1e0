"""What a KV cache will hold, from a model's config alone; no weights are needed, and none are looked at."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

import torch
from transformers import PreTrainedConfig
from transformers.cache_utils import get_layer_types_and_kwargs
from transformers.models.auto.modeling_auto import (
    MODEL_FOR_CAUSAL_LM_MAPPING_NAMES,
    MODEL_FOR_MASKED_LM_MAPPING_NAMES,
)

from models.errors import HeadlightError
from models.kv_cache.measurement import CacheKind, CacheMeasurement

# Bits per stored number, by the names that people and torch use.
BITS: Mapping[str, int] = MappingProxyType(
    {
        "float32": 32,
        "bfloat16": 16,
        "float16": 16,
        "float8_e4m3fn": 8,
        "int8": 8,
        "int4": 4,
    }
)
SHORT_NAMES: Mapping[str, str] = MappingProxyType(
    {"fp32": "float32", "bf16": "bfloat16", "fp16": "float16", "fp8": "float8_e4m3fn", "int8": "int8", "int4": "int4"}
)
# `QuantizedCache(backend="fp8")` keeps one float32 scale for the keys and one for the values of a layer.
_SCALE_BYTES = 8

Dtype = str | torch.dtype


class CacheFormulaError(HeadlightError):
    """A cache that there is no formula for, or figures that make none."""


@dataclass(frozen=True)
class LayerShape:
    """What one layer of a cache keeps, for each position of each row: heads × (key_width + value_width) numbers.

    layer: the layer of the decoder. kind: see `CacheMeasurement`.
    window: a sliding layer's window; it keeps one position less, since the newest token's own comes on top.
    index_width: numbers per position and row beside those of the heads (indexed attention).
    state_numbers: of a linear layer, numbers per row whatever the length.
    """

    layer: int
    kind: CacheKind
    heads: int = 0
    key_width: int = 0
    value_width: int = 0
    window: int | None = None
    index_width: int = 0
    state_numbers: int = 0

    @property
    def numbers(self) -> int:
        """Per position and row."""
        return self.heads * (self.key_width + self.value_width) + self.index_width

    def positions(self, positions: int, source_positions: int = 0) -> int:
        """How many of so many positions it keeps."""
        if self.kind == "cross":
            return source_positions
        if self.kind in ("linear", "shared"):
            return 0
        return positions if self.window is None else min(positions, self.window - 1)


def cache_shape(config: PreTrainedConfig) -> tuple[LayerShape, ...]:
    """What a model with this config keeps, layer by layer, those of cross-attention last; () for an encoder.

    Its layers are those of transformers' own caches (`transformers.cache_utils.get_layer_types_and_kwargs`).

    Raises CacheFormulaError for a layer that there is no formula for.
    """
    text: Any = config.get_text_config(decoder=True)
    if not config.is_encoder_decoder and not _is_decoder(config):
        return ()
    kinds, more = get_layer_types_and_kwargs(text)
    if config.is_encoder_decoder:
        # T5's cache is made as deep as its encoder, whatever the depth of the decoder that fills it.
        depth = int(getattr(config, "num_decoder_layers", None) or len(kinds))
        heads, width = _heads(text), _head_width(text)
        own = [LayerShape(index, "full", heads, width, width) for index in range(depth)]
        return (*own, *(replace(layer, kind="cross") for layer in own))
    return tuple(
        _layer(text.per_layer_config[index], index, kind, arguments.get("sliding_window"))
        for index, (kind, arguments) in enumerate(zip(kinds, more, strict=True))
    )


def _is_decoder(config: PreTrainedConfig) -> bool:
    """Whether a model of this type writes one token after the other: it has a causal class, and no masked one.

    BERT and its like have both; nobody means the causal one unless the config says so.
    """
    types = {config.model_type, config.get_text_config(decoder=True).model_type}
    is_causal = not types.isdisjoint(MODEL_FOR_CAUSAL_LM_MAPPING_NAMES)
    is_masked = not types.isdisjoint(MODEL_FOR_MASKED_LM_MAPPING_NAMES)
    return is_causal and (bool(getattr(config, "is_decoder", False)) or not is_masked)


def _layer(config: Any, index: int, kind: str, window: int | None) -> LayerShape:
    if kind == "dummy":
        return LayerShape(index, "shared")
    if kind == "linear_attention":
        return LayerShape(index, "linear", state_numbers=_state_numbers(config))
    latent = getattr(config, "kv_lora_rank", None)
    if kind in ("full_attention", "indexed_attention") and latent:
        index_width = int(config.index_head_dim) if kind == "indexed_attention" else 0
        shape = LayerShape(index, "latent", 1, int(latent), int(config.qk_rope_head_dim))
        return replace(shape, kind="indexed", index_width=index_width) if index_width else shape
    if kind not in ("full_attention", "sliding_attention", "chunked_attention"):
        raise CacheFormulaError(
            f"There is no formula for a layer of kind “{kind}” ({config.model_type}): its cache can only be measured."
        )
    heads, width = _heads(config), _head_width(config)
    return LayerShape(index, "sliding" if window else "full", heads, width, width, window=window or None)


def _heads(config: Any) -> int:
    """Key and value heads: one for multi-query attention, some for grouped, as many as queries for multi-head."""
    if getattr(config, "multi_query", False):
        return 1
    return int(getattr(config, "num_key_value_heads", None) or config.num_attention_heads)


def _head_width(config: Any) -> int:
    for name in ("head_dim", "d_kv"):
        if getattr(config, name, None):
            return int(getattr(config, name))
    return int(config.hidden_size) // int(config.num_attention_heads)


def _state_numbers(config: Any) -> int:
    """Of gated delta nets (Qwen3-Next): the convolution's last inputs, and a matrix for each value head."""
    names = (
        "linear_num_key_heads",
        "linear_key_head_dim",
        "linear_num_value_heads",
        "linear_value_head_dim",
        "linear_conv_kernel_dim",
    )
    if any(getattr(config, name, None) is None for name in names):
        raise CacheFormulaError(
            f"There is no formula for the linear layers of {config.model_type}: their state can only be measured."
        )
    key_heads, key_width, value_heads, value_width, kernel = (int(getattr(config, name)) for name in names)
    channels = 2 * key_heads * key_width + value_heads * value_width
    return channels * kernel + value_heads * key_width * value_width


def dtype_name(dtype: Dtype) -> str:
    """As torch names it: "bfloat16" for torch.bfloat16, "bf16" or "bfloat16". Raises CacheFormulaError."""
    name = str(dtype).removeprefix("torch.")
    name = SHORT_NAMES.get(name, name)
    if name not in BITS:
        raise CacheFormulaError(
            f"A cache of “{dtype}” is not known here; take one of {', '.join(SHORT_NAMES)} or a torch dtype of those."
        )
    return name


def predict_cache(
    config: PreTrainedConfig,
    positions: int,
    batch: int = 1,
    dtype: Dtype = "float32",
    *,
    beams: int = 1,
    source_positions: int = 0,
    newest: int = 1,
    allocated_positions: int | None = None,
) -> CacheMeasurement:
    """What `measure_cache` will find in the cache of a model with this config.

    positions: how many tokens have been through the decoder: prompt + generated - 1, since the token that was just
        drawn has not been. For an encoder-decoder, those of the output, its start token counted.
    batch, beams: rows are their product. dtype: of the cache ("fp32", "bf16", "fp8", "int4", torch.bfloat16, ...).
    source_positions: of an encoder-decoder's source.
    newest: how many positions came with the last forward; a sliding layer's memory still holds those before.
    allocated_positions: of a static cache, which is allocated at once; a sliding layer's there keeps its whole window.

    Raises CacheFormulaError.
    """
    return predict(
        cache_shape(config),
        positions,
        rows=batch * beams,
        dtype=dtype,
        source_positions=source_positions,
        # Beams are copied when they are put in order, and a copy is as long as what it copies.
        newest=newest if beams == 1 else 0,
        allocated_positions=allocated_positions,
    )


def predict(
    shape: Sequence[LayerShape],
    positions: int,
    *,
    rows: int = 1,
    dtype: Dtype = "float32",
    source_positions: int = 0,
    newest: int = 1,
    allocated_positions: int | None = None,
) -> CacheMeasurement:
    """The same from the shape of a cache, which need not be that of any model. Raises CacheFormulaError."""
    if positions < 0 or rows < 1 or source_positions < 0:
        raise CacheFormulaError(
            f"A cache has at least one row and no fewer than 0 positions, not {rows} rows and {positions} positions."
        )
    name = dtype_name(dtype)
    held, taken = [], []
    for layer in shape:
        kept = layer.positions(positions, source_positions)
        if allocated_positions is not None and layer.kind not in ("cross", "linear", "shared"):
            allocated = allocated_positions if layer.window is None else min(layer.window, allocated_positions)
            kept = min(positions, allocated)
        elif layer.window is not None:
            allocated = layer.positions(max(0, positions - newest)) + min(newest, positions)
        else:
            allocated = kept
        held.append((kept, layer_bytes(layer, kept, rows, name)))
        taken.append(layer_bytes(layer, allocated, rows, name))
    return CacheMeasurement(
        kinds=tuple(layer.kind for layer in shape),
        layers=tuple(layer.layer for layer in shape),
        positions=tuple(kept for kept, _ in held),
        heads=tuple(layer.heads for layer in shape),
        key_widths=tuple(layer.key_width for layer in shape),
        value_widths=tuple(layer.value_width for layer in shape),
        bytes=tuple(size for _, size in held),
        allocated_bytes=tuple(taken),
        rows=rows,
        dtype=name,
    )


def layer_bytes(layer: LayerShape, positions: int, rows: int, dtype: str) -> int:
    """rows × positions × heads × (key width + value width) × bits / 8, and what does not grow with the positions."""
    bits = rows * (positions * layer.numbers + layer.state_numbers) * BITS[dtype]
    scales = _SCALE_BYTES if dtype == "float8_e4m3fn" and layer.numbers else 0
    return bits // 8 + scales


def bytes_per_token(shape: Sequence[LayerShape], dtype: Dtype = "bfloat16") -> int:
    """What one more token takes as long as no layer's window is full; scales are left out."""
    return sum(layer.numbers for layer in shape if layer.kind != "cross") * BITS[dtype_name(dtype)] // 8
