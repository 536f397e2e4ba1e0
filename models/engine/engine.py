"""The engine: takes requests, keeps answers, lets one forward at a time onto a device."""

import atexit
import logging
import os
import threading
import time
import traceback
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar, runtime_checkable

from models.engine.allowance import VARIABLE as ANSWER_VARIABLE
from models.engine.allowance import allowed, check_allowance
from models.engine.cache import ByteCache
from models.engine.cancellation import Wanted, as_long_as, go_on_if_wanted, wanted_now
from models.engine.figures import EngineFigures, Figures
from models.engine.gate import Gate, OnWait, listening
from models.engine.jobs import Jobs, Progress
from models.engine.memory import collect_all, full, hide_from_collector, return_now, return_when_idle, share_heaps
from models.engine.model_pool import ModelPool
from models.engine.provider import Device, elsewhere, provided
from models.engine.request_size import MOST_CHARACTERS_ALONE, check_size
from models.engine.threads import wait_asleep
from models.errors import HeadlightError
from models.rust_panics import panics_as_failures
from models.settings import count_of, parsed_size

log = logging.getLogger(__name__)

VARIABLE = "HEADLIGHT_CACHE_BYTES"
MODELS_VARIABLE = "HEADLIGHT_MOST_MODELS"
_DEFAULT_BYTES = 2 * 1024**3
# An answer is asked for again as long as somebody looks at the page. Of what is older the small ones stay.
_IDLE_SECONDS, _IDLE_BYTES = 90.0, 64 * 1024**2
# What torch's allocator calls itself in its errors, of the machine's memory.
_CPU_ALLOCATOR = "CPUAllocator"
_TOO_LARGE = "This needs more memory than the computer has; ask for less, for instance with a shorter text."
_OWN_TOKENIZERS_BYTES = 512 * 1024**2
_OWN_PICTURES_BYTES = 256 * 1024**2
# Forwards that may have begun on the CPU: a long one lets others in between its layers, and holds what it has computed
# meanwhile, up to 2 GB for 8,000 tokens. A GPU has no such room, and computes a long one in a second or two.
_MOST_BEGUN = 3

Answer_co = TypeVar("Answer_co", covariant=True)


@runtime_checkable
class Request(Protocol[Answer_co]):
    """A frozen, hashable question; it is its own key in the cache."""

    def answer(self, engine: "Engine") -> Answer_co:
        """Compute the answer, asking `engine` for models, for other requests, and for the lock of a device."""
        ...

    def __hash__(self) -> int: ...


@runtime_checkable
class StepsRequest(Protocol):
    """A frozen, hashable question whose answer comes step by step; equal ones under way are computed once."""

    def steps(self, engine: "Engine") -> Iterator[Any]:
        """Compute the steps one by one, taking the lock for each forward and holding nothing between two."""
        ...

    def __hash__(self) -> int: ...


class DeviceFailureError(HeadlightError):
    """A device that has too little memory for what was asked of it, or failed."""


class ComputerFullError(HeadlightError):
    """What was asked for needs more memory than this computer has, whichever device computes."""


@dataclass(frozen=True)
class MemoryUse:
    """Bytes on the device that computes.

    models: of the models that are loaded. most: how many those may take. has: what the device has.
    """

    models: int
    most: int
    has: int


