"""How alike vectors are: cosines of tokens and of sentences, and how much of that any two vectors share."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Float

from models.embeddings.token_vectors import EmbedRequest
from models.engine import Engine, TextRequest
from models.errors import HeadlightError

# Less than the steps of float32 at 1.
_DECIMALS = 8

Pooling = Literal["mean", "cls", "max", "last"]


class SimilarityError(HeadlightError):
    """A layer that is not there, or too few vectors to compare."""


def unit_vectors(vectors: Float[np.ndarray, "vector width"]) -> Float[np.ndarray, "vector width"]:
    """Each vector at length 1, float64; one that is zero throughout stays zero, and has a cosine of 0 with all."""
    wide = vectors.astype(np.float64)
    # By its largest number first: the squares of very small or very large ones would leave the range.
    largest = np.abs(wide).max(axis=1, keepdims=True, initial=0)
    wide = np.divide(wide, largest, out=np.zeros_like(wide), where=largest > 0)
    length = np.linalg.norm(wide, axis=1, keepdims=True)
    return np.divide(wide, length, out=wide, where=length > 0)


def cosines(
    vectors: Float[np.ndarray, "vector width"], others: Float[np.ndarray, "other width"] | None = None
) -> Float[np.ndarray, "vector _"]:
    """The cosine of each vector with each of `others` (of themselves where None), [vector, other] float32.

    Computed in float64 and between -1 and 1: equal vectors have exactly 1, a zero vector 0 with all, itself included.
    """
    ours = unit_vectors(vectors)
    theirs = ours if others is None else unit_vectors(others)
    # Finer is rounding, which would part what is equally near: the cosines of two right angles.
    return np.clip(np.round(ours @ theirs.T, _DECIMALS), -1, 1).astype(np.float32)


def paired_cosines(
    one: Float[np.ndarray, "pair width"], other: Float[np.ndarray, "pair width"]
) -> Float[np.ndarray, " pair"]:
    """The cosine of the two vectors of each pair, float64; 0 where one of them is 0."""
    one, other = one.astype(np.float64), other.astype(np.float64)
    lengths = np.linalg.norm(one, axis=-1) * np.linalg.norm(other, axis=-1)
    return np.divide((one * other).sum(axis=-1), lengths, out=np.zeros(len(one)), where=lengths > 0)


def anisotropy(vectors: Float[np.ndarray, "vector width"], pairs: int = 1000, seed: int = 0) -> float:
    """The mean cosine of `pairs` random pairs of different vectors, of all pairs where there are no more: 0 if they
    point everywhere alike, towards 1 if all stand in a narrow cone (Ethayarajh 2019, arXiv:1909.00512).

    Raises SimilarityError for fewer than two vectors.
    """
    count = len(vectors)
    if count < 2:
        raise SimilarityError("There is only one vector: it takes two to compare them.")
    if count * (count - 1) // 2 <= pairs:
        first, second = np.triu_indices(count, k=1)
    else:
        draws = np.random.default_rng(seed)
        first = draws.integers(count, size=pairs)
        second = (first + draws.integers(1, count, size=pairs)) % count
    ways = unit_vectors(vectors)
    return float(np.einsum("pw,pw->p", ways[first], ways[second]).mean())


def centred(vectors: Float[np.ndarray, "vector width"]) -> Float[np.ndarray, "vector width"]:
    """The vectors without what they all share, their mean; float32."""
    wide = vectors.astype(np.float64)
    return (wide - wide.mean(axis=0)).astype(np.float32) if len(wide) else vectors


@dataclass(frozen=True, eq=False)
class TokenCosines:
    """Each token of a text with each other one, at one layer.

    pieces: as shown. anisotropy: the mean cosine of any two of them, in `matrix` as it is. is_centred: whether the mean
        of the tokens was taken out before.
    """

    matrix: Float[np.ndarray, "token token"]
    pieces: tuple[str, ...]
    anisotropy: float
    is_centred: bool


@dataclass(frozen=True)
class TokenCosinesRequest(TextRequest):
    """The cosines of a text's tokens at one layer: 0 is before the first, -1 the last. centred: without their mean."""

    layer: int
    centred: bool = False

    def answer(self, engine: Engine) -> TokenCosines:
        """Raises what `EmbedRequest` raises, SimilarityError for a layer that is not there or a single token."""
        found = engine.run(EmbedRequest(self.model, self.text))
        vectors = states_at(found.hidden_states, self.layer)
        vectors = centred(vectors) if self.centred else vectors
        return TokenCosines(cosines(vectors), found.pieces, anisotropy(vectors), self.centred)


def states_at(states: Float[np.ndarray, "state token width"], layer: int) -> Float[np.ndarray, "token width"]:
    """The hidden states of a layer, counted from the input (0) or from the end (-1). Raises SimilarityError."""
    if not -len(states) <= layer < len(states):
        raise SimilarityError(f"There is no layer {layer}: they go from 0 (the input) to {len(states) - 1}.")
    return states[layer]
