"""What the pages ask of a trace, and the answers: only the slice that is shown."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from jaxtyping import Bool, Float

from models.attention.pooling import without_columns
from models.attention.trace import AttentionTrace, trace_attention
from models.engine import Engine
from models.forward.inputs import shifted_right
from models.forward.interventions import Intervention
from models.loaded import LoadedModel
from models.tokenization import Piece, TextStream, encode

LeftOut = Literal["", "special", "first", "sink"]


@dataclass(frozen=True)
class TraceRequest:
    """One recorded forward. Its answer stays on the engine's side; the other requests slice it.

    text: or token ids, as they go to the model (a decoder's prompt with what it wrote).
    target: for seq2seq models, what is written: a text, or the tokens that were generated, its end token among them.
        Row t of the decoder and of the cross-attention is then the step that writes token t.
    """

    model: str
    text: str | tuple[int, ...]
    target: str | tuple[int, ...] | None = None
    interventions: tuple[Intervention, ...] = ()

    def answer(self, engine: Engine) -> AttentionTrace:
        """Raises what `load_model` and `trace_attention` raise."""
        loaded = engine.model(self.model)
        target = shifted_right(loaded, self.target) if isinstance(self.target, tuple) else self.target
        base = engine.answers.peek(replace(self, interventions=())) if self.interventions else None
        with engine.forward(loaded):
            return trace_attention(loaded, self.text, target, self.interventions, base)


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
    written: for seq2seq models, the token that each row of the decoder writes, with the model's probability for it.
    written_texts: what each of those adds to the text that is written.
    written_special, written_unknown: which of those are special or unknown.
    read_as: the text as the tokenizer's normaliser hands it on; the text itself where it has none.
    without_maps: what of the model attends and has no maps, a sentence; "" for most.
    """

    ids: tuple[int, ...]
    tokens: tuple[str, ...]
    target_tokens: tuple[str, ...]
    is_special: tuple[bool, ...]
    is_unknown: tuple[bool, ...]
    spans: tuple[tuple[int, int], ...]
    kinds: tuple[str, ...]
    layers: tuple[tuple[int, ...], ...]
    heads: tuple[tuple[int, ...], ...]
    next_tokens: tuple[Candidate, ...]
    written: tuple[Candidate, ...]
    written_texts: tuple[str, ...]
    written_special: tuple[bool, ...]
    written_unknown: tuple[bool, ...]
    read_as: str
    without_maps: str

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
        written, marks = _written(trace, self.trace.target)
        return TracedText(
            ids=trace.inputs.ids,
            tokens=trace.tokens,
            target_tokens=trace.target_tokens,
            is_special=trace.is_special,
            is_unknown=tuple(piece.is_unknown for piece in trace.pieces),
            spans=tuple(piece.span for piece in trace.pieces),
            kinds=trace.kinds,
            layers=tuple(trace.layers(kind) for kind in trace.kinds),
            heads=tuple(tuple(trace.heads(kind, layer) for layer in trace.layers(kind)) for kind in trace.kinds),
            next_tokens=next_tokens(trace, self.candidates),
            written=written,
            written_texts=_texts(trace.loaded, [each.id for each in written]),
            written_special=tuple(piece.is_special for piece in marks),
            written_unknown=tuple(piece.is_unknown for piece in marks),
            read_as=_read_as(trace.loaded, self.trace.text),
            without_maps=trace.loaded.caveat("maps"),
        )


def _written(
    trace: AttentionTrace, target: str | tuple[int, ...] | None
) -> tuple[tuple[Candidate, ...], tuple[Piece, ...]]:
    """What each row of the decoder writes: the tokens of the target, which the decoder is given one row later."""
    if not trace.target_pieces or target is None:
        return (), ()
    loaded = trace.loaded
    ids = written_ids(loaded, target)
    pieces = loaded.pieces(ids)
    logits = trace.outputs[: len(ids)].astype(np.float64)
    logits -= logits.max(axis=-1, keepdims=True)
    shares = np.exp(logits)
    shares /= shares.sum(axis=-1, keepdims=True)
    candidates = (
        Candidate(piece.id, piece.text, float(row[piece.id])) for piece, row in zip(pieces, shares, strict=True)
    )
    return tuple(candidates), pieces


def written_ids(loaded: LoadedModel, target: str | tuple[int, ...] | None) -> tuple[int, ...]:
    """The tokens that a seq2seq model writes with this target, its end token among them."""
    return encode(loaded.target_tokenizer, target).ids if isinstance(target, str) else target or ()


def _texts(loaded: LoadedModel, ids: Sequence[int]) -> tuple[str, ...]:
    stream = TextStream(loaded.tokenizer)
    return tuple(stream.add(token, is_last=place == len(ids) - 1) for place, token in enumerate(ids))


def _read_as(loaded: LoadedModel, text: str | tuple[int, ...]) -> str:
    if not isinstance(text, str):
        return ""
    normalizer = loaded.backend.normalizer if loaded.backend is not None else None
    return text if normalizer is None else normalizer.normalize_str(text)


def next_tokens(trace: AttentionTrace, count: int) -> tuple[Candidate, ...]:
    """The likeliest tokens to come, best first; none for a model that is not a decoder."""
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
    """One map. `head` None is the mean over the layer's heads, `layer` None the mean over the heads of all layers.

    left_out: columns that are taken out, the rows rescaled: see `left_out_columns`.
    by_value: each weight times the length of its key's value vector, which says how much is really moved (Kobayashi
        et al. 2020, Attention is Not Only a Weight, section 3). It is no share of a whole any more.
    """

    trace: TraceRequest
    kind: str
    layer: int | None
    head: int | None
    left_out: LeftOut = ""
    by_value: bool = False

    def answer(self, engine: Engine) -> HeadMap:
        """Raises what `TraceRequest` raises, and NoSuchMapError."""
        trace = engine.run(self.trace)
        layers = trace.layers(self.kind) if self.layer is None else (self.layer,)
        head = None if self.layer is None else self.head
        maps = []
        for layer in layers:
            with engine.forward(trace.loaded):
                maps.append(_one_map(trace, self.kind, layer, head, by_value=self.by_value))
        weights = np.mean([each for each, _ in maps], axis=0) if len(maps) > 1 else maps[0][0]
        visible = np.any([each for _, each in maps], axis=0)
        if not self.left_out:
            return HeadMap(weights, visible, np.ones(len(weights), dtype=np.float32))
        rescaled, seen = without_columns(weights, left_out_columns(trace, self.kind, self.left_out))
        return HeadMap(rescaled, visible, seen)


def _one_map(
    trace: AttentionTrace, kind: str, layer: int, head: int | None, *, by_value: bool = False
) -> tuple[Float[np.ndarray, "query key"], Bool[np.ndarray, "query key"]]:
    """The weights of a head, or the mean over the layer's heads, and where any of them may look."""
    weights = trace.weights(kind, layer, head)
    if by_value:
        lengths = np.linalg.norm(trace.values(kind, layer), axis=-1)
        weights = weights * (lengths[:, None] if head is None else lengths[head])
    if head is not None:
        return weights, trace.visible(kind, layer, head)
    visible = np.any([trace.visible(kind, layer, each) for each in range(len(weights))], axis=0)
    return weights.mean(axis=0), visible


def left_out_columns(trace: AttentionTrace, kind: str, what: LeftOut) -> Bool[np.ndarray, " key"]:
    """The keys that heads look at when they have nothing to look for.

    what: "special" for the special tokens, "first" for the first position, "sink" for both, "" for none. The first
        position of a seq2seq model's source is a word like any other, and stays.

    Source: Xiao et al. 2023, Efficient Streaming Language Models with Attention Sinks, section 3.1; Clark et al.
    2019, What Does BERT Look At?, section 3.2 (`[CLS]`, `[SEP]`).
    """
    is_seq2seq = bool(trace.target_pieces)
    pieces = trace.target_pieces if kind == "decoder" and is_seq2seq else trace.pieces
    first = what in ("first", "sink") and (kind == "decoder" or not is_seq2seq)
    special = what in ("special", "sink")
    return np.array([(first and place == 0) or (special and piece.is_special) for place, piece in enumerate(pieces)])