class Engine:
    """One per process. Models are loaded once and shared; answers are kept up to `max_bytes`.

    At most `most_models` models stay, and as many bytes of them as their devices have room for: the least recently used
    is released when another is asked for, and the answers that hold on to it with it. What a request or a job has
    asked for stays until it ends.

    most_characters: how much text a request may hold. A server that strangers share sets its own.
    """

    def __init__(self, max_bytes: int | None = None, most_models: int | None = None) -> None:
        given = max_bytes if max_bytes is not None else parsed_size(os.environ.get(VARIABLE, ""))
        self.answers = ByteCache(_DEFAULT_BYTES if given is None else given)
        self._models = ModelPool(
            most_models=most_models if most_models is not None else count_of(os.environ.get(MODELS_VARIABLE, "")),
            most_bytes=lambda device: provided().most_bytes(device),
            measure=lambda loaded: provided().bytes_by_device(loaded),
            is_full=_is_full,
            forget=self.answers.forget,
            free=_free,
        )
        self._tokenizers = ByteCache(None)
        self._own_tokenizers = ByteCache(_OWN_TOKENIZERS_BYTES)
        self._own_pictures = ByteCache(_OWN_PICTURES_BYTES)
        self._jobs = Jobs(around=self._computing_job)
        self.figures = Figures()
        self._answer_seconds: float | None = count_of(os.environ.get(ANSWER_VARIABLE, ""))
        self._gates: dict[str, Gate] = {}
        # What the files of each model were like when it was loaded.
        self._stamps: dict[str, str] = {}
        self._lock = threading.Lock()
        self.most_characters: Callable[[], int] = lambda: MOST_CHARACTERS_ALONE

    def run(
        self, request: Request[Answer_co], on_wait: OnWait | None = None, wanted: Wanted | None = None
    ) -> Answer_co:
        """The answer to a request, from the cache if it was asked before.

        on_wait: called in this thread with the place in the queue (1 is the next) as long as it waits; it may raise
            to leave the queue.
        wanted: whether the answer is still waited for, asked often. Once it is not, and nobody else waits for the same,
            what is computed stops between two layers.

        Raises what the request's computation raises (see its class), HeadlightError for what a person can mend,
        RequestTooLargeError, AnswerTooLongError, and NobodyWaits (`models.engine.cancellation`).
        """
        with self.figures.asked(request):
            check_size(request, self.most_characters())
            with listening(on_wait), as_long_as(wanted or wanted_now()), self._using():
                # Before the cache is asked: an answer that holds on to a model is kept as long as that.
                name = getattr(request, "model", None)
                if isinstance(name, str):
                    self._models.hold(name)
                with self._surviving(with_model=name is not None):
                    return self.answers.get(request, lambda: self._compute(request))

    def _compute(self, request: Request[Answer_co]) -> Answer_co:
        self.figures.computes()
        there = elsewhere(request)
        with allowed(self._answer_seconds):
            return request.answer(self) if there is None else there.answer(request)

    def start(self, request: StepsRequest, person: Hashable = None) -> str:
        """Begin a job in a thread of its own; it ends by itself, by `cancel`, or when nobody polls for a minute, or for
        the request's own `patience` in seconds.

        person: who asks, for whom a few run at once at most; None: without such a bound.

        Raises JobError where too many run, and RequestTooLargeError.
        """
        check_size(request, self.most_characters())
        return self._jobs.start(request, lambda: self._steps(request), person)

    def each_step(
        self, steps: Callable[[], Iterator[Any]], take: Callable[[Any], None], on_wait: OnWait, wanted: Wanted
    ) -> None:
        """Have `take` called with each step, in this thread, as a job's would be; it ends as `run` does.

        Raises what the steps raise, and NobodyWaits.
        """
        with listening(on_wait), as_long_as(wanted), allowed(self._answer_seconds), self._using(is_long=True):
            for step in steps():
                take(step)
                go_on_if_wanted()

    def poll(self, job: str, since: int = 0, wait: float | int = 0) -> Progress:
        """Every step of the job from index `since` on: none is ever left out, however seldom it is asked.

        wait: seconds to wait for something new. Raises JobError for a job that is not known (any more).
        """
        return self._jobs.poll(job, since, wait)

    def cancel(self, job: str) -> None:
        """Leave the job; what it computes stops within one step, unless others want it too. Raises JobError."""
        self._jobs.cancel(job)

    def forget_idle(self) -> bool:
        """Let go of answers that nobody has asked for in a while, but for a little; whether there were any.

        Called now and then: what a flood has left in memory would stay there until the next one.
        """
        return self.answers.forget_idle(_IDLE_SECONDS, _IDLE_BYTES) > 0

    def close(self) -> None:
        """End all jobs; called when the process ends, since a thread that computes then takes the process down."""
        self._jobs.close()

    @property
    def jobs_running(self) -> int:
        """How many jobs compute or wait for a device."""
        return self._jobs.running()

    def model(self, name: str) -> Any:
        """The `LoadedModel` of this name, loaded once; it stays until the request or job that asks has ended.

        Raises ModelPoolFullError, NoMemoryError, and what `models.loading.load_model` raises.
        """
        return self._models.get(name, lambda: self._load(name))

    def tokenizer(self, name: str) -> Any:
        """The `LoadedTokenizer` of this name, loaded once; the `UserTokenizer` of somebody's own, which must have been
        given with `own_tokenizer`.

        Raises what `models.tokenization.load_tokenizer` raises.
        """
        kept = self._own_tokenizers if name in self._own_tokenizers else self._tokenizers
        return kept.get(name, lambda: _load_tokenizer(name))

    def own_tokenizer(self, name: str, load: Callable[[], Any]) -> Any:
        """Somebody's own tokenizer, loaded the first time and kept as long as there is room for it."""
        return self._own_tokenizers.get(name, load)

    def own_picture(self, name: str, load: Callable[[], Any]) -> Any:
        """Somebody's own picture, likewise."""
        return self._own_pictures.get(name, load)

    def forget_model(self, name: str) -> None:
        """Let go of a model and of all that is known about it: its files have changed."""
        self._models.forget(name)
        self.answers.forget_model(name)
        self._jobs.forget_model(name, with_running=True)

    def has_model(self, name: str) -> bool:
        """Whether the model of this name is loaded already."""
        return name in self._models

    def _steps(self, request: Any) -> Iterator[Any]:
        there = elsewhere(request)
        if there is None or request in self.answers:
            yield from request.steps(self)
            return
        for answer in (yield from there.steps(request)):
            self.answers.get(request, lambda answer=answer: answer)

    def _load(self, name: str) -> Any:
        loaded = _load(name)
        stamp = getattr(getattr(loaded, "card", None), "stamp", "")
        if self._stamps.setdefault(name, stamp) != stamp:
            # It was released, and its files were saved again before somebody asked for it: the answers are older.
            self.answers.forget_model(name)
            self._jobs.forget_model(name, with_running=False)
        self._stamps[name] = stamp
        return loaded

    @contextmanager
    def forward(self, loaded: Any) -> Iterator[None]:
        """The lock of this model's device, held for one forward, so that a long text blocks nobody for long."""
        go_on_if_wanted()
        check_allowance()
        with self._using():
            self._models.use(loaded)
            came = time.monotonic()
            with self.gate(str(loaded.device)).lock(), self._surviving(with_model=True):
                self.figures.begins(time.monotonic() - came)
                yield
        return_when_idle()

    @contextmanager
    def _computing_job(self, request: Hashable) -> Iterator[None]:
        """Round all that a job computes, in its thread."""
        with self.figures.asked(request, is_job=True), allowed(self._answer_seconds), self._using(is_long=True):
            yield

    def counted(self) -> EngineFigures:
        """What it has done, and holds now."""
        with self._lock:
            gates = dict(self._gates)
        waits = self.figures.waits()
        return EngineFigures(
            forwards=waits.count,
            waits=waits,
            queue={device: len(gate) for device, gate in gates.items()},
            busy={device: gate.seconds for device, gate in gates.items()},
            questions=self.figures.questions(),
            refused=self.figures.refused(),
            cache_bytes=self.answers.nbytes,
            cache_answers=len(self.answers),
            cache_most=self.answers.max_bytes,
            models=len(self._models),
            model_bytes=self._models.used(),
            jobs=self._jobs.running(),
        )

    @contextmanager
    def _using(self, *, is_long: bool = False) -> Iterator[None]:
        """What is asked for inside stays in memory until the outermost of these blocks ends."""
        with self._models.leasing(is_long=is_long), self._surviving():
            yield

    @contextmanager
    def _surviving(self, *, with_model: bool = False) -> Iterator[None]:
        """Turn a failure for want of memory, or a device's, into a sentence, and leave the device usable, or take it
        out of use.
        """
        kind: type[HeadlightError] = DeviceFailureError
        try:
            with panics_as_failures():
                yield
        except HeadlightError:
            raise
        except MemoryError as error:
            # A text that grew says nothing of the device, and the models of others stay where they are.
            # What it says and not itself: who keeps what is logged would keep its frames, and with them the request.
            log.warning("Not enough memory: %s", str(error))
            traceback.clear_frames(error.__traceback__)
            sentence = full("the device that computes") if with_model else _TOO_LARGE
            kind = kind if with_model else ComputerFullError
        except Exception as error:
            if not (sentence := self._after(error)):
                raise
        else:
            return
        # Here and not where it was caught: that would keep the failed functions, and what they hold, as the cause. Nor
        # has it a name here: its trace holds this frame, and the collector looks at no circle that memory was freed in.
        _free()
        raise kind(sentence) from None

    def _after(self, error: Exception) -> str:
        """What to say of a device's failure; "" where it is none."""
        failure = provided().failure_of(error)
        if failure is None:
            return ""
        log.warning("A device failed: %s", str(error))
        provided().let_go_of(error)
        if failure == "full":
            self._models.release()
            return full("this computer" if _CPU_ALLOCATOR in str(error) else "the device that computes")
        for each in ("cuda", "mps"):
            self._models.abandon(each)
        return "The GPU failed while it computed. Ask again: from now on models compute on the CPU."

    def device(self) -> Device:
        """The one that computes. Imports torch. Raises DeviceError."""
        return provided().device(self._models.failed)

    def memory(self) -> MemoryUse:
        """What our models take of the device that computes. Imports torch. Raises DeviceError."""
        device = self.device()
        used = sum(size for name, size in self._models.used().items() if name.partition(":")[0] == device.kind)
        return MemoryUse(models=used, most=device.most_model_bytes, has=device.memory)

    def gate(self, device: str) -> Gate:
        """The gate of this device ("cpu", "cuda:0", ...)."""
        with self._lock:
            return self._gates.setdefault(device, Gate(_MOST_BEGUN if device == "cpu" else 1))


def _load(name: str) -> Any:
    start = time.perf_counter()
    # Whoever asks for it next would begin anew, and what stops a forward would be taken for what the model cannot do.
    try:
        with as_long_as(None):
            loaded = provided().load_model(name)
    except HeadlightError as error:
        log.info("Not loaded: %s: %s", name, type(error).__name__)
        raise
    log.info("Loaded %s in %.1f s; it computes on %s", name, time.perf_counter() - start, loaded.device)
    hide_from_collector()
    return loaded


def _is_full(error: Exception) -> bool:
    if provided().failure_of(error) != "full":
        return False
    provided().let_go_of(error)
    return True


def _free() -> None:
    """Have the memory of what was let go of back, what lies in a circle included, on the device too."""
    collect_all()
    return_now()
    provided().empty_caches()


def _load_tokenizer(name: str) -> Any:
    loaded = provided().load_tokenizer(name)
    hide_from_collector()
    return loaded


share_heaps()
wait_asleep()
engine = Engine()
atexit.register(engine.close)
