"""The foot of every page while a room is open, and beside it what a lesson says and asks there.

It is a fragment of its own: what changes in the room without changing the page is drawn without it.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING

import streamlit as st
from streamlit.delta_generator import DeltaGenerator
from streamlit.runtime.scriptrunner_utils.script_run_context import ThreadState

from models.errors import HeadlightError
from pages.shared.asking_engine import ask
from pages.shared.lesson_place import LESSON
from pages.shared.lesson_rail import show_answer
from pages.shared.link import note, run_again
from pages.shared.messages import in_place
from pages.shared.registry import ROOM, entry
from pages.shared.room_following import become_member, become_teacher, follow, leave, seat
from pages.shared.room_question import question_box
from pages.shared.room_seat import Seat, sight
from pages.shared.room_watch import watch
from viz.components.room_bar import RoomBar, room_bar
from viz.components.room_question import room_question_library

if TYPE_CHECKING:
    from models.rooms import Crowd, Room

_TOLD = "room:told"


def room_parts() -> None:
    """Draw them; called before the page runs, where `arrive` came in."""
    if seat() is None:
        return
    room_question_library()
    _parts()


@st.fragment
def _parts() -> None:
    own = seat()
    if own is None:
        return
    from models.rooms import rooms

    own.bar = ThreadState.get().fragment_id or own.bar
    status = st.empty()
    if told := st.session_state.pop(_TOLD, None):
        _carry_out(own, told, status)
    room = rooms.look(own.code)
    if room is None:
        # The page says that it has ended.
        run_again()
    crowd, answered = rooms.crowd(own.code), rooms.answered(room)
    own.shown = sight(own, room, crowd, answered)
    if room.lesson is not None and own.is_known:
        with st.container(key="room_question"), in_place():
            question_box(own, room, crowd, answered)
    with st.container(key="room_bar"), in_place():
        room_bar(_bar(own, room, crowd), on_hello=_on_hello, on_command=_on_command)


def _bar(own: Seat, room: "Room", crowd: "Crowd") -> RoomBar:
    from models.rooms import grouped

    asked = room.question
    problem, own.problem = own.problem, ""
    return RoomBar(
        code=grouped(room.code),
        room=room.code,
        is_known=own.is_known,
        is_teacher=own.is_teacher,
        # Once, to the browser that opened the room: it tells it again when it comes back.
        secret="" if own.is_known else own.secret,
        member=own.member,
        here=crowd.here,
        following=crowd.following,
        may_ask=asked is None and room.lesson is not None and room.lesson.truth is not None,
        is_asked=room.is_asked,
        is_together=room.is_together,
        is_following=own.is_following,
        place="" if room.place is None else entry(room.place.page).title,
        is_choosing=room.is_choosing,
        is_at_step=room.lesson is not None,
        is_frozen=room.is_frozen,
        has_teacher=crowd.has_teacher,
        is_wall=own.is_wall,
        problem=problem,
    )


def _on_hello(told: tuple[str, str]) -> None:
    """What this browser keeps of the room: its page may be the teacher's, or that of somebody who was here before."""
    own = seat()
    if own is None or own.is_known:
        return
    own.is_known = True
    secret, member = told
    st.session_state[_TOLD] = "again"
    if own.is_teacher or (secret and become_teacher(own, secret)):
        return
    if member:
        become_member(own, member)
    # One lesson at a time: the class's.
    LESSON.forget()


def _on_command(name: str) -> None:
    st.session_state[_TOLD] = name


def _carry_out(own: Seat, name: str, status: DeltaGenerator) -> None:
    """Do what was pressed; what may not be done is said in the bar. May run the page again."""
    command = _COMMANDS.get(name)
    if command is None:
        return
    try:
        is_whole = command(own, status)
    except HeadlightError as error:
        own.problem = str(error)
        return
    finally:
        watch.look_now()
    if is_whole:
        run_again()


def _teacher(command: str) -> Callable[[Seat, DeltaGenerator], bool]:
    """A command that is the room's alone; whether the page is to run again."""

    def carried_out(own: Seat, _: DeltaGenerator) -> bool:
        from models.rooms import rooms

        getattr(rooms, command)(own.code, own.secret)
        return False

    return carried_out


def _end(own: Seat, _: DeltaGenerator) -> bool:
    from models.rooms import rooms

    rooms.end(own.code, own.secret)
    note("The room has ended; nothing of it is kept.")
    leave()
    return True


def _ask(own: Seat, status: DeltaGenerator) -> bool:
    """Ask the class what the step asks; where its options are the truth's, they are computed before."""
    from models.rooms import rooms

    room = rooms.look(own.code)
    labels: tuple[str, ...] = ()
    if own.is_teacher and room is not None and room.lesson is not None and room.lesson.truth is not None:
        asked = room.lesson.step.ask
        if asked is not None and asked.kind != "number" and not asked.options:
            labels = ask(room.lesson.truth, status).labels
    rooms.ask(own.code, own.secret, labels)
    # The rail of the lesson says what going on does now.
    return True


def _reveal(own: Seat, status: DeltaGenerator) -> bool:
    """Compute the truth, once for everybody, and show it with what was guessed."""
    from models.rooms import NotTheTeacherError, rooms

    room = rooms.look(own.code)
    if not own.is_teacher:
        raise NotTheTeacherError("Only the teacher of this room can do that.")
    if room is None or room.question is None or room.question.of.truth is None:
        return False
    found = ask(room.question.of.truth, status)
    rooms.reveal(own.code, own.secret, room.question.number, found)
    show_answer()
    return True


def _follow(own: Seat, _: DeltaGenerator) -> bool:
    follow(own, is_following=True)
    return True


def _explore(own: Seat, _: DeltaGenerator) -> bool:
    from models.rooms import RoomError, rooms

    room = rooms.look(own.code)
    if room is not None and room.is_frozen and rooms.crowd(own.code).has_teacher:
        raise RoomError("The teacher has stopped all screens for a moment.")
    if not own.is_teacher:
        follow(own, is_following=False)
    return False


def _leave(own: Seat, _: DeltaGenerator) -> bool:
    del own
    leave()
    st.switch_page(ROOM.script)
    return True


_COMMANDS: dict[str, Callable[[Seat, DeltaGenerator], bool]] = {
    "back": _teacher("call_back"),
    "loose": _teacher("let_go"),
    "freeze": _teacher("freeze"),
    "thaw": _teacher("thaw"),
    "ask": _ask,
    "reveal": _reveal,
    "end": _end,
    "follow": _follow,
    "explore": _explore,
    "leave": _leave,
    "again": lambda _own, _status: True,
}
