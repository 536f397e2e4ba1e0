"""Who computes next on a device: first come, first served, one forward at a time."""

import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

OnWait = Callable[[int], None]

_TICK_SECONDS = 0.25
_TICKS_BETWEEN_REMINDERS = 4
_listeners: ContextVar[tuple[OnWait, ...]] = ContextVar("headlight_listeners", default=())


@contextmanager
def listening(on_wait: OnWait | None) -> Iterator[None]:
    """Have `on_wait(place)` called in this thread while it waits; place 1 is the next to compute."""
    token = _listeners.set(_listeners.get() if on_wait is None else (*_listeners.get(), on_wait))
    try:
        yield
    finally:
        _listeners.reset(token)


def tell(place: int) -> None:
    """Tell everybody who listens in this context which place in the queue it has."""
    for listener in _listeners.get():
        listener(place)


class Gate:
    """A lock that is fair and tells those who wait which place they have.

    A listener may raise, for instance because its session went away: the waiting thread then leaves the queue.
    """

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._queue: deque[object] = deque()

    def __len__(self) -> int:
        """How many compute or wait."""
        with self._changed:
            return len(self._queue)

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Wait for the turn, hold it inside. Not re-entrant."""
        ticket = object()
        with self._changed:
            self._queue.append(ticket)
        try:
            self._wait(ticket)
            yield
        finally:
            with self._changed:
                self._queue.remove(ticket)
                self._changed.notify_all()

    def _wait(self, ticket: object) -> None:
        told, ticks = None, 0
        while True:
            with self._changed:
                place = self._queue.index(ticket)
                if place == 0:
                    return
                if place == told and ticks < _TICKS_BETWEEN_REMINDERS:
                    self._changed.wait(_TICK_SECONDS)
                    ticks += 1
                    continue
            # Listeners talk to a browser: never while the queue is locked.
            told, ticks = place, 0
            tell(place)
