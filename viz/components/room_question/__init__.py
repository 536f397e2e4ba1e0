"""A step of a lesson before a class: what it says, what is asked, and what the class guessed over the truth."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from viz.components.lesson_rail import Asking
from viz.components.scaffold import fields_of, large_component, pack_picture

_PARTS = '<div class="question"></div>\n'
room_question_library, _mount = large_component("room_question", _PARTS)


@dataclass(frozen=True)
class GuessBar:
    """One bar of what the class guessed. part: 0 to 1 of the longest; text: in words. truth, truth_text: of the model,
    where each row has a number of its own. is_right, is_own: whether the right answer, and this member's, lie here.
    """

    name: str
    part: float
    text: str
    truth: float | None = None
    truth_text: str = ""
    is_right: bool = False
    is_own: bool = False


@dataclass(frozen=True)
class RoomQuestion(Asking):
    """What is shown, beside what is asked.

    number: of the question, 0 for a step without an open one. title, step, count, say: of the lesson; say "" where its
    own rail stands beside it. may_guess: whether this member may; is_answered: whether it has. answered, of: how many
    have, of so many, where that is told.
    rows, says, class_says, after: once it is revealed; this member's gap in words, the class's, what the step says.
    covers: whether the picture is covered here, and not by a lesson's rail; is_covered: whether it is now.
    """

    number: int
    title: str
    step: int
    count: int
    say: str
    may_guess: bool = False
    is_answered: bool = False
    answered: int = -1
    of: int = 0
    rows: Sequence[GuessBar] = ()
    says: str = ""
    class_says: str = ""
    after: str = ""
    covers: bool = False
    is_covered: bool = False
    problem: str = ""


def room_question(question: RoomQuestion, on_guess: Callable[[tuple[int, object]], None]) -> None:
    """Show it; `on_guess((number, guess))` is called with what was committed."""
    _mount(key="room_asked", data=packed(question), told={"guess": (_guess, on_guess)})


def packed(question: RoomQuestion) -> bytes:
    """The message to the browser."""
    return pack_picture(fields_of(question) | {"rows": [fields_of(each) for each in question.rows]})


def _guess(value: object) -> tuple[int, object] | None:
    if not isinstance(value, Mapping):
        return None
    number, guess = value.get("number"), value.get("guess")
    is_short = not isinstance(guess, list) or len(guess) <= 64
    return (number, tuple(guess) if isinstance(guess, list) else guess) if type(number) is int and is_short else None
