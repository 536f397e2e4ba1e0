"""Vectors of patches: their first three principal components, their likeness, their lengths."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

from models.engine import Engine
from models.vision.tracing import PictureTraceRequest


@dataclass(frozen=True, eq=False)
class Components:
    """Principal components of the patches of several pictures together.

    values: for each picture, its patches' coordinates on the first three components. colours: the same as red, green,
        blue from 0 to 1: each component from its 1st to its 99th percentile over all pictures.
    shares: of the variance, per component.
    """

    values: tuple[Float[np.ndarray, "rows columns 3"], ...]
    colours: tuple[Float[np.ndarray, "rows columns 3"], ...]
    shares: Float[np.ndarray, " 3"]


@dataclass(frozen=True)
class ComponentsRequest:
    """layer: 0 is what goes into the first block, n what comes out of the n-th, the last after the model's final norm.

    traces: of one model, at most 8.
    """

    traces: tuple[PictureTraceRequest, ...]
    layer: int

    def answer(self, engine: Engine) -> Components:
        """Raises what `CutPictureRequest` raises, and NoSuchPartError."""
        raise NotImplementedError


@dataclass(frozen=True)
class LikenessRequest:
    """Cosines between the vectors of patches after a layer (counted as in `ComponentsRequest`).

    patch: one patch, counted from 0 without the tokens before the patches; None for every patch.
    other: a picture of the same model whose patches they are compared with; None for those of the picture itself.
    """

    trace: PictureTraceRequest
    layer: int
    patch: int | None = None
    other: PictureTraceRequest | None = None

    def answer(self, engine: Engine) -> Float[np.ndarray, "patches rows columns"]:
        """From each asked patch to those of the (other) picture, -1 to 1.

        Raises what `CutPictureRequest` raises, and NoSuchPartError.
        """
        raise NotImplementedError


@dataclass(frozen=True)
class PositionsLikenessRequest:
    """Cosines between what the model adds to patches for their places."""

    trace: PictureTraceRequest

    def answer(self, engine: Engine) -> Float[np.ndarray, "patches rows columns"]:
        """From each patch's place to every other. Raises NoSuchPartError for a model that adds nothing (it turns
        queries and keys, or adds to the scores).
        """
        raise NotImplementedError


@dataclass(frozen=True, eq=False)
class Lengths:
    """How long the vectors are, after each layer (counted as in `ComponentsRequest`).

    lengths: of every place, those before the patches first. outlying: patches that are much longer than the others of
        their layer: more than `bound`, which is the median plus 8 times the median distance from it, and at least
        twice the median.
    """

    lengths: Float[np.ndarray, "layers place"]
    outlying: Bool[np.ndarray, "layers place"]
    bound: Float[np.ndarray, " layers"]


@dataclass(frozen=True)
class LengthsRequest:
    """Darcet et al. 2024, Vision Transformers Need Registers."""

    trace: PictureTraceRequest

    def answer(self, engine: Engine) -> Lengths:
        """Raises what `CutPictureRequest` raises."""
        raise NotImplementedError
