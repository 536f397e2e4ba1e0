"""Rooms that all web processes of a cluster share: one memory, in the cluster's keeping.

It is written nowhere and ends with the cluster: rooms are short. Each call is one message there and back, and they are
made one after the other there, so that a swap in one web process is seen by all others from then on.
"""

from collections.abc import Mapping
from typing import Any

from models.lessons.guesses import Guess
from models.rooms.memory_store import MemoryStore
from models.rooms.room import Room
from models.rooms.store import Presence


class SharedStore:
    """A `Store`. Each call may also raise ClusterError, where the cluster does not answer."""

    def add(self, room: Room) -> bool:
        """As `Store.add`."""
        return self._ask("add", room)

    def get(self, code: str) -> Room | None:
        """As `Store.get`."""
        return self._ask("get", code)

    def swap(self, room: Room, version: int) -> bool:
        """As `Store.swap`."""
        return self._ask("swap", room, version)

    def remove(self, code: str) -> None:
        """As `Store.remove`."""
        self._ask("remove", code)

    def codes(self) -> tuple[str, ...]:
        """As `Store.codes`."""
        return self._ask("codes")

    def touch(self, code: str, member: str, presence: Presence) -> None:
        """As `Store.touch`."""
        self._ask("touch", code, member, presence)

    def leave(self, code: str, member: str) -> None:
        """As `Store.leave`."""
        self._ask("leave", code, member)

    def present(self, code: str) -> Mapping[str, Presence]:
        """As `Store.present`."""
        return self._ask("present", code)

    def add_guess(self, code: str, question: int, member: str, guess: Guess) -> bool:
        """As `Store.add_guess`."""
        return self._ask("add_guess", code, question, member, guess)

    def guess_of(self, code: str, question: int, member: str) -> Guess | None:
        """As `Store.guess_of`."""
        return self._ask("guess_of", code, question, member)

    def close(self, code: str, question: int) -> tuple[Guess, ...]:
        """As `Store.close`."""
        return self._ask("close", code, question)

    def guesses(self, code: str, question: int) -> tuple[Guess, ...]:
        """As `Store.guesses`."""
        return self._ask("guesses", code, question)

    def _ask(self, method: str, *arguments: Any) -> Any:
        # Whoever has no cluster has nothing of it imported.
        from models.cluster.line import line

        return line().call(MemoryStore, method, *arguments)
