"""A process that only asks: torch and transformers are named all over `models`, and never imported.

A page imports the module of a question, and with it what answers the question, whose annotations, base classes and
decorators name torch's. Here each of these names is there and does nothing: it can be named, derived from and decorated
with. Whoever would compute with one is told that this is done elsewhere.
"""

import logging
import sys
from collections.abc import Iterator, Sequence
from importlib import import_module
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.metadata import PackageNotFoundError, version
from types import ModuleType
from typing import Any

from models.errors import HeadlightError

log = logging.getLogger(__name__)

# What computes, and what brings it along.
_COMPUTES = frozenset({"torch", "transformers", "accelerate", "bertviz", "gguf"})
_COMPUTES_AS_WELL = frozenset({"safetensors.torch"})
# With which `models.lean_imports` knows that both are here.
_LAST = "transformers.modeling_utils"


class ComputedElsewhereError(HeadlightError):
    """Something was to be computed in a process that only asks."""


class _Name(type):
    """A name of such a library: a class, so that annotations and classes can be made of it."""

    def __getattr__(cls, name: str) -> Any:
        return _named(f"{cls.__module__}.{cls.__qualname__}", name)

    def __call__(cls, *_: Any, **__: Any) -> Any:
        if _defines():
            return _unchanged
        log.warning("%s.%s is on the workers, and was called here", cls.__module__, cls.__qualname__)
        raise ComputedElsewhereError("With a cluster this is not offered: no worker is asked for it, and it needs one.")

    def __getitem__(cls, of: object) -> Any:
        return cls

    def __iter__(cls) -> Iterator[Any]:
        return iter(())

    def keys(cls) -> tuple[()]:
        """Of a table of theirs, which is empty here."""
        return ()


_names: dict[str, Any] = {}


def _named(owner: str, name: str) -> Any:
    if name.startswith("__"):
        raise AttributeError(name)
    # Of configs the fields are asked for.
    body = {"__module__": owner, "__qualname__": name, "__dataclass_fields__": {}}
    return _names.setdefault(f"{owner}.{name}", _Name(name, (), body))


def _defines() -> bool:
    """Whether a module is being imported in this thread: it registers and decorates, and computes nothing."""
    frame = sys._getframe(2)
    while frame is not None:
        if frame.f_code.co_name == "<module>" and frame.f_globals.get("__name__", "").startswith("models."):
            return True
        frame = frame.f_back
    return False


def _unchanged(function: Any = None, *_: Any, **__: Any) -> Any:
    """What a decorator gives."""
    return function


class _Library(ModuleType):
    __version__ = ""

    def __getattr__(self, name: str) -> Any:
        return _named(self.__name__, name)


class _Finder(MetaPathFinder, Loader):
    """Finds every module of these libraries, before anybody else does."""

    def find_spec(self, fullname: str, path: Sequence[str] | None = None, target: Any = None) -> ModuleSpec | None:  # noqa: ARG002
        """A module that is a package, whatever it is asked for; None for those of other libraries."""
        is_one = fullname.partition(".")[0] in _COMPUTES or fullname in _COMPUTES_AS_WELL
        return ModuleSpec(fullname, self, is_package=True) if is_one else None

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        """With the version that is installed."""
        made = _Library(spec.name)
        try:
            made.__version__ = version(spec.name)
        except PackageNotFoundError:
            made.__version__ = ""
        return made

    def exec_module(self, module: ModuleType) -> None:
        """Nothing is in it."""


def stand_in() -> None:
    """From now on, unless they are imported already: then this process computes, and they stay."""
    if "torch" not in sys.modules:
        sys.meta_path.insert(0, _Finder())
        import_module(_LAST)
