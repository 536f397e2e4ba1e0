"""Requests whose steps are worth watching and whose answer is worth keeping."""

from collections.abc import Generator, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from models.engine.engine import Engine

Step = TypeVar("Step")
Answer = TypeVar("Answer")


@dataclass(frozen=True)
class HowFar:
    """What is done, of how many: layers that have their map, sentences that have their vector, forwards."""

    done: int
    of: int


class Stepwise(Generic[Step, Answer]):
    """A request that can be asked with `Engine.run`, or started as a job, which keeps the answer when it ends.

    A frozen dataclass that derives from it says how the steps and the answer are `computed`.
    """

    def computed(self, engine: "Engine") -> Generator[Step, None, Answer]:
        """Yield the steps one by one, taking the lock for each forward and holding nothing between two; return the
        answer.
        """
        raise NotImplementedError

    def steps_of(self, answer: Answer) -> Iterable[Step]:  # noqa: ARG002 - it is there at once
        """What a job shows of an answer that is kept already."""
        return ()

    def steps(self, engine: "Engine") -> Iterator[Step]:
        """As a job. Raises what `computed` raises."""
        if self in engine.answers:
            yield from self.steps_of(engine.run(self))
            return
        answer = yield from self.computed(engine)
        engine.answers.get(self, lambda: answer)

    def steps_after(self, engine: "Engine", known: tuple[Step, ...]) -> Iterator[Step]:
        """As `steps`, behind those that are known: they were computed where this can not be gone on with."""
        if self in engine.answers:
            yield from islice(self.steps_of(engine.run(self)), len(known), None)
            return
        answer = yield from self.computed_after(engine, known)
        engine.answers.get(self, lambda: answer)

    def computed_after(self, engine: "Engine", known: tuple[Step, ...]) -> Generator[Step, None, Answer]:
        """As `computed`, behind what is known: here the same once more, with that passed over."""
        steps, number = self.computed(engine), 0
        while True:
            try:
                step = next(steps)
            except StopIteration as end:
                return end.value
            if number >= len(known):
                yield step
            number += 1

    def answer(self, engine: "Engine") -> Answer:
        """With `Engine.run`. Raises what `computed` raises."""
        steps = self.computed(engine)
        while True:
            try:
                next(steps)
            except StopIteration as end:
                return end.value


@dataclass(frozen=True)
class TextRequest:
    """What is asked of one model about one text."""

    model: str
    text: str
