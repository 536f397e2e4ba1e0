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
    is_following: or exploring. place_version, gathered: of the room as it was when this page last went along with it;
    going: the place that it was last on its way to, which a click may have ended. view: what the page showed when it
    had settled there; is_settling: until it has. problem: what the bar has to say.
    shown: what the bar last showed of the room, as `sight` has it. bar, exploring: the fragments by which the bar is
    drawn alone, and what depends on the page's own choices.
    run: how Streamlit is asked to run the page again. asked, asked_at: what it was woken for, and when; is_coming:
    whether its page is on its way to the class's place since.
    """

    session: str
    code: str
    member: str = ""
    secret: str = ""
    here: str = ""
    is_following: bool = True
    place_version: int = 0
    going: int = 0
    gathered: int = -1
    view: Any = None
    is_settling: bool = True
    is_wall: bool = False
    is_known: bool = False
    problem: str = ""
    shown: tuple[Any, ...] | None = None
    bar: str = ""
    exploring: str = ""
    run: ClientState | None = None
    is_coming: bool = False
    asked: tuple[Any, ...] | None = None
    asked_at: float = 0.0

    @property
    def is_teacher(self) -> bool:
        """Whether it may command."""
        return bool(self.secret)

    def is_behind(self, room: "Room") -> bool:
        """Whether it is to go where the class is, and has not yet."""
        if self.is_teacher or not self.is_known:
            return False
        return self.gathered != room.gathered or (self.is_following and self.place_version != room.place_version)

    def is_near(self, room: "Room") -> bool:
        """Whether what it shows differs from the class's place in the page's own choices alone."""
        view, place = self.view, room.place
        is_settled = view is not None and place is not None and self.is_following and not self.is_settling
        return (
            is_settled
            and self.gathered == room.gathered
            and (view.page, self.here) == (place.page, place.page)
            and all(view.said(name) == place.said(name) for name in ("model", "text"))
        )


def sight(own: Seat, room: "Room", crowd: "Crowd", answered: int) -> tuple[Any, ...]:
    """All that this session's bar shows of the room: where it is as it was, there is nothing to draw anew."""
    asked = room.question
    of_all = (room.gathered, room.is_frozen, asked and (asked.number, asked.found is not None), room.lesson)
    if own.is_teacher:
        return (*of_all, crowd.here, crowd.following, answered)
    place = "" if own.is_following or room.place is None else room.place.page
    counted = (crowd.here, answered) if own.is_wall else (0, 0)
    return (*of_all, place, room.is_choosing, *counted, crowd.has_teacher or not room.is_frozen, own.is_following)
