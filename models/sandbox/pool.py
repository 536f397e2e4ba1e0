"""A few processes in which strangers' files compute, and what becomes of those that ask for too much."""

import atexit
import hashlib
import logging
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, TypeVar, get_type_hints

import msgspec

from models.errors import HeadlightError
from models.sandbox.messages import (
    NO_MEMORY,
    Answer,
    Patience,
    TooLargeError,
    WorkerTask,
    packed,
    received_message,
    send,
    unpacked,
)

log = logging.getLogger(__name__)

Given = TypeVar("Given")
Why = Literal["time", "memory", "size", "failure", "busy"]

_ROOT = Path(__file__).resolve().parents[2]
# Of one answer: a text of a megabyte as pieces of a byte each has some 24 MB.
LARGEST_ANSWER = 48_000_000
_LONGEST_SECONDS = 30
_START_SECONDS = 120
_WAIT_SECONDS = 30
_MOST_REMEMBERED = 256
_SAID = {
    "time": "takes longer than {seconds} seconds at this, and was stopped; {advice}.",
    "memory": "needs more memory at this than a file of its size may have, and was stopped; {advice}.",
    "size": "makes more of this than can be taken, and was stopped; {advice}.",
    "failure": "fails at this: something in its file is more than the library can work out; {advice}.",
    "busy": "had to wait for other people's files for too long; try again in a minute.",
}


class SandboxError(HeadlightError):
    """A stranger's file that asked for more than it may have, or failed. why: at what."""

    def __init__(self, sentence: str, why: Why = "failure") -> None:
        super().__init__(sentence)
        self.why = why


@dataclass(frozen=True, eq=False)
class SandboxedFiles:
    """Files of a stranger, and what is made of them in the sandbox, where it is kept for further questions.

    title: what people know it by, as the beginning of a sentence. make: a function of a module, which is given the
        files and `made_with`, plain data.
    """

    title: str
    make: Callable[..., Any]
    files: Mapping[str, bytes]
    made_with: tuple[Any, ...] = ()

    @cached_property
    def digest(self) -> str:
        """The same for the same files, made the same way."""
        hashed = hashlib.sha256(packed((_name(self.make), self.made_with)))
        for name, data in sorted(self.files.items()):
            hashed.update(packed((name, len(data))))
            hashed.update(data)
        return hashed.hexdigest()

    @property
    def nbytes(self) -> int:
        """Bytes that it holds."""
        return sum(map(len, self.files.values()))


class Pool:
    """At most `most` workers, each started when it is first needed.

    seconds: of the processor, after which a question is given up and its worker ends; by the clock it may take longer
        where others compute as well. modules: which a worker imports first.
    """

    def __init__(self, most: int = 2, *, seconds: int = 6, modules: tuple[str, ...] = ()) -> None:
        self.most = most
        self.seconds = seconds
        self._modules = modules
        self._changed = threading.Condition()
        self._idle: list[_Worker] = []
        self._working: set[_Worker] = set()
        self._starting = 0
        self._remembered: OrderedDict[str, tuple[str, Why]] = OrderedDict()
        atexit.register(self.close)

    def ask(
        self,
        task: Callable[..., Given],
        *arguments: Any,
        of: SandboxedFiles | None = None,
        title: str = "",
        advice: str = "take a shorter text, or another file",
    ) -> Given:
        """What `task` gives, done in a worker: a function of a module, whose annotation says what it gives.

        arguments: plain data. of: what is made of files first, or there already; it is the task's first argument.
        title, advice: what fails where it does, instead of what `of` is called, and what to do then.

        Raises SandboxError, and what the task raises of HeadlightErrors. What a question failed at is remembered: it
        fails at once when it is asked again.
        """
        title = title or ("This file" if of is None else of.title)
        question = WorkerTask(
            task=_name(task),
            arguments=arguments,
            make="" if of is None else _name(of.make),
            made_with=() if of is None else of.made_with,
            digest="" if of is None else of.digest,
            seconds=self.seconds,
        )
        data = packed(question)
        key = hashlib.sha256(data).hexdigest()
        with self._changed:
            remembered = self._remembered.get(key)
        if remembered is not None:
            raise SandboxError(*remembered)
        is_its_own = True
        try:
            answer = self._answer(question, data, of)
            if answer.error is None:
                return unpacked(answer.value, get_type_hints(task)["return"])
            if answer.error:
                raise _class_of(answer.error)(answer.sentence)
            log.warning("A stranger's file failed in the sandbox: %s", answer.sentence)
            why: Why = "failure"
        except _StoppedError as stopped:
            why, is_its_own = stopped.why, stopped.is_its_own
        except msgspec.MsgspecError as error:
            log.warning("The sandbox gave what it was not asked for: %s", error)
            why = "failure"
        sentence = f"{title} {_SAID[why].format(seconds=self.seconds, advice=advice)}"
        if is_its_own:
            with self._changed:
                self._remembered[key] = (sentence, why)
                while len(self._remembered) > _MOST_REMEMBERED:
                    self._remembered.popitem(last=False)
        raise SandboxError(sentence, why)

    def _answer(self, question: WorkerTask, data: bytes, of: SandboxedFiles | None) -> Answer:
        while True:
            worker = self._take(question.digest)
            is_well = False
            try:
                answer = worker.ask(data, of, question)
                is_well = not answer.is_full
            except TimeoutError:
                raise _StoppedError("time", is_its_own=False) from None
            except TooLargeError:
                raise _StoppedError("size") from None
            except (EOFError, OSError):
                raise _StoppedError(worker.why_it_ended()) from None
            finally:
                self._give_back(worker, is_well=is_well)
            # One that is new is not full.
            if is_well:
                return answer

    def _take(self, digest: str) -> "_Worker":
        """A worker for this one thread, the one that has this digest if it is free. Raises _StoppedError."""
        until = time.monotonic() + _WAIT_SECONDS
        with self._changed:
            while True:
                for each in [each for each in self._idle if not each.is_alive()]:
                    self._idle.remove(each)
                    each.end()
                if self._idle:
                    worker = next((each for each in self._idle if digest in each.has), self._idle[-1])
                    self._idle.remove(worker)
                    self._working.add(worker)
                    return worker
                if len(self._working) + self._starting < self.most:
                    self._starting += 1
                    break
                if not self._changed.wait(until - time.monotonic()):
                    raise _StoppedError("busy", is_its_own=False)
        worker = None
        try:
            worker = _Worker(self._modules)
        finally:
            with self._changed:
                self._starting -= 1
                if worker is not None:
                    self._working.add(worker)
                self._changed.notify()
        return worker

    def _give_back(self, worker: "_Worker", *, is_well: bool) -> None:
        if not is_well:
            worker.end()
        with self._changed:
            self._working.discard(worker)
            if is_well:
                self._idle.append(worker)
            self._changed.notify()

    def close(self) -> None:
        """End all workers; further questions start new ones."""
        with self._changed:
            workers = [*self._idle, *self._working]
            self._idle.clear()
        for each in workers:
            each.end()


