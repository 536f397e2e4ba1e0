"""Maps made smaller, always in a way that can be said in one sentence."""

from typing import Literal

import numpy as np
from jaxtyping import Float

BlockPooling = Literal["max", "mean"]


def max_pooled(weights: Float[np.ndarray, "*maps query key"], limit: int) -> Float[np.ndarray, "*maps rows columns"]:
    """At most `limit` rows and columns; each cell is the largest weight of the block that it stands for.

    A map that is small enough comes back as it is.
    """
    for axis in (-2, -1):
        length = weights.shape[axis]
        if length > limit:
            weights = np.maximum.reduceat(weights, block_starts(length, limit), axis=axis)
    return weights


def pooled(
    weights: Float[np.ndarray, "*maps query key"], limit: int, how: BlockPooling
) -> Float[np.ndarray, "*maps rows columns"]:
    """`max_pooled`, or each cell the mean of its block; NaN, where a query may not look, is no part of a mean."""
    if how == "max":
        return max_pooled(weights, limit)
    seen = ~np.isnan(weights)
    total, count = np.where(seen, weights, 0), seen.astype(np.float32)
    for axis in (-2, -1):
        length = weights.shape[axis]
        if length > limit:
            starts = block_starts(length, limit)
            total, count = np.add.reduceat(total, starts, axis=axis), np.add.reduceat(count, starts, axis=axis)
    return np.divide(total, count, out=np.full_like(total, np.nan), where=count > 0)


def block_starts(length: int, limit: int) -> np.ndarray:
    """Where each block begins when `length` positions are pooled into at most `limit`, int [min(length, limit)]."""
    count = min(length, limit)
    return np.arange(count) * length // count
