"""One sentence in several models at once: what each may see, and which rows change when a word is another."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

from models.anatomy.layer_inputs import streams
from models.anatomy.part_switches import SwitchError
from models.attention.head_map import HeadMapRequest
from models.attention.outputs import next_tokens, softmax
from models.attention.trace import AttentionTrace, TraceRequest
from models.engine import Engine
from models.heads.token_alignment import aligned_tokens

MOST_TOKENS = 128
# Of a vector's length, or a whole row's weight: what is less is rounding.
UNCHANGED = 1e-4


@dataclass(frozen=True, eq=False)
class FamilyMap:
    """One kind of attention: the mean over all heads of one layer, and where no head of it may look.

    rows, columns: tokens as shown. changes: of each row the largest change of a weight by the edit; NaN for a row
        without a partner, all NaN without an edit.
    """

    kind: str
    layer: int
    layers: int
    rows: tuple[str, ...]
    columns: tuple[str, ...]
    weights: Float[np.ndarray, "row column"]
    visible: Bool[np.ndarray, "row column"]
    changes: Float[np.ndarray, " row"]


@dataclass(frozen=True, eq=False)
class StreamChange:
    """What an edit changes in one stack, layer by layer.

    tokens: of the text as it is. edited: whether each is itself another one. layers: of the rows.
    changes: how far each token's vector moves after each layer, as a part of its length; NaN without a partner.
    """

    kind: str
    tokens: tuple[str, ...]
    edited: tuple[bool, ...]
    layers: tuple[int, ...]
    changes: Float[np.ndarray, "layer token"]


@dataclass(frozen=True, eq=False)
class FamilyView:
    """One model.

    output: what comes out, in pairs of a text and a probability: of a decoder what may come next, of a seq2seq model
        what its first step writes; empty for an encoder, whose output are the vectors. other_output: after the edit.
    streams: empty without an edit. note: what has to be said of how the two texts were compared; "" for most.
    """

    maps: tuple[FamilyMap, ...]
    streams: tuple[StreamChange, ...]
    output: tuple[tuple[str, float], ...]
    other_output: tuple[tuple[str, float], ...]
    note: str


@dataclass(frozen=True)
class FamilyRequest:
    """One text, and the same with another word, in one model: two forwards each.

    trace: of the text; edited: the other text, "" for none; of a seq2seq model its decoder is given the same.
    depth: which layer's map, from 0 the first to 1 the last.
    """

    trace: TraceRequest
    edited: str
    depth: float = 0.5

    def answer(self, engine: Engine) -> FamilyView:
        """Raises what `TraceRequest` raises; SwitchError for a text that is too long or a depth that is none."""
        if not 0 <= self.depth <= 1:
            raise SwitchError("A depth is from 0, the first layer, to 1, the last.")
        trace = engine.run(self.trace)
        other = engine.run(TraceRequest(self.trace.model, self.edited, self.trace.target)) if self.edited else None
        for each in (trace, *filter(None, [other])):
            longest = max(len(each.tokens), len(each.target_tokens))
            if longest > MOST_TOKENS:
                raise SwitchError(f"This text has {longest:,} tokens; three maps of at most {MOST_TOKENS} fit here.")
        maps, note = [], ""
        for kind in trace.kinds:
            layers = trace.layers(kind)
            layer = layers[round(self.depth * (len(layers) - 1))]
            maps.append(self._map(engine, trace, other, kind, layer))
        if other is not None:
            note = aligned_tokens(trace.inputs.ids, other.inputs.ids).note
        with engine.forward(trace.loaded):
            changes = () if other is None else _changes(trace, other)
            return FamilyView(tuple(maps), changes, _output(trace), () if other is None else _output(other), note)

    def _map(
        self, engine: Engine, trace: AttentionTrace, other: AttentionTrace | None, kind: str, layer: int
    ) -> FamilyMap:
        own = engine.run(HeadMapRequest(self.trace, kind, layer, None))
        axes = trace.axes(kind)
        changes = np.full(len(axes.rows), np.nan)
        if other is not None:
            edited = TraceRequest(self.trace.model, self.edited, self.trace.target)
            theirs = engine.run(HeadMapRequest(edited, kind, layer, None))
            pairs = _pairs(trace, other, kind)
            columns = _column_pairs(trace, other, kind)
            for one, another in pairs:
                row, other_row = own.weights[one], theirs.weights[another]
                change = max(abs(float(row[a]) - float(other_row[b])) for a, b in columns)
                changes[one] = 0.0 if change < UNCHANGED else change
        return FamilyMap(
            kind=kind,
            layer=layer,
            layers=len(trace.layers(kind)),
            rows=tuple(each.text for each in axes.rows),
            columns=tuple(each.text for each in axes.columns),
            weights=own.weights,
            visible=own.visible,
            changes=changes,
        )


def _pairs(trace: AttentionTrace, other: AttentionTrace, kind: str) -> tuple[tuple[int, int], ...]:
    """Which row of the one stands for which of the other."""
    if trace.target_tokens and kind != "encoder":
        return tuple((place, place) for place in range(len(trace.target_tokens)))
    return aligned_tokens(trace.inputs.ids, other.inputs.ids).pairs


def _column_pairs(trace: AttentionTrace, other: AttentionTrace, kind: str) -> tuple[tuple[int, int], ...]:
    if trace.target_tokens and kind == "decoder":
        return _pairs(trace, other, kind)
    return aligned_tokens(trace.inputs.ids, other.inputs.ids).pairs


def _changes(trace: AttentionTrace, other: AttentionTrace) -> tuple[StreamChange, ...]:
    one, another = (streams(each.loaded, each.inputs, (each.interventions,)) for each in (trace, other))
    found = []
    for kind in dict.fromkeys(kind for kind, _ in one):
        layers = sorted(layer for own, layer in one if own == kind)
        is_target = bool(trace.target_tokens) and kind == "decoder"
        tokens = trace.target_tokens if is_target else trace.tokens
        ids = [each.inputs.target_ids if is_target else each.inputs.ids for each in (trace, other)]
        pairs = _pairs(trace, other, kind)
        changes = np.full((len(layers), len(tokens)), np.nan)
        edited = [True] * len(tokens)
        for place, partner in pairs:
            edited[place] = ids[0][place] != ids[1][partner]
            for row, layer in enumerate(layers):
                own, theirs = one[kind, layer][1][0, place].float(), another[kind, layer][1][0, partner].float()
                moved = float((own - theirs).norm() / own.norm().clamp_min(1e-30))
                changes[row, place] = 0.0 if moved < UNCHANGED else moved
        found.append(StreamChange(kind, tokens, tuple(edited), tuple(layers), changes))
    return tuple(found)


def _output(trace: AttentionTrace) -> tuple[tuple[str, float], ...]:
    if not trace.target_tokens:
        return tuple((each.text, each.probability) for each in next_tokens(trace, 3))
    shares = softmax(trace.outputs[0])
    best = [int(each) for each in np.argsort(-shares, kind="stable")[:3]]
    return tuple((piece.text, float(shares[each])) for each, piece in zip(best, trace.loaded.pieces(best), strict=True))
