"""What a page needs to know of a trace before it shows a map: its tokens, and the maps there are."""

from dataclasses import dataclass

from models.attention.classifier_labels import label_logits, labels
from models.attention.outputs import OutputToken, TokenProbability, next_tokens, written_ids, written_tokens
from models.attention.trace import TraceRequest
from models.engine import Engine
from models.forward.map_axes import Axes, axes
from models.loaded import LoadedModel


@dataclass(frozen=True)
class TracedText:
    """The tokens of a trace, the maps that it has, and for a decoder what may come next.

    spans: for each token, where it stands in the text, in code points; (0, 0) for one that is not in the text.
    layers, heads: for each kind, the layers that have maps and how many heads each of them has.
    labels: of a classifier, the likeliest, best first; score: the number that a model with one output gives a text.
    next_tokens: for decoders, the likeliest tokens to come, best first; else empty.
    written: for seq2seq models, the token that each row of the decoder writes, with the model's probability for it.
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
    next_tokens: tuple[TokenProbability, ...]
    written: tuple[OutputToken, ...]
    read_as: str
    without_maps: str
    labels: tuple[TokenProbability, ...] = ()
    score: float | None = None

    def layers_of(self, kind: str) -> tuple[int, ...]:
        """The layers of this kind that have maps."""
        return self.layers[self.kinds.index(kind)]

    def heads_of(self, kind: str, layer: int) -> int:
        """How many heads this layer has."""
        place = self.kinds.index(kind)
        return self.heads[place][self.layers[place].index(layer)]

    def axes(self, kind: str) -> Axes[str]:
        """The tokens of the rows and columns of the maps of this kind, as the model is given them."""
        return axes(kind, self.tokens, self.target_tokens)

    def row_names(self, kind: str) -> tuple[str, ...]:
        """What stands beside the rows: the tokens, and of the cross-attention what each row writes."""
        return tuple(each.text for each in self.written) if kind == "cross" else self.axes(kind).rows


@dataclass(frozen=True)
class TracedTextRequest:
    """The pieces of a traced text, the maps there are, and for a decoder what may come next.

    candidates: how many of the likeliest next tokens, or labels, are told.
    """

    trace: TraceRequest
    candidates: int = 5

    def answer(self, engine: Engine) -> TracedText:
        """Raises what `TraceRequest` raises."""
        trace = engine.run(self.trace)
        loaded = trace.loaded
        logits = None
        if loaded.classifier is not None:
            with engine.forward(loaded):
                logits = label_logits(trace)
        ids = written_ids(loaded, self.trace.target) if trace.target_pieces else ()
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
            written=written_tokens(trace, ids) if ids else (),
            read_as=_normalized(loaded, self.trace.text),
            without_maps=loaded.caveat("maps"),
            labels=() if logits is None else labels(trace, logits, self.candidates),
            score=float(logits[0]) if logits is not None and len(logits) == 1 else None,
        )


def _normalized(loaded: LoadedModel, text: str | tuple[int, ...]) -> str:
    if not isinstance(text, str):
        return ""
    normalizer = loaded.backend.normalizer if loaded.backend is not None else None
    return text if normalizer is None else normalizer.normalize_str(text)
