"""Where heads look from a place of a picture: a whole layer for the browser, thumbnails of all heads, exact numbers."""

from dataclasses import dataclass, replace

import numpy as np
import torch
from jaxtyping import Float, UInt8

from models.engine import Engine
from models.forward.capture import full_mask
from models.forward.eager import attended, of_queries
from models.forward.recorded_run import to_numpy
from models.vision.errors import NoSuchPartError
from models.vision.tracing import KIND, PictureTrace, PictureTraceRequest, check_place

# Of a packed weight: weight = most * (step / STEPS) ** 2.
STEPS = 63
_MOST_OF_THUMBNAIL = 24


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
        """Raises what `PictureTraceRequest` raises, and NoSuchPartError."""
        trace = engine.run(self.trace)
        trace.check_layer(self.layer)
        with engine.forward(trace.loaded):
            return LayerLooks(*packed(trace.weights(KIND, self.layer), axes=1))


def packed(weights: Float[np.ndarray, "..."], axes: int) -> tuple[UInt8[np.ndarray, "..."], Float[np.ndarray, "..."]]:
    """Weights in steps of the square root of their share of the largest, over so many of the last axes; and that."""
    over = tuple(range(-axes, 0))
    most = weights.max(axis=over)
    wide = np.expand_dims(np.where(most > 0, most, 1), over)
    return np.rint(STEPS * np.sqrt(np.clip(weights / wide, 0, 1))).astype(np.uint8), most.astype(np.float32)


@dataclass(frozen=True)
class LayerWeightsRequest:
    """A layer's exact weights, or of one head, or from one place: [heads, query, key], also where only one head or
    query is asked for.
    """

    trace: PictureTraceRequest
    layer: int
    head: int | None = None
    query: int | None = None

    def answer(self, engine: Engine) -> Float[np.ndarray, "heads query key"]:
        """Raises what `PictureTraceRequest` raises, and NoSuchPartError."""
        trace = engine.run(self.trace)
        trace.check_layer(self.layer)
        _check_head(trace, self.layer, self.head)
        if self.query is not None:
            check_place(self.query, trace.places)
        queries = None if self.query is None else slice(self.query, self.query + 1)
        with engine.forward(trace.loaded):
            weights = trace.weights(KIND, self.layer, queries=queries)
        return weights if self.head is None else weights[self.head : self.head + 1].copy()


def _check_head(trace: PictureTrace, layer: int, head: int | None) -> None:
    heads = trace.heads(KIND, layer)
    if head is not None and not 0 <= head < heads:
        raise NoSuchPartError(f"There is no head {head}: layer {layer} has heads 0 to {heads - 1}.")


@dataclass(frozen=True, eq=False)
class LookGrid:
    """Where each head of all layers looks, as thumbnails of the picture.

    steps: 0 to STEPS of weights from the asked places to the patches (their mean); the weight is `most * (step / STEPS)
        ** 2`. At most 24 rows and columns: larger grids are pooled, the mean of each block.
    on_patches: the share of the weight that is on patches; the rest is on the tokens before them.
    layers: of each row of thumbnails.
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
        """Raises what `PictureTraceRequest` raises, and NoSuchPartError."""
        trace = engine.run(self.trace)
        if not self.queries:
            raise NoSuchPartError("No place of the picture is asked for; choose one.")
        for each in self.queries:
            check_place(each, trace.places)
        layers = trace.layers(KIND)
        with engine.forward(trace.loaded):
            weights = np.stack([rows_of(trace, layer, self.queries).mean(axis=1) for layer in layers])
        on = trace.patches(weights)
        steps, most = packed(_pooled(on), axes=2)
        return LookGrid(steps, most, on.sum(axis=(-2, -1)).astype(np.float32), layers)


def rows_of(trace: PictureTrace, layer: int, queries: tuple[int, ...]) -> Float[np.ndarray, "heads query key"]:
    """The exact weights of some queries of all heads of a layer, and no others. Takes the device."""
    call = trace.calls[KIND, layer]
    index = list(queries)
    # All at once where they stand side by side; a mask has a row for each query, or one for all.
    some = [of_queries(replace(call, value=call.value[..., :1]), slice(each, each + 1)) for each in index]
    return np.concatenate([to_numpy(attended(each, trace.loaded.device)[1]) for each in some], axis=1)


def _pooled(maps: Float[np.ndarray, "*more rows columns"]) -> Float[np.ndarray, "*more fewer_rows fewer_columns"]:
    """The mean of each block, so that at most _MOST_OF_THUMBNAIL rows and columns are left."""
    for axis in (-2, -1):
        length = maps.shape[axis]
        block = -(-length // _MOST_OF_THUMBNAIL)
        starts = np.arange(0, length, block)
        sizes = np.diff([*starts, length])
        shape = (-1, 1) if axis == -2 else (-1,)
        maps = np.add.reduceat(maps, starts, axis=axis) / sizes.reshape(shape)
    return maps.astype(np.float32)


@dataclass(frozen=True, eq=False)
class PlaceProducts:
    """How one head comes to the weights of one query.

    query: its vector; keys: those of all places. products: query * key, component by component. scores: their sums
        times `scaling`, and what the model adds to that; their softmax is the weights.
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
        """Raises what `PictureTraceRequest` raises, and NoSuchPartError."""
        trace = engine.run(self.trace)
        trace.check_layer(self.layer)
        _check_head(trace, self.layer, self.head)
        check_place(self.query, trace.places)
        call = trace.calls[KIND, self.layer]
        query = trace.queries(KIND, self.layer)[self.head, self.query]
        keys = trace.keys(KIND, self.layer)[self.head]
        products = query * keys
        scaling = float(call.arguments.get("scaling") or query.shape[0] ** -0.5)
        scores = products.sum(axis=-1) * scaling
        mask = full_mask(call)
        if mask is not None:
            row = mask[0, min(self.head, mask.shape[1] - 1), min(self.query, mask.shape[2] - 1)]
            added = torch.zeros(row.shape).masked_fill(~row, -torch.inf) if row.dtype == torch.bool else row
            scores = scores + to_numpy(added)
        with engine.forward(trace.loaded):
            weights = rows_of(trace, self.layer, (self.query,))[self.head, 0]
        return PlaceProducts(query, keys, products, scores.astype(np.float32), weights, scaling)
