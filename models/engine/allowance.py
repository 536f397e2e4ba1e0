"""How long one question may have a device: the operator's bound. Waiting for others does not count."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from models.engine.context import holding
from models.errors import HeadlightError

VARIABLE = "HEADLIGHT_ANSWER_SECONDS"


class AnswerTooLongError(HeadlightError):
    """A question that takes more of a device's time than the operator allows for one."""


class _Allowance:
    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.spent = 0.0


_allowance: ContextVar[_Allowance | None] = ContextVar("headlight_allowance", default=None)


@contextmanager
def allowed(seconds: float | None) -> Iterator[None]:
    """What is computed inside may have a device for so long altogether; None: as long as it takes.

    A question inside another one is part of it.
    """
    if seconds is None or _allowance.get() is not None:
        yield
        return
    with holding(_allowance, _Allowance(seconds)):
        yield


def spend(seconds: float) -> None:
    """The question of this context has had a device for so long."""
    mine = _allowance.get()
    if mine is not None:
        mine.spent += seconds


def check_allowance(under_way: float = 0.0) -> None:
    """Asked where a computation can stop. under_way: seconds since this turn on the device began, not spent yet.

    Raises AnswerTooLongError.
    """
    mine = _allowance.get()
    if mine is not None and mine.spent + under_way > mine.seconds:
        raise AnswerTooLongError(
            f"This takes longer than this server computes for one question, which is {mine.seconds:,g} s; take a "
            "shorter text, or a smaller model."
        )
