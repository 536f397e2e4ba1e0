"""Maps as pictures take them: one head, a part of it, a layer's heads, all heads as thumbnails."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, UInt16

from models.attention.head_map import HeadMapRequest, visible_by_head, weighted_by_value
from models.attention.map_pooling import BlockPooling, max_pooled, pooled
from models.attention.trace import TraceRequest
from models.attention.without_sink import LeftOut, left_out_columns, without_columns
from models.engine import Engine

THUMBNAIL_STEPS = 4095
_SIDE = 28


@dataclass(frozen=True)
class HeadPicture:
    """What a screen shows of a map: at most so many cells, and the row of one query in full.

    cells: the weights; NaN where a query may not look. Of a pooled map, the largest weight of each block.
    row: the selected query's weights, exact; NaN where it may not look.
    most: the largest weight of the whole map.
    seen: the share of the row's weight that is shown; 1 unless the sink is taken out.
    size: how many queries and keys there are.
    """

    cells: Float[np.ndarray, "rows columns"]
    row: Float[np.ndarray, " key"]
    most: float
    seen: float
    size: tuple[int, int]


@dataclass(frozen=True)
class HeadPictureRequest:
    """A map for the screen, pooled where it has more than `side` rows or columns, with query `query` selected.

    how: whether a pooled cell is the largest weight of its block or the mean.
    """

    map: HeadMapRequest
    query: int
    side: int = 512
    how: BlockPooling = "max"

    def answer(self, engine: Engine) -> HeadPicture:
        """Raises what `HeadMapRequest` raises."""
        whole = engine.run(self.map)
        return HeadPicture(
            cells=screen_cells(whole.weights, whole.visible, self.side, self.how),
            row=np.where(whole.visible[self.query], whole.weights[self.query], np.float32(np.nan)),
            most=float(whole.weights.max()),
            seen=float(whole.seen[self.query]),
            size=(whole.weights.shape[0], whole.weights.shape[1]),
        )


def screen_cells(
    weights: Float[np.ndarray, "query key"], visible: Bool[np.ndarray, "query key"], side: int, how: BlockPooling
) -> Float[np.ndarray, "rows columns"]:
    """At most `side` rows and columns; NaN where no query of the block may look at any key of it."""
    if how == "mean":
        return pooled(np.where(visible, weights, np.float32(np.nan)), side, how)
    # -1 stands below every weight, so that a block is unseen only where no query in it may look at any key in it.
    cells = max_pooled(np.where(visible, weights, np.float32(-1)), side)
    return np.where(cells < 0, np.float32(np.nan), cells)


@dataclass(frozen=True)
class _Part:
    """A part of a map: queries and keys from the first number to below the second of each pair."""

    map: HeadMapRequest
    queries: tuple[int, int]
    keys: tuple[int, int]


@dataclass(frozen=True)
class HeadWindowRequest(_Part):
    """A part of a map at full resolution: queries and keys from the first number to below the second of each pair."""

    def answer(self, engine: Engine) -> Float[np.ndarray, "query key"]:
        """The weights, NaN where a query may not look. Raises what `HeadMapRequest` raises."""
        whole = engine.run(self.map)
        rows, columns = slice(*self.queries), slice(*self.keys)
        return np.where(whole.visible[rows, columns], whole.weights[rows, columns], np.float32(np.nan))


@dataclass(frozen=True)
class LayerMapsRequest(_Part):
    """Every head of one layer, of the queries and keys in these ranges, at full resolution; see `HeadWindowRequest`."""

    def answer(self, engine: Engine) -> Float[np.ndarray, "heads query key"]:
        """The weights, NaN where a query may not look.

        Raises what `HeadMapRequest` raises, NoSuchMapError also for the mean of all layers.
        """
        trace = engine.run(self.map.trace)
        kind, (first, last) = self.map.kind, self.queries
        layer = -1 if self.map.layer is None else self.map.layer
        with engine.forward(trace.loaded):
            weights = trace.weights(kind, layer, queries=slice(first, last))
            visible = visible_by_head(trace, kind, layer)[:, first:last]
        if self.map.by_value:
            weights = weighted_by_value(trace, kind, layer, weights)
        if self.map.left_out:
            weights, _ = without_columns(weights, left_out_columns(trace, kind, self.map.left_out))
        return np.where(visible, weights, np.float32(np.nan))[:, :, slice(*self.keys)]


@dataclass(frozen=True)
class HeadGrid:
    """Every head of a kind as a thumbnail.

    thumbnails: 4,095 x the square root of the weight, so that faint patterns are seen; within 5e-4 of the weight.
    layers: the layer of each row of thumbnails.
    tokens: how many positions each side of a map had before pooling, queries and keys.
    """

    thumbnails: UInt16[np.ndarray, "layers heads rows columns"]
    layers: tuple[int, ...]
    tokens: tuple[int, int]


@dataclass(frozen=True)
class HeadGridRequest:
    """All layers and heads of a kind, each pooled (largest weight) to at most `side` rows and columns."""

    trace: TraceRequest
    kind: str
    left_out: LeftOut = ""
    side: int = _SIDE

    def answer(self, engine: Engine) -> HeadGrid:
        """Raises what `TraceRequest` raises, and NoSuchMapError."""
        trace = engine.run(self.trace)
        layers = trace.layers(self.kind)
        gone = left_out_columns(trace, self.kind, self.left_out)
        most = max(trace.heads(self.kind, layer) for layer in layers)
        rows = []
        for layer in layers:
            with engine.forward(trace.loaded):
                weights = trace.weights(self.kind, layer)
            shape = weights.shape[1:]
            if self.left_out:
                weights, _ = without_columns(weights, gone)
            shown = np.sqrt(np.clip(max_pooled(weights, self.side), 0, 1))
            steps = np.rint(THUMBNAIL_STEPS * shown).astype(np.uint16)
            rows.append(np.pad(steps, ((0, most - len(steps)), (0, 0), (0, 0))))
        return HeadGrid(np.stack(rows), layers, (shape[0], shape[1]))
