"""Vectors of patches: their first three principal components, their likeness, their lengths."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from jaxtyping import Bool, Float

from models.engine import Engine
from models.forward.recorded_run import to_numpy
from models.vision.errors import NoSuchPartError
from models.vision.tracing import PictureTrace, PictureTraceRequest

MOST_PICTURES = 8
_EDGES = (1, 99)
_OUTLYING, _TIMES = 8, 2


@dataclass(frozen=True, eq=False)
class Components:
    """Principal components of the patches of several pictures together.

    values: for each picture, its patches' coordinates on the first three components. colours: the same as red, green,
        blue from 0 to 1: each component from its 1st to its 99th percentile over all pictures.
    shares: of the variance, per component.
    """

    values: tuple[Float[np.ndarray, "rows_of_each columns_of_each 3"], ...]
    colours: tuple[Float[np.ndarray, "rows_of_each columns_of_each 3"], ...]
    shares: Float[np.ndarray, " 3"]


@dataclass(frozen=True)
class ComponentsRequest:
    """layer: 0 is what goes into the first block, n what comes out of the n-th; the last is what the model hands out,
    after its final norm where it has one.

    traces: of one model, at most MOST_PICTURES.
    """

    traces: tuple[PictureTraceRequest, ...]
    layer: int

    def answer(self, engine: Engine) -> Components:
        """Raises what `PictureTraceRequest` raises, and NoSuchPartError."""
        if not 0 < len(self.traces) <= MOST_PICTURES or len({each.model for each in self.traces}) > 1:
            raise NoSuchPartError(f"Components are of one to {MOST_PICTURES} pictures in one model; choose fewer.")
        traces = [engine.run(each) for each in self.traces]
        vectors = [patch_vectors(each, self.layer) for each in traces]
        whole, shares = principal_components(np.concatenate(vectors))
        parts = np.split(whole, np.cumsum([len(each) for each in vectors])[:-1])
        values = tuple(part.reshape(trace.rows, trace.columns, 3) for part, trace in zip(parts, traces, strict=True))
        return Components(values, tuple(_coloured(values)), shares)


def patch_vectors(trace: PictureTrace, layer: int) -> Float[np.ndarray, "patch width"]:
    """What stands at the patches after a layer. Raises NoSuchPartError."""
    if not 0 <= layer < len(trace.states):
        raise NoSuchPartError(f"There is no layer {layer} of vectors: they go from 0 to {len(trace.states) - 1}.")
    return trace.states[layer, len(trace.specials) :]


def principal_components(
    vectors: Float[np.ndarray, "patch width"],
) -> tuple[Float[np.ndarray, "patch 3"], Float[np.ndarray, " 3"]]:
    """Coordinates on the first three principal components, and the share of the variance on each.

    The sign of a component is such that the largest of its loadings, without regard to sign, is positive.
    """
    centred = vectors.astype(np.float64) - vectors.mean(axis=0, dtype=np.float64)
    variances, axes = np.linalg.eigh(centred.T @ centred)
    axes = axes[:, ::-1][:, :3]
    signs = np.sign(axes[np.abs(axes).argmax(axis=0), np.arange(axes.shape[1])])
    values = np.zeros((len(vectors), 3), dtype=np.float32)
    values[:, : axes.shape[1]] = centred @ (axes * signs)
    whole = max(float(variances.sum()), np.finfo(np.float64).tiny)
    shares = np.zeros(3, dtype=np.float32)
    shares[: axes.shape[1]] = np.clip(variances[::-1][:3], 0, None) / whole
    return values, shares


def _coloured(values: Sequence[Float[np.ndarray, "rows_of_each columns_of_each 3"]]) -> list[np.ndarray]:
    low, high = np.percentile(np.concatenate([each.reshape(-1, 3) for each in values]), _EDGES, axis=0)
    span = np.where(high > low, high - low, 1)
    return [np.clip((each - low) / span, 0, 1).astype(np.float32) for each in values]


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

        Raises what `PictureTraceRequest` raises, and NoSuchPartError.
        """
        if self.other is not None and self.other.model != self.trace.model:
            raise NoSuchPartError("Patches are compared within one model; choose it for both pictures.")
        trace = engine.run(self.trace)
        other = trace if self.other is None else engine.run(self.other)
        vectors = patch_vectors(trace, self.layer)
        if self.patch is not None:
            if not 0 <= self.patch < len(vectors):
                raise NoSuchPartError(f"There is no patch {self.patch}: they go from 0 to {len(vectors) - 1}.")
            vectors = vectors[self.patch : self.patch + 1]
        return cosines(vectors, patch_vectors(other, self.layer)).reshape(len(vectors), other.rows, other.columns)


