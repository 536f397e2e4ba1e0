"""Which heads look from here to there, on any text, beside what they do over the bank."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from models.attention.trace import AttentionTrace, TraceRequest
from models.engine import Engine
from models.errors import HeadlightError
from models.heads.atlas import Atlas
from models.heads.atlas_request import AtlasRequest
from models.heads.role_sums import heads_of_layers
from models.heads.roles import is_delimiter
from models.heads.roles_on_sentences import OFFSETS

MOST_PAIRS = 8


class LooksError(HeadlightError):
    """A pair of tokens that is not in the text, or too many of them."""


@dataclass(frozen=True)
class HeadLook:
    """One head's weights at the pairs that were asked for, the wanted ones first.

    weights: one for each pair. usual: what the head has over the bank where a key stands as that of the pair does (at
        the same offset; on the first or on a special token, its mean on those); NaN where the bank tells nothing.
    best_offset, at_best: the offset at which the head looks most over the bank, and its mean weight there; 0 and NaN
        where the bank tells nothing.
    """

    layer: int
    head: int
    weights: tuple[float, ...]
    usual: tuple[float, ...]
    best_offset: int
    at_best: float


@dataclass(frozen=True)
class PairLooks:
    """Of every head how much it looks from the query to the key of each pair, those that look most first.

    rows, columns: the tokens of the maps' rows and columns. pairs: the wanted, then the unwanted ones. Those that are
    not wanted ("it → animal" and not "it → street") count against a head: heads are in the order of the least weight
    of those wanted less the largest of those unwanted.
    """

    rows: tuple[str, ...]
    columns: tuple[str, ...]
    pairs: tuple[tuple[int, int], ...]
    looks: tuple[HeadLook, ...]


@dataclass(frozen=True)
class LooksRequest:
    """pairs, unwanted: (row, column) as indices of the maps' rows (queries) and columns (keys). atlas: with which bank
    each head is compared, measured first where it is not there yet; None: with none.
    """

    trace: TraceRequest
    kind: str
    pairs: tuple[tuple[int, int], ...]
    atlas: AtlasRequest | None = None
    unwanted: tuple[tuple[int, int], ...] = ()

    def answer(self, engine: Engine) -> PairLooks:
        """Raises what `TraceRequest` and `AtlasRequest` raise, NoSuchMapError for a kind that the model has not, and
        LooksError for a pair that is not there.
        """
        pairs = (*self.pairs, *self.unwanted)
        trace = engine.run(self.trace)
        axes = trace.axes(self.kind)
        self._check(pairs, len(axes.rows), len(axes.columns))
        atlas = None if self.atlas is None else engine.run(self.atlas)
        layers = trace.layers(self.kind)
        weights = []
        for layer in layers or (0,):
            with engine.forward(trace.loaded):
                weights.append(_at(trace, self.kind, layer, pairs))
        usual = [_usual(atlas, trace, self.kind, pair) for pair in pairs]
        of_heads = [
            (layer, head)
            for layer, count in zip(layers, heads_of_layers(trace, self.kind), strict=True)
            for head in range(count)
        ]
        stacked = np.concatenate(weights)
        wanted = len(self.pairs)
        order = stacked[:, :wanted].min(axis=1) - stacked[:, wanted:].max(axis=1, initial=0)
        looks = []
        for place in np.argsort(-order, kind="stable"):
            layer, head = of_heads[place]
            at, at_best = (0, np.nan) if atlas is None or self.kind == "cross" else _best(atlas, layer, head)
            told = tuple(np.nan if each is None else float(each[layer, head]) for each in usual)
            looks.append(HeadLook(layer, head, tuple(stacked[place].tolist()), told, at, at_best))
        rows, columns = (tuple(piece.text for piece in each) for each in (axes.rows, axes.columns))
        return PairLooks(rows, columns, pairs, tuple(looks))

    def _check(self, pairs: tuple[tuple[int, int], ...], rows: int, columns: int) -> None:
        if not self.pairs or len(pairs) > MOST_PAIRS:
            raise LooksError(f"Choose 1 to {MOST_PAIRS} pairs of tokens: one that looks, and one that it looks at.")
        for row, column in pairs:
            if not (0 <= row < rows and 0 <= column < columns):
                raise LooksError(
                    f"There is no pair of token {row} and token {column} in this text; it has {rows} tokens that look, "
                    f"0 to {rows - 1}, at {columns}."
                )


def _at(
    trace: AttentionTrace, kind: str, layer: int, pairs: tuple[tuple[int, int], ...]
) -> Float[np.ndarray, "head pair"]:
    """The weights of all heads of a layer at these pairs; of each row that is asked for alone."""
    rows = {row: trace.weights(kind, layer, queries=slice(row, row + 1))[:, 0] for row, _ in pairs}
    return np.stack([rows[row][:, column] for row, column in pairs], axis=1)


def _usual(
    atlas: Atlas | None, trace: AttentionTrace, kind: str, pair: tuple[int, int]
) -> Float[np.ndarray, "layer head"] | None:
    """The mean weight of each head over the bank at a place like this pair's key."""
    if atlas is None or kind == "cross":
        return None
    row, column = pair
    if column == 0:
        return atlas.on_first
    if is_delimiter(trace.axes(kind).columns)[column]:
        return atlas.on_delimiters
    apart = column - row
    return atlas.by_offset[:, :, apart - int(OFFSETS[0])] if OFFSETS[0] <= apart <= OFFSETS[-1] else None


def _best(atlas: Atlas, layer: int, head: int) -> tuple[int, float]:
    """The offset at which a head looks most over the bank, and its mean weight there."""
    at = int(atlas.best_offset[layer, head])
    return at, float(atlas.by_offset[layer, head, at - int(OFFSETS[0])])
