"""In which room one is: on every page, and in its link."""

import re

import streamlit as st

from pages.shared.link import Choice, one_of

_SECRET = "room:secret"
PROJECTOR_SCREEN = "projector"


def _code(text: str) -> str:
    # Whether there is such a room is seen where it is entered.
    if not re.fullmatch(r"[\w -]{1,40}", text):
        raise ValueError("The link's code of a room is none; ask your teacher for it.")
    return text


CODE: Choice[str] = Choice("code", "", _code)
# What is shown of a room: all, or what a class sees on the wall.
SCREEN: Choice[str] = Choice("screen", "", one_of("view of a room", (PROJECTOR_SCREEN,)))


def teacher_secret() -> str:
    """The secret of the room that this session teaches; "" for everybody else."""
    return st.session_state.get(_SECRET, "")


def teach(secret: str) -> None:
    """This session teaches the room of this secret from now on; "" for no more."""
    st.session_state[_SECRET] = secret
