"""What the libraries do to the whole process is done by one thread at a time: importing, loading, converting.

transformers swaps functions of its classes, and torch's default precision, while it loads a model, and imports its
parts when they are first asked for. Two threads at once get each other's: a model without its tied head, `tie_weights`
that does nothing until the process ends, a module that is half there.

The order of locks, the first being taken first; whoever holds one never waits for one before it:

1. a flight of `ByteCache` (an answer, or a model by its name, that one thread computes and others wait for),
2. the lock of a device (`Gate`) and room for a model (`ModelPool`),
3. the file lock of a folder that is made once (`made_once`), which other processes may hold,
4. this one,
5. Python's own locks of the modules that are being imported.

So whoever is inside of `one_at_a_time` asks the engine for nothing: no room, no lock, no other answer.
"""

import gc
import logging
import pkgutil
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import TypeVar

from models.errors import HeadlightError
from models.lean_imports import import_lean

log = logging.getLogger(__name__)

Made = TypeVar("Made")
_lock = threading.RLock()
# Packages of which everything is imported.
_here: set[str] = set()
_ALL = "models"
# Whoever only cuts texts does not wait for torch.
_WITHOUT_TORCH = "models.tokenization"
# Programs, not modules: they are run, not imported.
_PROGRAMS = ("__main__", "training_child")
# What asks a cluster brings Ray, and is imported by whoever is part of one.
_CLUSTER = "models.cluster"


@contextmanager
def one_at_a_time() -> Iterator[None]:
    """Nobody else imports, loads or converts anything while the block lasts. A block inside another is part of it."""
    with _lock:
        yield


def alone(work: Callable[[], Made], is_final: Callable[[Exception], bool] = lambda _: False) -> Made:
    """What `work` gives, done while nobody else does such a thing; what fails is tried once more before it is told.

    A HeadlightError is an answer, and so is an error that `is_final`; both are not tried again. Raises what `work`
    raises.
    """
    with _lock:
        try:
            return work()
        except HeadlightError:
            raise
        except Exception as error:
            if is_final(error):
                raise
            log.warning("Tried once more, since it failed: %s: %s", type(error).__name__, error)
        return work()


def libraries(package: str = _ALL) -> None:
    """Have everything of ours in this package imported, and the libraries it needs: by one thread, others wait for it.

    Called before anything of `models` that computes is first imported, from every place that may be the first. What is
    here does not wait, also while more is imported.
    """
    if package in _here:
        return
    with _lock:
        if package in _here:
            return
        if package == _ALL:
            libraries(_WITHOUT_TORCH)
        with _uncollected():
            if package == _ALL:
                alone(import_lean)
            for name in _modules_of(package):
                alone(lambda name=name: import_module(name))
        _here.add(package)


def libraries_are_here() -> bool:
    """Whether everything is imported."""
    return _ALL in _here


@contextmanager
def _uncollected() -> Iterator[None]:
    """Without the garbage collector, now and later: a fifth of an import is its looking through what was just made, and
    nearly all of that stays.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        if was_on:
            gc.enable()


def _modules_of(package: str) -> Iterator[str]:
    yield package
    for module in pkgutil.walk_packages(import_module(package).__path__, f"{package}."):
        if module.name.rpartition(".")[2] not in _PROGRAMS and not module.name.startswith(_CLUSTER):
            yield module.name
