"""One head switched off, beside every other head of its layer: what the model then puts out."""

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from models.attention.outputs import TokenProbability, next_tokens, output_probability, softmax, written_ids
from models.attention.trace import TooManyTokensError, TraceRequest, trace_rows
from models.embeddings.similarity import paired_cosines
from models.engine import Engine
from models.forward.interventions import Intervention, ZeroHead

Measured = Literal["next token", "output", "vector"]

# Rows of one batch: what a batch holds grows with each of them.
_ROWS_AT_ONCE = 16
MOST_TOKENS = 512
_CANDIDATES = 5


@dataclass(frozen=True)
class HeadsOff:
    """What is left when a head's output is set to 0, for each head of a layer in turn.

    measured: "next token", for a decoder: the probability of the token that it finds likeliest with all heads.
        "output", for a seq2seq model: the probability of all that is written. "vector", for an encoder: the cosine of
        the selected token's last vector with what it is with all heads.
    token: what is measured, as shown. before: with all heads; 1 for a vector.
    without: without each head of the layer.
    next_tokens: for a decoder, the likeliest with all heads, then without each head.
    """

    measured: Measured
    token: str
    before: float
    without: tuple[float, ...]
    next_tokens: tuple[tuple[TokenProbability, ...], ...]


@dataclass(frozen=True)
class HeadsOffRequest:
    """Every head of one layer of one kind switched off in turn; `position` is the token whose vector is measured.

    Michel, Levy and Neubig 2019 (arXiv 1905.10650) switch heads off in this way.
    """

    trace: TraceRequest
    kind: str
    layer: int
    position: int = 0

    def answer(self, engine: Engine) -> HeadsOff:
        """Raises what `TraceRequest` raises, NoSuchMapError for a layer that is not there, TooManyTokensError."""
        whole = engine.run(self.trace)
        base = engine.answers.peek(replace(self.trace, interventions=()))
        heads = whole.heads(self.kind, self.layer)
        if len(whole.pieces) > MOST_TOKENS:
            raise TooManyTokensError(
                f"Switching each of {heads} heads off takes a forward for each, and this text has "
                f"{len(whole.pieces):,} tokens; take a text of at most {MOST_TOKENS}."
            )
        rows: list[tuple[Intervention, ...]] = [
            (*self.trace.interventions, ZeroHead(self.kind, self.layer, head)) for head in range(heads)
        ]
        traces = [whole]
        for start in range(0, heads, _ROWS_AT_ONCE):
            with engine.forward(whole.loaded):
                some = rows[start : start + _ROWS_AT_ONCE]
                traces += trace_rows(whole.loaded, whole.inputs.ids, some, whole.inputs.target_ids or None, base)
        if whole.target_pieces:
            written = written_ids(whole.loaded, self.trace.target)
            shares = [output_probability(trace, written) for trace in traces]
            return HeadsOff("output", "the whole output", shares[0], tuple(shares[1:]), ())
        if whole.kinds != ("decoder",):
            place = min(self.position, len(whole.pieces) - 1)
            vectors = np.stack([trace.outputs[place] for trace in traces])
            kept = paired_cosines(vectors, np.broadcast_to(vectors[0], vectors.shape))
            return HeadsOff("vector", whole.tokens[place], 1.0, tuple(kept[1:].tolist()), ())
        first = next_tokens(whole, 1)[0]
        shares = [float(softmax(trace.last_output)[first.id]) for trace in traces]
        candidates = tuple(next_tokens(trace, _CANDIDATES) for trace in traces)
        return HeadsOff("next token", first.text, shares[0], tuple(shares[1:]), candidates)
