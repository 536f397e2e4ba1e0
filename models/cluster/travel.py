"""How questions and answers travel between our own processes: as data, never as code.

Nothing is pickled. What is packed is made of numbers, strings, arrays, and of our own dataclasses, which are named;
what is unpacked makes objects of classes below `models` and of no others, and calls nothing. A question is made by a
page out of what a person chose, so that no byte of a browser's is ever unpacked here.
"""

import dataclasses
import enum
import sys
from collections.abc import Callable, Mapping
from importlib import import_module
from types import MappingProxyType
from typing import Any

import msgspec
import numpy as np

from models.cluster.errors import NOT_READABLE, ClusterError

_OURS = "models"
_PLAIN = frozenset({type(None), bool, float, str})
_LEAST, _MOST = -(2**63), 2**64
_SEQUENCES: Mapping[type, str] = {tuple: "t", list: "l", frozenset: "f", set: "s"}
_MAKERS: Mapping[str, Callable[[Any], Any]] = {tag: made for made, tag in _SEQUENCES.items()}


class CannotTravelError(TypeError):
    """A value of a kind that is not packed: a mistake of ours."""


def packed(value: object) -> bytes:
    """The value as bytes. Raises CannotTravelError."""
    try:
        return _encoded(value, whole_text=True)
    except UnicodeEncodeError:
        # Half a character, which is no UTF-8.
        return _encoded(value, whole_text=False)


def _encoded(value: object, *, whole_text: bool) -> bytes:
    packing = _Packing(whole_text=whole_text)
    tree = packing.tree(value)
    return msgspec.msgpack.encode([tree, packing.buffers])


def unpacked(data: bytes) -> Any:
    """What was packed. Raises ClusterError for what cannot be."""
    try:
        tree, buffers = msgspec.msgpack.decode(data)
        return _value(tree, buffers)
    except (
        msgspec.DecodeError,
        ValueError,
        TypeError,
        LookupError,
        AttributeError,
        ImportError,
        RecursionError,
    ) as error:
        raise ClusterError(NOT_READABLE) from error


class _Packing:
    """A value on its way into a tree of what MessagePack knows: all but plain scalars becomes a list with a tag."""

    def __init__(self, *, whole_text: bool) -> None:
        self.buffers: list[bytes] = []
        self._places: dict[int, int] = {}
        # An array must live for as long as its place is known by its identity.
        self._arrays: list[np.ndarray] = []
        self._plain = _PLAIN if whole_text else _PLAIN - {str}

    def tree(self, value: Any) -> Any:
        """Raises CannotTravelError."""
        kind = type(value)
        if kind in self._plain:
            return value
        if kind is int:
            return value if _LEAST <= value < _MOST else ["i", str(value)]
        if kind is str:
            return ["u", value.encode("utf-8", "surrogatepass")]
        if kind in _SEQUENCES:
            return [_SEQUENCES[kind], self._all(value)]
        if kind in (dict, MappingProxyType):
            return ["d" if kind is dict else "m", self._all(value), self._all(value.values())]
        if isinstance(value, np.ndarray):
            return self._array(value)
        if isinstance(value, np.generic):
            return ["g", value.dtype.str, value.tobytes()]
        if kind is bytes:
            return ["b", value]
        if isinstance(value, enum.Enum):
            return ["e", _name(kind), value.name]
        if isinstance(value, tuple) and hasattr(kind, "_fields"):
            return ["n", _name(kind), self._all(value)]
        if dataclasses.is_dataclass(value):
            return ["o", _name(kind), self._all(getattr(value, each.name) for each in dataclasses.fields(value))]
        if isinstance(value, msgspec.Struct):
            return ["o", _name(kind), self._all(getattr(value, each) for each in kind.__struct_fields__)]
        raise CannotTravelError(f"{kind.__module__}.{kind.__qualname__} is not packed")

    def _all(self, values: Any) -> list[Any]:
        plain = self._plain
        return [each if type(each) in plain else self.tree(each) for each in values]

    def _array(self, array: np.ndarray) -> list[Any]:
        if array.dtype.hasobject or type(array) is not np.ndarray:
            raise CannotTravelError(f"an array of {array.dtype} is not packed")
        order = "F" if array.flags.f_contiguous and not array.flags.c_contiguous else "C"
        place = self._places.setdefault(id(array), len(self.buffers))
        if place == len(self.buffers):
            self.buffers.append(array.tobytes(order))
            self._arrays.append(array)
        return ["a", place, array.dtype.str, list(array.shape), order, array.flags.writeable]


