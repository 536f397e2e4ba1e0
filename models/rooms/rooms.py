"""What people do with rooms, within bounds: open one, come in, follow, guess; and the teacher's commands.

Each command of the teacher's brings the secret, which is compared here and nowhere else.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from models.lessons.guesses import Guess, checked_guess
from models.lessons.lesson import View
from models.lessons.readings import Readings
from models.rooms.codes import digest, is_secret, new_code, new_member, new_secret, read_code
from models.rooms.room import LessonPlace, NotTheTeacherError, Room, RoomError
from models.rooms.store import Presence, Store
from models.rooms.times_and_limits import BOUNDS, RoomBounds
from models.rooms.tries import Tries

# Under this name the teacher is present.
_TEACHER = "teacher"
_SWAPS = 100
CLOSED = "This room has ended, or there never was one: ask your teacher for the code."


@dataclass(frozen=True)
class Crowd:
    """Who is here, without names: how many, how many of them follow, and whether the teacher is here."""

    here: int
    following: int
    has_teacher: bool


class Rooms:
    """All rooms of a store."""

    def __init__(self, store: Store, clock: Callable[[], float] = time.time, bounds: RoomBounds = BOUNDS) -> None:
        """clock: seconds, the same for all who share the store."""
        self._store, self._clock, self._bounds = store, clock, bounds
        self._of_sessions = Tries(bounds.tries, bounds.all_tries, bounds.tries_seconds, clock)
        self._of_addresses = Tries(bounds.address_tries, bounds.all_tries, bounds.tries_seconds, clock)
        self._opening = Tries(bounds.opened, bounds.opened * bounds.rooms, bounds.opened_seconds, clock)

    # ----- Opening, coming in, being here

    def open(self, address: str = "") -> tuple[Room, str]:
        """A new room and the teacher's secret, which is told this once. address: whose it is, for the bound.

        Raises RoomError where there are as many as may be, or this one opened too many.
        """
        if not self._opening.may(address):
            raise RoomError("You have opened many rooms just now; end one, and try again in ten minutes.")
        self.sweep()
        if len(self._store.codes()) >= self._bounds.rooms:
            self._make_place()
        secret = new_secret()
        while True:
            room = Room(new_code(), digest(secret), self._clock())
            if self._store.add(room):
                break
        self._opening.note(address)
        self._store.touch(room.code, _TEACHER, Presence(self._clock(), is_following=False))
        return room, secret

    def find(self, typed: str, session: str = "", address: str = "") -> Room:
        """The room of a code that somebody typed or that stands in a link; who asks, for the bounds.

        Raises RoomError for a code that is none, has ended, or comes from somebody who tries many.
        """
        if not (self._of_sessions.may(session) and self._of_addresses.may(address)):
            raise RoomError("Many codes were tried from here that are none; wait a minute, and type it once more.")
        code = read_code(typed)
        room = None if code is None else self.look(code)
        if room is None:
            self._of_sessions.note(session)
            self._of_addresses.note(address)
            raise RoomError(CLOSED)
        return room

    def look(self, code: str) -> Room | None:
        """The room as it is now, None once it has ended. What its time has come for is done: it thaws, it ends."""
        room = self._store.get(code)
        if room is None:
            return None
        away = self._clock() - self._teacher_seen(room)
        if away > self._bounds.teacher_seconds:
            self._store.remove(code)
            return None
        if room.is_frozen and away > self._bounds.thaw_seconds:
            return self._changed(code, Room.thawed)
        return room

    def join(self, code: str, member: str = "") -> str:
        """Somebody comes in; by which name they are told apart: the one they had, or a new one.

        Raises RoomError for a room that has ended or is full.
        """
        if self.look(code) is None:
            raise RoomError(CLOSED)
        known = self._store.present(code)
        if not member or len(member) > 64 or member == _TEACHER:
            member = new_member()
        if member not in known and len(known) > self._bounds.members:
            for each, presence in known.items():
                if each != _TEACHER and self._is_gone(presence):
                    self._store.leave(code, each)
            if len(self._store.present(code)) > self._bounds.members:
                raise RoomError(f"This room is full: {self._bounds.members} people are in it.")
        self.touch(code, member, is_following=True)
        return member

    def touch(self, code: str, member: str, *, is_following: bool) -> None:
        """A member is still here."""
        if member != _TEACHER:
            self._store.touch(code, member, Presence(self._clock(), is_following))

    def leave(self, code: str, member: str) -> None:
        """A member is not here any more."""
        if member != _TEACHER:
            self._store.leave(code, member)

    def crowd(self, code: str) -> Crowd:
        """How many are here, and how many of them follow."""
        known = self._store.present(code)
        here = [each for name, each in known.items() if name != _TEACHER and not self._is_gone(each)]
        teacher = known.get(_TEACHER)
        has_teacher = teacher is not None and not self._is_gone(teacher)
        return Crowd(len(here), sum(each.is_following for each in here), has_teacher)

    def sweep(self) -> None:
        """Let rooms end whose time has come."""
        for code in self._store.codes():
            self.look(code)

    def counted(self) -> tuple[int, int]:
        """How many rooms there are, and how many people in them."""
        codes = self._store.codes()
        return len(codes), sum(self.crowd(code).here for code in codes)

    # ----- The teacher's commands

    def is_teacher(self, code: str, secret: str) -> bool:
        """Whether this is the secret of a room that is there."""
        room = self._store.get(code)
        return room is not None and is_secret(secret, room.digest)

    def touch_teacher(self, code: str, secret: str) -> None:
        """The teacher is still here."""
        self._allow(code, secret)
        self._store.touch(code, _TEACHER, Presence(self._clock(), is_following=False))

    def show(self, code: str, secret: str, place: View, lesson: LessonPlace | None = None) -> Room:
        """The class is shown this view, at this step. Raises RoomError for one that says too much."""
        said = sum(len(name) + len(value) for name, value in place.query)
        if said > self._bounds.place_characters:
            raise RoomError(
                f"This view says {said:,} characters; a room takes {self._bounds.place_characters:,} at the most. The "
                "class stays where it was: take a shorter text."
            )
        return self._commanded(code, secret, lambda room: room.at(place, lesson))

    def choose(self, code: str, secret: str) -> Room:
        """The teacher is at a list of pages or lessons."""
        return self._commanded(code, secret, Room.choosing)

    def call_back(self, code: str, secret: str) -> Room:
        """All follow again."""
        return self._commanded(code, secret, Room.called_back)

    def let_go(self, code: str, secret: str) -> Room:
        """All explore on their own."""
        return self._commanded(code, secret, Room.let_go)

    def freeze(self, code: str, secret: str) -> Room:
        """The screens stand still, as long as the teacher is here."""
        return self._commanded(code, secret, Room.frozen)

    def thaw(self, code: str, secret: str) -> Room:
        """The screens can be used again."""
        return self._commanded(code, secret, Room.thawed)

    def ask(self, code: str, secret: str, labels: tuple[str, ...] = ()) -> Room:
        """The class is asked what the step asks. labels: of the truth, where the step names no options."""
        return self._commanded(code, secret, lambda room: room.asks(labels))

    def reveal(self, code: str, secret: str, number: int, found: Readings) -> Room:
        """The truth of question `number`: nothing is guessed any more, and what was is shown."""
        self._allow(code, secret).check_open(number)
        guesses = self._store.close(code, number)
        return self._commanded(code, secret, lambda room: room.reveals(number, found, guesses))

    def end(self, code: str, secret: str) -> None:
        """The room is over, and nothing of it is left."""
        self._allow(code, secret)
        self._store.remove(code)

    # ----- Guesses

    def guess(self, code: str, member: str, number: int, told: object) -> Guess:
        """A member's guess at question `number`, taken once.

        Raises RoomError for one that comes too late, a second time, or from nobody; GuessError for one that is outside
        of what was asked.
        """
        room = self.look(code)
        if room is None:
            raise RoomError(CLOSED)
        asked = room.check_open(number)
        if member == _TEACHER or member not in self._store.present(code):
            raise RoomError("Whoever guesses is in the room; open its link again.")
        guess = checked_guess(asked.ask, asked.before, told)
        if not self._store.add_guess(code, number, member, guess):
            raise RoomError("You have guessed already; the first guess counts.")
        return guess

    def own_guess(self, room: Room, member: str) -> Guess | None:
        """What this member guessed at the question that is open or was revealed."""
        return None if room.question is None else self._store.guess_of(room.code, room.question.number, member)

    def answered(self, room: Room) -> int:
        """How many have guessed at the question that is open."""
        return 0 if room.question is None else len(self._store.guesses(room.code, room.question.number))

    # ----- Inside

    def _allow(self, code: str, secret: str) -> Room:
        room = self.look(code)
        if room is None:
            raise RoomError(CLOSED)
        if not is_secret(secret, room.digest):
            raise NotTheTeacherError("Only the teacher of this room can do that.")
        return room

    def _commanded(self, code: str, secret: str, change: Callable[[Room], Room]) -> Room:
        self._allow(code, secret)
        self._store.touch(code, _TEACHER, Presence(self._clock(), is_following=False))
        room = self._changed(code, change)
        if room is None:
            raise RoomError(CLOSED)
        return room

    def _changed(self, code: str, change: Callable[[Room], Room]) -> Room | None:
        """The room after this change, made to whichever version is kept by then. Nothing to change is no version."""
        for _ in range(_SWAPS):
            room = self._store.get(code)
            if room is None:
                return None
            changed = change(room)
            if changed == room:
                return room
            changed = replace(changed, version=room.version + 1)
            if self._store.swap(changed, room.version):
                return changed
        raise RoomError("Too many changes were made at once; do it again.")

    def _teacher_seen(self, room: Room) -> float:
        teacher = self._store.present(room.code).get(_TEACHER)
        return room.opened if teacher is None else teacher.seen

    def _is_gone(self, presence: Presence) -> bool:
        return self._clock() - presence.seen > self._bounds.gone_seconds

    def _make_place(self) -> None:
        """Forget the room that has been empty for longest. Raises RoomError where none has been for long enough."""
        seen = {
            code: max((each.seen for each in self._store.present(code).values()), default=0.0)
            for code in self._store.codes()
        }
        longest = min(seen, key=lambda code: seen[code])
        if self._clock() - seen[longest] < self._bounds.empty_seconds:
            raise RoomError(
                f"This server has as many rooms as it takes, which are {self._bounds.rooms}; try again when one ends."
            )
        self._store.remove(longest)
