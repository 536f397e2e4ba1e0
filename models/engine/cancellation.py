"""Whether somebody still waits for what is computed, and whether others may compute in between.

Both are asked where a computation can stop: between two layers of a forward, before it takes the lock of a device, and
while it waits. Who asks for something says how that is known (`as_long_as`); who gives out locks says when one has to
be let go.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager
from contextvars import ContextVar

from models.engine.context import holding

Wanted = Callable[[], bool]
Pause = Callable[[], None]


class NobodyWaits(BaseException):
    """Raised in the computing thread when all who waited have left.

    Like `asyncio.CancelledError` no `Exception`: who looks what a forward that fails has to say must not take it for
    one, and nobody reads it.
    """


_wanted: ContextVar[Wanted | None] = ContextVar("headlight_wanted", default=None)
_pause: ContextVar[Pause | None] = ContextVar("headlight_pause", default=None)


def as_long_as(wanted: Wanted | None) -> AbstractContextManager[None]:
    """What is computed inside ends with NobodyWaits soon after `wanted` has become false; None: it comes to its end.

    wanted: asked often, in the computing thread. It takes the place of that of a block around this one.
    """
    return holding(_wanted, wanted)


def pausing(pause: Pause | None) -> AbstractContextManager[None]:
    """Have `pause` called between the steps of what is computed inside; it returns when they may go on."""
    return holding(_pause, pause)


def wanted_now() -> Wanted | None:
    """What tells in this context whether somebody waits."""
    return _wanted.get()


def go_on_if_wanted() -> None:
    """Raises NobodyWaits where nobody waits any more for what this thread computes."""
    wanted = _wanted.get()
    if wanted is not None and not wanted():
        raise NobodyWaits


def between_steps() -> None:
    """Called between two layers: stop where nobody waits, let others compute where it has been long.

    Raises NobodyWaits.
    """
    go_on_if_wanted()
    pause = _pause.get()
    if pause is not None:
        pause()
