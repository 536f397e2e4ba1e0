"""Answers that come step by step: a thread computes, whoever asked comes back for what is new."""

import contextvars
import logging
import threading
import time
import uuid
from collections import Counter, OrderedDict
from collections.abc import Callable, Hashable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import partial
from typing import Any

from models.engine.cache import size_of
from models.engine.cancellation import NobodyWaits, as_long_as
from models.engine.gate import listening
from models.engine.request_size import models_asked
from models.errors import HeadlightError, new_fault, unforeseen

Around = Callable[[Hashable], AbstractContextManager[None]]

log = logging.getLogger(__name__)

MOST_RUNNING = 128
# Of one person: a page shows two or three at once, and those of the pages before it end within a minute.
MOST_OF_ONE = 6
MOST_STEPS = 20_000
_MOST_HANDLES = 4_096
# Steps of jobs that have ended, kept for whoever asks again: some 3 kB each where a cache is measured.
MOST_KEPT_STEPS = 50_000
MOST_KEPT_BYTES = 64 * 1024**2
_FORGOTTEN_SECONDS = 60.0
_LONGEST_STEP_SECONDS = 5.0
# A page that shows a job polls it twice a second: one that was not asked for so long belongs to a page that was left.
_LEFT_SECONDS = 5.0


class JobError(HeadlightError):
    """A job that is not known, or one too many."""


@dataclass(frozen=True)
class Progress:
    """What is new in a job.

    steps: those from the asked index on, in order. count: how many there are altogether.
    place: in the queue for the device while it waits, 1 being the next; 0 while it computes.
    is_done: no more will come. error: what ended it, in a sentence, if it did not end by itself.
    """

    steps: tuple[Any, ...]
    count: int
    place: int
    is_done: bool
    is_cancelled: bool
    error: str | None


class _Run:
    """One computation, shared by all jobs that asked for the same; it stops when the last of them has left."""

    def __init__(
        self,
        steps: Callable[[], Iterator[Any]],
        patience: float,
        around: Callable[[], AbstractContextManager[None]],
        ended: Callable[[], None],
    ) -> None:
        self.patience = patience
        self.lock = threading.Lock()
        self.changed = threading.Condition(self.lock)
        self.steps: list[Any] = []
        self.place = 0
        self.is_done = False
        self.error: str | None = None
        self.jobs: dict[str, float] = {}
        self.people: dict[str, Hashable] = {}
        self.nbytes = 0
        self.models: frozenset[str] = frozenset()
        self.seen_by_those_who_left: dict[str, int] = {}
        self._make: Callable[[], Iterator[Any]] | None = steps
        self._around: Callable[[], AbstractContextManager[None]] | None = around
        self._ended = ended
        self.thread = threading.Thread(
            target=contextvars.Context().run, args=(self._work,), name="headlight-job", daemon=True
        )

    def _work(self) -> None:
        try:
            assert self._make is not None
            assert self._around is not None
            with listening(self._on_wait), as_long_as(self._is_wanted), self._around():
                self._go_on_if_wanted()
                for step in self._make():
                    nbytes = size_of(step)
                    with self.changed:
                        self.place = 0
                        self.steps.append(step)
                        self.nbytes += nbytes
                        self.changed.notify_all()
                    self._go_on_if_wanted()
        except NobodyWaits:
            pass
        except HeadlightError as error:
            log.info("A job with %s was refused: %s", self._models_said, type(error).__name__)
            self.error = str(error)
        except BaseException:
            # A panic of a library that is written in Rust is no Exception.
            fault = new_fault()
            log.exception("A job with %s failed: fault %s", self._models_said, fault)
            self.error = unforeseen(fault)
        finally:
            # What was asked for may be megabytes of text, and a run is known long after it has ended.
            self._make = self._around = None
            with self.changed:
                self.is_done = True
                self.changed.notify_all()
            self._ended()

    @property
    def _models_said(self) -> str:
        return ", ".join(sorted(self.models)) or "no model"

    def is_of(self, person: Hashable) -> bool:
        """Whether this person waits for it."""
        with self.lock:
            return not self.is_done and any(self.people.get(job) == person for job in self.jobs)

    def leave_as(self, person: Hashable, since: float) -> None:
        """Leave the jobs of this person that were not asked for since then."""
        with self.changed:
            for job, seen in tuple(self.jobs.items()):
                if self.people.get(job) == person and seen < since:
                    del self.jobs[job]
                    self.seen_by_those_who_left[job] = len(self.steps)
            self.changed.notify_all()

    def _on_wait(self, place: int) -> None:
        self.place = place
        self._go_on_if_wanted()

    def _is_wanted(self) -> bool:
        """False when all have cancelled, or none came back in time (a closed browser)."""
        late = time.monotonic() - self.patience
        return any(seen > late for seen in tuple(self.jobs.values()))

    def _go_on_if_wanted(self) -> None:
        with self.lock:
            if not self._is_wanted():
                raise NobodyWaits
            if len(self.steps) >= MOST_STEPS:
                raise JobError(f"It was stopped after {MOST_STEPS:,} steps.")


