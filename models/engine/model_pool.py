"""The models in memory: so many and so large at most, the least recently used goes first, none while it is in use."""

import logging
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from functools import partial
from typing import Any

from models.engine.cache import ByteCache
from models.engine.gate import asleep, tell
from models.engine.model_room import Places, Read, keeping
from models.errors import HeadlightError

log = logging.getLogger(__name__)

_TICK_SECONDS = 0.25
# How long a model is waited for: before it goes to the next place, and in the last one.
_NEXT_PLACE_SECONDS = 5.0
_LAST_PLACE_SECONDS = 60.0
# After so long nobody new may use the model that makes room: requests that overlap would hold it for ever.
_FAIR_SECONDS = 1.0
_GIB = 1024**3
_IN_USE = (
    "There is no room for another model while all that are loaded are in use; try again in a while, or choose one that "
    "is loaded."
)


class ModelPoolFullError(HeadlightError):
    """No room for a model: it is too large, or those that are there are all in use."""


class NoMemoryError(HeadlightError):
    """A device that ran out of memory while a model was put there."""


class _Entry:
    """A model, or the room that is kept for one while it is loaded."""

    def __init__(self, takes: Mapping[str, int]) -> None:
        self.loaded: Any = None
        self.takes = dict(takes)
        self.holders: set[_Leases] = set()
        self.is_closed = False


class _Leases:
    """The models that one request or one job uses until it ends."""

    def __init__(self, pool: "ModelPool", *, is_long: bool) -> None:
        self.pool = pool
        self.is_long = is_long
        self.entries: list[_Entry] = []


_open: ContextVar[_Leases | None] = ContextVar("headlight_leases", default=None)


