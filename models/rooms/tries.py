"""How often somebody may try: so many times in a while, each by whoever it is and all together."""

import threading
from collections import OrderedDict, deque
from collections.abc import Callable

# So many are remembered by name.
_MOST_WHO = 4_096


class Tries:
    """Counts tries by whom they are of; the clock gives seconds."""

    def __init__(self, each: int, together: int, seconds: float, clock: Callable[[], float]) -> None:
        """each, together: so many of one, and of all, within `seconds`."""
        self._each, self._together, self._seconds, self._clock = each, together, seconds, clock
        self._lock = threading.Lock()
        self._of: OrderedDict[str, deque[float]] = OrderedDict()
        self._all: deque[float] = deque(maxlen=together)

    def may(self, who: str) -> bool:
        """Whether one more of theirs is within the bounds."""
        with self._lock:
            now = self._clock()
            own = self._recent(self._of.get(who, deque()), now)
            return len(self._recent(self._all, now)) < self._together and len(own) < self._each

    def note(self, who: str) -> None:
        """One more."""
        with self._lock:
            now = self._clock()
            self._of.setdefault(who, deque(maxlen=self._each)).append(now)
            self._of.move_to_end(who)
            self._all.append(now)
            while len(self._of) > _MOST_WHO:
                self._of.popitem(last=False)

    def _recent(self, times: deque[float], now: float) -> deque[float]:
        while times and times[0] <= now - self._seconds:
            times.popleft()
        return times
