"""The way into a room: a button that opens one, a box for a code, and the code for all to read."""

import html
import urllib.parse
from functools import lru_cache

import streamlit as st

from models.errors import HeadlightError
from models.one_at_a_time import libraries
from pages.shared import local_or_public
from pages.shared.link import note
from pages.shared.messages import problem
from pages.shared.registry import LESSONS, PAGES
from pages.shared.room_following import seat, who
from pages.shared.room_place import CODE, PROJECTOR_SCREEN, SCREEN, teach
from pages.shared.room_seat import Seat

_PROBLEM = "room:door_problem"
_LONGEST_LINK = 600


def open_room() -> None:
    """The button of the teacher."""
    st.button("Open a room", type="primary", icon=":material/groups:", on_click=_open, key="open_room")


def _open() -> None:
    libraries()
    from models.rooms import rooms

    try:
        room, secret = rooms.open(who()[1])
    except HeadlightError as error:
        note(str(error))
        return
    teach(secret)
    CODE.choose(room.code)


def enter() -> None:
    """The box of the class."""
    with st.form("enter_room", border=False):
        box, button = st.columns([3, 1], vertical_alignment="bottom")
        box.text_input("Or enter a room: its code", key="room_code", max_chars=40, placeholder="KTF-MXH-3RD")
        button.form_submit_button("Enter", width="stretch", on_click=_enter)
    if said := st.session_state.pop(_PROBLEM, ""):
        problem(said)


def _enter() -> None:
    """Take a code that opens a room; another one stays in its box, with a sentence below."""
    libraries()
    from models.rooms import rooms

    try:
        room = rooms.find(st.session_state["room_code"], *who())
    except HeadlightError as error:
        st.session_state[_PROBLEM] = str(error)
        return
    CODE.choose(room.code)


def the_room() -> None:
    """The code to be read from the last row, its link and the picture of it; or that one is in."""
    from models.rooms import grouped

    own = seat()
    if own is None:
        return
    link = _link(code=own.code)
    with st.container(key="room_door"):
        st.html(
            '<p class="headlight-code-label">The code of this room</p>'
            f'<p class="headlight-code" aria-label="{" ".join(own.code)}">{grouped(own.code)}</p>'
            f'<p class="headlight-code-link">{html.escape(link)}</p>'
        )
    picture, words = st.columns([1, 3])
    with picture:
        # A server whose name is longer than that is not photographed.
        if len(link) <= _LONGEST_LINK:
            st.html(f'<img class="headlight-qr" alt="The link of this room as a QR picture" src="{_picture(link)}">')
    with words:
        _what_now(own)


def _what_now(own: Seat) -> None:
    """What a teacher may do, and what a class waits for."""
    if not own.is_teacher:
        st.markdown("You are in. As soon as the teacher shows a page, it opens here.")
        return
    if local_or_public.is_local():
        st.info(
            "Only this machine reaches this server. For a class, start it so that others do: README.md says how.",
            icon=":material/info:",
        )
    st.markdown(
        "Now go to any page: your class goes along. A lesson's steps and questions come to all of them. The bar at the "
        "foot of every page calls all back, lets them explore, stops their screens, asks and reveals."
    )
    with st.container(horizontal=True, key="room_ways"):
        st.page_link(PAGES[0].script, label="Show a page", icon=PAGES[0].icon)
        st.page_link(LESSONS.script, label="Teach a lesson", icon=LESSONS.icon)
        wall = _link(code=own.code, **{SCREEN.name: PROJECTOR_SCREEN})
        st.link_button("What the class sees, for a second screen", wall, icon=":material/tv:")


def _link(**said: str) -> str:
    """The whole address of this page with these words."""
    base = (st.context.url or "").partition("?")[0]
    return f"{base}?{urllib.parse.urlencode(said)}"


@lru_cache(64)
def _picture(link: str) -> str:
    """The link as a QR picture, in an address of its own."""
    import segno

    return segno.make(link, error="m", micro=False).svg_data_uri(scale=4, border=2, dark="#000", light="#fff")
