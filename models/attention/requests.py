"""What the pages ask of a trace; the answers are only the slice that is shown."""

from dataclasses import dataclass, replace

from models.attention.head_map import HeadMap, LeftOut, head_map, left_out_columns
from models.attention.labels import label_logits
from models.attention.trace import AttentionTrace, trace_attention
from models.attention.traced_text import TracedText, traced_text
from models.engine import Engine
from models.forward.inputs import shifted_right
from models.forward.interventions import Intervention


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
class TracedTextRequest:
    """The pieces of a traced text, the maps there are, and for a decoder what may come next."""

    trace: TraceRequest
    candidates: int = 5

    def answer(self, engine: Engine) -> TracedText:
        """Raises what `TraceRequest` raises."""
        trace = engine.run(self.trace)
        logits = None
        if trace.loaded.classifier is not None:
            with engine.forward(trace.loaded):
                logits = label_logits(trace)
        return traced_text(trace, self.trace.text, self.trace.target, self.candidates, logits)


@dataclass(frozen=True)
class HeadMapRequest:
    """One map. `head` None is the mean over the layer's heads, `layer` None the mean over the heads of all layers.

    left_out: columns that are taken out, the rows rescaled: see `left_out_columns`.
    by_value: each weight times the length of its key's value vector: see `weighted_by_value`.
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
        return head_map(
            trace,
            self.kind,
            trace.layers(self.kind) if self.layer is None else (self.layer,),
            None if self.layer is None else self.head,
            gone=left_out_columns(trace, self.kind, self.left_out) if self.left_out else None,
            by_value=self.by_value,
            lock=lambda: engine.forward(trace.loaded),
        )