class ModelPool:
    """Models by name.

    most_models: how many there may be; None without a bound. most_bytes: how many bytes of them a device has room for.
    measure: bytes that a model takes on each device; where it tells nothing, what was expected counts.
    is_full: whether this is a device without the memory for what was read into it.
    forget: called with a model that goes, while nobody can ask for it. free: called after some went.
    failed: types of devices ("cuda") that compute nothing any more.
    """

    def __init__(
        self,
        most_models: int | None = None,
        most_bytes: Callable[[str], int | None] = lambda _: None,
        measure: Callable[[Any], Mapping[str, int]] = lambda _: {},
        is_full: Callable[[Exception], bool] = lambda error: isinstance(error, MemoryError),
        forget: Callable[[Any], None] = lambda _: None,
        free: Callable[[], None] = lambda: None,
    ) -> None:
        self._most_models = most_models
        self._most_bytes = most_bytes
        self.failed: frozenset[str] = frozenset()
        self._measure = measure
        self._is_full = is_full
        self._forget = forget
        self._free = free
        self._changed = threading.Condition(threading.RLock())
        self._entries: OrderedDict[str, _Entry] = OrderedDict()
        # Keeps nothing: only one thread loads a model, and others wait for it.
        self._loading = ByteCache(0)

    def __contains__(self, name: str) -> bool:
        with self._changed:
            return name in self._entries and self._entries[name].loaded is not None

    def __len__(self) -> int:
        with self._changed:
            return len(self._entries)

    def used(self) -> dict[str, int]:
        """Bytes of models on each device, those that are being loaded as expected."""
        with self._changed:
            return self._sum(self._entries.values())

    @contextmanager
    def leasing(self, *, is_long: bool = False) -> Iterator[None]:
        """Whatever is asked for in this context stays until the block ends; a block inside another is part of it.

        is_long: a job, for whose end nobody should be made to wait.
        """
        around = _open.get()
        if around is not None and around.pool is self:
            yield
            return
        mine = _Leases(self, is_long=is_long)
        token = _open.set(mine)
        try:
            yield
        finally:
            _open.reset(token)
            with self._changed:
                for entry in mine.entries:
                    entry.holders.discard(mine)
                mine.entries.clear()
                self._changed.notify_all()

    def hold(self, name: str) -> None:
        """Have the model of this name, if it is there, stay until the block of `leasing` round this one ends."""
        self._taken(name)

    def use(self, loaded: Any) -> None:
        """The same for a model that somebody has in hand."""
        mine = _open.get()
        if mine is None or mine.pool is not self:
            return
        with self._changed:
            for name, entry in self._entries.items():
                if entry.loaded is loaded:
                    self._lease(name, entry, mine)
                    return

    def get(self, name: str, load: Callable[[], Any]) -> Any:
        """The model of this name, loaded once; `load` asks for room with `model_room.put` before it reads.

        Raises ModelPoolFullError, NoMemoryError, and what `load` raises.
        """
        with self.leasing():
            while True:
                loaded = self._taken(name)
                if loaded is not None:
                    return loaded
                self._loading.get(name, lambda: self._put(name, load))

    def release(self, devices: Iterable[str] | None = None) -> int:
        """Release the models that nobody uses, on these devices or all; how many went."""
        with self._changed:
            names = [
                name
                for name, entry in self._entries.items()
                if self._is_idle(entry) and (devices is None or not entry.takes.keys().isdisjoint(devices))
            ]
            for name in names:
                self._remove(name)
        if names:
            self._free()
        return len(names)

    def forget(self, name: str) -> None:
        """Let go of a model that is not as its files are any more, in use or not; one that is being read is read again
        for whoever asked for it.
        """
        with self._changed:
            if name in self._entries:
                self._remove(name)
        self._free()

    def abandon(self, device_type: str) -> None:
        """Let go of every model on devices of this type ("cuda"), in use or not: they compute nothing any more."""
        with self._changed:
            self.failed |= {device_type}
            for name, entry in list(self._entries.items()):
                if any(device.partition(":")[0] == device_type for device in entry.takes) and entry.loaded is not None:
                    self._remove(name)
        self._free()

    def _taken(self, name: str) -> Any:
        """The model, held from now on; None if it is not there."""
        mine = _open.get()
        assert mine is not None
        while True:
            with self._changed:
                entry = self._entries.get(name)
                if entry is None or entry.loaded is None:
                    return None
                # Whoever holds something and waits would make those wait who wait for that.
                if not entry.is_closed or mine.entries:
                    self._lease(name, entry, mine)
                    return entry.loaded
                with asleep():
                    self._changed.wait(_TICK_SECONDS)
            tell(1)

    def _put(self, name: str, load: Callable[[], Any]) -> Any:
        if not self._reserve(name, {}, _LAST_PLACE_SECONDS):
            raise ModelPoolFullError(_IN_USE)
        try:
            with keeping(partial(self._into, name)):
                loaded = load()
        except BaseException:
            self._give_up(name)
            raise
        self._settle(name, loaded)
        return loaded

    def _into(self, name: str, places: Places, read: Read) -> Any:
        """Read a model into the first of its places that has room, or gets it in time."""
        why: HeadlightError | None = None
        offered = places(self.failed)
        for place in offered:
            takes = dict(place.takes)
            why = self._too_large(takes)
            if why is not None:
                continue
            if not self._reserve(name, takes, _LAST_PLACE_SECONDS if place is offered[-1] else _NEXT_PLACE_SECONDS):
                why = ModelPoolFullError(_IN_USE)
                continue
            is_there, loaded = self._try(read, place)
            if not is_there and self.release(takes):
                is_there, loaded = self._try(read, place)
            if is_there:
                return loaded
            self._free()
            why = NoMemoryError("There is not enough memory for this model at the moment; choose a smaller one.")
        assert why is not None
        raise why

    def _try(self, read: Read, place: Any) -> tuple[bool, Any]:
        try:
            return True, read(place)
        except Exception as error:
            if not self._is_full(error):
                raise
        return False, None

    def _too_large(self, takes: Mapping[str, int]) -> ModelPoolFullError | None:
        for device, size in takes.items():
            most = self._most_bytes(device)
            if most is not None and size > most:
                return ModelPoolFullError(
                    f"This model takes {size / _GIB:.1f} GiB, and models may take {most / _GIB:.1f} GiB here; choose a "
                    "smaller one."
                )
        return None

    def _reserve(self, name: str, takes: Mapping[str, int], patience: float | int) -> bool:
        """Wait until there is room, and take it for this name; false where there was none in time.

        The first time it takes a place among the models, afterwards bytes.
        """
        mine = _open.get()
        began, closed = time.monotonic(), None
        try:
            while True:
                with self._changed:
                    entry = self._entries.get(name)
                    if entry is not None:
                        entry.takes = {}
                    gone = self._room_without(takes, more=0 if entry is not None else 1)
                    if gone is not None:
                        for each in gone:
                            self._remove(each)
                        entry = entry or _Entry({})
                        entry.takes = dict(takes)
                        self._entries[name] = entry
                        if mine is not None:
                            self._lease(name, entry, mine)
                        break
                    waited = time.monotonic() - began
                    if waited >= patience:
                        return False
                    if closed is None and waited >= _FAIR_SECONDS:
                        closed = self._close_one()
                    with asleep():
                        self._changed.wait(_TICK_SECONDS)
                tell(1)
        finally:
            if closed is not None:
                with self._changed:
                    closed.is_closed = False
                    self._changed.notify_all()
        if gone:
            self._free()
        return True

    def _room_without(self, takes: Mapping[str, int], more: int = 1) -> list[str] | None:
        """The models to release so that one more (or none) that takes this fits, least recently used first; None where
        those in use are too many.
        """
        gone: list[str] = []
        for name, entry in self._entries.items():
            is_many, short = self._lacks(takes, more, gone)
            if self._is_idle(entry) and (is_many or short & entry.takes.keys()):
                gone.append(name)
        # A small one that went in vain, before a large one, may stay.
        for name in tuple(gone):
            if not any(self._lacks(takes, more, [each for each in gone if each != name])):
                gone.remove(name)
        return None if any(self._lacks(takes, more, gone)) else gone

    def _lacks(self, takes: Mapping[str, int], more: int, gone: Sequence[str]) -> tuple[bool, set[str]]:
        """Whether there are too many models, and on which devices too many bytes, when these have gone."""
        left = [entry for name, entry in self._entries.items() if name not in gone]
        used = self._sum(left)
        for device, size in takes.items():
            used[device] = used.get(device, 0) + size
        is_many = self._most_models is not None and len(left) + more > max(1, self._most_models)
        return is_many, {device for device, size in used.items() if self._is_over(device, size)}

    def _settle(self, name: str, loaded: Any) -> None:
        """Put the model where room was kept for it; others go where it takes more than was expected."""
        measured = self._measure(loaded)
        with self._changed:
            entry = self._entries.get(name)
            if entry is None:
                # Its device failed meanwhile.
                return
            entry.loaded = loaded
            entry.takes = dict(measured or entry.takes)
            gone = self._room_without({}, more=0) or []
            for each in gone:
                self._remove(each)
            self._changed.notify_all()
        if gone:
            self._free()

    def _give_up(self, name: str) -> None:
        with self._changed:
            entry = self._entries.pop(name, None)
            if entry is not None:
                for holder in entry.holders:
                    holder.entries.remove(entry)
            self._changed.notify_all()

    def _close_one(self) -> _Entry | None:
        """Let nobody new use the least recently used of those that no job holds."""
        for entry in self._entries.values():
            if entry.loaded is not None and not entry.is_closed and not any(each.is_long for each in entry.holders):
                entry.is_closed = True
                return entry
        return None

    def _remove(self, name: str) -> None:
        loaded = self._entries.pop(name).loaded
        if loaded is not None:
            self._forget(loaded)
        log.info("Released %s", name)
        self._changed.notify_all()

    def _lease(self, name: str, entry: _Entry, mine: _Leases) -> None:
        self._entries.move_to_end(name)
        if mine not in entry.holders:
            entry.holders.add(mine)
            mine.entries.append(entry)

    def _is_over(self, device: str, size: int) -> bool:
        most = self._most_bytes(device)
        return most is not None and size > most

    @staticmethod
    def _is_idle(entry: _Entry) -> bool:
        return entry.loaded is not None and not entry.holders

    @staticmethod
    def _sum(entries: Iterable[_Entry]) -> dict[str, int]:
        found: dict[str, int] = {}
        for entry in entries:
            for device, size in entry.takes.items():
                found[device] = found.get(device, 0) + size
        return found
