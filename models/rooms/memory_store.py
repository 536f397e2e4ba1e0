"""Rooms in the memory of one process."""

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from models.lessons.guesses import Guess
from models.rooms.room import Room
from models.rooms.store import Presence


@dataclass
class _Kept:
    """Of one room: it, who is here, the guesses of its question `question` by member, and whether it takes more."""

    room: Room
    present: dict[str, Presence] = field(default_factory=dict)
    question: int = 0
    guesses: dict[str, Guess] = field(default_factory=dict)
    is_closed: bool = False

    def goes_on_to(self, question: int) -> None:
        """Forget the guesses at those before."""
        if question > self.question:
            self.question, self.guesses, self.is_closed = question, {}, False


class MemoryStore:
    """A `Store`; how much it may keep is for `Rooms` to say."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: dict[str, _Kept] = {}

    def add(self, room: Room) -> bool:
        """As `Store.add`."""
        with self._lock:
            if room.code in self._kept:
                return False
            self._kept[room.code] = _Kept(room)
            return True

    def get(self, code: str) -> Room | None:
        """As `Store.get`."""
        with self._lock:
            kept = self._kept.get(code)
            return None if kept is None else kept.room

    def swap(self, room: Room, version: int) -> bool:
        """As `Store.swap`."""
        with self._lock:
            kept = self._kept.get(room.code)
            if kept is None or kept.room.version != version:
                return False
            kept.room = room
            return True

    def remove(self, code: str) -> None:
        """As `Store.remove`."""
        with self._lock:
            self._kept.pop(code, None)

    def codes(self) -> tuple[str, ...]:
        """As `Store.codes`."""
        with self._lock:
            return tuple(self._kept)

    def touch(self, code: str, member: str, presence: Presence) -> None:
        """As `Store.touch`."""
        with self._lock:
            if code in self._kept:
                self._kept[code].present[member] = presence

    def leave(self, code: str, member: str) -> None:
        """As `Store.leave`."""
        with self._lock:
            if code in self._kept:
                self._kept[code].present.pop(member, None)

    def present(self, code: str) -> Mapping[str, Presence]:
        """As `Store.present`."""
        with self._lock:
            kept = self._kept.get(code)
            return MappingProxyType({} if kept is None else dict(kept.present))

    def add_guess(self, code: str, question: int, member: str, guess: Guess) -> bool:
        """As `Store.add_guess`."""
        with self._lock:
            kept = self._kept.get(code)
            if kept is None:
                return False
            kept.goes_on_to(question)
            if question != kept.question or kept.is_closed or member in kept.guesses:
                return False
            kept.guesses[member] = guess
            return True

    def guess_of(self, code: str, question: int, member: str) -> Guess | None:
        """As `Store.guess_of`."""
        with self._lock:
            kept = self._kept.get(code)
            return kept.guesses.get(member) if kept is not None and kept.question == question else None

    def close(self, code: str, question: int) -> tuple[Guess, ...]:
        """As `Store.close`."""
        with self._lock:
            kept = self._kept.get(code)
            if kept is not None:
                kept.goes_on_to(question)
                kept.is_closed = kept.is_closed or question == kept.question
        return self.guesses(code, question)

    def guesses(self, code: str, question: int) -> tuple[Guess, ...]:
        """As `Store.guesses`."""
        with self._lock:
            kept = self._kept.get(code)
            found = list(kept.guesses.values()) if kept is not None and kept.question == question else []
        # In the order of their values: when somebody's came says nothing.
        return tuple(sorted(found, key=lambda guess: guess if isinstance(guess, tuple) else (guess,)))
