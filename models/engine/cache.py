"""One cache: bounded by bytes, the least recently used goes first, and each answer is computed once."""

import dataclasses
import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Any

from models.engine.gate import listening, tell
from models.errors import HeadlightError

_TICK_SECONDS = 0.25
_SMALLEST = 64


def size_of(value: object) -> int:
    """Roughly how many bytes an answer holds: arrays and whatever has `nbytes`, strings, and what they lie in."""
    nbytes = getattr(value, "nbytes", None)
    if isinstance(nbytes, int):
        return max(nbytes, _SMALLEST)
    if isinstance(value, str | bytes):
        return len(value) + _SMALLEST
    if isinstance(value, tuple | list | frozenset):
        return _SMALLEST + sum(size_of(each) for each in value)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return _SMALLEST + sum(size_of(getattr(value, field.name)) for field in dataclasses.fields(value))
    return _SMALLEST


def _holds(value: object, thing: object) -> bool:
    if value is thing:
        return True
    if isinstance(value, tuple | list | frozenset):
        return any(_holds(each, thing) for each in value)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return any(_holds(getattr(value, field.name), thing) for field in dataclasses.fields(value))
    return False


class _Flight:
    """One computation that is under way, and those who wait for it."""

    def __init__(self) -> None:
        self.landed = threading.Event()
        self.place = 0
        self.value: Any = None
        self.error: HeadlightError | None = None
        self.abandoned = False

    def at_place(self, place: int) -> None:
        self.place = place


class ByteCache:
    """Answers by request, at most `max_bytes` of them (None: without a bound)."""

    def __init__(self, max_bytes: int | None) -> None:
        self.max_bytes = max_bytes
        self.nbytes = 0
        self._lock = threading.Lock()
        self._kept: OrderedDict[Hashable, tuple[Any, int]] = OrderedDict()
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
            self._kept.move_to_end(key)
            return self._kept[key][0]

    def get(self, key: Hashable, compute: Callable[[], Any]) -> Any:
        """The kept answer, or the one that another thread is computing, or `compute()`.

        A HeadlightError of `compute` reaches everybody who waited for it, and nothing is kept. Any other exception is
        the computing thread's own (its session may have ended): one of those who wait computes instead.
        """
        while True:
            with self._lock:
                if key in self._kept:
                    self._kept.move_to_end(key)
                    return self._kept[key][0]
                flight = self._flights.get(key)
                if flight is None:
                    mine = self._flights[key] = _Flight()
                    break
            self._wait(flight)
            if flight.error is not None:
                raise flight.error
            if not flight.abandoned:
                return flight.value
        try:
            with listening(mine.at_place):
                mine.value = compute()
            self._keep(key, mine.value)
        except HeadlightError as error:
            mine.error = error
            raise
        except BaseException:
            mine.abandoned = True
            raise
        finally:
            with self._lock:
                del self._flights[key]
            mine.landed.set()
        return mine.value

    def forget(self, thing: object) -> None:
        """Drop every answer that holds on to this object, in itself or in a field or an element of it."""
        with self._lock:
            kept = list(self._kept.items())
        gone = [key for key, (value, _) in kept if _holds(value, thing)]
        with self._lock:
            for key in gone:
                if key in self._kept:
                    self.nbytes -= self._kept.pop(key)[1]

    def _keep(self, key: Hashable, value: Any) -> None:
        size = size_of(value)
        with self._lock:
            if self.max_bytes is not None and size > self.max_bytes:
                return
            self._kept[key] = (value, size)
            self.nbytes += size
            while self.max_bytes is not None and self.nbytes > self.max_bytes:
                _, (_, gone) = self._kept.popitem(last=False)
                self.nbytes -= gone

    @staticmethod
    def _wait(flight: _Flight) -> None:
        while not flight.landed.wait(_TICK_SECONDS):
            if flight.place:
                tell(flight.place)
