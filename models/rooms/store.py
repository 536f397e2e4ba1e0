"""What keeps rooms: one process's memory, or something that several servers share.

A room is one value that is changed by compare-and-set on its version, so that two servers that change it at once both
find out. Nobody is called when it changes: whoever wants to know looks at the version, which is cheap. Who is here and
what was guessed are kept beside the room, member by member: hundreds of both change no version.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from models.lessons.guesses import Guess
from models.rooms.room import Room


@dataclass(frozen=True)
class Presence:
    """That somebody is here. seen: when last, in seconds as the clock has them. is_following: or on their own."""

    seen: float
    is_following: bool


@runtime_checkable
class Store(Protocol):
    """Keeps rooms by their codes. Each call is whole by itself; of a room that is not there nothing is kept."""

    def add(self, room: Room) -> bool:
        """Keep a new one; False where its code is taken."""
        ...

    def get(self, code: str) -> Room | None:
        """The room as it is now."""
        ...

    def swap(self, room: Room, version: int) -> bool:
        """Keep this one in place of the one with that version; False where that is not the one that is kept."""
        ...

    def remove(self, code: str) -> None:
        """Forget it and all that belongs to it."""
        ...

    def codes(self) -> tuple[str, ...]:
        """Of all rooms."""
        ...

    def touch(self, code: str, member: str, presence: Presence) -> None:
        """Somebody is here."""
        ...

    def leave(self, code: str, member: str) -> None:
        """Somebody is not here any more."""
        ...

    def present(self, code: str) -> Mapping[str, Presence]:
        """All of whom it is known, however long ago they were seen."""
        ...

    def add_guess(self, code: str, question: int, member: str, guess: Guess) -> bool:
        """Keep a member's guess; False where there is one, or the question is closed. A question with a higher number
        forgets those before.
        """
        ...

    def guess_of(self, code: str, question: int, member: str) -> Guess | None:
        """What this member guessed."""
        ...

    def close(self, code: str, question: int) -> tuple[Guess, ...]:
        """Take no more guesses for it; all that were kept."""
        ...

    def guesses(self, code: str, question: int) -> tuple[Guess, ...]:
        """All that were kept for it, in no order that says whose they are."""
        ...
