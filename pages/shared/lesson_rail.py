"""The rail of a lesson: it goes along with every page as long as a lesson is open.

`arrive` runs before the page and opens what the step shows; `rail` draws what the step says and asks. A guess is taken
once, then the truth is asked of the engine; nothing of it is written down, and nothing is kept beyond the session.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from models.errors import HeadlightError
from models.one_at_a_time import libraries
from pages.shared import projector, thread
from pages.shared.asking_engine import ask
from pages.shared.course import lesson
from pages.shared.lesson_place import LESSON, LESSON_STEP, OWN
from pages.shared.lesson_view import open_view
from pages.shared.link import note
from pages.shared.messages import in_place
from pages.shared.registry import LESSONS, PageEntry
from pages.shared.room_place import CODE, teacher_secret
from viz.components.lesson_rail import (
    CHOSEN_IN_PICTURE,
    TO_THE_LIST,
    Rail,
    RailResult,
    lesson_rail,
    lesson_rail_library,
)

if TYPE_CHECKING:
    from models.lessons import Lesson, Outcome, Readings, Step, View
    from models.lessons.question_base import Question
    from models.rooms import LessonPlace

_ANSWERS, _AT, _GO, _TOLD = "lesson:answers", "lesson:at", "lesson:go", "lesson:told"
# So many guesses of a session are remembered.
_MOST_ANSWERS = 200
_SKIPPED = "skipped"
# Where a lesson has nothing to stand beside.
_WITHOUT_VIEW = ("", "home", "lessons")


def arrive(here: PageEntry) -> None:
    """Open what the step shows, where somebody has just come to it or answered it; may go to another page.

    Called before the page runs, with a lesson open.
    """
    libraries()
    with in_place(note):
        found = lesson(LESSON.value)
        if found is None:
            note("This link belongs to a lesson that somebody made; ask for its file and open it on the lessons page.")
            LESSON.forget()
            return
        if LESSON_STEP.value > len(found.steps):
            note(f"This lesson has {len(found.steps)} steps; the first one is shown.")
            LESSON_STEP.forget()
        own_text = _own_text(found)
        is_asked = st.session_state.pop(_GO, "")
        if is_asked == "list":
            LESSON.forget()
            st.switch_page(LESSONS.script)
        if told := st.session_state.pop(_TOLD, None):
            _take(found, told)
            is_asked = "answer"
        place = (LESSON.value, LESSON_STEP.value)
        is_bare = (
            not set(st.query_params) - {LESSON.name, LESSON_STEP.name, thread.PROJECTOR.name}
            or here.address in _WITHOUT_VIEW
        )
        if is_asked or (st.session_state.get(_AT) != place and is_bare):
            st.session_state[_AT] = place
            _open(found, is_asked, own_text, here)
        st.session_state[_AT] = place


def class_step() -> "LessonPlace | None":
    """Where a class is that is taught with the open lesson; None where none is open."""
    from models.rooms import LessonPlace

    found = lesson(LESSON.value) if LESSON.value else None
    if found is None:
        return None
    number = LESSON_STEP.value
    step = found.steps[number - 1]
    truth = None if step.ask is None or step.truth is None else _question(found, step)
    return LessonPlace(found.title, number, len(found.steps), step, truth, truth is not None and truth != step.truth)


def _class_is_asked() -> bool:
    from models.rooms import rooms

    room = rooms.look(CODE.value)
    return room is not None and room.is_asked


def show_answer() -> None:
    """The class has answered the step that is open: with the next run what it shows afterwards is there."""
    found = lesson(LESSON.value)
    if found is not None:
        step = found.steps[LESSON_STEP.value - 1]
        _answers()[found.name, LESSON_STEP.value, _question(found, step)] = _SKIPPED
        st.session_state[_GO] = "answer"


def rail(here: PageEntry) -> None:
    """Draw the rail of the open lesson beside this page."""
    found = lesson(LESSON.value)
    if found is None:
        return
    del here
    lesson_rail_library()
    with st.container(key="lesson_rail"):
        status = st.empty()
        with in_place():
            lesson_rail(
                _shown(found, status), on_guess=_on_guess, on_step=_on_step, on_text=_on_text, on_leave=_on_leave
            )


def _shown(found: "Lesson", status: DeltaGenerator) -> Rail:
    """What the rail shows now."""
    number = LESSON_STEP.value
    step = found.steps[number - 1]
    plain = Rail(
        *(found.name, found.title, number, len(found.steps), step.say),
        is_below=bool(thread.TAB.value),
        is_slim=projector.is_on(),
    )
    if step.ask is None or step.truth is None:
        return replace(plain, after=step.after)
    own = _own_text(found)
    question = _question(found, step)
    guess = _answers().get((found.name, number, question))
    if teacher_secret():
        # The class guesses, in its own rails and in the one below this.
        return replace(plain, is_covered=step.is_covered and guess is None, is_taught=True, is_asked=_class_is_asked())
    is_own = own is not None and step.truth.reads_text
    note_ = "This question is about the lesson's own sentences, whatever text you typed." if own and not is_own else ""
    asked = replace(
        plain,
        kind=step.ask.kind,
        prompt=step.ask.prompt,
        options=step.ask.options,
        least=step.ask.least,
        most=step.ask.most,
        digit=digit_of(step),
        is_part=question.unit == "part",
        is_open=guess is not None,
        is_own=is_own,
        is_covered=step.is_covered and guess is None,
        note=note_,
        in_picture=step.ask.in_picture,
    )
    if guess == _SKIPPED:
        return replace(asked, kind="")
    from models.lessons.guesses import options_of

    try:
        if guess is None and (step.ask.options or step.ask.kind == "number"):
            return asked
        readings = ask(question, status)
        asked = replace(asked, options=options_of(step.ask, readings))
        if guess is None:
            return asked
        result, after = result_of(step, readings, guess, is_own=is_own)
        return replace(asked, result=result, after=after)
    except HeadlightError as error:
        return replace(asked, problem=str(error), is_covered=False)


def result_of(step: "Step", readings: "Readings", guess: Any, *, is_own: bool) -> tuple[RailResult, str]:
    """The truth over the guess, and what the step says then."""
    from models.lessons import outcome
    from models.lessons.guesses import options_of
    from viz.lesson_words import filled, gap_words, value_text

    assert step.ask is not None
    options = options_of(step.ask, readings)
    seen: Outcome = outcome(step.ask, readings, guess)
    is_barred = len(seen.truth) == len(options) and bool(options)
    longest = 1.0 if step.ask.kind == "draw" else max((abs(each) for each in seen.truth), default=0) or 1
    span = step.ask.most - step.ask.least
    result = RailResult(
        guess=guess,
        says=gap_words(step.ask, options, readings, guess, seen),
        is_right=seen.is_right,
        values=[round(max(0.0, each / longest), 4) for each in seen.truth] if is_barred else (),
        texts=[value_text(readings.unit, each) for each in seen.truth] if is_barred else (),
        right=seen.right,
        ends=[round((each - step.ask.least) / span, 4) for each in (guess, seen.truth[0])]
        if step.ask.kind == "number"
        else (),
    )
    # What the step says was written for its own text.
    holds = not is_own or (bool(step.claims) and _hold(step, readings))
    otherwise = "With your text it came out as above; what this step says of its own text need not hold for yours."
    return result, filled(step.after, readings) if holds else otherwise


def _hold(step: "Step", readings: "Readings") -> bool:
    try:
        return all(each.holds(readings) for each in step.claims)
    except HeadlightError:
        return False


def digit_of(step: "Step") -> float | int:
    """How far one step of the slider goes: a hundredth of a short one, whole numbers of a long one."""
    assert step.ask is not None
    span = step.ask.most - step.ask.least
    return (
        span / 100 if span <= 10 and not (step.truth and step.truth.unit in ("count", "rank")) else max(1, span // 200)
    )


# ----- Where one is


def _view(found: "Lesson", number: int) -> "View | None":
    """What is shown at this step before it is answered."""
    views = [each.view for each in found.steps[:number] if each.view is not None]
    return views[-1] if views else None


def _own_text(found: "Lesson") -> str | None:
    """The learner's text, where another one stands there than that of the step that was open last."""
    name, number = st.session_state.get(_AT, ("", 0))
    if name != found.name or number > len(found.steps):
        return None
    views = (_view(found, number), found.steps[number - 1].after_view)
    texts = [view.said("text") for view in views if view is not None and view.said("text")]
    text = thread.TEXT.value
    return text if texts and text not in texts else None


