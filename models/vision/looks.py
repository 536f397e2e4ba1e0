"""Where heads look from a place of a picture: a whole layer for the browser, thumbnails of all heads, exact numbers."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, UInt8

from models.engine import Engine
from models.vision.tracing import PictureTraceRequest

# Of a packed weight: weight = most * (step / STEPS) ** 2.
STEPS = 63


@dataclass(frozen=True, eq=False)
class LayerLooks:
    """Every head of a layer, from every place to every place, packed.

    steps: 0 to STEPS; the weight is `most * (step / STEPS) ** 2`. Few steps, so that they deflate well.
    most: the largest weight of each row.
    """

    steps: UInt8[np.ndarray, "heads query key"]
    most: Float[np.ndarray, "heads query"]


@dataclass(frozen=True)
class LayerLooksRequest:
    """A layer as the browser takes it."""

    trace: PictureTraceRequest
    layer: int

    def answer(self, engine: Engine) -> LayerLooks:
        """Raises what `CutPictureRequest` raises, and NoSuchPartError."""
        raise NotImplementedError


@dataclass(frozen=True)
class LayerWeightsRequest:
    """A layer's exact weights, or of one head, or from one place: float32 [heads, query, key], also where only one head
    or query is asked for.
    """

    trace: PictureTraceRequest
    layer: int
    head: int | None = None
    query: int | None = None

    def answer(self, engine: Engine) -> Float[np.ndarray, "heads query key"]:
        """Raises what `CutPictureRequest` raises, and NoSuchPartError."""
        raise NotImplementedError


@dataclass(frozen=True, eq=False)
class LookGrid:
    """Where each head of all layers looks, as thumbnails of the picture.

    steps: 0 to STEPS of weights from the asked places to the patches (their mean); the weight is `most * (step / STEPS)
        ** 2`. At most 24 rows and columns: larger grids are pooled, the mean of each block.
    layers: of each row of thumbnails.
    on_patches: the share of the weight that is on patches; the rest is on the tokens before them.
    """

    steps: UInt8[np.ndarray, "layers heads rows columns"]
    most: Float[np.ndarray, "layers heads"]
    on_patches: Float[np.ndarray, "layers heads"]
    layers: tuple[int, ...]


@dataclass(frozen=True)
class LookGridRequest:
    """All heads of all layers, from one place or the mean over several."""

    trace: PictureTraceRequest
    queries: tuple[int, ...]

    def answer(self, engine: Engine) -> LookGrid:
        """Raises what `CutPictureRequest` raises, and NoSuchPartError."""
        raise NotImplementedError


@dataclass(frozen=True, eq=False)
class PlaceProducts:
    """How one head comes to the weights of one query.

    query: its vector; keys: those of all places. products: query * key, component by component; their sum over the
        components times `scaling` is the score (with what is added to it, where the model adds something), whose
        softmax is the weights.
    """

    query: Float[np.ndarray, " head_dim"]
    keys: Float[np.ndarray, "key head_dim"]
    products: Float[np.ndarray, "key head_dim"]
    scores: Float[np.ndarray, " key"]
    weights: Float[np.ndarray, " key"]
    scaling: float


@dataclass(frozen=True)
class PlaceProductsRequest:
    """The q·k of one head and one place."""

    trace: PictureTraceRequest
    layer: int
    head: int
    query: int

    def answer(self, engine: Engine) -> PlaceProducts:
        """Raises what `CutPictureRequest` raises, and NoSuchPartError."""
        raise NotImplementedError
