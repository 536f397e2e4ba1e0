"""Who computes next on a device: first come, first served, one at a time; a long forward lets others in between."""

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar

from models.engine.allowance import check_allowance, spend
from models.engine.cancellation import go_on_if_wanted, pausing
from models.engine.context import holding

OnWait = Callable[[int], None]

_TICK_SECONDS = 0.25
_TICKS_BETWEEN_REMINDERS = 4
# A forward that has taken so long lets the next one compute, between two layers. Most forwards are shorter.
_LONG_SECONDS = 0.5
# Identities of the threads that wait for others here, and compute nothing.
_asleep: set[int] = set()
_listeners: ContextVar[tuple[OnWait, ...]] = ContextVar("headlight_listeners", default=())


def listening(on_wait: OnWait | None) -> AbstractContextManager[None]:
    """Have `on_wait(place)` called in this thread while it waits; place 1 is the next to compute."""
    return holding(_listeners, _listeners.get() if on_wait is None else (*_listeners.get(), on_wait))


def tell(place: int) -> None:
    """Tell everybody who listens in this context which place in the queue it has."""
    for listener in _listeners.get():
        listener(place)


@contextmanager
def asleep() -> Iterator[None]:
    """Round a wait: whoever counts how many threads compute leaves this one out (`threads_asleep`)."""
    me = threading.get_ident()
    _asleep.add(me)
    try:
        yield
    finally:
        _asleep.discard(me)


def threads_asleep() -> frozenset[int]:
    """Identities of the threads that wait for a lock, or for what another one computes."""
    return frozenset(_asleep.copy())


class _Ticket:
    """Somebody's place: whether it has begun to compute, and since when it does."""

    def __init__(self) -> None:
        self.has_begun = False
        self.since = 0.0


class Gate:
    """A lock that is fair and tells those who wait which place they have.

    A listener may raise, for instance because its session went away: the waiting thread then leaves the queue. So does
    one for which nobody waits any more (NobodyWaits).

    most_begun: so many forwards may have begun; one computes, the others hold what they have computed in memory and
        wait for the lock again. With one, a forward is never interrupted.
    """

    def __init__(self, most_begun: int = 1) -> None:
        self._most_begun = most_begun
        self._changed = threading.Condition()
        # That were computed behind it, since it was made.
        self.seconds = 0.0
        self._queue: deque[_Ticket] = deque()

    def __len__(self) -> int:
        """How many compute or wait."""
        with self._changed:
            return len(self._queue)

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Wait for the lock, hold it inside, but for pauses between steps (`cancellation`). Not re-entrant."""
        ticket = _Ticket()
        with self._changed:
            self._queue.append(ticket)
        try:
            self._wait(ticket)
            try:
                with pausing(lambda: self._pause(ticket)):
                    yield
            finally:
                self._spend(ticket)
        finally:
            with self._changed:
                self._queue.remove(ticket)
                self._changed.notify_all()

    def _pause(self, ticket: _Ticket) -> None:
        """Let whoever is next compute, where this one has computed for long; returns when it computes again.

        Raises AnswerTooLongError.
        """
        taken = time.monotonic() - ticket.since
        check_allowance(taken)
        if taken < _LONG_SECONDS:
            return
        self._spend(ticket)
        with self._changed:
            self._queue.remove(ticket)
            self._queue.append(ticket)
            self._changed.notify_all()
        self._wait(ticket)

    def _spend(self, ticket: _Ticket) -> None:
        """Count what has been computed since this one's turn began; whoever computes counts alone."""
        now = time.monotonic()
        spend(now - ticket.since)
        self.seconds += now - ticket.since
        ticket.since = now

    def _next(self) -> _Ticket:
        """Who computes: the first that has begun, or may."""
        begun = sum(each.has_begun for each in self._queue)
        return next(each for each in self._queue if each.has_begun or begun < self._most_begun)

    def _wait(self, ticket: _Ticket) -> None:
        told, ticks = None, 0
        while True:
            with self._changed:
                if self._next() is ticket:
                    ticket.has_begun, ticket.since = True, time.monotonic()
                    return
                place = max(1, self._queue.index(ticket))
                if place == told and ticks < _TICKS_BETWEEN_REMINDERS:
                    with asleep():
                        self._changed.wait(_TICK_SECONDS)
                    ticks += 1
                    is_news = False
                else:
                    is_news = True
            go_on_if_wanted()
            # Listeners talk to a browser: never while the queue is locked.
            if is_news:
                told, ticks = place, 0
                tell(place)
