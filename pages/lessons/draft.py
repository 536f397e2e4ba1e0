"""The lesson that somebody is making: a few words of its own, and its steps as a file says them."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import streamlit as st

from models.lesson_summary import SUMMARY_NAMES
from models.one_at_a_time import libraries
from pages.shared.course import page_addresses
from pages.shared.lesson_place import DRAFT, OWN
from pages.shared.lesson_view import view_here
from pages.shared.link import fits
from pages.shared.registry import LESSONS, PageEntry
from pages.shared.thread import TEXT

if TYPE_CHECKING:
    from models.lessons import Lesson

MOST_STEPS = 24
LONGEST = 2_000


@dataclass
class Draft:
    """head: title, aim and so on. steps: what each says, by the names of a file. made: how often steps were added or
    moved, by which their boxes are told apart.
    """

    head: dict[str, Any] = field(default_factory=lambda: {"title": "My lesson", "minutes": 5})
    steps: list[dict[str, Any]] = field(default_factory=list)
    made: int = 0

    def add(self, address: str) -> None:
        """A step with this view, at the end; where there is room."""
        if len(self.steps) < MOST_STEPS:
            self.steps.append({"view": address, "say": ""})
            self.made += 1

    def move(self, place: int, by: int) -> None:
        """A step changes places with its neighbour."""
        to = place + by
        if 0 <= to < len(self.steps):
            self.steps[place], self.steps[to] = self.steps[to], self.steps[place]
            self.made += 1

    def remove(self, place: int) -> None:
        """A step less."""
        del self.steps[place]
        self.made += 1

    def file(self) -> str:
        """As it stands, a lesson or not."""
        libraries()
        from models.lessons import file_text

        return file_text(self.head, self.steps)

    def lesson(self) -> "Lesson":
        """Raises LessonError, which says in which step something is missing."""
        libraries()
        from models.lessons import read_lesson

        return read_lesson(self.file().encode(), OWN, page_addresses())


def draft() -> Draft | None:
    """The one of this session, if somebody is making one."""
    return st.session_state.get(DRAFT)


def begin(lesson: "Lesson | None" = None) -> None:
    """Make a lesson: an empty one, or this one changed."""
    made = Draft()
    if lesson is not None:
        from models.lessons import said_of

        made = Draft({name: getattr(lesson, name) for name in SUMMARY_NAMES}, [said_of(step) for step in lesson.steps])
    st.session_state[DRAFT] = made


def end() -> None:
    """Forget it."""
    st.session_state.pop(DRAFT, None)


def read_arguments(text: str) -> Mapping[str, Any]:
    """What is asked of the question, a line for each, as in layer = 3. Raises ValueError."""
    if len(text) > LONGEST:
        raise ValueError
    return tomllib.loads(text)


def add_view_box(here: PageEntry) -> None:
    """In the sidebar, on every page while a lesson is made."""
    made = draft()
    if made is None:
        return

    def add() -> None:
        libraries()
        from models.lessons import view_address

        made.add(view_address(view_here(here)))

    with st.container(border=True, key="making"):
        st.button("Add this view", key="add_view", on_click=add, width="stretch", disabled=not fits(TEXT))
        if not fits(TEXT):
            st.caption("This text is longer than an address can carry, and so is its view; take a shorter one.")
        count = len(made.steps)
        st.page_link(LESSONS.script, label=f"Your lesson: {count} {'step' if count == 1 else 'steps'}")
