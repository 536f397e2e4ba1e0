"""Whatever a teacher, a stranger and a class do in whatever order: what must hold of a room does."""

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from models.rooms import NotTheTeacherError, RoomError
from tests.models.rooms.rooms_made import ASKS, ATTENTION, FOUND, HEADS, Opened


class AnyOrder(RuleBasedStateMachine):
    """A room beside what a person would note down of it."""

    def __init__(self):
        super().__init__()
        self.opened = Opened()
        self.rooms, self.teacher = self.opened.rooms, self.opened.teacher
        self.members, self.guessed = [], {}
        self.version, self.question, self.is_revealed = 1, 0, False

    @rule(place=st.sampled_from([ATTENTION, HEADS]), lesson=st.sampled_from([None, ASKS]))
    def show(self, place, lesson):
        room = self.rooms.show(*self.teacher, place, lesson)
        assert room.place == place
        if lesson is None:
            self.question, self.is_revealed = 0, False

    @rule()
    def join(self):
        self.members.append(self.rooms.join(self.opened.code))

    @rule(is_frozen=st.booleans())
    def freeze(self, is_frozen):
        room = (self.rooms.freeze if is_frozen else self.rooms.let_go)(*self.teacher)
        assert (room.is_frozen, room.is_together) == (is_frozen, is_frozen)

    @rule()
    def ask(self):
        lesson, is_open = self.opened.room.lesson, self.opened.room.question is not None
        if lesson is None or is_open:
            with pytest.raises(RoomError):
                self.rooms.ask(*self.teacher)
            return
        self.question = self.rooms.ask(*self.teacher).question.number
        self.guessed, self.is_revealed = {}, False

    @rule(who=st.integers(0, 5), guess=st.integers(-1, 2))
    def guess(self, who, guess):
        if who >= len(self.members):
            return
        member = self.members[who]
        may = self.question and not self.is_revealed and guess in (0, 1) and member not in self.guessed
        if may:
            self.rooms.guess(self.opened.code, member, self.question, guess)
            self.guessed[member] = guess
            return
        with pytest.raises(Exception, match=r"over|already|choose again"):
            self.rooms.guess(self.opened.code, member, self.question, guess)

    @rule()
    def reveal(self):
        if not self.question or self.is_revealed:
            with pytest.raises(RoomError):
                self.rooms.reveal(*self.teacher, self.question, FOUND)
            return
        self.rooms.reveal(*self.teacher, self.question, FOUND)
        self.is_revealed = True

    @rule(seconds=st.sampled_from([1, 45, 90]))
    def wait(self, seconds):
        self.opened.clock.now += seconds

    @rule(command=st.sampled_from(["call_back", "let_go", "freeze", "thaw", "ask", "end"]))
    def a_stranger_commands(self, command):
        with pytest.raises(NotTheTeacherError):
            getattr(self.rooms, command)(self.opened.code, "")

    @invariant()
    def holds(self):
        room = self.opened.room
        assert room.version >= self.version
        self.version = room.version
        asked = room.question
        assert (asked is not None) == bool(self.question)
        if asked is None:
            return
        assert self.rooms.answered(room) == len(self.guessed)
        assert sorted(asked.guesses) == (sorted(self.guessed.values()) if self.is_revealed else [])


AnyOrder.TestCase.settings = settings(max_examples=25, stateful_step_count=20, deadline=None)
test_any_order = AnyOrder.TestCase
