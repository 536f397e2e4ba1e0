"""The web process's line to its cluster.

A process that is a driver of Ray's ends when the head of the cluster is away for long, and cannot be connected anew.
So the driver is a process of its own, a child of this one: when it ends, or the cluster is not there, whoever
waits is told so in a sentence, and the next question starts another one.
"""

import atexit
import os
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from itertools import count
from multiprocessing.connection import Pipe
from pathlib import Path
from typing import Any

import models
from models.cluster.errors import NOT_READABLE, ClusterError, WorkerLostError
from models.cluster.frames import Asked, Failed, Refused
from models.cluster.setting import VARIABLE, cluster_address
from models.cluster.travel import name_of, named_class, packed, unpacked
from models.cluster.versions import versions
from models.cluster.wire import receive, send
from models.engine.cancellation import go_on_if_wanted
from models.engine.gate import asleep
from models.errors import HeadlightError

_ROOT = Path(models.__path__[0]).parent
_TICK_SECONDS = 0.1
_CONNECT_SECONDS = 30.0
# Everybody who asks in between is told the same at once.
_AGAIN_SECONDS = 2.0
_GONE = "The cluster does not answer at the moment; ask again in a minute."


class _Driver:
    """One child process, and who waits for what it says."""

    def __init__(self, address: str) -> None:
        self._numbers = count(1)
        self._lock = threading.Lock()
        self._waiting: dict[int, queue.SimpleQueue[tuple[str, list[Any]]]] = {}
        self._settled = threading.Event()
        self.why = ""
        self.since = time.monotonic()
        self._connection, theirs = Pipe()
        environment = {name: value for name, value in os.environ.items() if name != VARIABLE}
        self._process = subprocess.Popen(
            [sys.executable, "-m", "models.cluster.driver", str(theirs.fileno()), address],
            pass_fds=[theirs.fileno()],
            stdin=subprocess.DEVNULL,
            cwd=_ROOT,
            env=environment | {"RAY_USAGE_STATS_ENABLED": "0"},
        )
        theirs.close()
        threading.Thread(target=self._listen, name="headlight-line", daemon=True).start()

    def is_over(self) -> bool:
        """Whether it failed, or ended."""
        return bool(self.why)

    def connected(self) -> None:
        """Wait until it is. Raises ClusterError."""
        late = self.since + _CONNECT_SECONDS
        while not self._settled.is_set() and time.monotonic() < late:
            go_on_if_wanted()
            with asleep():
                self._settled.wait(_TICK_SECONDS)
        if not self._settled.is_set():
            self.end("What answers at the address of the cluster is no cluster, or one that does not let us in.")
        if self.why:
            raise ClusterError(self.why)

    def end(self, why: str) -> None:
        """End the process; who waits is told why."""
        self.why = self.why or why
        self._process.kill()

    def said(self, kind: Any, *content: Any) -> Iterator[tuple[str, list[Any]]]:
        """What it says to a message, as it comes; whoever stops iterating leaves. Raises ClusterError, NobodyWaits."""
        number, mine = next(self._numbers), queue.SimpleQueue[tuple[str, list[Any]]]()
        with self._lock:
            self._waiting[number] = mine
        is_over = False
        try:
            try:
                with self._lock:
                    send(self._connection, number, kind, *content)
            except OSError:
                raise WorkerLostError(self.why or _GONE) from None
            while not is_over:
                go_on_if_wanted()
                with asleep(), suppress(queue.Empty):
                    said, rest = mine.get(timeout=_TICK_SECONDS)
                    is_over = said != "frame"
                    yield said, rest
        finally:
            with self._lock:
                del self._waiting[number]
                if not is_over:
                    with suppress(OSError):
                        send(self._connection, number, "leave")

    def _listen(self) -> None:
        with suppress(EOFError, OSError):
            while True:
                number, kind, content = receive(self._connection)
                if number == 0:
                    self.why = content[0] if kind == "failed" else ""
                    self._settled.set()
                    continue
                with self._lock:
                    mine = self._waiting.get(number)
                if mine is not None:
                    mine.put((kind, content))
        self.why = self.why or _GONE
        self._settled.set()
        with self._lock:
            waiting = list(self._waiting.values())
        for mine in waiting:
            mine.put(("lost", []))
        self._process.wait()


class Line:
    """To one cluster; there is a driver once somebody asks, and another one when that has ended."""

    def __init__(self, address: str) -> None:
        self.address = address
        self._lock = threading.Lock()
        self._driver: _Driver | None = None

    def ask(self, model: str, asked: Asked, question: bytes, known: bytes) -> Iterator[Any]:
        """The frames with which a worker answers.

        Raises the HeadlightError that the question raises, ClusterError, WorkerLostError, and RuntimeError with the
        number of a fault in the worker's log.
        """
        for frame in self._frames("ask", model, [asked, packed(versions()), question, known]):
            yield _raised(frame)

    def call(self, store: type, method: str, *arguments: Any) -> Any:
        """What a method of the cluster's one object of this class gives, which is made when somebody first asks.

        Raises the HeadlightError that the method raises, ClusterError.
        """
        frames = [_raised(each) for each in self._frames("call", [name_of(store), method, packed(arguments)])]
        return frames[-1].value

    def end(self) -> None:
        """End the driver, if there is one."""
        with self._lock:
            if self._driver is not None:
                self._driver.end(_GONE)

    def _frames(self, kind: Any, *content: Any) -> Iterator[Any]:
        driver = self._connected()
        for said, rest in driver.said(kind, *content):
            if said == "frame":
                yield unpacked(rest[0])
            elif said == "lost":
                raise WorkerLostError(driver.why or "The worker that computed this was lost; ask again.")
            elif said == "failed":
                sentence, is_driver_useless = rest
                if is_driver_useless:
                    driver.end(sentence)
                raise ClusterError(sentence)

    def _connected(self) -> _Driver:
        with self._lock:
            driver = self._driver
            if driver is None or (driver.is_over() and time.monotonic() - driver.since > _AGAIN_SECONDS):
                driver = self._driver = _Driver(self.address)
        driver.connected()
        return driver


def _raised(frame: Any) -> Any:
    if isinstance(frame, Refused):
        raise _error(frame)
    if isinstance(frame, Failed):
        raise RuntimeError(  # noqa: TRY004 - what went wrong elsewhere
            f"{frame.what} on a worker: fault {frame.fault} in its log"
        )
    return frame


def _error(refused: Refused) -> HeadlightError:
    kind = named_class(refused.kind)
    if not issubclass(kind, HeadlightError):
        kind, refused = ClusterError, Refused("", (NOT_READABLE,), ())
    error = kind.__new__(kind, *refused.values)
    error.args = refused.values
    for name, value in refused.more:
        setattr(error, name, value)
    return error


_line: Line | None = None
_making = threading.Lock()


def line() -> Line:
    """This process's, to the cluster that HEADLIGHT_CLUSTER names. Raises ClusterError where it names none."""
    global _line  # noqa: PLW0603 - one process has one cluster
    address = cluster_address()
    if address is None:
        raise ClusterError(f"There is no cluster here: {VARIABLE} is not set.")
    with _making:
        if _line is None or _line.address != address:
            if _line is not None:
                _line.end()
            _line = Line(address)
            atexit.register(_line.end)
        return _line