class _StoppedError(Exception):
    """is_its_own: whether it was the question, and not others at the same time, so that it would be so again."""

    def __init__(self, why: Why, *, is_its_own: bool = True) -> None:
        super().__init__(why)
        self.why: Why = why
        self.is_its_own = is_its_own


class _Worker:
    """One process, used by one thread at a time. has: digests of what it was given last, and may still have."""

    def __init__(self, modules: tuple[str, ...]) -> None:
        self.has: deque[str] = deque(maxlen=_MOST_REMEMBERED)
        self._connection, theirs = socket.socketpair()
        try:
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-m", "models.sandbox.worker", *modules],
                stdin=theirs.fileno(),
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                env=environment(),
                cwd="/",
                # What is typed at the terminal is for the server.
                start_new_session=True,
            )
        finally:
            theirs.close()
        try:
            received_message(self._connection, patience=Patience(_START_SECONDS))
        except BaseException as error:
            self.end()
            if not isinstance(error, EOFError | OSError):
                raise
            log.exception("The sandbox did not start; its process ended with %s", self._process.returncode)
            raise _StoppedError("busy", is_its_own=False) from error

    def ask(self, data: bytes, of: SandboxedFiles | None, question: WorkerTask) -> Answer:
        """The answer to a question, which is `data` when packed; with the files where they are wanted."""
        patience = Patience(_LONGEST_SECONDS)
        answer = self._asked(data, patience)
        if answer.is_unknown and of is not None:
            answer = self._asked(packed(msgspec.structs.replace(question, files=dict(of.files))), patience)
        if of is not None and answer.error is None and of.digest not in self.has:
            self.has.append(of.digest)
        return answer

    def _asked(self, data: bytes, patience: Patience) -> Answer:
        send(self._connection, data, patience)
        return unpacked(received_message(self._connection, LARGEST_ANSWER, patience), Answer)

    def is_alive(self) -> bool:
        return self._process.poll() is None

    def why_it_ended(self) -> Why:
        """To be asked once it hung up."""
        try:
            code = self._process.wait(1)
        except subprocess.TimeoutExpired:
            return "failure"
        if code == -signal.SIGXCPU:
            return "time"
        # Rust ends a process that it has no memory for.
        return "memory" if code in (NO_MEMORY, -signal.SIGABRT, -signal.SIGKILL) else "failure"

    def end(self) -> None:
        self._process.kill()
        self._process.wait()
        self._connection.close()


def environment() -> dict[str, str]:
    """What a process that computes on strangers' files knows of the server's environment: nothing that is secret."""
    kept = {name: os.environ[name] for name in ("PATH", "TMPDIR") if name in os.environ}
    nowhere = str(Path(tempfile.gettempdir()) / "headlight-sandbox")
    return kept | {
        # Where the server finds its libraries, however they were installed.
        "PYTHONPATH": os.pathsep.join([str(_ROOT), *(each for each in sys.path if Path(each).is_absolute())]),
        "PYTHONUTF8": "1",
        "TOKENIZERS_PARALLELISM": "false",
        # Threads that wait are addresses that count.
        "OPENBLAS_NUM_THREADS": "1",
        "OMP_NUM_THREADS": "1",
        "MALLOC_ARENA_MAX": "2",
        "HF_HUB_OFFLINE": "1",
        "HF_HOME": nowhere,
        "HOME": nowhere,
    }


def _name(function: Any) -> str:
    return f"{function.__module__}:{function.__qualname__}"


def _class_of(name: str) -> type[HeadlightError]:
    """The class of HeadlightErrors of this name; HeadlightError itself where it is none that is known."""
    classes: list[type[HeadlightError]] = [HeadlightError]
    for each in classes:
        if f"{each.__module__}:{each.__qualname__}" == name:
            return each
        classes += each.__subclasses__()
    return HeadlightError
