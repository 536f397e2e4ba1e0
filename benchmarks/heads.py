"""Effects of heads: all of a decoder's, one by one and as the estimate, beside single forwards of the same text."""

import time

from benchmarks.capture import plain_forward, plain_model
from benchmarks.measuring import Limit, Row, compared, duration, interleaved, interval, seconds_of
from benchmarks.passages import passage_ids
from models.attention import TraceRequest
from models.engine import Engine
from models.heads.effects import EffectsRequest
from models.heads.estimate import EstimateRequest
from models.heads.quantity import Quantity
from models.loaded import LoadedModel
from models.loading import load_model

_MODEL, _TOKENS = "smollm2", 20
_MOST_PAIRS = 3
# So many are timed, and stand for as many as there are heads.
_SINGLE = 30
_HALF = Limit(0.5, "ratio", "at most half of as many single forwards")
_FOUR = Limit(4.0, "ratio's lower end", "interval begins at or below 4 forwards")
_FIRST = Limit(1.0, "value", "at most 1 s")


def measure(pairs: int) -> list[Row]:
    """The exact effects, their first cells, the estimate."""
    loaded = load_model(_MODEL)
    ids = tuple(passage_ids(loaded, _TOKENS))
    trace = TraceRequest(_MODEL, ids)
    forward = plain_forward(plain_model(loaded, "sdpa"), ids)
    heads = loaded.card.layers * loaded.card.heads
    first: list[float] = []

    def exact() -> float:
        engine = _engine(loaded)
        engine.run(trace)
        begun: list[float] = []
        start = time.perf_counter()
        for step in EffectsRequest(trace, Quantity("next token")).computed(engine):
            if step.done and not begun:
                begun.append(time.perf_counter() - start)
        first.append(begun[0])
        return time.perf_counter() - start

    def singly() -> float:
        return heads / _SINGLE * sum(seconds_of(forward) for _ in range(_SINGLE))

    def guessed() -> float:
        engine = _engine(loaded)
        engine.run(trace)
        return seconds_of(lambda: engine.run(EstimateRequest(trace, Quantity("next token"))))

    what = f"{_MODEL}, {_TOKENS} tokens"
    few = min(pairs, _MOST_PAIRS)
    each = interleaved(exact, singly, few, warm_up=0)
    soon = interval(first)
    estimate = interleaved(guessed, lambda: seconds_of(forward), pairs)
    return [
        compared(
            f"exact effects of all {heads} heads, {what} (beside: {heads} single forwards)", each, duration, _HALF
        ),
        Row(f"first cells of them, {what}", duration(soon.median), value=soon.median, limit=_FIRST, raw={"s": first}),
        compared(f"estimate of all effects, {what} (beside: one forward)", estimate, duration, _FOUR),
    ]


def _engine(loaded: LoadedModel) -> Engine:
    """One that has computed nothing yet."""
    engine = Engine(10**8)
    engine._models.get(_MODEL, lambda: loaded)
    return engine
