"""What the pages ask of a trace, and the answers: only the slice that is shown."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, UInt8

from models.attention.interventions import Intervention
from models.attention.pooling import max_pooled, without_columns
from models.attention.trace import AttentionTrace, trace_attention
from models.engine import Engine


@dataclass(frozen=True)
class TraceRequest:
    """One recorded forward. Its answer stays on the engine's side; the other requests slice it."""

    model: str
    text: str
    target: str | None = None
    interventions: tuple[Intervention, ...] = ()

    def answer(self, engine: Engine) -> AttentionTrace:
        """Raises what `load_model` and `trace_attention` raise."""
        loaded = engine.model(self.model)
        with engine.forward(loaded):
            return trace_attention(loaded, self.text, self.target, self.interventions)


@dataclass(frozen=True)
class Candidate:
    """A token that may come next, as shown, and its probability (softmax of the logits, nothing cut)."""

    id: int
    text: str
    probability: float


@dataclass(frozen=True)
class TracedText:
    """What a page needs to know about a trace before it shows a map.

    spans: for each token, where it stands in the text, in code points; (0, 0) for one that is not in the text.
    layers, heads: for each kind, the layers that have maps and how many heads each of them has.
    next_tokens: for decoders, the likeliest tokens to come, best first; else empty.
    """

    tokens: tuple[str, ...]
    target_tokens: tuple[str, ...]
    is_special: tuple[bool, ...]
    is_unknown: tuple[bool, ...]
    spans: tuple[tuple[int, int], ...]
    kinds: tuple[str, ...]
    layers: tuple[tuple[int, ...], ...]
    heads: tuple[tuple[int, ...], ...]
    next_tokens: tuple[Candidate, ...]

    def layers_of(self, kind: str) -> tuple[int, ...]:
        """The layers of this kind that have maps."""
        return self.layers[self.kinds.index(kind)]

    def heads_of(self, kind: str, layer: int) -> int:
        """How many heads this layer has."""
        place = self.kinds.index(kind)
        return self.heads[place][self.layers[place].index(layer)]


@dataclass(frozen=True)
class TracedTextRequest:
    """The pieces of a traced text, the maps there are, and for a decoder what may come next."""

    trace: TraceRequest
    candidates: int = 5

    def answer(self, engine: Engine) -> TracedText:
        """Raises what `TraceRequest` raises."""
        trace = engine.run(self.trace)
        return TracedText(
            tokens=trace.tokens,
            target_tokens=trace.target_tokens,
            is_special=trace.is_special,
            is_unknown=tuple(piece.is_unknown for piece in trace.pieces),
            spans=tuple(piece.span for piece in trace.pieces),
            kinds=trace.kinds,
            layers=tuple(trace.layers(kind) for kind in trace.kinds),
            heads=tuple(tuple(trace.heads(kind, layer) for layer in trace.layers(kind)) for kind in trace.kinds),
            next_tokens=_next_tokens(trace, self.candidates),
        )


def _next_tokens(trace: AttentionTrace, count: int) -> tuple[Candidate, ...]:
    if trace.kinds != ("decoder",):
        return ()
    logits = trace.last_output.astype(np.float64)
    probabilities = np.exp(logits - logits.max())
    probabilities /= probabilities.sum()
    best = np.argsort(-probabilities, kind="stable")[:count]
    return tuple(
        Candidate(piece.id, piece.text, float(probabilities[piece.id]))
        for piece in trace.loaded.pieces([int(number) for number in best])
    )


@dataclass(frozen=True)
class HeadMap:
    """One head's map, or the mean over the heads of a layer, at full resolution.

    weights: what is shown; where the sink is taken out, rescaled.
    visible: where the queries may look at all (for a mean, where any head may).
    seen: for each query, the share of its weight that is shown; all 1 unless the sink is taken out.
    """

    weights: Float[np.ndarray, "query key"]
    visible: Bool[np.ndarray, "query key"]
    seen: Float[np.ndarray, " query"]