def _question(found: "Lesson", step: "Step") -> "Question":
    """What is asked: of the learner's text where the question makes sense for it."""
    assert step.truth is not None
    own = _own_text(found)
    return replace(step.truth, text=own) if own is not None and step.truth.reads_text else step.truth


def _open(found: "Lesson", why: str, own_text: str | None, here: PageEntry) -> None:
    """The view of the step that is come to, or what it shows once it is answered."""
    number = LESSON_STEP.value
    step = found.steps[number - 1]
    view = step.after_view if why == "answer" else _view(found, number)
    if view is None:
        return
    before = _view(found, number) if why == "answer" else _view(found, number - 1) or view
    # A learner's text goes along as long as the lesson stays with its own.
    stays = own_text is not None and why != "text" and before is not None and before.said("text") == view.said("text")
    open_view(view, own_text if stays else None, here)


# ----- What the browser tells


def _answers() -> dict[Any, Any]:
    return st.session_state.setdefault(_ANSWERS, {})


def _take(found: "Lesson", told: tuple[str, int, object]) -> None:
    """A guess, if it belongs to the step that is open and none was given before."""
    from models.lessons import GuessError, Readings, checked_guess

    name, number, guess = told
    if (name, number) != (found.name, LESSON_STEP.value):
        return
    step = found.steps[number - 1]
    if step.ask is None or step.truth is None:
        return
    question = _question(found, step)
    answers = _answers()
    if (found.name, number, question) in answers:
        return
    if guess == CHOSEN_IN_PICTURE and step.ask.in_picture:
        guess = _chosen_in_picture(step.ask.options)
        if guess is None:
            return
    if guess is not None:
        needs_labels = not step.ask.options and step.ask.kind != "number"
        readings = ask(question, st.empty()) if needs_labels else Readings(question.unit, (), ())
        try:
            guess = checked_guess(step.ask, readings, guess)
        except GuessError as error:
            note(str(error))
            return
    answers[found.name, number, question] = _SKIPPED if guess is None else guess
    while len(answers) > _MOST_ANSWERS:
        del answers[next(iter(answers))]


