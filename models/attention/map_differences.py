"""Two maps of one head beside each other: with something switched off, or of a text with another word in it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from models.attention.head_map import HeadMap, HeadMapRequest
from models.attention.map_pictures import screen_cells
from models.attention.map_pooling import block_starts
from models.attention.trace import TooManyTokensError, TraceRequest
from models.engine import Engine
from models.forward.map_axes import axes

MOST_TOKENS = 512
# Places in one text and in another.
Pairs = tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class MapDifference:
    """Both maps on one scale, and what the second one has more or less than the first.

    before, after: as on the screen: NaN where a query may not look.
    difference: after - before; NaN where a query may look in neither; of a pooled map, the difference of each block
        that is furthest from 0. Of as many rows and columns as can be compared: all, where both texts have as many
        tokens, else those that stand for each other.
    most: the largest weight of both. largest: the difference that is furthest from 0, its sign taken off.
    compared: how many queries and keys the difference has. common: with how many equal keys both maps begin; in the
        cross-attention those are tokens of the source, and the rows are steps of the output.
    largest_before: the largest difference in the rows with which both begin, over those keys.
    """

    before: Float[np.ndarray, "rows columns"]
    after: Float[np.ndarray, "other_rows other_columns"]
    difference: Float[np.ndarray, "compared_rows compared_columns"]
    most: float
    largest: float
    compared: tuple[int, int]
    common: int
    largest_before: float


@dataclass(frozen=True)
class MapDifferenceRequest:
    """The maps of one head in two traces; equal maps have a difference of exactly 0.

    rows, columns: of texts with another number of tokens, which query and which key of the one stand for which of the
        other, in order; None: those with which both begin.
    """

    before: HeadMapRequest
    after: HeadMapRequest
    side: int = 512
    rows: Pairs | None = None
    columns: Pairs | None = None

    def answer(self, engine: Engine) -> MapDifference:
        """Raises what `HeadMapRequest` raises."""
        one, other = engine.run(self.before), engine.run(self.after)
        trace, other_trace = engine.run(self.before.trace), engine.run(self.after.trace)
        ids, other_ids = (
            axes(self.before.kind, each.inputs.ids, each.inputs.target_ids) for each in (trace, other_trace)
        )
        common_rows = _equal_at_first(ids.rows, other_ids.rows)
        common = _equal_at_first(ids.columns, other_ids.columns)
        rows, columns = (_places(size) for size in one.weights.shape)
        if one.weights.shape != other.weights.shape:
            rows = _places(common_rows) if self.rows is None else self.rows
            columns = _places(common) if self.columns is None else self.columns
        earlier = _between(one, other, _places(common_rows), _places(common))
        difference = _between(one, other, rows, columns)
        return MapDifference(
            before=screen_cells(one.weights, one.visible, self.side, "max"),
            after=screen_cells(other.weights, other.visible, self.side, "max"),
            difference=_furthest_from_zero(difference, self.side),
            most=float(max(one.weights.max(), other.weights.max())),
            largest=float(np.nanmax(np.abs(difference), initial=0.0)),
            compared=(len(rows), len(columns)),
            common=common,
            largest_before=float(np.nanmax(np.abs(earlier), initial=0.0)),
        )


def _places(count: int) -> Pairs:
    """Each for the same place."""
    return tuple((place, place) for place in range(count))


def _between(one: HeadMap, other: HeadMap, rows: Pairs, columns: Pairs) -> Float[np.ndarray, "query key"]:
    """The other − the one, of what stands for each other; NaN where a query may look in neither."""
    # Whole numbers also where there are none.
    sides = [np.array(pairs, dtype=np.intp).reshape(-1, 2).T for pairs in (rows, columns)]
    first, second = (np.ix_(sides[0][side], sides[1][side]) for side in (0, 1))
    both = one.visible[first] | other.visible[second]
    return np.where(both, other.weights[second] - one.weights[first], np.float32(np.nan))


def _equal_at_first(one: Sequence[int], other: Sequence[int]) -> int:
    return next(
        (place for place, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other))
    )


def _furthest_from_zero(cells: Float[np.ndarray, "query key"], side: int) -> Float[np.ndarray, "rows columns"]:
    """At most `side` rows and columns, each the number of its block that is furthest from 0, with its sign."""
    high, low = np.where(np.isnan(cells), -np.inf, cells), np.where(np.isnan(cells), np.inf, cells)
    for axis in (0, 1):
        if cells.shape[axis] > side:
            starts = block_starts(cells.shape[axis], side)
            high, low = np.maximum.reduceat(high, starts, axis=axis), np.minimum.reduceat(low, starts, axis=axis)
    found = np.where(-low > high, low, high)
    return np.where(np.isfinite(found), found, np.nan).astype(np.float32)


class ChangedMap(NamedTuple):
    """A head whose map differs between two runs; `largest` is the difference that is furthest from 0, without sign."""

    layer: int
    head: int
    largest: float


@dataclass(frozen=True)
class ChangedMapsRequest:
    """The heads of one kind whose maps differ most between two runs of one text, the most changed first."""

    before: TraceRequest
    after: TraceRequest
    kind: str
    count: int = 6

    def answer(self, engine: Engine) -> tuple[ChangedMap, ...]:
        """At most `count`, none with a difference of 0. Raises what `TraceRequest` raises, TooManyTokensError."""
        before, after = engine.run(self.before), engine.run(self.after)
        tokens = len(before.pieces)
        if tokens > MOST_TOKENS:
            raise TooManyTokensError(
                f"All maps of two runs are compared for texts of at most {MOST_TOKENS} tokens; this one has {tokens:,}."
            )
        found = []
        for layer in after.layers(self.kind):
            if after.shares(before, self.kind, layer):
                continue
            with engine.forward(after.loaded):
                one, other = before.weights(self.kind, layer), after.weights(self.kind, layer)
            largest = np.abs(other - one).max(axis=(1, 2))
            found += [ChangedMap(layer, head, float(each)) for head, each in enumerate(largest) if each > 0]
        return tuple(sorted(found, key=lambda each: -each.largest)[: self.count])
