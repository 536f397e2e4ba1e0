"""The same model with another cache: other key heads, a window, other numbers, more rows; and what fits where."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from jaxtyping import Int64

from models.kv_cache.prediction import Dtype, predict
from models.kv_cache.shape import CacheFormulaError, LayerShape

_LONGEST = 1 << 40


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


def longest_context(
    shape: Sequence[LayerShape], free_bytes: int, *, rows: int = 1, dtype: Dtype = "bfloat16", source_positions: int = 0
) -> int | None:
    """The most positions for which the cache of `rows` sequences takes at most `free_bytes`; None for no end.

    source_positions: of an encoder-decoder's source, which takes its part from the first token on.

    Raises CacheFormulaError.
    """

    def fits(positions: int) -> bool:
        found = predict(shape, positions, rows=rows, dtype=dtype, source_positions=source_positions)
        return found.total_bytes <= free_bytes

    if not fits(0):
        return 0
    if fits(_LONGEST):
        return None
    low, high = 0, _LONGEST
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if fits(middle) else (low, middle)
    return low


def most_rows(shape: Sequence[LayerShape], free_bytes: int, positions: int, *, dtype: Dtype = "bfloat16") -> int:
    """How many sequences of this length fit at once (users served at a context length). Raises CacheFormulaError."""
    one = predict(shape, positions, dtype=dtype).total_bytes
    return max(0, free_bytes) // one if one else 0


def crossover(
    shape: Sequence[LayerShape],
    weight_bytes: int,
    *,
    rows: int = 1,
    dtype: Dtype = "float32",
    source_positions: int = 0,
) -> int | None:
    """The first length at which the cache is larger than the weights; None where it never is.

    Raises CacheFormulaError.
    """
    longest = longest_context(shape, weight_bytes, rows=rows, dtype=dtype, source_positions=source_positions)
    return None if longest is None else longest + 1
