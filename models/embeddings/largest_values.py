"""The largest of many values, the smaller index first where they are equal."""

import numpy as np
from jaxtyping import Float, Int64


def best_first(values: Float[np.ndarray, " value"], count: int) -> Int64[np.ndarray, " best"]:
    """The indices of the `count` largest values, best first; of equal ones the smaller index comes first.

    O(values): they are not sorted, only what is at least as large as the last one that counts.
    """
    count = min(count, len(values))
    if count < 1:
        return np.empty(0, dtype=np.int64)
    least = np.partition(values, len(values) - count)[len(values) - count]
    among = np.flatnonzero(values >= least)
    return among[np.argsort(-values[among], kind="stable")][:count].astype(np.int64)


def rank_of(values: Float[np.ndarray, " value"], index: int) -> int:
    """How many values come before the one at this index in the order of `best_first`."""
    own = values[index]
    return int((values > own).sum() + (values[:index] == own).sum())
