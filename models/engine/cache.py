"""One cache: bounded by bytes, the least recently used goes first, and each answer is computed once."""

import dataclasses
import sys
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable, Mapping, Set
from typing import Any

from models.engine.cancellation import Wanted, as_long_as, go_on_if_wanted, wanted_now
from models.engine.gate import asleep, listening, tell
from models.engine.request_size import models_asked
from models.errors import HeadlightError

_TICK_SECONDS = 0.25
_SMALLEST = 64
# A key up to here counts for nothing: an answer weighs something in any case. One that is a text of a megabyte counts.
_SMALL_KEY = 256
# Of longer sequences so many elements are looked at, evenly spread: a text has a hundred thousand pieces.
_MOST_LOOKED_AT = 1_000


def size_of(value: object) -> int:
    """Roughly how many bytes an answer holds: arrays and whatever has `nbytes`, strings, and what they lie in.

    A view counts as all that it keeps alive.
    """
    owner: Any = value
    while getattr(owner, "base", None) is not None and isinstance(getattr(owner, "nbytes", None), int):
        owner = owner.base
    nbytes = getattr(owner, "nbytes", getattr(value, "nbytes", None))
    if isinstance(nbytes, int):
        return max(nbytes, _SMALLEST)
    if isinstance(value, str | bytes):
        return sys.getsizeof(value)
    if isinstance(value, Mapping):
        return _SMALLEST + _size_of_all(tuple(value)) + _size_of_all(tuple(value.values()))
    if isinstance(value, tuple | list | Set):
        return _SMALLEST + _size_of_all(tuple(value))
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return _SMALLEST + sum(size_of(getattr(value, field.name)) for field in dataclasses.fields(value))
    return _SMALLEST


def _size_of_all(values: tuple[object, ...]) -> int:
    step = -(-len(values) // _MOST_LOOKED_AT) or 1
    looked_at = values[::step]
    return sum(map(size_of, looked_at)) * len(values) // max(1, len(looked_at))


def _holds(value: object, thing: object) -> bool:
    if value is thing:
        return True
    if isinstance(value, tuple | list | frozenset):
        return any(_holds(each, thing) for each in value)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return any(_holds(getattr(value, field.name), thing) for field in dataclasses.fields(value))
    return False


class _Flight:
    """One computation that is under way, and those who wait for it, whoever computes among them."""

    def __init__(self) -> None:
        self.passengers: list[Wanted | None] = [wanted_now()]
        self.landed = threading.Event()
        self.place = 0
        self.value: Any = None
        self.error: HeadlightError | None = None
        self.abandoned = False

    def at_place(self, place: int) -> None:
        self.place = place

    def is_wanted(self) -> bool:
        """Whether anybody waits still."""
        return any(wanted is None or wanted() for wanted in tuple(self.passengers))

    def wait(self) -> None:
        """Wait until it has landed. Raises NobodyWaits where whoever waits here has left, and what listeners raise."""
        mine = wanted_now()
        self.passengers.append(mine)
        try:
            while not self._has_landed():
                go_on_if_wanted()
                if self.place:
                    tell(self.place)
        finally:
            self.passengers.remove(mine)

    def _has_landed(self) -> bool:
        with asleep():
            return self.landed.wait(_TICK_SECONDS)


class ByteCache:
    """Answers by request, at most `max_bytes` of them (None: without a bound)."""

    def __init__(self, max_bytes: int | None) -> None:
        self.max_bytes = max_bytes
        self.nbytes = 0
        self._lock = threading.Lock()
        self._kept: OrderedDict[Hashable, tuple[Any, int, float]] = OrderedDict()
        self._flights: dict[Hashable, _Flight] = {}

    def __len__(self) -> int:
        with self._lock:
            return len(self._kept)

    def __contains__(self, key: Hashable) -> bool:
        with self._lock:
            return key in self._kept

    def peek(self, key: Hashable) -> Any:
        """The kept answer, or None where there is none (any more); nothing is computed or waited for."""
        with self._lock:
            if key not in self._kept:
                return None
            return self._used(key)

    def get(self, key: Hashable, compute: Callable[[], Any]) -> Any:
        """The kept answer, or the one that another thread is computing, or `compute()`.

        A HeadlightError of `compute` reaches everybody who waited for it, and nothing is kept. Any other exception is
        the computing thread's own (its session may have ended): one of those who wait computes instead. Who leaves
        (`models.engine.cancellation`) does not end what others wait for.
        """
        while True:
            with self._lock:
                if key in self._kept:
                    return self._used(key)
                flight = self._flights.get(key)
                if flight is None:
                    mine = self._flights[key] = _Flight()
                    break
            flight.wait()
            if flight.error is not None:
                raise flight.error
            if not flight.abandoned:
                return flight.value
        try:
            with listening(mine.at_place), as_long_as(mine.is_wanted):
                mine.value = compute()
            self._keep(key, mine)
        except HeadlightError as error:
            mine.error = error
            raise
        except BaseException:
            mine.abandoned = True
            raise
        finally:
            with self._lock:
                if self._flights.get(key) is mine:
                    del self._flights[key]
            mine.landed.set()
        return mine.value

    def forget(self, thing: object) -> None:
        """Drop every answer that holds on to this object, in itself or in a field or an element of it."""
        with self._lock:
            kept = list(self._kept.items())
        gone = [key for key, (value, *_) in kept if _holds(value, thing)]
        with self._lock:
            for key in gone:
                if key in self._kept:
                    self.nbytes -= self._kept.pop(key)[1]

    def forget_model(self, name: str) -> None:
        """Drop every answer about the model of this name; what is computed at the moment is not kept either."""
        with self._lock:
            for key in [each for each in self._flights if name in models_asked(each)]:
                del self._flights[key]
            for key in [each for each in self._kept if name in models_asked(each)]:
                self.nbytes -= self._kept.pop(key)[1]

    def forget_idle(self, seconds: float | int, keep_bytes: int) -> int:
        """Drop what nobody has asked for since so many seconds, the largest first, until no more than `keep_bytes` is
        kept; how many bytes went.
        """
        before, old = self.nbytes, time.monotonic() - seconds
        with self._lock:
            idle = [(size, key) for key, (_, size, used) in self._kept.items() if used < old]
            for size, key in sorted(idle, key=lambda each: each[0], reverse=True):
                if self.nbytes <= keep_bytes:
                    break
                del self._kept[key]
                self.nbytes -= size
        return before - self.nbytes

    def _used(self, key: Hashable) -> Any:
        value, size, _ = self._kept[key]
        self._kept[key] = (value, size, time.monotonic())
        self._kept.move_to_end(key)
        return value

    def _keep(self, key: Hashable, flight: _Flight) -> None:
        value = flight.value
        size = size_of(value) + max(0, size_of(key) - _SMALL_KEY)
        with self._lock:
            if self._flights.get(key) is not flight or (self.max_bytes is not None and size > self.max_bytes):
                return
            self._kept[key] = (value, size, time.monotonic())
            self.nbytes += size
            while self.max_bytes is not None and self.nbytes > self.max_bytes:
                _, (_, gone, _) = self._kept.popitem(last=False)
                self.nbytes -= gone
