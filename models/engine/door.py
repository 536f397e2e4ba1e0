"""The engine: takes requests, keeps answers, lets one forward at a time onto a device."""

import atexit
import gc
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Protocol, TypeVar, runtime_checkable

from models.engine.cache import ByteCache
from models.engine.gate import Gate, OnWait, listening
from models.engine.jobs import Jobs, Progress
from models.engine.memory import give_memory_back

if TYPE_CHECKING:
    from models.loading import LoadedModel
    from models.tokenization import LoadedTokenizer

VARIABLE = "HEADLIGHT_CACHE_BYTES"
_DEFAULT_BYTES = 2 * 1024**3
_OWN_TOKENIZERS_BYTES = 512 * 1024**2

Answer_co = TypeVar("Answer_co", covariant=True)


@runtime_checkable
class Request(Protocol[Answer_co]):
    """A frozen, hashable question; it is its own key in the cache."""

    def answer(self, engine: "Engine") -> Answer_co:
        """Compute the answer, asking `engine` for models, for other requests, and for the turn to run a forward."""
        ...

    def __hash__(self) -> int: ...


@runtime_checkable
class StepsRequest(Protocol):
    """A frozen, hashable question whose answer comes step by step; equal ones under way are computed once."""

    def steps(self, engine: "Engine") -> Iterator[Any]:
        """Compute the steps one by one, taking the turn for each forward and holding nothing between two."""
        ...

    def __hash__(self) -> int: ...


class Engine:
    """One per process. Models are loaded once and shared; answers are kept up to `max_bytes`."""

    def __init__(self, max_bytes: int | None = None) -> None:
        self.answers = ByteCache(max_bytes if max_bytes is not None else _bytes_from_environment())
        self._models = ByteCache(None)
        self._tokenizers = ByteCache(None)
        self._own_tokenizers = ByteCache(_OWN_TOKENIZERS_BYTES)
        self._jobs = Jobs()
        self._gates: dict[str, Gate] = {}
        self._lock = threading.Lock()

    def run(self, request: Request[Answer_co], on_wait: OnWait | None = None) -> Answer_co:
        """The answer to a request, from the cache if it was asked before.

        on_wait: called in this thread with the place in the queue (1 is the next) as long as it waits; it may raise
            to leave the queue.

        Raises what the request's computation raises (see its class), HeadlightError for what a person can mend.
        """
        with listening(on_wait):
            return self.answers.get(request, lambda: request.answer(self))

    def start(self, request: StepsRequest) -> str:
        """Begin a job in a thread of its own; it ends by itself, by `cancel`, or when nobody polls for a minute, or for
        the request's own `patience` in seconds.

        Raises JobError where too many run.
        """
        return self._jobs.start(request, lambda: request.steps(self))

    def poll(self, job: str, since: int = 0, wait: float | int = 0) -> Progress:
        """Every step of the job from index `since` on: none is ever left out, however seldom it is asked.

        wait: seconds to wait for something new. Raises JobError for a job that is not known (any more).
        """
        return self._jobs.poll(job, since, wait)

    def cancel(self, job: str) -> None:
        """Leave the job; what it computes stops within one step, unless others want it too. Raises JobError."""
        self._jobs.cancel(job)

    def close(self) -> None:
        """End all jobs; called when the process ends, since a thread that computes then takes the process down."""
        self._jobs.close()

    @property
    def jobs_running(self) -> int:
        """How many jobs compute or wait for their turn."""
        return self._jobs.running()

    def model(self, name: str) -> "LoadedModel":
        """The model of this name, loaded once. Raises what `models.loading.load_model` raises."""
        return self._models.get(name, lambda: _load(name))

    def tokenizer(self, name: str) -> "LoadedTokenizer":
        """The tokenizer of this name, loaded once; one of somebody's own must have been given with `own_tokenizer`.

        Raises what `models.tokenization.load_tokenizer` raises.
        """
        if name in self._own_tokenizers:
            return self._own_tokenizers.get(name, lambda: _load_tokenizer(name))
        return self._tokenizers.get(name, lambda: _load_tokenizer(name))

    def own_tokenizer(self, name: str, load: "Callable[[], LoadedTokenizer]") -> "LoadedTokenizer":
        """Somebody's own tokenizer, loaded the first time and kept as long as there is room for it."""
        return self._own_tokenizers.get(name, load)

    def has_model(self, name: str) -> bool:
        """Whether the model of this name is loaded already."""
        return name in self._models

    @contextmanager
    def forward(self, loaded: "LoadedModel") -> Iterator[None]:
        """The turn to compute on this model's device: one forward each, so that a long text blocks nobody for long."""
        with self.gate(str(loaded.device)).turn():
            yield

    def gate(self, device: str) -> Gate:
        """The gate of this device ("cpu", "cuda:0", ...)."""
        with self._lock:
            return self._gates.setdefault(device, Gate())


def _load(name: str) -> "LoadedModel":
    # torch is imported with the first model, so that the first paint need not wait for it.
    from models.loading import load_model

    loaded = load_model(name)
    _hide_from_collector()
    return loaded


def _load_tokenizer(name: str) -> "LoadedTokenizer":
    from models.tokenization import load_tokenizer

    loaded = load_tokenizer(name)
    _hide_from_collector()
    return loaded


def _hide_from_collector() -> None:
    """Take what was imported and loaded, which stays as long as the process, out of the garbage collector's sight.

    Looking through what the libraries hold takes longer than a rerun, and nobody else computes meanwhile.
    """
    gc.collect()
    gc.freeze()


def device_name() -> str:
    """The device that computes, as the sidebar shows it. Imports torch. Raises DeviceError."""
    import torch

    from models.loading import choose_device

    device = choose_device()
    if device.type == "cuda":
        return f"{torch.cuda.get_device_name(device)} ({device})"
    return {"cpu": f"CPU, {torch.get_num_threads()} threads", "mps": "Apple GPU (mps)"}[device.type]


def _bytes_from_environment() -> int:
    given = os.environ.get(VARIABLE, "")
    return int(given) if given.isdecimal() else _DEFAULT_BYTES


give_memory_back()
engine = Engine()
atexit.register(engine.close)
