"""Which letters are silent, which tokens matter: each source token hidden in turn, and what becomes of the output."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Int

from models.attention.outputs import log_softmax, written_ids
from models.attention.trace import AttentionTrace, TooManyTokensError, TraceRequest, trace_rows
from models.engine import Engine
from models.forward.interventions import HideToken, Intervention

MOST_HIDDEN = 64


@dataclass(frozen=True)
class Absence:
    """What changes when a source token is hidden from the whole model.

    probability: of the whole output as it was written, given the rest of the source.
    first_changed: the first step at which the model's likeliest token is another one than with everything seen, else
        None. before, after: its likeliest token there, with everything seen and without the hidden token.
    """

    probability: float
    first_changed: int | None
    before: str
    after: str


@dataclass(frozen=True)
class AbsencesRequest:
    """Hide each token of the source in turn, all in one batch, and see what becomes of the output."""

    trace: TraceRequest

    def answer(self, engine: Engine) -> tuple[Absence, ...]:
        """One for the source as it is, then one per source token.

        Raises what `TraceRequest` raises, and TooManyTokensError for more than MOST_HIDDEN.
        """
        whole = engine.run(self.trace)
        count = len(whole.pieces)
        if count > MOST_HIDDEN:
            raise TooManyTokensError(
                f"Hiding each of {count} tokens in turn is too much at once; take a text of at most {MOST_HIDDEN}."
            )
        rows: list[tuple[Intervention, ...]] = [(), *((HideToken(place),) for place in range(count))]
        with engine.forward(whole.loaded):
            traces = trace_rows(whole.loaded, whole.inputs.ids, rows, whole.inputs.target_ids)
        written = written_ids(whole.loaded, self.trace.target)
        expected = traces[0].outputs[: len(written)].argmax(axis=-1)
        return tuple(_absence(trace, written, expected) for trace in traces)


def _absence(trace: AttentionTrace, written: tuple[int, ...], expected: Int[np.ndarray, " step"]) -> Absence:
    logs = log_softmax(trace.outputs[: len(written)])
    chosen = logs[np.arange(len(written)), list(written)]
    likeliest = logs.argmax(axis=-1)
    changed = np.flatnonzero(likeliest != expected)
    before = after = ""
    if len(changed):
        places = [int(expected[changed[0]]), int(likeliest[changed[0]])]
        before, after = (piece.text for piece in trace.loaded.pieces(places))
    return Absence(float(np.exp(chosen.sum())), int(changed[0]) if len(changed) else None, before, after)
