"""How alike two maps of a picture are by chance: neighbouring patches are alike, so maps agree that lie elsewhere."""

import numpy as np
from jaxtyping import Float


def shifted_correlations(
    one: Float[np.ndarray, "rows columns"], other: Float[np.ndarray, "rows columns"]
) -> Float[np.ndarray, " shift"]:
    """The rank correlation of `other` with each map that `one` is when moved round the picture, by any number of rows
    and columns but none at all: what is alike of the maps themselves stays, and where it lies goes.
    """
    rows, columns = one.shape
    ranks, fixed = (_ranks(each.ravel()).reshape(rows, columns) for each in (one, other))
    ranks, fixed = ranks - ranks.mean(), fixed - fixed.mean()
    size = float(np.sqrt((ranks**2).sum() * (fixed**2).sum())) or 1.0
    found = [
        float((np.roll(ranks, (down, along), (0, 1)) * fixed).sum()) / size
        for down in range(rows)
        for along in range(columns)
        if down or along
    ]
    return np.array(found or [0.0])


def _ranks(numbers: Float[np.ndarray, " number"]) -> Float[np.ndarray, " number"]:
    _, places, counts = np.unique(numbers, return_inverse=True, return_counts=True)
    last = counts.cumsum()
    return (last - (counts - 1) / 2)[places]
