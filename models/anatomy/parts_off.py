"""What a text becomes when parts of the model are switched off, or its places are others: before and after."""

import math
from dataclasses import dataclass, replace

import numpy as np
import torch
from jaxtyping import Float

from models.anatomy.part_switches import OffPart, Sort, Switchable, SwitchError, switchable, switched_forward
from models.anatomy.position_sources import Order, order_hooks, position_sources
from models.attention.outputs import log_softmax, written_ids
from models.attention.trace import AttentionTrace, TraceRequest
from models.embeddings.similarity import paired_cosines
from models.engine import Engine
from models.forward.recorded_run import to_numpy

MOST_TOKENS = 512
MOST_OFF = 4_096
MOST_DRAWS = 32
_ROWS_AT_ONCE = 8
# Of shuffles that are drawn beside the one that is shown.
_OTHER_SEEDS = 1_000
_LIKELIEST, _MOST_CHANGED = 5, 5


@dataclass(frozen=True)
class TokenChange:
    """A token that may come next, or one of an output: its probability before and after.

    likeliest: of an output, what would be written there after; else "".
    """

    text: str
    before: float
    after: float
    likeliest: str = ""


@dataclass(frozen=True, eq=False)
class PartsOff:
    """The text with parts off beside the text as it is.

    next_tokens: of a decoder, the likeliest before, the likeliest after, and those that change most.
    steps: of a seq2seq model, each token of the output; of one that writes nothing yet the same as next_tokens.
    kept: of an encoder, for each token the cosine of its last vector with what it was. tokens: as shown.
    change: how much, as one number in `unit`: in nats the divergence KL(before || after) of the next token
        (Kullback and Leibler 1951), of an output its mean over the steps; of vectors 1 - cosine, the mean over the
        tokens.
        NaN where numbers grew beyond what the model's type holds; then nothing else is filled.
    parts: how many are off.
    """

    change: float
    unit: str
    tokens: tuple[str, ...]
    parts: int
    next_tokens: tuple[TokenChange, ...] = ()
    steps: tuple[TokenChange, ...] = ()
    kept: tuple[float, ...] = ()

    @property
    def is_finite(self) -> bool:
        """Whether there is anything to compare."""
        return math.isfinite(self.change)


@dataclass(frozen=True)
class SwitchableRequest:
    """Which parts of each sort can be switched off for a text; see `switchable`."""

    trace: TraceRequest

    def answer(self, engine: Engine) -> dict[Sort, tuple[Switchable, ...]]:
        """Raises what `TraceRequest` raises."""
        trace = engine.run(self.trace)
        with engine.forward(trace.loaded):
            return switchable(trace)


@dataclass(frozen=True)
class PartsOffRequest:
    """Parts switched off together: one forward, from the first layer on that they change.

    order: the places of all tokens instead of their own, None for these. seed: of the order "shuffled".
    """

    trace: TraceRequest
    off: tuple[OffPart, ...]
    order: Order | None = None
    seed: int = 0

    def answer(self, engine: Engine) -> PartsOff:
        """Raises what `TraceRequest` raises; SwitchError, InterventionError for a part that is not there."""
        trace = _checked(engine, self.trace, self.off)
        output = _outputs(engine, self, trace, [self.off])[0]
        return compared(trace, output, self.trace, len(self.off))


@dataclass(frozen=True, eq=False)
class OthersOff:
    """The change by other parts of the same sort, drawn at random: what a change stands beside.

    changes: in the unit of `PartsOff.change`, one for each of `parts`; NaN where it is not finite.
    """

    parts: tuple[tuple[OffPart, ...], ...]
    changes: Float[np.ndarray, " draw"]


@dataclass(frozen=True)
class OthersOffRequest:
    """As many other parts of the same sorts, drawn with a seed, off instead; of an order other shuffles.

    draws: how many sets; equal ones are not taken twice, and there may be fewer.
    """

    off: PartsOffRequest
    draws: int = 12
    seed: int = 0

    def answer(self, engine: Engine) -> OthersOff:
        """Raises what `PartsOffRequest` raises; SwitchError for too many draws."""
        if not 0 < self.draws <= MOST_DRAWS:
            raise SwitchError(f"1 to {MOST_DRAWS} sets are drawn.")
        asked = self.off
        if asked.order is not None or any(each.sort == "positions" for each in asked.off):
            off = tuple(each for each in asked.off if each.sort != "positions")
            seeds = [_OTHER_SEEDS + self.seed + draw for draw in range(self.draws)]
            shuffles = [replace(asked, off=off, order="shuffled", seed=seed) for seed in seeds]
            return OthersOff((), np.array([engine.run(each).change for each in shuffles]))
        trace = _checked(engine, asked.trace, asked.off)
        every = engine.run(SwitchableRequest(asked.trace))
        sets = _drawn(every, asked.off, self.draws, self.seed)
        changes: list[float] = []
        for start in range(0, len(sets), _ROWS_AT_ONCE):
            outputs = _outputs(engine, asked, trace, sets[start : start + _ROWS_AT_ONCE])
            changes += [compared(trace, each, asked.trace, len(asked.off)).change for each in outputs]
        return OthersOff(tuple(sets), np.array(changes))