def cosines(
    ours: Float[np.ndarray, "one width"], theirs: Float[np.ndarray, "other width"]
) -> Float[np.ndarray, "one other"]:
    """Of each of these with each of those; 0 where one has no length."""
    return np.clip(_unit(ours) @ _unit(theirs).T, -1, 1)


def _unit(vectors: Float[np.ndarray, "some width"]) -> Float[np.ndarray, "some width"]:
    lengths = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return np.divide(vectors, lengths, out=np.zeros_like(vectors), where=lengths > 0)


@dataclass(frozen=True)
class PositionsLikenessRequest:
    """Cosines between what the model adds to patches for their places."""

    trace: PictureTraceRequest

    def answer(self, engine: Engine) -> Float[np.ndarray, "patches rows columns"]:
        """From each patch's place to every other. Raises NoSuchPartError for a model that adds nothing (it turns
        queries and keys, or adds to the scores).
        """
        trace = engine.run(self.trace)
        added = added_positions(trace)
        return cosines(added, added).reshape(len(added), trace.rows, trace.columns)


def added_positions(trace: PictureTrace) -> Float[np.ndarray, "patch width"]:
    """What is added to the patches of a picture for their places, interpolated as the model does for its size.

    Raises NoSuchPartError.
    """
    loaded = trace.loaded
    embeddings: Any = getattr(loaded.model, "embeddings", None)
    table: Any = getattr(embeddings, "position_embeddings", None)
    if table is None:
        table = getattr(getattr(embeddings, "position_embedding", None), "weight", None)
    if table is None:
        raise NoSuchPartError(
            f"{loaded.card.title} adds nothing to patches for their places: it turns its queries and keys, or adds to "
            "the scores. There are no rows to compare."
        )
    rows = table.detach().reshape(-1, table.shape[-1])
    first, patches = len(trace.specials), trace.rows * trace.columns
    height, width = trace.cut.pixels.shape[:2]
    trained = loaded.sight.trained if loaded.sight is not None else 0
    if (height, width) != (trained, trained):
        # The class does that itself, from what it is about to add to: only its shape is looked at.
        blank = torch.zeros(1, first + patches, rows.shape[-1], device=rows.device, dtype=rows.dtype)
        with torch.inference_mode():
            rows = embeddings.interpolate_pos_encoding(blank, height, width)[0]
    return to_numpy(rows[-patches:])


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
        """Raises what `PictureTraceRequest` raises."""
        trace = engine.run(self.trace)
        return lengths(trace.states, len(trace.specials))


def lengths(states: Float[np.ndarray, "layers place width"], specials: int) -> Lengths:
    """The lengths of vectors, and which patches' are outlying."""
    found = np.linalg.norm(states, axis=-1)
    median = np.median(found[:, specials:], axis=-1)
    spread = np.median(np.abs(found[:, specials:] - median[:, None]), axis=-1)
    bound = np.maximum(median + _OUTLYING * spread, _TIMES * median)
    outlying = found > bound[:, None]
    outlying[:, :specials] = False
    return Lengths(found.astype(np.float32), outlying, bound.astype(np.float32))
