"""Attention through all layers (rollout), and how far each head looks."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from models.engine import Engine
from models.vision.tracing import KIND, PictureTrace, PictureTraceRequest, check_place


@dataclass(frozen=True)
class RolloutRequest:
    """From one place after each layer down to the places of the input."""

    trace: PictureTraceRequest
    query: int = 0

    def answer(self, engine: Engine) -> Float[np.ndarray, "layers place"]:
        """Row l: from the place after layer l, the product of ½A + ½I (A the mean over heads) of the layers from l down
        to 0; each adds up to 1.

        Abnar & Zuidema 2020, Quantifying Attention Flow in Transformers.

        Raises what `PictureTraceRequest` raises, and NoSuchPartError.
        """
        trace = engine.run(self.trace)
        check_place(self.query, trace.places)
        with engine.forward(trace.loaded):
            return rollout(mean_weights(trace), self.query)


def mean_weights(trace: PictureTrace) -> Float[np.ndarray, "layers query key"]:
    """Of each layer the mean over its heads. Takes the device."""
    return np.stack([trace.weights(KIND, layer).mean(axis=0) for layer in trace.layers(KIND)])


def rollout(weights: Float[np.ndarray, "layers query key"], query: int) -> Float[np.ndarray, "layers key"]:
    """From one query at the top of each layer down to the input. weights: the mean over the heads of each layer."""
    count, places, _ = weights.shape
    start = np.zeros(places, dtype=np.float32)
    start[query] = 1
    rows = np.empty((count, places), dtype=np.float32)
    for top in range(count):
        row = start
        for layer in range(top, -1, -1):
            row = (row + row @ weights[layer]) / 2
        rows[top] = row
    return rows


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
        """Raises what `PictureTraceRequest` raises."""
        trace = engine.run(self.trace)
        distances = patch_distances(trace.rows, trace.columns)
        first, layers = len(trace.specials), trace.layers(KIND)
        with engine.forward(trace.loaded):
            means = [mean_distance(trace.weights(KIND, layer)[:, first:, first:], distances) for layer in layers]
        return Distances(np.stack(means), float(distances.mean()), layers)


def patch_distances(rows: int, columns: int) -> Float[np.ndarray, "patch patch"]:
    """Between the middles of patches, in patches."""
    row, column = np.divmod(np.arange(rows * columns), columns)
    return np.hypot(row[:, None] - row, column[:, None] - column).astype(np.float32)


def mean_distance(
    weights: Float[np.ndarray, "heads query key"], distances: Float[np.ndarray, "query key"]
) -> Float[np.ndarray, " heads"]:
    """How far each head looks, the mean over queries, each row rescaled to add up to 1."""
    whole = weights.sum(axis=-1)
    far = (weights * distances).sum(axis=-1)
    return np.divide(far, whole, out=np.zeros_like(far), where=whole > 0).mean(axis=-1).astype(np.float32)
