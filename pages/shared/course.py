"""The lessons that there are: those of the course, and the one of a file that this session opened or made."""

import tomllib
from functools import cache
from typing import TYPE_CHECKING, Any

import streamlit as st

from models.lesson_summary import SUMMARY_NAMES, LessonSummary
from pages.shared.lesson_place import OWN, lesson_files
from pages.shared.registry import HOME, PAGES

if TYPE_CHECKING:
    from models.lessons import Lesson

_OWN = "lesson:own"


@cache
def heads() -> tuple[tuple[LessonSummary, int], ...]:
    """Of all lessons of the course, in their order, each with how many steps it has; nothing heavy is imported."""
    found = []
    for name, file in lesson_files().items():
        said = tomllib.loads(file.read_text("utf-8"))
        words: dict[str, Any] = {each: said[each] for each in SUMMARY_NAMES} | {"sources": tuple(said["sources"])}
        found.append((LessonSummary(name, **words), len(said["step"])))
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
