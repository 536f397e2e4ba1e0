"""Rooms for tests: a clock that is set by hand, a step that asks, a room that is open."""

from models.lessons import Ask, Readings, Step, View
from models.lessons.attention_questions import LinkWeights
from models.rooms import LessonPlace, MemoryStore, Rooms

ATTENTION = View("attention", (("model", "minilm"), ("text", "The cat sat.")))
HEADS = View("heads", (("model", "smollm2"),))
ASKS = LessonPlace(
    "A lesson",
    2,
    5,
    Step("Look.", ATTENTION, Ask("choose", "Which?", ("cat", "sat")), LinkWeights("minilm", "The cat sat.")),
    LinkWeights("minilm", "The cat sat."),
)
FOUND = Readings("part", ("cat", "sat"), (0.75, 0.25))


class Clock:
    """Seconds, as a test has them."""

    def __init__(self):
        self.now = 1_000.0

    def __call__(self):
        return self.now


class Opened:
    """A room, its teacher's secret, and the clock of its server."""

    def __init__(self, **bounds):
        from models.rooms.times_and_limits import RoomBounds

        self.clock = Clock()
        self.rooms = Rooms(MemoryStore(), self.clock, RoomBounds(**bounds))
        room, self.secret = self.rooms.open()
        self.code = room.code

    @property
    def room(self):
        return self.rooms.look(self.code)

    @property
    def teacher(self):
        """What each command begins with."""
        return self.code, self.secret

    def asked(self):
        """The question of the step is open; its number."""
        self.rooms.show(*self.teacher, ATTENTION, ASKS)
        return self.rooms.ask(*self.teacher).question.number
