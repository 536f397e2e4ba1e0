"""The lessons that there are: those of the course, and the one of a file that this session opened or made."""

import tomllib
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import streamlit as st

from pages.shared.lesson_place import OWN, lesson_files
from pages.shared.registry import HOME, PAGES

if TYPE_CHECKING:
    from models.lessons import Lesson

_OWN = "lesson:own"


@dataclass(frozen=True)
class LessonHead:
    """What the list says of a lesson. steps: how many there are."""

    name: str
    title: str
    theme: str
    minutes: int
    aim: str
    cures: str
    sources: tuple[str, ...]
    steps: int


@cache
def heads() -> tuple[LessonHead, ...]:
    """Of all lessons of the course, in their order; nothing heavy is imported for them."""
    found = []
    for name, file in lesson_files().items():
        said = tomllib.loads(file.read_text("utf-8"))
        words = {each: said[each] for each in ("title", "theme", "minutes", "aim", "cures")}
        found.append(LessonHead(name=name, **words, sources=tuple(said["sources"]), steps=len(said["step"])))
    return tuple(found)


def page_addresses() -> frozenset[str]:
    """The pages that a view may open."""
    return frozenset(each.address for each in (HOME, *PAGES))


def lesson(name: str) -> "Lesson | None":
    """The lesson of this name; None for this session's own one where there is none. Raises LessonError."""
    return st.session_state.get(_OWN) if name == OWN else _of_course(name)


def open_own(own: "Lesson") -> None:
    """Keep a lesson for this session."""
    st.session_state[_OWN] = own


@cache
def _of_course(name: str) -> "Lesson":
    from models.lessons import read_lesson

    return read_lesson(lesson_files()[name].read_bytes(), name, page_addresses())
