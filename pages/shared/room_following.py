"""The way from what a room shows to this session's page, and back.

`arrive` runs before a page: it comes in, and opens what the teacher shows where this session follows. `_settled` runs
when a page has written its address: what the teacher's shows is put into the room, and a follower's that shows another
thing than the room explores on its own from then on.
"""

import urllib.parse
from contextlib import suppress
from typing import TYPE_CHECKING

import streamlit as st
from streamlit.proto.ClientState_pb2 import ClientState
from streamlit.runtime.scriptrunner import get_script_run_ctx
from streamlit.runtime.scriptrunner_utils.script_run_context import ThreadState

from models.errors import HeadlightError
from models.one_at_a_time import libraries
from pages.shared import thread
from pages.shared.lesson_rail import class_step
from pages.shared.lesson_view import open_view, view_here
from pages.shared.link import mirrored, note, when_mirrored
from pages.shared.page import before_exploring
from pages.shared.registry import PAGES, PageEntry, entry
from pages.shared.room_place import CODE, SCREEN, teach, teacher_secret
from pages.shared.room_seat import Seat
from pages.shared.room_watch import watch

if TYPE_CHECKING:
    from models.lessons import View

_SEAT = "room:seat"
_DROPPED = (
    "You went on, and the class saw no answer to the question that was open. Go back to its step to ask it again."
)
_PAGES = {each.address for each in PAGES}


def seat() -> Seat | None:
    """This session's, where it is in a room."""
    return st.session_state.get(_SEAT)


def is_arriving() -> bool:
    """Whether the browser has not said yet who it is in its room: a teacher, or one of the class."""
    own = seat()
    return own is not None and not own.is_known


def who() -> tuple[str, str]:
    """Who asks, for the bounds of tries: the session, and from which address it comes."""
    context = get_script_run_ctx()
    return "" if context is None else context.session_id, str(st.context.ip_address or "")


def arrive(here: PageEntry) -> None:
    """Come in, and open what the teacher shows where this session follows; may go to another page.

    Called before the page runs, where a link names a room or one is open.
    """
    libraries()
    try:
        own = _come_in()
    except HeadlightError as error:
        note(str(error))
        leave()
        return
    own.here = here.address
    if own.is_wall and here.address in _PAGES:
        thread.PROJECTOR.choose("on")
    own.run = _this_run()
    when_mirrored(_settled)
    before_exploring(_catch_up)
    # A teacher who comes back is no follower, which the browser says as soon as it has the page.
    if own.is_known:
        go_along(own, here)


def _come_in() -> Seat:
    """This session's place in the room that is named, which is entered where it is another one. Raises RoomError."""
    from models.rooms import rooms

    own = seat()
    if own is not None and own.code == CODE.value:
        return own
    if own is not None:
        leave(but_stay_at=CODE.value)
    session, address = who()
    room = rooms.find(CODE.value, session, address)
    CODE.choose(room.code)
    own = Seat(session, room.code, is_wall=bool(SCREEN.value))
    secret = teacher_secret()
    if rooms.is_teacher(room.code, secret) and not own.is_wall:
        own.secret = secret
    else:
        teach("")
        # A screen on the wall is nobody.
        own.member = "" if own.is_wall else rooms.join(room.code)
    st.session_state[_SEAT] = own
    watch.add(own)
    return own


def go_along(own: Seat, here: PageEntry) -> None:
    """Hear what was called since, and open the room's place where this session follows and is not there."""
    from models.rooms import CLOSED, rooms

    room = rooms.look(own.code)
    if room is None:
        note(CLOSED)
        leave()
        return
    if own.is_teacher:
        own.gathered, own.place_version = room.gathered, room.place_version
        return
    if own.gathered != room.gathered:
        # Who comes late lands where the class is, whatever was called before.
        follow(own, is_following=room.is_together or own.gathered < 0)
        own.gathered = room.gathered
    if own.is_following and room.place is not None and own.place_version != room.place_version:
        own.going, own.is_settling = room.place_version, True
        open_view(room.place, None, here)


def follow(own: Seat, *, is_following: bool) -> None:
    """This session follows from now on, or explores on its own."""
    from models.rooms import rooms

    if is_following and not own.is_following:
        own.place_version = 0
    own.is_following = is_following
    if own.member:
        rooms.touch(own.code, own.member, is_following=is_following)


