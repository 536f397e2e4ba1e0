"""Which lesson is open, at which of its steps, and in which room: on every page, and in its link."""

import re
from functools import cache
from pathlib import Path
from typing import Any

from pages.shared.link import Choice, whole_number
from pages.shared.room_place import CODE, SCREEN

COURSE = Path(__file__).parents[1] / "lessons" / "course"
# The lesson of a file that this session opened or made; no link can carry it.
OWN = "own"
# Under this name the session keeps the lesson that somebody is making.
DRAFT = "lesson:draft"
_FILE = re.compile(r"\d\d-([a-z0-9-]+)")


@cache
def lesson_files() -> dict[str, Path]:
    """The lessons of the course by name, in their order."""
    files = sorted(COURSE.glob("*.toml"))
    return {found[1]: each for each in files if (found := _FILE.fullmatch(each.stem))}


def _lesson(text: str) -> str:
    if text != OWN and text not in lesson_files():
        raise ValueError("The link names no lesson that is here; none is open.")
    return text


LESSON: Choice[str] = Choice("lesson", "", _lesson)
# "step" itself is the attention page's.
LESSON_STEP: Choice[int] = Choice(
    "lesson_step", 1, whole_number("step of the lesson", 1, 24, "the first one is shown"), (LESSON,)
)
PLACE: tuple[Choice[Any], ...] = (LESSON, LESSON_STEP, CODE, SCREEN)


def place_in_link() -> tuple[Choice[Any], ...]:
    """What of it stands in a link: nothing where no lesson and no room is open."""
    return tuple(each for each in PLACE if each.value != each.default)
