"""What stands at the foot of every page while a room is open: the teacher's commands, or whether this page follows."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from viz.components.scaffold import component, fields_of, pack_picture, text

_PARTS = '<div class="bar"></div>\n'
_mount = component("room_bar", _PARTS)
_LONGEST = 64


@dataclass(frozen=True)
class RoomBar:
    """What is shown.

    code: as people read it. room: the code under which this browser keeps `secret` (the teacher's own, once) and
    `member`; is_known: whether it has said what it keeps. is_teacher: whether there are commands.
    here, following: how many. may_ask: whether the step asks something that was not asked; is_asked: whether a question
    is open. is_together: whether the class was called back last, or let go. place: the page that the class is at;
    is_choosing: whether its teacher looks for what comes next.
    is_frozen: whether the screens stand still, without a teacher who could let them go where not has_teacher.
    is_wall: whether only what a class sees is shown. problem: what could not be done.
    """

    code: str
    room: str
    is_known: bool
    is_teacher: bool
    secret: str = ""
    member: str = ""
    here: int = 0
    following: int = 0
    may_ask: bool = False
    is_asked: bool = False
    is_together: bool = True
    is_following: bool = True
    place: str = ""
    is_choosing: bool = False
    is_frozen: bool = False
    has_teacher: bool = True
    is_wall: bool = False
    problem: str = ""


def room_bar(bar: RoomBar, *, on_hello: Callable[[tuple[str, str]], None], on_command: Callable[[str], None]) -> None:
    """Show it. `on_hello((secret, member))` is called once with what this browser keeps of the room, "" for nothing;
    `on_command(name)` with what was pressed.
    """
    told = {"hello": (_hello, on_hello), "command": (text, on_command)}
    _mount(key="room", data=pack_picture(fields_of(bar)), told=told)


def _hello(value: object) -> tuple[str, str] | None:
    if not isinstance(value, Mapping):
        return None
    said = tuple(value.get(name) for name in ("secret", "member"))
    return said if all(isinstance(each, str) and len(each) <= _LONGEST for each in said) else None  # ty: ignore[invalid-explicit-return]
