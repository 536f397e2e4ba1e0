"""Values that hold in one thread's context for as long as a block lasts."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TypeVar

Held = TypeVar("Held")


@contextmanager
def holding(variable: ContextVar[Held], value: Held) -> Iterator[None]:
    """Give the variable this value inside. Never hold it open across a `yield` of a generator."""
    token = variable.set(value)
    try:
        yield
    finally:
        variable.reset(token)