def _checked(engine: Engine, request: TraceRequest, off: tuple[OffPart, ...]) -> AttentionTrace:
    trace = engine.run(request)
    tokens = max(len(trace.inputs.ids), len(trace.inputs.target_ids))
    if tokens > MOST_TOKENS:
        raise SwitchError(f"This text has {tokens:,} tokens; parts are switched off in texts of at most {MOST_TOKENS}.")
    if len(off) > MOST_OFF:
        raise SwitchError(f"{len(off):,} parts are too many at once; {MOST_OFF:,} are the most.")
    return trace


def _outputs(
    engine: Engine, asked: PartsOffRequest, trace: AttentionTrace, rows: list[tuple[OffPart, ...]]
) -> list[Float[np.ndarray, "position output"]]:
    """The output of each row, at every position that is compared."""
    order = asked.order
    if any(each.sort == "positions" for row in rows for each in row):
        order = "off"
    base = trace
    if asked.trace.interventions:
        known = engine.answers.peek(replace(asked.trace, interventions=()))
        base = known if isinstance(known, AttentionTrace) else None
    with engine.forward(trace.loaded), torch.inference_mode():
        hooks = None if order is None else order_hooks(trace.loaded, order, asked.seed)
        if order is not None and not position_sources(trace.loaded):
            raise SwitchError(
                f"No module of {trace.loaded.card.title} could be seen to tell places apart, so that they cannot "
                "be others here."
            )
        output = switched_forward(trace, rows, base=base, last_only=trace.kinds == ("decoder",), order=hooks)
        return [to_numpy(each) for each in output]


def compared(
    trace: AttentionTrace, output: Float[np.ndarray, "position output"], request: TraceRequest, parts: int
) -> PartsOff:
    """The output of a changed run beside that of the text as it is."""
    tokens = trace.tokens
    if not np.isfinite(output).all():
        unit = "1 - cosine" if not trace.target_pieces and trace.kinds != ("decoder",) else "nats"
        return PartsOff(math.nan, unit, tokens, parts)
    if trace.target_pieces:
        written = written_ids(trace.loaded, request.target)
        rows = max(1, len(written))
        one, other = log_softmax(trace.outputs[:rows]), log_softmax(output[:rows])
        change = float(np.mean([_divergence(*pair) for pair in zip(one, other, strict=True)]))
        listed = _next(trace, one[0], other[0]) if not written else ()
        steps = _steps(trace, written, one, other)
        return PartsOff(change, "nats", tokens, parts, listed, steps)
    if trace.kinds == ("decoder",):
        one, other = log_softmax(trace.last_output), log_softmax(output[-1])
        return PartsOff(_divergence(one, other), "nats", tokens, parts, _next(trace, one, other))
    kept = paired_cosines(trace.outputs, output)
    return PartsOff(float(np.mean(1 - kept)), "1 - cosine", tokens, parts, kept=tuple(kept.tolist()))


def _divergence(one: Float[np.ndarray, " token"], other: Float[np.ndarray, " token"]) -> float:
    """KL(one || other), in nats, of logarithms of probabilities."""
    return float(np.maximum(0.0, (np.exp(one) * (one - other)).sum()))


def _next(
    trace: AttentionTrace, one: Float[np.ndarray, " token"], other: Float[np.ndarray, " token"]
) -> tuple[TokenChange, ...]:
    before, after = np.exp(one), np.exp(other)
    ranked = [np.argsort(-each, kind="stable") for each in (before, after, np.abs(after - before))]
    counts = (_LIKELIEST, _LIKELIEST, _MOST_CHANGED)
    ids = list(dict.fromkeys(int(each) for order, most in zip(ranked, counts, strict=True) for each in order[:most]))
    texts = [piece.text for piece in trace.loaded.pieces(ids)]
    return tuple(
        TokenChange(text, float(before[each]), float(after[each])) for each, text in zip(ids, texts, strict=True)
    )


def _steps(
    trace: AttentionTrace,
    written: tuple[int, ...],
    one: Float[np.ndarray, "step token"],
    other: Float[np.ndarray, "step token"],
) -> tuple[TokenChange, ...]:
    pieces = trace.loaded.pieces(written)
    best = trace.loaded.pieces([int(each) for each in other.argmax(axis=-1)[: len(written)]])
    return tuple(
        TokenChange(piece.text, float(np.exp(one[step, token])), float(np.exp(other[step, token])), likeliest.text)
        for step, (token, piece, likeliest) in enumerate(zip(written, pieces, best, strict=True))
    )


def _drawn(
    every: dict[Sort, tuple[Switchable, ...]], off: tuple[OffPart, ...], draws: int, seed: int
) -> list[tuple[OffPart, ...]]:
    """Different sets of as many parts of the same sorts and stacks, none of those that are off."""
    draw = np.random.default_rng(seed)
    pools: list[tuple[list[OffPart], int]] = []
    for sort, kind in dict.fromkeys((each.sort, each.kind) for each in off):
        number = sum((each.sort, each.kind) == (sort, kind) for each in off)
        own = [each.part for each in every[sort] if each.part.kind == kind]
        others = [each for each in own if each not in off]
        if len(others) < number:
            return []
        pools.append((others, number))
    found: dict[tuple[OffPart, ...], None] = {}
    for _ in range(20 * draws):
        if len(found) == draws:
            break
        picked = [pool[each] for pool, number in pools for each in draw.choice(len(pool), number, replace=False)]
        found[tuple(sorted(picked))] = None
    return list(found)
