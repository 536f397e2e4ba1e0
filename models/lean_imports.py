"""transformers without what it imports for training, several machines and compiling: a third of the time until a model.

A person who opens a page on a fresh server waits for these imports. transformers asks at import which libraries are
here, and where it is told that one is not, it leaves out what needs it: that is an installation that it supports. Its
decorators for torch's compiler would import that compiler (and sympy); here they have one to ask that does nothing,
until anything else is asked of it, when the real one takes its place.
"""

import importlib
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.util import find_spec, spec_from_loader
from types import ModuleType
from typing import Any

_COMPILER = "torch._dynamo"
# The one part of the compiler that masks are made with; it needs none of the rest.
_USED = f"{_COMPILER}._trace_wrapped_higher_order_op"
# What accelerate needs it for is training in Amazon's cloud.
_CLOUD = "boto3"
# Training on several machines, and the matching of boxes in pictures.
_NOT_ASKED_FOR = ("is_torch_distributed_available", "is_scipy_available", "is_sklearn_available")


def import_lean() -> None:
    """Import torch and transformers, as far as they are not here, without what Headlight never uses of them."""
    if "transformers.modeling_utils" in sys.modules:
        return
    torch = importlib.import_module("torch")
    if _COMPILER not in sys.modules:
        finder = _RealCompiler()
        sys.meta_path.insert(0, finder)
        sys.modules[_COMPILER] = _NoCompiler(find_spec(_COMPILER), finder)
        setattr(torch, _COMPILER.rpartition(".")[2], sys.modules[_COMPILER])
        importlib.import_module(_USED)
    utils = importlib.import_module("transformers.utils")
    asked = importlib.import_module("transformers.utils.import_utils")
    for name in _NOT_ASKED_FOR:
        setattr(utils, name, _no)
        setattr(asked, name, _no)
    with _hidden(_CLOUD):
        importlib.import_module("transformers.modeling_utils")


@contextmanager
def _hidden(name: str) -> Iterator[None]:
    """Whoever looks whether this package is here finds that it is not, unless it was imported before."""
    is_mine = sys.modules.setdefault(name, None) is None  # ty: ignore[no-matching-overload]
    try:
        yield
    finally:
        if is_mine:
            sys.modules.pop(name, None)


def _no() -> bool:
    return False


def _unchanged(function: Any = None, *_: Any, **__: Any) -> Any:
    """Both a decorator and what gives one, as those of the compiler are."""
    return function if function is not None else _unchanged


class _NoCompiler(ModuleType):
    """In the place of torch's compiler: takes its decorators for functions that are never compiled.

    Whatever else is asked of it is asked of the real one, which is imported then.
    """

    disable = staticmethod(_unchanged)
    allow_in_graph = staticmethod(_unchanged)
    assume_constant_result = staticmethod(_unchanged)

    def __init__(self, spec: Any, finder: "_RealCompiler") -> None:
        super().__init__(spec.name)
        self.__path__ = spec.submodule_search_locations
        self._finder = finder

    def __getattr__(self, name: str) -> Any:
        # What the import system asks of any module.
        if name.startswith("__"):
            raise AttributeError(name)
        return getattr(self._finder.real(), name)


class _RealCompiler(MetaPathFinder):
    """Sees the import of any part of the compiler, and has the real one imported first."""

    def __init__(self) -> None:
        self._lock = threading.Lock()

    def find_spec(
        self,
        fullname: str,
        path: Any = None,  # noqa: ARG002 - of a namespace package it is no sequence
        target: ModuleType | None = None,  # noqa: ARG002
    ) -> ModuleSpec | None:
        """Where a part of the compiler comes from; None for all that is none."""
        if not fullname.startswith(f"{_COMPILER}.") or fullname == _USED:
            return None
        self.real()
        there = sys.modules.get(fullname)
        return find_spec(fullname) if there is None else spec_from_loader(fullname, _There(there))

    def real(self) -> ModuleType:
        """The compiler itself, from now on in its place."""
        with self._lock:
            if self in sys.meta_path:
                del sys.modules[_COMPILER]
                sys.meta_path.remove(self)
        return importlib.import_module(_COMPILER)


class _There(Loader):
    """Loads a module that is there."""

    def __init__(self, module: ModuleType) -> None:
        self._module = module

    def create_module(self, spec: ModuleSpec) -> ModuleType:  # noqa: ARG002
        """The module as it is."""
        return self._module

    def exec_module(self, module: ModuleType) -> None:
        """Nothing: it was run."""
