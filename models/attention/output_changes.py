"""What a model puts out when something in it is switched off, beside what it put out before."""

from dataclasses import dataclass

import numpy as np

from models.attention.classifier_labels import label_logits, label_name, probabilities
from models.attention.outputs import next_tokens, softmax, written_ids
from models.attention.trace import AttentionTrace, TraceRequest
from models.embeddings.similarity import paired_cosines
from models.engine import Engine
from models.forward.interventions import HideToken

_CANDIDATES = 5


@dataclass(frozen=True)
class ChangedToken:
    """A token that may come next, or one of an output: its probability before and after.

    likeliest: of an output, what the model would write there after.
    """

    text: str
    before: float
    after: float
    likeliest: str = ""


@dataclass(frozen=True)
class Changes:
    """Only what fits the model is filled.

    next_tokens: for a decoder, what was likeliest before, best first, then what is among the likeliest only after.
    steps: for a seq2seq model, each token of the output.
    labels: for a classifier, its labels, those that were likeliest before first; with one output, its score.
    kept: for an encoder, for each token the cosine of its last vector with what it was before.
    caveat: what still sees a token that is hidden, a sentence; "" for most models.
    """

    next_tokens: tuple[ChangedToken, ...] = ()
    steps: tuple[ChangedToken, ...] = ()
    kept: tuple[float, ...] = ()
    labels: tuple[ChangedToken, ...] = ()
    is_score: bool = False
    caveat: str = ""


@dataclass(frozen=True)
class ChangesRequest:
    """The same text in two runs: as it is, and with interventions."""

    before: TraceRequest
    after: TraceRequest

    def answer(self, engine: Engine) -> Changes:
        """Raises what `TraceRequest` raises, InterventionError among it."""
        before, after = engine.run(self.before), engine.run(self.after)
        is_hidden = any(isinstance(each, HideToken) for each in after.interventions)
        caveat = before.loaded.caveat("hidden token") if is_hidden else ""
        if before.target_pieces:
            steps = _steps(before, after, written_ids(before.loaded, self.before.target))
            return Changes(steps=steps, caveat=caveat)
        if before.kinds != ("decoder",):
            with engine.forward(before.loaded):
                one, other = label_logits(before), label_logits(after)
            return Changes(
                kept=tuple(paired_cosines(before.outputs, after.outputs).tolist()),
                labels=() if one is None or other is None else _labels(before, one, other),
                is_score=one is not None and len(one) == 1,
                caveat=caveat,
            )
        one, other = softmax(before.last_output), softmax(after.last_output)
        listed = {each.id: each.text for run in (before, after) for each in next_tokens(run, _CANDIDATES)}
        found = tuple(ChangedToken(text, float(one[each]), float(other[each])) for each, text in listed.items())
        return Changes(found, caveat=caveat)


def _labels(trace: AttentionTrace, one: np.ndarray, other: np.ndarray) -> tuple[ChangedToken, ...]:
    config = trace.loaded.classifier.config
    if len(one) > 1:
        one, other = probabilities(config, one), probabilities(config, other)
    listed = dict.fromkeys(
        int(each) for some in (one, other) for each in np.argsort(-some, kind="stable")[:_CANDIDATES]
    )
    return tuple(ChangedToken(label_name(config, each), float(one[each]), float(other[each])) for each in listed)


def _steps(before: AttentionTrace, after: AttentionTrace, written: tuple[int, ...]) -> tuple[ChangedToken, ...]:
    one, other = softmax(before.outputs[: len(written)]), softmax(after.outputs[: len(written)])
    texts = [piece.text for piece in before.loaded.pieces(written)]
    likeliest = [piece.text for piece in before.loaded.pieces([int(each) for each in other.argmax(axis=-1)])]
    return tuple(
        ChangedToken(text, float(one[step, token]), float(other[step, token]), likeliest[step])
        for step, (token, text) in enumerate(zip(written, texts, strict=True))
    )
