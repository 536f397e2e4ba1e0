"""How many rooms and people there may be, and after how long what happens by itself."""

from dataclasses import dataclass


@dataclass(frozen=True)
class RoomBounds:
    """rooms: at once. members: of one room. place_characters: of all that a place says.
    gone_seconds: after so long without a sign somebody is not here any more. thaw_seconds: so long screens stand still
    without a teacher. teacher_seconds: so long a room goes on without one. empty_seconds: after so long without anybody
    a room may make place for another.
    tries, address_tries, all_tries: codes that are none, of one session, of one address (which may be a class's) and of
    all, within `tries_seconds`; opened: rooms that one address may open within `opened_seconds`.
    """

    rooms: int = 64
    members: int = 500
    place_characters: int = 40_000
    gone_seconds: float = 30.0
    thaw_seconds: float = 60.0
    teacher_seconds: float = 3 * 3600.0
    empty_seconds: float = 600.0
    tries: int = 10
    address_tries: int = 120
    all_tries: int = 600
    tries_seconds: float = 60.0
    opened: int = 12
    opened_seconds: float = 600.0


BOUNDS = RoomBounds()