def _value(tree: Any, buffers: list[bytes]) -> Any:
    if type(tree) is not list:
        return tree
    tag, *rest = tree
    if tag in _MAKERS:
        return _MAKERS[tag](_values(rest[0], buffers))
    if tag in ("d", "m"):
        made = dict(zip(_values(rest[0], buffers), _values(rest[1], buffers), strict=True))
        return made if tag == "d" else MappingProxyType(made)
    if tag == "a":
        place, dtype, shape, order, is_writeable = rest
        array = np.frombuffer(buffers[place], np.dtype(dtype)).reshape(shape, order=order)
        return array.copy(order) if is_writeable else array
    if tag == "o":
        return _made(_class(rest[0]), _values(rest[1], buffers))
    if tag == "n":
        kind = _class(rest[0])
        if not issubclass(kind, tuple):
            raise LookupError(f"{kind} is no tuple")
        # As `_make` of a named tuple does.
        return tuple.__new__(kind, _values(rest[1], buffers))
    if tag == "e":
        kind = _class(rest[0])
        if not issubclass(kind, enum.Enum):
            raise LookupError(f"{kind} is no enumeration")
        return kind[rest[1]]
    if tag == "g":
        return np.frombuffer(rest[1], np.dtype(rest[0]))[0]
    return {"i": int, "u": lambda data: data.decode("utf-8", "surrogatepass"), "b": bytes}[tag](rest[0])


def _values(trees: list[Any], buffers: list[bytes]) -> list[Any]:
    return [_value(each, buffers) if type(each) is list else each for each in trees]


def _made(kind: type, values: list[Any]) -> Any:
    """An object with these values, without a call of anything of its own: what it was, it was already there."""
    if issubclass(kind, msgspec.Struct):
        names = list(kind.__struct_fields__)
    elif dataclasses.is_dataclass(kind):
        names = [each.name for each in dataclasses.fields(kind)]
    else:
        raise LookupError(f"{kind} is no record")
    made = object.__new__(kind) if not issubclass(kind, msgspec.Struct) else kind(*values)
    for name, value in zip(names, values, strict=True):
        if not isinstance(made, msgspec.Struct):
            object.__setattr__(made, name, value)
    return made


def _name(kind: type) -> str:
    if not _is_ours(kind.__module__):
        raise CannotTravelError(f"{kind.__module__}.{kind.__qualname__} is not of ours")
    return f"{kind.__module__}:{kind.__qualname__}"


def _is_ours(module: str) -> bool:
    return module.startswith(f"{_OURS}.")


def _class(name: str) -> type:
    """A class of ours by its name. Raises LookupError for all else, an imported class among them."""
    module, _, path = name.partition(":")
    if not _is_ours(module):
        raise LookupError(f"{name} is not of ours")
    found: Any = sys.modules.get(module) or import_module(module)
    for part in path.split("."):
        found = getattr(found, part)
    if not isinstance(found, type) or found.__module__ != module:
        raise LookupError(f"{name} is no class")
    return found


def named_class(name: str) -> type:
    """The class of ours with this name, "models.MODULE:CLASS". Raises LookupError."""
    return _class(name)


def name_of(kind: type) -> str:
    """What `named_class` finds it by. Raises CannotTravelError."""
    return _name(kind)
