"""How alike two orders are."""

import numpy as np
from jaxtyping import Float


def rank_correlation(one: Float[np.ndarray, " item"], other: Float[np.ndarray, " item"]) -> float:
    """Spearman's rank correlation: Pearson's of the ranks, of equal numbers the mean of their ranks.

    NaN for fewer than three items, and where all are equal in one of the two. (scipy.stats has it too, and takes longer
    to import than all effects of a small model to compute.)
    """
    if len(one) < 3 or np.ptp(one) == 0 or np.ptp(other) == 0:
        return float("nan")
    return float(np.corrcoef(_ranks(one), _ranks(other))[0, 1])


def _ranks(numbers: Float[np.ndarray, " item"]) -> Float[np.ndarray, " item"]:
    _, group, sizes = np.unique(numbers, return_inverse=True, return_counts=True)
    return (np.cumsum(sizes) - (sizes - 1) / 2)[group]
