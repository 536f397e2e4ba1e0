"""Attention through all layers (rollout), and how far each head looks."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from models.engine import Engine
from models.vision.tracing import PictureTraceRequest


@dataclass(frozen=True)
class RolloutRequest:
    """From one place after each layer down to the places of the input."""

    trace: PictureTraceRequest
    query: int = 0

    def answer(self, engine: Engine) -> Float[np.ndarray, "layers place"]:
        """Row l: the product of ½A + ½I (A the mean over heads) of the layers from l down to 0; each adds up to 1.

        Abnar & Zuidema 2020, Quantifying Attention Flow in Transformers.

        Raises what `CutPictureRequest` raises, and NoSuchPartError.
        """
        raise NotImplementedError


@dataclass(frozen=True, eq=False)
class Distances:
    """How far heads look, in patches.

    means: over all patches as queries, of the distance between the middles of patches, weighted by the attention on
        patches (the rest left out, rescaled). even: the same of a head that looks everywhere alike. layers: of each
        row.
    """

    means: Float[np.ndarray, "layers heads"]
    even: float
    layers: tuple[int, ...]


@dataclass(frozen=True)
class DistancesRequest:
    """Dosovitskiy et al. 2021, An Image is Worth 16x16 Words, figure 7: mean attention distance."""

    trace: PictureTraceRequest

    def answer(self, engine: Engine) -> Distances:
        """Raises what `CutPictureRequest` raises."""
        raise NotImplementedError
