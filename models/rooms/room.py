"""A room as data: where the class is, whether it follows, what it is asked. Each change makes another room."""

from dataclasses import dataclass, replace

from models.errors import HeadlightError
from models.lessons.ask import Ask
from models.lessons.guesses import Guess, options_of
from models.lessons.lesson import Step, View
from models.lessons.question_base import Question
from models.lessons.readings import Readings, Unit


class RoomError(HeadlightError):
    """Something that cannot be done in a room, or a room that is not there."""


class NotTheTeacherError(RoomError):
    """A teacher's command from somebody who has not the room's secret."""


@dataclass(frozen=True)
class LessonPlace:
    """At which step of a lesson the class is.

    title: of the lesson. number: of the step, from 1 on, of `count`. truth: what the step asks of the model, of the
    text that the teacher shows; None where nothing is asked. is_own: whether that text is another than the lesson's.
    """

    title: str
    number: int
    count: int
    step: Step
    truth: Question | None = None
    is_own: bool = False


@dataclass(frozen=True)
class Asked:
    """A question to the class.

    number: from 1 on, in the order in which this room's were asked. of: the step that asks. labels: of the truth,
    where the step names no options of its own; known before the numbers are. found, guesses: the truth once it is
    revealed, and what was guessed until then, in no order that says whose it is.
    """

    number: int
    of: LessonPlace
    labels: tuple[str, ...]
    found: Readings | None = None
    guesses: tuple[Guess, ...] = ()

    @property
    def ask(self) -> Ask:
        """What is asked, and how."""
        assert self.of.step.ask is not None
        return self.of.step.ask

    @property
    def unit(self) -> Unit:
        """Of the truth."""
        return "part" if self.of.truth is None else self.of.truth.unit

    @property
    def before(self) -> Readings:
        """The truth without its numbers: what can be chosen is known before it is revealed."""
        return Readings(self.unit, self.labels, ())

    @property
    def options(self) -> tuple[str, ...]:
        """What can be chosen, ordered or drawn."""
        return options_of(self.ask, self.before)


@dataclass(frozen=True)
class Room:
    """A room at one moment.

    code: by which one comes in. digest: of the teacher's secret. opened: when, in seconds as the clock has them.
    version: how often anything of it was changed; whoever has seen this version has seen all.
    place, place_version: what the teacher shows, and how often that was another view. is_choosing: whether the teacher
    has left it for a list of pages or lessons since.
    gathered: how often the class was called back or let go; is_together: which of the two it was last.
    is_frozen: whether the screens stand still. lesson: where the class is in a lesson. question: asked last, until the
    class goes on to another step. asked: how many questions there were.
    """

    code: str
    digest: bytes
    opened: float
    version: int = 1
    place: View | None = None
    place_version: int = 0
    is_choosing: bool = False
    gathered: int = 0
    is_together: bool = True
    is_frozen: bool = False
    lesson: LessonPlace | None = None
    question: Asked | None = None
    asked: int = 0

    def at(self, place: View, lesson: LessonPlace | None) -> "Room":
        """The teacher shows this view, at this step of a lesson if one is open; a question of another step is over."""
        is_other = place != self.place
        question = self.question
        if question is not None and lesson != question.of:
            question = None
        return replace(
            self,
            place=place,
            place_version=self.place_version + is_other,
            is_choosing=False,
            lesson=lesson,
            question=question,
        )

    def choosing(self) -> "Room":
        """The teacher looks for what to show next; the class stays where it is."""
        return replace(self, is_choosing=self.place is not None)

    def called_back(self) -> "Room":
        """All follow again."""
        return replace(self, gathered=self.gathered + 1, is_together=True)

    def let_go(self) -> "Room":
        """All explore on their own; nothing stands still then."""
        return replace(self, gathered=self.gathered + 1, is_together=False, is_frozen=False)

    def frozen(self) -> "Room":
        """The screens stand still, at what the teacher shows."""
        return replace(self.called_back(), is_frozen=True)

    def thawed(self) -> "Room":
        """The screens can be used again."""
        return replace(self, is_frozen=False)

    def asks(self, labels: tuple[str, ...]) -> "Room":
        """The question of the step that is open is asked. Raises RoomError where it asks nothing, or did already."""
        if self.lesson is None or self.lesson.step.ask is None or self.lesson.truth is None:
            raise RoomError("This step asks nothing; open a step of a lesson that does.")
        if self.question is not None:
            raise RoomError("This question has been asked already.")
        return replace(self, asked=self.asked + 1, question=Asked(self.asked + 1, self.lesson, labels))

    @property
    def is_asked(self) -> bool:
        """Whether a question is open."""
        return self.question is not None and self.question.found is None

    def check_open(self, number: int) -> Asked:
        """Question `number`, where it is open. Raises RoomError where it is not."""
        asked = self.question
        if asked is None or asked.number != number or asked.found is not None:
            raise RoomError("This question is over; a guess counts until the teacher reveals the answer.")
        return asked

    def reveals(self, number: int, found: Readings, guesses: tuple[Guess, ...]) -> "Room":
        """The truth of question `number` is shown. Raises RoomError where that one is not open."""
        return replace(self, question=replace(self.check_open(number), found=found, guesses=guesses))
