"""What a cache of a given shape takes at a given length; with other key heads, a window, other numbers, more rows; and
what fits where.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType

import numpy as np
import torch
from jaxtyping import Int64

from models.kv_cache.measurement import CacheMeasurement, HeldLayer, measurement_of
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
_LONGEST = 1 << 40

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
    held = []
    for layer in shape:
        kept = layer.positions(positions, source_positions)
        if allocated_positions is not None and layer.kind not in ("cross", "linear", "shared"):
            allocated = allocated_positions if layer.window is None else min(layer.window, allocated_positions)
            kept = min(positions, allocated)
        elif layer.window is not None:
            allocated = layer.positions(max(0, positions - newest)) + min(newest, positions)
        else:
            allocated = kept
        sizes = (layer_bytes(layer, kept, rows, name), layer_bytes(layer, allocated, rows, name))
        held.append(HeldLayer(layer.kind, layer.layer, kept, layer.heads, layer.key_width, layer.value_width, *sizes))
    return measurement_of(held, rows, name)


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


def with_key_value_heads(shape: Sequence[LayerShape], heads: int, query_heads: int) -> tuple[LayerShape, ...]:
    """Full and sliding layers with so many key and value heads: `query_heads` is multi-head, 1 multi-query attention.

    Raises CacheFormulaError where the query heads cannot be shared out evenly.
    """
    if heads < 1 or query_heads % heads:
        raise CacheFormulaError(
            f"{query_heads} query heads cannot share {heads} key and value heads evenly; take a number that divides "
            f"{query_heads}."
        )
    return tuple(replace(layer, heads=heads) if layer.kind in ("full", "sliding") else layer for layer in shape)


def with_window(shape: Sequence[LayerShape], window: int | None) -> tuple[LayerShape, ...]:
    """Full and sliding layers with this window; None lets all of them keep everything. Raises CacheFormulaError."""
    if window is not None and window < 2:
        raise CacheFormulaError(f"A window holds at least 2 tokens, the newest one and one before, not {window}.")
    return tuple(
        replace(layer, kind="full" if window is None else "sliding", window=window)
        if layer.kind in ("full", "sliding")
        else layer
        for layer in shape
    )


def bytes_at(
    shape: Sequence[LayerShape],
    positions: Sequence[int],
    *,
    rows: int = 1,
    dtype: Dtype = "bfloat16",
    source_positions: int = 0,
) -> Int64[np.ndarray, " length"]:
    """Bytes of the whole cache at each of these lengths. Raises CacheFormulaError."""
    return np.array(
        [
            predict(shape, each, rows=rows, dtype=dtype, source_positions=source_positions).total_bytes
            for each in positions
        ],
        dtype=np.int64,
    )


def most_that_fit(fits: Callable[[int], bool]) -> int | None:
    """The largest number for which it fits, 0 where none does, None for no end; what fits for more fits for less."""
    if fits(_LONGEST):
        return None
    low, high = 0, _LONGEST
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if fits(middle) else (low, middle)
    return low


def crossover(
    shape: Sequence[LayerShape], free_bytes: int, *, rows: int = 1, dtype: Dtype = "float32", source_positions: int = 0
) -> int | None:
    """The first length at which the cache of `rows` sequences is larger than this, the weights of a model for example;
    None where it never is.

    source_positions: of an encoder-decoder's source, which takes its part from the first token on.

    Raises CacheFormulaError.
    """

    def fits(positions: int) -> bool:
        found = predict(shape, positions, rows=rows, dtype=dtype, source_positions=source_positions)
        return found.total_bytes <= free_bytes

    longest = most_that_fit(fits)
    return None if longest is None else longest + 1
