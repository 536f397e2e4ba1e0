"""Experiments on the live queries and keys of a layer: without the root of d, at other temperatures, in one head."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

from models.anatomy.part_switches import SwitchError
from models.attention.score_biases import added_to_scores
from models.attention.trace import AttentionTrace, NoSuchMapError, OfHead
from models.engine import Engine

MOST_TOKENS = 256
MOST_HEADS = 128
TEMPERATURES = (0.125, 0.25, 0.5, 0.7071, 1.0, 1.4142, 2.0, 4.0, 8.0)
_DRAWS = 8
# Of the largest singular value: what counts for the rank.
_COUNTS = 0.01


@dataclass(frozen=True)
class Spread:
    """The scores of a head before the softmax, and what the softmax makes of them.

    deviation: the standard deviation over the keys that a query may look at, the mean over the queries that have two or
        more. entropy: of their weights, in nats, the mean over the same queries. largest: the mean of their largest
        weight.
    """

    deviation: float
    entropy: float
    largest: float


@dataclass(frozen=True, eq=False)
class Scaled:
    """With and without the scaling, beside vectors drawn at random.

    width: d, how many numbers a query has. scaling: what the scores are multiplied with, 1 / sqrt(d) in most models.
    with_it, without_it: of the live queries and keys. drawn_with, drawn_without: of as many vectors whose numbers are
        drawn from a normal distribution with variance 1, under the same mask, with 1 / sqrt(d) and without.
    even: the entropy of equal weights, the most there can be.
    apart: by how much the weights here differ from those that the model computes, at most: 0 but where the architecture
        does more to its scores.
    """

    width: int
    scaling: float
    with_it: Spread
    without_it: Spread
    drawn_with: Spread
    drawn_without: Spread
    even: float
    apart: float


@dataclass(frozen=True, eq=False)
class Temperatures:
    """The head at other temperatures: its scores divided by T before the softmax; 1 is the model's own.

    entropies, largest: as in `Spread`. weights: of the chosen query. keys: as shown; what it may look at.
    """

    temperatures: tuple[float, ...]
    entropies: Float[np.ndarray, " temperature"]
    largest: Float[np.ndarray, " temperature"]
    weights: Float[np.ndarray, "temperature key"]
    keys: tuple[str, ...]
    even: float


@dataclass(frozen=True)
class Pattern:
    """One map. rank: how many of its singular values are at least a hundredth of the largest. effective: the
    exponential of the entropy of the singular values' shares (Roy and Vetterli 2007). entropy: of its rows, the mean,
    in nats.
    """

    rank: int
    effective: float
    entropy: float


@dataclass(frozen=True, eq=False)
class HeadsAgainstOne:
    """The layer's heads beside one head that has all their numbers.

    heads: of each. one: of the head whose queries and keys are those of all heads, side by side, its scores over
        sqrt(heads · d) and the heads' mean bias. drawn: of heads of vectors drawn at random, the mean.
    different: into how many different maps the heads' maps come, the effective rank of the maps as vectors, from 1 to
        the number of heads; one head has 1. drawn_different: of as many heads of vectors drawn at random.
    one_map: of the one head.
    """

    heads: tuple[Pattern, ...]
    one: Pattern
    drawn: Pattern
    different: float
    drawn_different: float
    one_map: Float[np.ndarray, "query key"]


@dataclass(frozen=True, eq=False)
class Why:
    """All three, of one head and its layer. tokens: as many as the maps have rows, and columns."""

    scaled: Scaled
    temperatures: Temperatures
    one_head: HeadsAgainstOne
    row_tokens: tuple[str, ...]
    column_tokens: tuple[str, ...]


@dataclass(frozen=True)
class WhyRequest(OfHead):
    """The three experiments; no forward but that of the trace. query: whose weights are shown. seed: of what is drawn.

    Vaswani et al. 2017 (arXiv 1706.03762), sections 3.2.1 (footnote 4: the variance of a dot product is d) and 3.2.2.
    """

    query: int
    seed: int = 0

    def answer(self, engine: Engine) -> Why:
        """Raises what `TraceRequest` raises; NoSuchMapError for a head or a query that is not there, SwitchError for a
        text that is too long, or of one token.
        """
        trace = engine.run(self.trace)
        kind, layer = self.kind, self.layer
        count = trace.heads(kind, layer)
        if not 0 <= self.head < count:
            raise NoSuchMapError(f"There is no head {self.head}: this layer has heads 0 to {count - 1}.")
        axes = trace.axes(kind)
        rows, columns = len(axes.rows), len(axes.columns)
        if max(rows, columns) > MOST_TOKENS:
            raise SwitchError(
                f"This text has {max(rows, columns):,} tokens; the experiments are made with at most {MOST_TOKENS}."
            )
        if count > MOST_HEADS:
            raise SwitchError(f"This layer has {count:,} heads; the experiments are made with at most {MOST_HEADS}.")
        if not 0 <= self.query < rows:
            raise NoSuchMapError(f"There is no query {self.query} here: the queries go from 0 to {rows - 1}.")
        added, allowed = added_to_scores(trace.calls[kind, layer])
        if not (allowed[self.head].sum(-1) > 1).any():
            raise SwitchError(
                "A query that may look at one token alone gives it its whole weight, whatever its score: type a text "
                "of two tokens or more."
            )
        with engine.forward(trace.loaded):
            weights = trace.weights(kind, layer)
        return self._experiments(trace, weights, added, allowed)

    def _experiments(
        self,
        trace: AttentionTrace,
        weights: Float[np.ndarray, "heads query key"],
        added: Float[np.ndarray, "heads query key"],
        allowed: Bool[np.ndarray, "heads query key"],
    ) -> Why:
        kind, layer, head = self.kind, self.layer, self.head
        queries, keys = (each.astype(np.float64) for each in (trace.queries(kind, layer), trace.keys(kind, layer)))
        width = queries.shape[-1]
        own = trace.calls[kind, layer].arguments.get("scaling")
        scaling = float(width**-0.5 if own is None else own)
        dots = np.einsum("hqd,hkd->hqk", queries, keys)
        mask = allowed[head]
        scores = dots[head] * scaling + added[head]
        draw = np.random.default_rng(self.seed)
        shapes = (_DRAWS, mask.shape[0], width), (_DRAWS, mask.shape[1], width)
        drawn = np.einsum("hqd,hkd->hqk", *(draw.standard_normal(shape) for shape in shapes))
        even = float(np.mean(np.log(mask.sum(-1)[mask.sum(-1) > 1])))
        scaled = Scaled(
            width=width,
            scaling=scaling,
            with_it=_spread(dots[head] * scaling, added[head], mask),
            without_it=_spread(dots[head], added[head], mask),
            drawn_with=_mean([_spread(each * width**-0.5, None, mask) for each in drawn]),
            drawn_without=_mean([_spread(each, None, mask) for each in drawn]),
            even=even,
            apart=float(np.abs(_softmax(scores, mask) - weights[head]).max()),
        )
        columns = tuple(piece.text for piece in trace.axes(kind).columns)
        hot = [_softmax(scores / temperature, mask) for temperature in TEMPERATURES]
        seen = mask.sum(-1) > 1
        temperatures = Temperatures(
            temperatures=TEMPERATURES,
            entropies=np.array([_entropies(each)[seen].mean() for each in hot]),
            largest=np.array([each.max(-1)[seen].mean() for each in hot]),
            weights=np.stack([each[self.query] for each in hot]),
            keys=columns,
            even=even,
        )
        return Why(
            scaled=scaled,
            temperatures=temperatures,
            one_head=_one_head(dots, width, added, allowed, weights, draw),
            row_tokens=tuple(piece.text for piece in trace.axes(kind).rows),
            column_tokens=columns,
        )


def _one_head(
    dots: Float[np.ndarray, "heads query key"],
    width: int,
    added: Float[np.ndarray, "heads query key"],
    allowed: Bool[np.ndarray, "heads query key"],
    weights: Float[np.ndarray, "heads query key"],
    draw: np.random.Generator,
) -> HeadsAgainstOne:
    heads, rows, columns = dots.shape
    mask = np.any(allowed, axis=0)
    bias = np.where(allowed, added, 0).sum(0) / np.maximum(allowed.sum(0), 1)
    one = _softmax(dots.sum(0) * (heads * width) ** -0.5 + bias, mask)
    shapes = (heads, rows, width), (heads, columns, width)
    random = np.einsum("hqd,hkd->hqk", *(draw.standard_normal(shape) for shape in shapes)) * width**-0.5
    drawn = np.stack([_softmax(each, mask) for each in random])
    patterns = [pattern(each) for each in drawn]
    return HeadsAgainstOne(
        heads=tuple(pattern(each.astype(np.float64)) for each in weights),
        one=pattern(one),
        drawn=Pattern(
            round(float(np.mean([each.rank for each in patterns]))),
            float(np.mean([each.effective for each in patterns])),
            float(np.mean([each.entropy for each in patterns])),
        ),
        different=_effective(weights.reshape(heads, -1).astype(np.float64)),
        drawn_different=_effective(drawn.reshape(heads, -1)),
        one_map=one.astype(np.float32),
    )


def pattern(weights: Float[np.ndarray, "query key"]) -> Pattern:
    """Rank and entropy of one map."""
    values = np.linalg.svd(weights, compute_uv=False)
    rank = int((values >= _COUNTS * values[0]).sum()) if values[0] > 0 else 0
    return Pattern(rank, _effective(weights), float(_entropies(weights).mean()))


def _effective(rows: Float[np.ndarray, "row column"]) -> float:
    values = np.linalg.svd(rows, compute_uv=False)
    if values.sum() == 0:
        return 0.0
    shares = values / values.sum()
    return float(np.exp(-(shares * np.log(np.maximum(shares, 1e-300))).sum()))


def _spread(
    scores: Float[np.ndarray, "query key"],
    added: Float[np.ndarray, "query key"] | None,
    mask: Bool[np.ndarray, "query key"],
) -> Spread:
    seen = mask.sum(-1) > 1
    weights = _softmax(scores if added is None else scores + added, mask)[seen]
    deviations = [scores[row][mask[row]].std() for row in np.flatnonzero(seen)]
    return Spread(float(np.mean(deviations)), float(_entropies(weights).mean()), float(weights.max(-1).mean()))


def _mean(spreads: list[Spread]) -> Spread:
    return Spread(*(float(np.mean([getattr(each, name) for each in spreads])) for name in Spread.__dataclass_fields__))


def _softmax(
    scores: Float[np.ndarray, "query key"], mask: Bool[np.ndarray, "query key"]
) -> Float[np.ndarray, "query key"]:
    """Rows of weights; zeros for a query that may look nowhere."""
    blank = ~mask.any(-1, keepdims=True)
    shown = np.where(mask | blank, scores, -np.inf)
    powers = np.exp(shown - shown.max(-1, keepdims=True))
    return np.where(blank, 0, powers / powers.sum(-1, keepdims=True))


def _entropies(weights: Float[np.ndarray, "*rows key"]) -> Float[np.ndarray, "*rows"]:
    """Of each row, in nats; 0 log 0 is 0."""
    return -(weights * np.log(np.maximum(weights, 1e-300))).sum(-1)