def leave(but_stay_at: str = "") -> None:
    """Not be in the room any more. but_stay_at: the code of another one that is gone to."""
    from models.rooms import rooms

    own = st.session_state.pop(_SEAT, None)
    if own is not None:
        watch.remove(own)
        rooms.leave(own.code, own.member)
    when_mirrored(None)
    before_exploring(None)
    if not but_stay_at:
        teach("")
        CODE.forget()
        SCREEN.forget()


def become_teacher(own: Seat, secret: str) -> bool:
    """This browser kept the secret: its session teaches. False for a secret that is none of this room."""
    from models.rooms import rooms

    if own.is_teacher or own.is_wall or not rooms.is_teacher(own.code, secret):
        return False
    rooms.leave(own.code, own.member)
    # What it shows is the class's place already, and another thing is put there when the teacher goes on.
    own.secret, own.member, own.view = secret, "", None
    teach(secret)
    return True


def become_member(own: Seat, member: str) -> None:
    """This browser was here before under this name."""
    from models.rooms import rooms

    if own.is_teacher or own.is_wall or member == own.member:
        return
    with suppress(HeadlightError):
        known = rooms.join(own.code, member)
        rooms.leave(own.code, own.member)
        own.member = known
        follow(own, is_following=own.is_following)


def _catch_up() -> None:
    """The page's fragment runs, maybe alone: it goes along in its own choices."""
    own = seat()
    if own is None:
        return
    from models.rooms import rooms

    own.exploring = ThreadState.get().fragment_id or own.exploring
    room = rooms.look(own.code)
    if room is not None and own.is_behind(room) and own.is_near(room):
        go_along(own, entry(own.here))


def _settled() -> None:
    """The page has written its address: called at the end of each of its runs, also where a part of it ran alone."""
    own = seat()
    if own is None:
        return
    own.run, own.is_coming = _this_run(), False
    if not own.is_known:
        return
    page = entry(own.here)
    if own.here not in _PAGES:
        # A list of pages or lessons is no place: a teacher looks there for the next one, and a follower goes away.
        if own.is_teacher and own.view:
            _choose(own)
        elif own.is_teacher:
            own.view = ()
        elif own.is_following and not own.is_settling and own.view is not None:
            follow(own, is_following=False)
        return
    view = _whole_view(page)
    if own.is_teacher:
        _show(own, view)
    elif own.is_settling:
        own.view, own.place_version, own.is_settling = view, own.going, False
    elif own.is_following and view != own.view:
        _strayed(own)


def _strayed(own: Seat) -> None:
    """This page shows another thing than the class does: its person went on alone, where that may be."""
    from models.rooms import rooms

    room = rooms.look(own.code)
    if room is not None and room.is_frozen and rooms.crowd(own.code).has_teacher:
        # It goes back.
        own.place_version, own.shown = 0, None
    elif room is not None and room.place is not None:
        follow(own, is_following=False)
        own.shown = None


def _whole_view(page: PageEntry) -> "View":
    """The view that is open, with a text that is too long for an address: a room carries it."""
    from models.lessons import View

    view = view_here(page)
    if thread.TEXT.name in mirrored():
        return view
    return View(view.page, (*view.query, (thread.TEXT.name, thread.TEXT.value)))


def _show(own: Seat, view: "View") -> None:
    """Put what the teacher sees into the room, where it is another view, or another step of a lesson."""
    from models.rooms import rooms

    step = class_step()
    room = rooms.look(own.code)
    if room is None:
        return
    is_first = own.view is None and room.place is not None and not room.is_choosing
    if is_first:
        # The same teacher in another tab: the class stays until something is done there.
        own.view = (view, step)
        return
    if (view, step) == own.view and not room.is_choosing:
        return
    own.view = (view, step)
    was_asked = room.is_asked
    try:
        room = rooms.show(own.code, own.secret, view, step)
    except HeadlightError as error:
        own.problem, own.shown = str(error), None
    else:
        own.problem, own.place_version = "", room.place_version
        if was_asked and not room.is_asked:
            own.problem, own.shown = _DROPPED, None
    watch.look_now()


def _choose(own: Seat) -> None:
    """Tell the class that its teacher looks for what comes next."""
    from models.rooms import rooms

    with suppress(HeadlightError):
        rooms.choose(own.code, own.secret)
    watch.look_now()


def _this_run() -> ClientState | None:
    """How to ask for a run like this one, with the address that the page has written since."""
    context = get_script_run_ctx()
    if context is None:
        return None
    query = urllib.parse.urlencode(mirrored(), quote_via=urllib.parse.quote)
    return ClientState(query_string=query, page_script_hash=context.page_script_hash, context_info=context.context_info)
