"""One head of each of two models on one text, both between the same parts of it, so that they can be subtracted."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

from models.attention.trace import NoSuchMapError, TraceRequest
from models.engine import Engine
from models.heads.matching_head import MatchError, check_reads
from models.heads.word_weights import Span, pieces_in_words, visible_words, word_weights
from models.tokenization import Piece

MOST_PARTS = 256
MOST_TOKENS = 512


@dataclass(frozen=True, eq=False)
class AlignedMaps:
    """Both maps between the parts of a text, and what the second has more or less than the first.

    parts: in the order of the text: the smallest that no token of either model crosses. first, second: from part to
        part, sums over the tokens of the part that is looked at, means over those of the part that looks, special
        tokens left out; NaN where none may look.
    difference: second - first; a map that may not look has 0 there, and NaN is where neither may.
    most: the largest weight of both. largest: the difference that is furthest from 0, its sign taken off.
    """

    parts: tuple[str, ...]
    first: Float[np.ndarray, "part part"]
    second: Float[np.ndarray, "part part"]
    difference: Float[np.ndarray, "part part"]
    most: float
    largest: float


@dataclass(frozen=True)
class AlignedMapsRequest:
    """head, other_head: (layer, head). Both traces are of one text, as characters."""

    trace: TraceRequest
    kind: str
    head: tuple[int, int]
    other: TraceRequest
    other_kind: str
    other_head: tuple[int, int]

    def answer(self, engine: Engine) -> AlignedMaps:
        """Raises what `TraceRequest` raises, NoSuchMapError for a head that is not there, and MatchError for two texts,
        a text that is too long, and a tokenizer that does not tell where its tokens stand.
        """
        text = self.trace.text
        if not isinstance(text, str) or text != self.other.text:
            raise MatchError("Two heads are laid on each other over one text; give both models the same.")
        traces = [engine.run(each) for each in (self.trace, self.other)]
        kinds = (self.kind, self.other_kind)
        for trace, kind in zip(traces, kinds, strict=True):
            check_reads(trace.loaded, kind)
            if len(trace.pieces) > MOST_TOKENS:
                raise MatchError(
                    f"This text has {len(trace.pieces):,} tokens, and at most {MOST_TOKENS} are compared; shorten it."
                )
        spans = shared_parts(text, [trace.pieces for trace in traces])
        if not spans or len(spans) > MOST_PARTS:
            raise MatchError(
                f"This text has {len(spans):,} parts that both models cut alike, and 1 to {MOST_PARTS} are compared; "
                "take another text."
            )
        found = []
        for trace, kind, place in zip(traces, kinds, (self.head, self.other_head), strict=True):
            inside = pieces_in_words(spans, trace.pieces)
            if inside is None:
                raise MatchError(
                    f"The tokenizer of {trace.loaded.card.title} does not tell where its tokens stand in the text; "
                    "choose another model."
                )
            if place[0] not in trace.layers(kind) or not 0 <= place[1] < trace.heads(kind, place[0]):
                raise NoSuchMapError(f"There is no head {place[1]} in layer {place[0]} of {trace.loaded.card.title}.")
            with engine.forward(trace.loaded):
                weights, visible = trace.weights(kind, *place), trace.visible(kind, *place)
            found.append((word_weights(weights[None], inside)[0], visible_words(visible, inside)))
        return _beside(tuple(text[start:end] for start, end in spans), *found)


def shared_parts(text: str, tokenizations: Sequence[Sequence[Piece]]) -> list[Span]:
    """The smallest parts of a text that no token of any of these crosses, in code points, without the spaces round
    them.
    """
    spans = sorted(piece.span for pieces in tokenizations for piece in pieces if not piece.is_special)
    parts: list[Span] = []
    for start, end in (_without_spaces(text, each) for each in spans):
        if start >= end:
            continue
        if parts and start < parts[-1][1]:
            parts[-1] = (parts[-1][0], max(parts[-1][1], end))
        else:
            parts.append((start, end))
    return parts


def _without_spaces(text: str, span: Span) -> Span:
    start, end = span
    piece = text[start:end]
    return start + len(piece) - len(piece.lstrip()), end - len(piece) + len(piece.rstrip())


def _beside(
    parts: tuple[str, ...],
    one: tuple[Float[np.ndarray, "part part"], Bool[np.ndarray, "part part"]],
    other: tuple[Float[np.ndarray, "part part"], Bool[np.ndarray, "part part"]],
) -> AlignedMaps:
    (first, can_first), (second, can_second) = one, other
    nothing = np.float32(np.nan)
    difference = np.where(can_first | can_second, second - first, nothing)
    return AlignedMaps(
        parts,
        np.where(can_first, first, nothing),
        np.where(can_second, second, nothing),
        difference,
        float(max(first.max(), second.max())),
        float(np.nanmax(np.abs(difference), initial=0.0)),
    )
