"""What an engine has done, in numbers: counted while it works, read by whoever watches over the server."""

import math
import threading
import time
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from itertools import accumulate
from types import MappingProxyType

from models.engine.cancellation import NobodyWaits
from models.engine.context import holding
from models.engine.request_size import models_asked
from models.errors import HeadlightError

_BOUNDS = (0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0, math.inf)


@dataclass(frozen=True)
class Durations:
    """How long something took, each time.

    buckets: how many took at most so many seconds, by growing bounds, of which the last is infinite. seconds: all of
    them together.
    """

    buckets: tuple[tuple[float, int], ...]
    seconds: float

    @property
    def count(self) -> int:
        """How many there were."""
        return self.buckets[-1][1]


@dataclass(frozen=True)
class EngineFigures:
    """An engine at one moment; what is counted is counted since the process began.

    forwards: that began. waits: of each of them for its device. queue: forwards that compute or wait, and busy: seconds
    that were computed, by device. questions: by whether they were "computed" or "kept" (by the cache, or by another
    thread that computed the same). refused: questions and jobs by what they were refused with.
    cache_bytes, cache_answers: kept now; cache_most: the bound of the bytes, None without one.
    models: that are loaded, or being loaded. model_bytes: on each device. jobs: under way.
    """

    forwards: int
    waits: Durations
    queue: Mapping[str, int]
    busy: Mapping[str, float]
    questions: Mapping[str, int]
    refused: Mapping[str, int]
    cache_bytes: int
    cache_answers: int
    cache_most: int | None
    models: int
    model_bytes: Mapping[str, int]
    jobs: int


@dataclass(frozen=True)
class Told:
    """What became of one question or job, without anything of what it asks about but the names of models.

    question: the name of its class. seconds: until the end; waited: of these, for a device. forwards: that it took.
    is_kept: whether nothing was computed for it here.
    outcome: "answered", "left" where nobody waited any more, else the name of what it ended with.
    """

    question: str
    models: frozenset[str]
    is_job: bool
    seconds: float
    waited: float
    forwards: int
    is_kept: bool
    outcome: str


class _Device:
    """What a question has had of devices, with all that it asks itself."""

    def __init__(self) -> None:
        self.waited = 0.0
        self.forwards = 0


class _Question:
    """One that is being answered."""

    def __init__(self, device: _Device) -> None:
        self.device = device
        self.is_kept = True


_asked: ContextVar[_Question | None] = ContextVar("headlight_asked", default=None)


class Figures:
    """Counts. heard: told of each question and job that somebody asked when it has ended, in the thread that computed
    it; not of those that a question asks itself.
    """

    def __init__(self) -> None:
        self.heard: Callable[[Told], None] | None = None
        self._lock = threading.Lock()
        self._waits = [0] * len(_BOUNDS)
        self._waited = 0.0
        self._questions = {"computed": 0, "kept": 0}
        self._refused: Counter[str] = Counter()

    @contextmanager
    def asked(self, request: object, *, is_job: bool = False) -> Iterator[None]:
        """Round all that is computed for a question."""
        around = _asked.get()
        mine = _Question(_Device() if around is None else around.device)
        began, outcome = time.monotonic(), "answered"
        try:
            with holding(_asked, mine):
                yield
        except BaseException as error:
            outcome = "left" if isinstance(error, NobodyWaits) else type(error).__name__
            if around is None and isinstance(error, HeadlightError):
                with self._lock:
                    self._refused[outcome] += 1
            raise
        else:
            if not is_job:
                with self._lock:
                    self._questions["kept" if mine.is_kept else "computed"] += 1
        finally:
            if around is None and self.heard is not None:
                self.heard(
                    Told(
                        question=type(request).__name__,
                        models=models_asked(request),
                        is_job=is_job,
                        seconds=time.monotonic() - began,
                        waited=mine.device.waited,
                        forwards=mine.device.forwards,
                        is_kept=mine.is_kept and not is_job,
                        outcome=outcome,
                    )
                )

    def computes(self) -> None:
        """The question of this context is not kept: it is computed here."""
        mine = _asked.get()
        if mine is not None:
            mine.is_kept = False

    def begins(self, waited: float) -> None:
        """A forward begins, which has waited for its device so many seconds."""
        mine = _asked.get()
        if mine is not None:
            mine.device.waited += waited
            mine.device.forwards += 1
        with self._lock:
            self._waits[bisect_left(_BOUNDS, waited)] += 1
            self._waited += waited

    def waits(self) -> Durations:
        """Of all forwards, how long they waited."""
        with self._lock:
            return Durations(tuple(zip(_BOUNDS, accumulate(self._waits), strict=True)), self._waited)

    def questions(self) -> Mapping[str, int]:
        """As `EngineFigures.questions`."""
        with self._lock:
            return MappingProxyType(dict(self._questions))

    def refused(self) -> Mapping[str, int]:
        """As `EngineFigures.refused`."""
        with self._lock:
            return MappingProxyType(dict(self._refused))
