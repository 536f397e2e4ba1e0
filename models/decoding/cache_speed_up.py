"""What the KV cache buys: the same tokens computed with it and without it, timed in turn."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import ClassVar

import numpy as np
from jaxtyping import Float, Int64

from models.decoding.forced_forwards import forced_forwards
from models.decoding.loop import Prompt
from models.decoding.prepared_generation import prompt_ids, room_to_write
from models.decoding.settings import SettingsError
from models.engine import Engine

MOST_TOKENS = 256
MOST_REPEATS = 9
_GATE = "timing"
WARM_UP = -1


@dataclass(frozen=True)
class TimedStep:
    """One token, computed with the cache and without it, one directly after the other.

    repeat: 0 for the first that counts; WARM_UP for the round that is not timed, in which operations are counted.
    index: of the token; with the cache, index 0 reads the whole prompt. positions: that went into its distribution.
    seconds_with, seconds_without: of the forwards alone. operations_with, operations_without: 0 but in the warm-up.
    difference: the largest absolute difference between the two rows of logits.
    """

    repeat: int
    index: int
    positions: int
    seconds_with: float
    seconds_without: float
    operations_with: int
    operations_without: int
    difference: float


@dataclass(frozen=True)
class CacheTimingRequest:
    """Time `tokens` new tokens after a text, `repeats` times, after one round of warm-up; end tokens do not end it.

    text: or token ids. The tokens are the likeliest ones; both ways are made to compute the same.
    """

    model: str
    text: Prompt
    tokens: int = 32
    repeats: int = 3
    # Others wait until they may time: whoever went away is not waited for long.
    patience: ClassVar[float] = 10.0

    def __post_init__(self) -> None:
        if not 3 <= self.tokens <= MOST_TOKENS or not 1 <= self.repeats <= MOST_REPEATS:
            raise SettingsError(
                f"3 to {MOST_TOKENS} tokens can be timed, 1 to {MOST_REPEATS} times, not {self.tokens} tokens "
                f"{self.repeats} times."
            )

    def steps(self, engine: Engine) -> Iterator[TimedStep]:
        """One timing at a time: others that want to time wait, and each forward has the device for itself.

        Raises what `load_model` and `decode` raise.
        """
        loaded = engine.model(self.model)
        prompt = prompt_ids(loaded, self.text)
        read = 1 if loaded.is_seq2seq else len(prompt)
        longest, _ = room_to_write(loaded, read, self.tokens)
        tokens: list[int] = []
        with engine.gate(_GATE).lock():
            for repeat in range(WARM_UP, self.repeats):
                ways = {
                    cache: forced_forwards(
                        loaded,
                        prompt,
                        longest,
                        cache,
                        lock=partial(engine.forward, loaded),
                        # The first time the likeliest tokens are found with the cache, and given without it.
                        tokens=None if repeat == WARM_UP and cache == "dynamic" else tokens,
                        counted=repeat == WARM_UP,
                    )
                    for cache in ("dynamic", "none")
                }
                for index, with_cache in enumerate(ways["dynamic"]):
                    if repeat == WARM_UP:
                        tokens.append(with_cache.token)
                    without = next(ways["none"])
                    yield TimedStep(
                        repeat=repeat,
                        index=index,
                        positions=read + index,
                        seconds_with=with_cache.seconds,
                        seconds_without=without.seconds,
                        operations_with=with_cache.operations,
                        operations_without=without.operations,
                        difference=float((with_cache.logits - without.logits).abs().max()),
                    )


@dataclass(frozen=True, eq=False)
class CacheTiming:
    """Medians over the repeats so far, for each token that was timed in all of them.

    positions: that went into each token's distribution. slope_with, slope_without: seconds per position over the tokens
        after the first: the median of the slopes of all pairs (Theil-Sen), which single slow steps do not move.
    difference: the largest between the logits of the two ways, over everything.
    repeats: how many whole rounds are in it.
    """

    positions: Int64[np.ndarray, " token"]
    seconds_with: Float[np.ndarray, " token"]
    seconds_without: Float[np.ndarray, " token"]
    operations_with: Int64[np.ndarray, " token"]
    operations_without: Int64[np.ndarray, " token"]
    slope_with: float
    slope_without: float
    difference: float
    repeats: int

    @property
    def prefill_seconds(self) -> float:
        """Reading the prompt in one forward, with the cache."""
        return float(self.seconds_with[0])

    @property
    def decode_seconds(self) -> float:
        """All tokens after the first one, one forward each, with the cache."""
        return float(self.seconds_with[1:].sum())

    @property
    def speed_up(self) -> float:
        """How many times longer the same tokens take without the cache."""
        return float(self.seconds_without.sum() / self.seconds_with.sum())

    @property
    def one_pass_seconds(self) -> float:
        """Reading the prompt and all tokens but the last in a single forward."""
        return float(self.seconds_without[-1])


def cache_timing(steps: Sequence[TimedStep]) -> CacheTiming | None:
    """What the steps of a CacheTimingRequest come to so far; None before one round is whole."""
    warm = [each for each in steps if each.repeat == WARM_UP]
    rounds = [[each for each in steps if each.repeat == repeat] for repeat in range(MOST_REPEATS)]
    whole = [each for each in rounds if warm and len(each) == len(warm)]
    if not whole:
        return None
    with_cache = np.median([[step.seconds_with for step in each] for each in whole], axis=0)
    without = np.median([[step.seconds_without for step in each] for each in whole], axis=0)
    positions = np.array([each.positions for each in warm], dtype=np.int64)
    return CacheTiming(
        positions=positions,
        seconds_with=with_cache,
        seconds_without=without,
        operations_with=np.array([each.operations_with for each in warm], dtype=np.int64),
        operations_without=np.array([each.operations_without for each in warm], dtype=np.int64),
        slope_with=_slope(positions[1:], with_cache[1:]),
        slope_without=_slope(positions[1:], without[1:]),
        difference=max(each.difference for each in steps),
        repeats=len(whole),
    )


def _slope(positions: Int64[np.ndarray, " token"], seconds: Float[np.ndarray, " token"]) -> float:
    first, second = np.triu_indices(len(positions), k=1)
    slopes = (seconds[second] - seconds[first]) / (positions[second] - positions[first])
    return float(np.median(slopes)) if len(slopes) else 0.0
