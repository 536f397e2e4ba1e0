"""What a cache of a given shape takes at a given length."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType

import torch

from models.kv_cache.measurement import CacheMeasurement
from models.kv_cache.shape import CacheFormulaError, LayerShape

# Bits per stored number, by the names that people and torch use.
BITS: Mapping[str, int] = MappingProxyType(
    {"float32": 32, "bfloat16": 16, "float16": 16, "float8_e4m3fn": 8, "int8": 8, "int4": 4}
)
SHORT_NAMES: Mapping[str, str] = MappingProxyType(
    {"fp32": "float32", "bf16": "bfloat16", "fp16": "float16", "fp8": "float8_e4m3fn", "int8": "int8", "int4": "int4"}
)
# `QuantizedCache(backend="fp8")` keeps one float32 scale for the keys and one for the values of a layer.
_SCALE_BYTES = 8

Dtype = str | torch.dtype


def dtype_name(dtype: Dtype) -> str:
    """As torch names it: "bfloat16" for torch.bfloat16, "bf16" or "bfloat16". Raises CacheFormulaError."""
    name = str(dtype).removeprefix("torch.")
    name = SHORT_NAMES.get(name, name)
    if name not in BITS:
        raise CacheFormulaError(
            f"A cache of “{dtype}” is not known here; take one of {', '.join(SHORT_NAMES)} or a torch dtype of those."
        )
    return name


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
    """rows × positions × heads × (key width + value width) × bits / 8, and what does not grow or is not rounded."""
    bits = rows * (positions * layer.numbers + layer.state_numbers) * BITS[dtype]
    exact = rows * (positions * layer.exact_index_bytes + layer.exact_state_bytes)
    scales = _SCALE_BYTES if dtype == "float8_e4m3fn" and layer.numbers else 0
    return bits // 8 + exact + scales


def bytes_per_token(shape: Sequence[LayerShape], dtype: Dtype = "bfloat16") -> int:
    """What one more token takes as long as no layer's window is full; scales are left out."""
    growing = [layer for layer in shape if layer.kind != "cross"]
    bits = sum(layer.numbers for layer in growing) * BITS[dtype_name(dtype)]
    return bits // 8 + sum(layer.exact_index_bytes for layer in growing)
