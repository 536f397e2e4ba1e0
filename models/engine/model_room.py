"""Who is asked for room before a model is read: whoever keeps models sets itself here, and reading asks.

Light to import, for who keeps models must not wait for torch.
"""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from contextvars import ContextVar
from typing import Any

from models.engine.context import holding

Places = Callable[[frozenset[str]], Sequence[Any]]
Read = Callable[[Any], Any]
Keeper = Callable[[Places, Read], Any]


def _straight_away(places: Places, read: Read) -> Any:
    return read(places(frozenset())[0])


_keeper: ContextVar[Keeper] = ContextVar("headlight_keeper", default=_straight_away)


def put(places: Places, read: Read) -> Any:
    """Read a model into one of its places: the best one that has room, if somebody keeps models here, else the best.

    places: those there are when devices of these types have failed, best first. Raises what both raise, and what the
    keeper does.
    """
    return _keeper.get()(places, read)


def keeping(keeper: Keeper) -> AbstractContextManager[None]:
    """Have `keeper` asked by what is read in this context."""
    return holding(_keeper, keeper)