def _chosen_in_picture(options: Sequence[str]) -> int | None:
    """The option whose token is chosen in the picture, by its place; None where it is none of them, which is said."""
    from models.engine import engine
    from models.lessons.question_base import option_of_token

    at = (thread.TOKEN.value, thread.place())
    found = option_of_token(engine, thread.MODEL.value, thread.TEXT.value, options, *at)
    if found is None:
        note(f"What is chosen in the picture is none of {', '.join(options)}: choose one of them there or in the list.")
    return found


def _on_guess(told: tuple[str, int, object]) -> None:
    st.session_state[_TOLD] = told


def _on_step(number: int) -> None:
    found = lesson(LESSON.value)
    if found is None or not 1 <= number <= len(found.steps):
        return
    if number > LESSON_STEP.value and not _is_open(found):
        return
    st.session_state[_GO] = "step"
    LESSON_STEP.choose(number)


def _is_open(found: "Lesson") -> bool:
    """Whether the step that is shown is answered, skipped, or asks nothing."""
    number = LESSON_STEP.value
    step = found.steps[number - 1]
    return bool(teacher_secret()) or step.truth is None or (found.name, number, _question(found, step)) in _answers()


def _on_text(_: int) -> None:
    st.session_state[_GO] = "text"


def _on_leave(how: int) -> None:
    if how == TO_THE_LIST:
        st.session_state[_GO] = "list"
    else:
        LESSON.forget()


def start(name: str, step: int = 1) -> None:
    """Open a lesson at a step: with the next run its view is there."""
    LESSON.choose(name)
    LESSON_STEP.choose(step)
    if LESSON.value != OWN or lesson(OWN) is not None:
        st.session_state[_GO] = "step"
