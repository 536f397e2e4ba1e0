"""A lesson: steps that say one thing, open one view, and may ask something whose truth is computed."""

from dataclasses import dataclass

from models.errors import HeadlightError
from models.lesson_summary import LessonSummary
from models.lessons.ask import Ask
from models.lessons.question_base import Question
from models.lessons.readings import Readings


class LessonError(HeadlightError):
    """A lesson that cannot be read or shown."""


@dataclass(frozen=True)
class View:
    """What a step opens: a page by its address, and what is chosen there as its link names it."""

    page: str
    query: tuple[tuple[str, str], ...]

    def said(self, name: str, default: str = "") -> str:
        """What the link says under this name."""
        return dict(self.query).get(name, default)


@dataclass(frozen=True)
class Claim:
    """Words of a step that the live numbers must bear out.

    says: the words, as they stand in the step. of: the reading that they are about.
    above, below, equals: with what it is compared, a number or another reading's label, times `times`; "equals" holds
        within `within`. is_largest: whether it is the largest of all.
    """

    says: str
    of: str
    above: float | int | str | None = None
    below: float | int | str | None = None
    equals: float | int | str | None = None
    times: float | int = 1
    within: float | int = 0
    is_largest: bool = False

    def holds(self, found: Readings) -> bool:
        """Whether the numbers say so too. Raises QuestionError for a label that is not there."""
        own = found.value(self.of)

        def other(told: float | int | str) -> float | int:
            return self.times * (found.value(told) if isinstance(told, str) else told)

        return (
            (self.above is None or own > other(self.above))
            and (self.below is None or own < other(self.below))
            and (self.equals is None or abs(own - other(self.equals)) <= self.within)
            and (not self.is_largest or own >= max(found.values))
        )


@dataclass(frozen=True)
class Step:
    """One step. say: the one thing, "" where the view speaks for itself. view: what it opens; None to stay.

    after, after_view: said and opened once it is answered. In `after`, {label} stands for a number of the truth.
    is_covered: whether the picture, which would give the answer away, is covered until then.
    """

    say: str
    view: View | None = None
    ask: Ask | None = None
    truth: Question | None = None
    after: str = ""
    after_view: View | None = None
    claims: tuple[Claim, ...] = ()
    is_covered: bool = True


@dataclass(frozen=True)
class Lesson(LessonSummary):
    """A lesson with its steps."""

    steps: tuple[Step, ...]
