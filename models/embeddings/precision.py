"""What a vector loses when its numbers are kept with fewer bits."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int64

from models.embeddings.similarity import unit_vectors
from models.errors import HeadlightError

MOST_VECTORS = 5_000
NEIGHBOURS = 10
FORMATS = ("float32", "bfloat16", "float16", "int8")
_BLOCK = 512


class PrecisionError(HeadlightError):
    """Too few vectors to compare, or too many."""


@dataclass(frozen=True)
class Precision:
    """One way to keep vectors, beside float32.

    bytes_per_vector: for int8 with its scale, a float32.
    mean_error, max_error: the absolute difference of a cosine from float32's, over all pairs of different vectors.
    changed: the share of each vector's `neighbours` nearest (by cosine, the smaller index first) that are others now.
    overflows: vectors with a number beyond the format's range, which was kept as the largest there is.
    """

    name: str
    bytes_per_vector: int
    mean_error: float
    max_error: float
    changed: float
    neighbours: int
    overflows: int

    @property
    def bytes_per_million(self) -> int:
        """Bytes that a million such vectors take."""
        return self.bytes_per_vector * 1_000_000


def precisions(vectors: Float[np.ndarray, "vector width"], neighbours: int = NEIGHBOURS) -> tuple[Precision, ...]:
    """The vectors kept in each of FORMATS, compared with float32, whose own errors are 0.

    neighbours: how many are compared; all others where there are fewer.

    Raises PrecisionError for fewer than 2 vectors or more than MOST_VECTORS.
    """
    count = len(vectors)
    if count < 2:
        raise PrecisionError("There is only one vector: it takes two to compare them.")
    if count > MOST_VECTORS:
        raise PrecisionError(
            f"At most {MOST_VECTORS:,} vectors are compared here, and these are {count:,}; take fewer."
        )
    neighbours = max(1, min(neighbours, count - 1))
    exact = unit_vectors(vectors.astype(np.float32))
    width = int(vectors.shape[1])
    sizes = {"float32": 4 * width, "bfloat16": 2 * width, "float16": 2 * width, "int8": width + 4}
    found = []
    for name in FORMATS:
        kept, overflows = rounded(vectors, name)
        mean, most, changed = (0.0, 0.0, 0.0) if name == "float32" else _compare(exact, unit_vectors(kept), neighbours)
        found.append(Precision(name, sizes[name], mean, most, changed, neighbours, overflows))
    return tuple(found)


def rounded(vectors: Float[np.ndarray, "vector width"], name: str) -> tuple[Float[np.ndarray, "vector width"], int]:
    """The vectors as one of FORMATS keeps them, in float32 again, and how many of them leave its range.

    int8 is symmetric, with one scale for each vector: its largest absolute number / 127.

    Raises PrecisionError for a name that is none of FORMATS.
    """
    single = vectors.astype(np.float32)
    if name == "float32":
        return single, 0
    if name == "int8":
        scale = np.abs(single).max(axis=1, keepdims=True, initial=0) / np.float32(127)
        steps = np.divide(single, scale, out=np.zeros_like(single), where=scale > 0)
        return np.clip(np.rint(steps), -127, 127) * scale, 0
    if name not in FORMATS:
        raise PrecisionError(f"Vectors are kept as one of {', '.join(FORMATS)}.")
    import torch

    dtype = torch.bfloat16 if name == "bfloat16" else torch.float16
    largest = torch.finfo(dtype).max
    narrow = torch.from_numpy(single).to(dtype)
    overflows = int(torch.isinf(narrow).any(dim=1).sum())
    return torch.nan_to_num(narrow, posinf=largest, neginf=-largest).float().numpy(), overflows


def _compare(
    exact: Float[np.ndarray, "vector width"], kept: Float[np.ndarray, "vector width"], neighbours: int
) -> tuple[float, float, float]:
    """Mean and largest error of the cosines, and the share of neighbours that change; in blocks of rows."""
    count = len(exact)
    total, most, same = 0.0, 0.0, 0
    for start in range(0, count, _BLOCK):
        rows = slice(start, start + _BLOCK)
        before, after = exact[rows] @ exact.T, kept[rows] @ kept.T
        own = np.arange(len(before)), np.arange(start, start + len(before))
        errors = np.abs(before - after)
        errors[own] = 0
        total += float(errors.sum())
        most = max(most, float(errors.max()))
        before[own] = after[own] = -np.inf
        first, second = _nearest(before, neighbours), _nearest(after, neighbours)
        same += int((first[:, :, None] == second[:, None, :]).any(axis=2).sum())
    return total / (count * (count - 1)), most, 1 - same / (count * neighbours)


def _nearest(rows: Float[np.ndarray, "row vector"], count: int) -> Int64[np.ndarray, "row neighbour"]:
    # Rounded as all cosines here are, so that equal vectors tie and the smaller index comes first.
    return np.argsort(-rows.astype(np.float32), axis=1, kind="stable")[:, :count]
