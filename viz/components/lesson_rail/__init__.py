"""A lesson beside the page: what the step says, what it asks, and the truth over the guess."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from viz.components.scaffold import fields_of, large_component, number, pack_picture

_PARTS = '<div class="lesson"></div>\n'
# Told in place of a guess: the token that is chosen in the picture.
CHOSEN_IN_PICTURE = "chosen in the picture"
# Told by `leave`: not only is the lesson closed.
TO_THE_LIST = 2
lesson_rail_library, _mount = large_component("lesson_rail", _PARTS)


@dataclass(frozen=True)
class RailResult:
    """guess: as it was told. says: the gap in words. values: of each option, 0 to 1 of the longest bar; texts: the same
    in words. right: the places of the right options. ends: of a slider, guess and truth along it, 0 to 1.
    """

    guess: object
    says: str
    is_right: bool
    values: Sequence[float] = ()
    texts: Sequence[str] = ()
    right: Sequence[int] = ()
    ends: Sequence[float] = ()


@dataclass(frozen=True, kw_only=True)
class Asking:
    """What is asked, "" for nothing. least, most, digit: of a slider, and how far one step goes; is_part: whether its
    numbers are parts of a whole, which are said in percent.
    """

    kind: str = ""
    prompt: str = ""
    options: Sequence[str] = ()
    least: float | int = 0
    most: float | int = 1
    digit: float | int = 1
    is_part: bool = False


@dataclass(frozen=True)
class Rail(Asking):
    """What is shown, beside what is asked.

    lesson: its name. title: as people read it. step: from 1 on, of `count`. say: the step's one thing.
    result: once it is answered. after: what is said then. is_open: whether later steps may be opened.
    problem: why nothing is asked of this text; is_own: whether the text is the learner's, and may be put back.
    is_covered: whether the picture is covered until something is answered. is_taught: whether to a class, which is
    guessing where is_asked. is_below: whether what is shown is a tab. in_picture: whether an option may be chosen in
    the picture. is_slim: one line, on a projector.
    """

    lesson: str
    title: str
    step: int
    count: int
    say: str
    result: RailResult | None = None
    after: str = ""
    is_open: bool = True
    problem: str = ""
    note: str = ""
    is_own: bool = False
    is_covered: bool = False
    is_taught: bool = False
    is_asked: bool = False
    is_below: bool = False
    in_picture: bool = False
    is_slim: bool = False


def lesson_rail(
    rail: Rail,
    *,
    on_guess: Callable[[tuple[str, int, object]], None],
    on_step: Callable[[int], None],
    on_text: Callable[[int], None],
    on_leave: Callable[[int], None],
) -> None:
    """Show the rail.

    `on_guess((lesson, step, guess))` is called with what was committed, None for skipped; `on_step(step)` for another
    step, `on_text` for the lesson's own text, `on_leave` where the lesson is closed, 2 to go on to the list of lessons.
    """
    told = {
        "guess": (_guess, on_guess),
        "step": (number, on_step),
        "text": (number, on_text),
        "leave": (number, on_leave),
    }
    _mount(key="lesson", data=packed(rail), told=told)


def packed(rail: Rail) -> bytes:
    """The message to the browser."""
    return pack_picture(fields_of(rail) | {"result": None if rail.result is None else fields_of(rail.result)})


def _guess(value: object) -> tuple[str, int, object] | None:
    if not isinstance(value, Mapping):
        return None
    lesson, step, guess = (value.get(name) for name in ("lesson", "step", "guess"))
    if not isinstance(lesson, str) or type(step) is not int:
        return None
    is_short = not isinstance(guess, list) or len(guess) <= 64
    return (lesson, step, tuple(guess) if isinstance(guess, list) else guess) if is_short else None
