"""A step of a lesson before a class, beside the page: asked, guessed at, revealed."""

from dataclasses import replace
from typing import TYPE_CHECKING

import streamlit as st

from models.errors import HeadlightError
from pages.shared.lesson_rail import digit_of, result_of
from pages.shared.room_seat import Seat
from viz.components.room_question import RoomQuestion, room_question

if TYPE_CHECKING:
    from models.lessons.guesses import Guess
    from models.rooms import Asked, Crowd, Room

_PROBLEM = "room:guess_problem"
_SEAT = "room:seat"


def question_box(own: Seat, room: "Room", crowd: "Crowd", answered: int) -> None:
    """Draw it; called where the room is at a step of a lesson."""
    room_question(_shown(own, room, crowd, answered), on_guess=_on_guess)


def _shown(own: Seat, room: "Room", crowd: "Crowd", answered: int) -> RoomQuestion:
    from models.rooms import rooms

    lesson, asked = room.lesson, room.question
    assert lesson is not None
    step = lesson.step
    is_revealed = asked is not None and asked.found is not None
    is_asking = step.ask is not None and lesson.truth is not None
    plain = RoomQuestion(
        0 if asked is None else asked.number,
        lesson.title,
        lesson.number,
        lesson.count,
        "" if own.is_teacher else step.say,
        # The teacher's lesson has a rail that covers it.
        covers=not own.is_teacher,
        is_covered=is_asking and step.is_covered and not is_revealed and own.is_following and not own.is_teacher,
        after="" if is_asking or own.is_teacher else step.after,
        problem=st.session_state.pop(_PROBLEM, ""),
    )
    if asked is None:
        if not (own.is_teacher and is_asking and step.ask is not None):
            return plain
        # Whoever is going to ask knows what.
        return replace(plain, kind=step.ask.kind, prompt=step.ask.prompt, options=step.ask.options)
    guess = None if own.is_teacher else rooms.own_guess(room, own.member)
    counts = own.is_teacher or own.is_wall
    shown = replace(
        plain,
        kind=asked.ask.kind,
        prompt=asked.ask.prompt,
        options=asked.options,
        least=asked.ask.least,
        most=asked.ask.most,
        digit=digit_of(step),
        is_part=asked.unit == "part",
        may_guess=not counts and guess is None and not is_revealed,
        is_answered=guess is not None,
        answered=answered if counts else -1,
        of=max(crowd.here, answered),
    )
    return _revealed(shown, asked, guess) if is_revealed else shown


def _revealed(shown: RoomQuestion, asked: "Asked", guess: "Guess | None") -> RoomQuestion:
    """What the class guessed over the truth."""
    from models.lessons import outcome
    from models.rooms import tally
    from viz.room_words import class_rows, class_words

    assert asked.found is not None
    try:
        counted = tally(asked.ask, asked.found, asked.guesses)
        any_guess = guess if guess is not None else _any_guess(asked)
        result, after = result_of(asked.of.step, asked.found, any_guess, is_own=asked.of.is_own)
        return replace(
            shown,
            rows=class_rows(asked.ask, asked.found, counted, outcome(asked.ask, asked.found, any_guess), guess),
            says="" if guess is None else result.says,
            class_says=class_words(asked.ask, counted),
            after=after,
        )
    except HeadlightError as error:
        return replace(shown, problem=str(error))


def _any_guess(asked: "Asked") -> "Guess":
    """One that may be told, for those who guessed nothing: the truth beside it is the same."""
    count = len(asked.options)
    guesses: dict[str, Guess] = {
        "choose": 0,
        "number": asked.ask.least,
        "order": tuple(range(count)),
        "draw": (0.0,) * count,
    }
    return guesses[asked.ask.kind]


def _on_guess(told: tuple[int, object]) -> None:
    """A guess as the browser told it; whoever teaches, or shows the room on the wall, has none."""
    from models.rooms import rooms

    own: Seat | None = st.session_state.get(_SEAT)
    if own is None:
        return
    number, guess = told
    try:
        rooms.guess(own.code, own.member, number, guess)
    except HeadlightError as error:
        st.session_state[_PROBLEM] = str(error)
