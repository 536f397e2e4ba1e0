"""Requests whose steps are worth watching and whose answer is worth keeping."""

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Generic, TypeVar

if TYPE_CHECKING:
    from models.engine.engine import Engine

Step = TypeVar("Step")
Answer = TypeVar("Answer")


class Stepwise(Generic[Step, Answer]):
    """A request that can be asked with `Engine.run`, or started as a job: what a job ends with is kept as the answer.

    A frozen dataclass that derives from it says how the steps are `computed`; where the answer is not the last one, it
    also says how it is made of them (`answer_of`), and what a job shows of an answer that is kept (`steps_of`).
    """

    def computed(self, engine: "Engine") -> Iterator[Step]:
        """The steps one by one, taking the lock for each forward and holding nothing between two."""
        raise NotImplementedError

    def answer_of(self, steps: Sequence[Step]) -> Answer:
        """The answer, when all steps are there."""
        last: Any = steps[-1]
        return last

    def steps_of(self, answer: Answer) -> Iterable[Step]:
        """The steps of an answer that is kept."""
        step: Any = answer
        return (step,)

    def steps(self, engine: "Engine") -> Iterator[Step]:
        """As a job. Raises what `computed` raises."""
        if self in engine.answers:
            yield from self.steps_of(engine.run(self))
            return
        made = []
        for step in self.computed(engine):
            made.append(step)
            yield step
        engine.answers.get(self, lambda: self.answer_of(made))

    def answer(self, engine: "Engine") -> Answer:
        """With `Engine.run`. Raises what `computed` raises."""
        return self.answer_of(list(self.computed(engine)))
