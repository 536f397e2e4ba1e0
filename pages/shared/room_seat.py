"""A session's place in a room: what its script and the thread that watches for it both know."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from streamlit.proto.ClientState_pb2 import ClientState

if TYPE_CHECKING:
    from models.rooms import Crowd, Room


@dataclass
class Seat:
    """Of one session in one room. Its script writes it, and the thread that watches for the session reads it.

    session: Streamlit's name of it. code, member: of the room, and how this member is told apart; secret: of the
    teacher, "" for everybody else. here: the address of the page that is open.
    is_known: whether the browser has said what it keeps of this room. is_wall: whether it shows what a class sees.
    is_following: or exploring. place_version, gathered: of the room as it was when this page last went along with it.
    view: what the page showed when it had settled there; is_settling: until it has. problem: what the bar has to say.
    shown: what the bar last showed of the room, as `sight` has it; fragment: by which the bar is drawn alone.
    run: how Streamlit is asked to run the page again. asked, asked_at: for which sight it was, and when.
    """

    session: str
    code: str
    member: str = ""
    secret: str = ""
    here: str = ""
    is_following: bool = True
    place_version: int = 0
    gathered: int = -1
    view: Any = None
    is_settling: bool = True
    is_wall: bool = False
    is_known: bool = False
    problem: str = ""
    shown: tuple[Any, ...] | None = None
    fragment: str = ""
    run: ClientState | None = None
    asked: tuple[Any, ...] | None = None
    asked_at: float = 0.0

    @property
    def is_teacher(self) -> bool:
        """Whether it may command."""
        return bool(self.secret)


def sight(own: Seat, room: "Room", crowd: "Crowd", answered: int) -> tuple[Any, ...]:
    """All that this session's bar shows of the room: where it is as it was, there is nothing to draw anew."""
    asked = room.question
    of_all = (room.gathered, room.is_frozen, asked and (asked.number, asked.found is not None), room.lesson)
    if own.is_teacher:
        return (*of_all, crowd.here, crowd.following, answered)
    place = room.place_version if own.is_following or room.place is None else room.place.page
    counted = (crowd.here, answered) if own.is_wall else (0, 0)
    return (*of_all, place, *counted, crowd.has_teacher or not room.is_frozen, own.is_following)
