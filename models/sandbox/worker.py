"""A process in which strangers' files compute: `python -m models.sandbox.worker [MODULE ...]`.

Its standard input is a socket on which it is asked, one question after the other, until the other end is gone. It sets
its own limits: they hold for whatever comes in afterwards. The modules are imported before it says that it is ready.
"""

import gc
import os
import resource
import socket
import sys
from collections import OrderedDict
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any, cast

from models.errors import HeadlightError
from models.sandbox.messages import NO_MEMORY, Answer, WorkerTask, packed, received_message, send, unpacked

# What a file may take beside what Python and the libraries do, and what one of many megabytes may take on top: making a
# tokenizer of a tokenizer.json takes some 16 times its bytes.
MEMORY = 384 * 1024**2
_MEMORY_PER_BYTE = 24
# Of files, whose tokenizers are kept.
_KEPT_BYTES = 16_000_000
_NICE = 3
_LONGEST_SENTENCE = 1_000


class _MadeOfFiles:
    """What was made of files, by digest: the least recently used goes first."""

    def __init__(self) -> None:
        self._made: OrderedDict[str, tuple[Any, int]] = OrderedDict()

    def __contains__(self, digest: str) -> bool:
        return digest in self._made

    def get(self, digest: str) -> Any:
        self._made.move_to_end(digest)
        return self._made[digest][0]

    def keep(self, digest: str, made: Any, size: int) -> None:
        self._made[digest] = (made, size)
        # It stays for long: whoever asks does not wait until the collector has looked through it.
        gc.collect()
        gc.freeze()

    def make_room(self, size: int) -> None:
        """Let go of so much that this many bytes of files more are within bounds, or of everything."""
        while self._made and self.nbytes + size > _KEPT_BYTES:
            self._made.popitem(last=False)
        gc.unfreeze()
        gc.collect()

    @property
    def nbytes(self) -> int:
        return sum(size for _, size in self._made.values())


def answered(ask: WorkerTask, kept: _MadeOfFiles, base: int) -> Answer:
    """What there is to say to one question. base: bytes of address space that the process had when it began."""
    _limit_processor(ask.seconds)
    files = ask.files or {}
    size = sum(map(len, files.values())) + sum(len(each) for each in ask.arguments if isinstance(each, bytes))
    if ask.digest not in kept:
        if ask.make and ask.files is None:
            return Answer(is_unknown=True)
        kept.make_room(size)
        # Memory that was let go of stays a part of the process where something small still lies in it.
        if _address_space() > base + MEMORY // 2 + _MEMORY_PER_BYTE * kept.nbytes:
            return Answer(is_full=True)
    _limit_memory(base + MEMORY + _MEMORY_PER_BYTE * (kept.nbytes + size))
    task = _named(ask.task)
    if not ask.make:
        return Answer(packed(task(*ask.arguments)))
    if ask.digest not in kept:
        kept.keep(ask.digest, _named(ask.make)(files, *ask.made_with), size)
    return Answer(packed(task(kept.get(ask.digest), *ask.arguments)))


def _named(name: str) -> Callable[..., Any]:
    module, _, function = name.partition(":")
    return getattr(import_module(module), function)


def _failed(error: BaseException) -> Answer:
    sentence = str(error)[:_LONGEST_SENTENCE].encode(errors="replace").decode()
    if isinstance(error, HeadlightError):
        return Answer(error=f"{type(error).__module__}:{type(error).__qualname__}", sentence=sentence)
    return Answer(error="", sentence=f"{type(error).__name__}: {sentence}")


def _limit_processor(seconds: int) -> None:
    used = resource.getrusage(resource.RUSAGE_SELF)
    # The limit is in whole seconds: it comes up to one later, and never before.
    _lower(resource.RLIMIT_CPU, int(used.ru_utime + used.ru_stime) + seconds + 1)


def _limit_memory(size: int) -> None:
    # macOS knows this limit and does not keep to it.
    if sys.platform.startswith("linux"):
        _lower(resource.RLIMIT_AS, size)


def _lower(which: int, value: int) -> None:
    _, most = resource.getrlimit(which)
    resource.setrlimit(which, (value if most == resource.RLIM_INFINITY else min(value, most), most))


def _address_space() -> int:
    """How many bytes of addresses this process has; 0 where that cannot be seen."""
    try:
        return int(Path("/proc/self/statm").read_text("ascii").split()[0]) * resource.getpagesize()
    except OSError:
        return 0


def _work(modules: list[str]) -> None:
    os.nice(_NICE)
    _lower(resource.RLIMIT_CORE, 0)
    # The socket is not for whoever asks a person something there.
    connection = socket.socket(fileno=os.dup(0))
    with Path(os.devnull).open("rb") as nothing:
        os.dup2(nothing.fileno(), 0)
    # Strangers' files need no torch here; a library that finds it would wait for it.
    sys.modules["torch"] = cast("Any", None)
    # What the libraries do in questions to come must not be the first time that they do it: it is not the file's fault.
    for each in modules:
        import_module(each)
    gc.freeze()
    base, kept = _address_space(), _MadeOfFiles()
    send(connection, b"ready")
    while True:
        try:
            data = received_message(connection)
        except EOFError:
            return
        try:
            answer = answered(unpacked(data, WorkerTask), kept, base)
        except MemoryError:
            os._exit(NO_MEMORY)
        # tokenizers' panics are no Exception.
        except BaseException as error:  # noqa: BLE001 - whatever it is, it is said
            answer = _failed(error)
        try:
            reply = packed(answer)
        except MemoryError:
            os._exit(NO_MEMORY)
        send(connection, reply)
        if answer.is_full:
            return


if __name__ == "__main__":
    _work(sys.argv[1:])