@dataclass(frozen=True)
class HeadMapRequest:
    """One map. `head` None is the mean over the layer's heads; `without_sink` takes out the columns of the first
    position and of special tokens and rescales the rows.
    """

    trace: TraceRequest
    kind: str
    layer: int
    head: int | None
    without_sink: bool = False

    def answer(self, engine: Engine) -> HeadMap:
        """Raises what `TraceRequest` raises, and NoSuchMapError."""
        trace = engine.run(self.trace)
        with engine.forward(trace.loaded):
            weights = trace.weights(self.kind, self.layer, self.head)
        if self.head is None:
            visible = np.any([trace.visible(self.kind, self.layer, head) for head in range(len(weights))], axis=0)
            weights = weights.mean(axis=0)
        else:
            visible = trace.visible(self.kind, self.layer, self.head)
        if not self.without_sink:
            return HeadMap(weights, visible, np.ones(len(weights), dtype=np.float32))
        rescaled, seen = without_columns(weights, sink_columns(trace, self.kind))
        return HeadMap(rescaled, visible, seen)


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
    """A map for the screen, max-pooled where it has more than `side` rows or columns, with query `query` selected."""

    map: HeadMapRequest
    query: int
    side: int = 512

    def answer(self, engine: Engine) -> HeadPicture:
        """Raises what `HeadMapRequest` raises."""
        whole = engine.run(self.map)
        # -1 stands below every weight, so that a block is unseen only where no query in it may look at any key in it.
        cells = max_pooled(np.where(whole.visible, whole.weights, np.float32(-1)), self.side)
        return HeadPicture(
            cells=np.where(cells < 0, np.float32(np.nan), cells),
            row=np.where(whole.visible[self.query], whole.weights[self.query], np.float32(np.nan)),
            most=float(whole.weights.max()),
            seen=float(whole.seen[self.query]),
            size=(whole.weights.shape[0], whole.weights.shape[1]),
        )


@dataclass(frozen=True)
class HeadGrid:
    """Every head of a kind as a thumbnail.

    thumbnails: 255 x the square root of the weight, so that faint patterns are seen.
    layers: the layer of each row of thumbnails.
    tokens: how many positions each side of a map had before pooling, queries and keys.
    """

    thumbnails: UInt8[np.ndarray, "layers heads rows columns"]
    layers: tuple[int, ...]
    tokens: tuple[int, int]


@dataclass(frozen=True)
class HeadGridRequest:
    """All layers and heads of a kind, each pooled (largest weight) to at most `side` rows and columns."""

    trace: TraceRequest
    kind: str
    without_sink: bool = False
    side: int = 32

    def answer(self, engine: Engine) -> HeadGrid:
        """Raises what `TraceRequest` raises, and NoSuchMapError."""
        trace = engine.run(self.trace)
        layers = trace.layers(self.kind)
        gone = sink_columns(trace, self.kind)
        most = max(trace.heads(self.kind, layer) for layer in layers)
        rows = []
        for layer in layers:
            with engine.forward(trace.loaded):
                weights = trace.weights(self.kind, layer)
            shape = weights.shape[1:]
            if self.without_sink:
                weights, _ = without_columns(weights, gone)
            pooled = np.rint(255 * np.sqrt(np.clip(max_pooled(weights, self.side), 0, 1))).astype(np.uint8)
            rows.append(np.pad(pooled, ((0, most - len(pooled)), (0, 0), (0, 0))))
        return HeadGrid(np.stack(rows), layers, (shape[0], shape[1]))


def sink_columns(trace: AttentionTrace, kind: str) -> Bool[np.ndarray, " key"]:
    """The keys that heads look at when they have nothing to look for: the first position and special tokens.

    Source: Xiao et al. 2023, Efficient Streaming Language Models with Attention Sinks, section 3.1; Clark et al.
    2019, What Does BERT Look At?, section 3.2 (`[CLS]`, `[SEP]`).
    """
    pieces = trace.target_pieces if kind == "decoder" and trace.target_pieces else trace.pieces
    return np.array([place == 0 or piece.is_special for place, piece in enumerate(pieces)])