class Jobs:
    """All jobs of a process. Requests that are equal and run at the same time share one computation."""

    def __init__(self, around: Around = lambda _: nullcontext()) -> None:
        """around: entered in each job's thread, with what was asked for, for as long as it computes."""
        self._around = around
        self._lock = threading.Lock()
        self._runs: dict[Hashable, _Run] = {}
        self._of_job: OrderedDict[str, _Run] = OrderedDict()

    def start(self, request: Hashable, steps: Callable[[], Iterator[Any]], person: Hashable = None) -> str:
        """Begin, or join who began with the same request.

        person: who asks; None: nobody in particular, without a bound of its own. Raises JobError where too many run
        already, of this person or of all.
        """
        job = uuid.uuid4().hex
        with self._lock:
            self._let_go_of_ended()
            if person is not None:
                self._make_room_for(person)
            run = self._runs.get(request)
            if run is not None:
                with run.lock:
                    # A run that everybody has left is about to stop: it cannot be joined any more.
                    run = run if run.jobs and not run.is_done else None
                    if run is not None:
                        run.jobs[job] = time.monotonic()
                        run.people[job] = person
            if run is None:
                if len(self._runs) >= MOST_RUNNING:
                    raise JobError("Too many are writing at the moment; try again in a while.")
                patience = getattr(request, "patience", _FORGOTTEN_SECONDS)
                run = _Run(steps, patience, partial(self._around, request), self._ended)
                run.models = models_asked(request)
                run.jobs[job] = time.monotonic()
                run.people[job] = person
                self._runs[request] = run
                run.thread.start()
            self._of_job[job] = run
            while len(self._of_job) > _MOST_HANDLES:
                self._of_job.popitem(last=False)
            self._forget_the_oldest()
        return job

    def _make_room_for(self, person: Hashable) -> None:
        """Leave what this person has turned away from. Raises JobError where too many are left."""
        if sum(run.is_of(person) for run in self._runs.values()) < MOST_OF_ONE:
            return
        for run in self._runs.values():
            run.leave_as(person, since=time.monotonic() - _LEFT_SECONDS)
        if sum(run.is_of(person) for run in self._runs.values()) >= MOST_OF_ONE:
            raise JobError(
                f"You have {MOST_OF_ONE} things under way already, and no more are begun for one person; stop one of "
                "them, or wait until it is done."
            )

    def _ended(self) -> None:
        """Called by a run that ends, in its own thread."""
        with self._lock:
            self._let_go_of_ended()

    def _let_go_of_ended(self) -> None:
        # The requests are the keys.
        self._runs = {key: run for key, run in self._runs.items() if not run.is_done}

    def _forget_the_oldest(self) -> None:
        """Let go of jobs that have ended, the oldest first, while their steps are more, or larger, than are kept."""
        ended = [(job, run) for job, run in self._of_job.items() if run.is_done]
        handles = Counter(id(run) for _, run in ended)
        count = sum(len(run.steps) / handles[id(run)] for _, run in ended)
        nbytes = sum(run.nbytes / handles[id(run)] for _, run in ended)
        for job, run in ended:
            if count <= MOST_KEPT_STEPS and nbytes <= MOST_KEPT_BYTES:
                return
            del self._of_job[job]
            count -= len(run.steps) / handles[id(run)]
            nbytes -= run.nbytes / handles[id(run)]

    def poll(self, job: str, since: int = 0, wait: float | int = 0) -> Progress:
        """Everything from index `since` on; waits up to `wait` seconds for something new. Raises JobError."""
        run = self._run_of(job)
        with run.changed:
            if job in run.jobs:
                run.jobs[job] = time.monotonic()
            if wait and len(run.steps) <= since and not run.is_done and job in run.jobs:
                run.changed.wait(wait)
            is_cancelled = job not in run.jobs
            count = run.seen_by_those_who_left.get(job, len(run.steps))
            return Progress(
                steps=tuple(run.steps[since:count]),
                count=count,
                place=run.place,
                is_done=run.is_done or is_cancelled,
                is_cancelled=is_cancelled,
                error=run.error,
            )

    def cancel(self, job: str) -> None:
        """Leave; the computation stops after its current step once everybody has left. Raises JobError."""
        run = self._run_of(job)
        with run.changed:
            if run.jobs.pop(job, None) is not None:
                run.seen_by_those_who_left[job] = len(run.steps)
            run.changed.notify_all()

    def forget_model(self, name: str, *, with_running: bool) -> None:
        """Forget what was computed with the model of this name; with_running: stop what still is."""
        with self._lock:
            gone = [
                (job, run) for job, run in self._of_job.items() if name in run.models and (with_running or run.is_done)
            ]
            for job, run in gone:
                del self._of_job[job]
                with run.changed:
                    run.jobs.pop(job, None)
                    run.changed.notify_all()

    def close(self) -> None:
        """Cancel everything and wait for the steps that are under way."""
        with self._lock:
            runs = list(self._runs.values())
        for run in runs:
            with run.lock:
                run.jobs.clear()
        for run in runs:
            run.thread.join(_LONGEST_STEP_SECONDS)

    def running(self) -> int:
        """How many computations are under way."""
        with self._lock:
            return sum(run.thread.is_alive() for run in self._runs.values())

    def _run_of(self, job: str) -> _Run:
        with self._lock:
            run = self._of_job.get(job)
        if run is None:
            raise JobError("This job is not known any more; start it again.")
        return run
