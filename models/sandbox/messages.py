"""What goes to and fro between the server and its sandbox: a length, then plain data (MessagePack), never code."""

import socket
from collections.abc import Callable
from typing import Any

import msgspec
import numpy as np

_LENGTH = 8
TICK_SECONDS = 0.25
# How a worker ends that ran out of memory.
NO_MEMORY = 77
_ARRAYS = "biuf"


class WorkerTask(msgspec.Struct, frozen=True):
    """One question to a worker: a task on something that it made, or will make, of files.

    task, make: functions of a module, as "module:name"; `make` is "" for a task that is about its arguments alone.
    digest: of what is asked about. files: what it is made of; None where the worker should have it already.
    seconds: of the processor that the worker may take.
    """

    task: str
    arguments: tuple[Any, ...]
    make: str = ""
    made_with: tuple[Any, ...] = ()
    digest: str = ""
    files: dict[str, bytes] | None = None
    seconds: int = 60


class Answer(msgspec.Struct, frozen=True):
    """What a worker says: `value` (packed) if all went well.

    is_unknown: it has nothing of this digest: the files are wanted. is_full: what it did before left too little room;
        it ends, and another one is to be asked. error: the class of a HeadlightError as
        "module:name", with its sentence; "" and the sentence, the class of the failure, for everything else.
    """

    value: bytes = b""
    is_unknown: bool = False
    is_full: bool = False
    error: str | None = None
    sentence: str = ""


class TooLargeError(Exception):
    """A message larger than whoever receives it takes."""


def packed(value: Any) -> bytes:
    """Plain data, dataclasses and arrays as MessagePack."""
    return msgspec.msgpack.encode(value, enc_hook=_plain)


def unpacked(data: bytes, kind: Any) -> Any:
    """What was packed, as this type and no other. Raises msgspec.ValidationError."""
    return msgspec.msgpack.decode(data, type=kind, dec_hook=_of_kind)


def _plain(value: Any) -> Any:
    if isinstance(value, np.ndarray) and value.dtype.kind in _ARRAYS:
        return value.dtype.str, value.shape, value.tobytes()
    raise TypeError(f"{type(value).__name__} is no plain data")


def _of_kind(kind: Any, value: Any) -> Any:
    # jaxtyping's types of arrays name the class that they are shapes of.
    if getattr(kind, "array_type", kind) is not np.ndarray:
        raise TypeError(f"{kind} is no plain data")
    form, shape, data = value
    dtype = np.dtype(str(form))
    if dtype.kind not in _ARRAYS:
        raise TypeError(f"An array of {dtype} is no plain data")
    array = np.frombuffer(data, dtype).reshape(shape)
    if not isinstance(array, kind):
        raise TypeError(f"An array of {dtype} in the shape {shape} is no {kind.__name__}")
    return array


class Patience:
    """How many seconds of waiting are left, counted in short waits: one in which this process was itself stopped (a
    laptop that sleeps, a machine that is too busy) counts as short.
    """

    def __init__(self, seconds: float | int) -> None:
        self._left = float(seconds)

    def waited(self) -> None:
        """One short wait was in vain. Raises TimeoutError where that was the last one."""
        self._left -= TICK_SECONDS
        if self._left <= 0:
            raise TimeoutError


def send(connection: socket.socket, data: bytes, patience: Patience | None = None) -> None:
    """Send one message. Raises TimeoutError, OSError."""
    _send(connection, memoryview(len(data).to_bytes(_LENGTH, "big")), patience)
    _send(connection, memoryview(data), patience)


def received_message(connection: socket.socket, largest: int | None = None, patience: Patience | None = None) -> bytes:
    """One message. Raises TimeoutError, EOFError where the other end is gone, TooLargeError, OSError."""
    size = int.from_bytes(_receive(connection, _LENGTH, patience), "big")
    if largest is not None and size > largest:
        raise TooLargeError
    return _receive(connection, size, patience)


def _send(connection: socket.socket, data: memoryview, patience: Patience | None) -> None:
    while data:
        data = data[_patiently(connection, patience, connection.send, data) :]


def _receive(connection: socket.socket, size: int, patience: Patience | None) -> bytes:
    data = bytearray(size)
    left = memoryview(data)
    while left:
        count = _patiently(connection, patience, connection.recv_into, left)
        if not count:
            raise EOFError
        left = left[count:]
    return bytes(data)


def _patiently(
    connection: socket.socket, patience: Patience | None, do: Callable[[memoryview], int], data: memoryview
) -> int:
    connection.settimeout(None if patience is None else TICK_SECONDS)
    while True:
        try:
            return do(data)
        except TimeoutError:
            if patience is not None:
                patience.waited()
