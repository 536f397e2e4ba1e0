"""Child processes that look at one class after the other, so that a hang or an abort of one does not end the sweep."""

import multiprocessing
import os
import warnings
from collections.abc import Iterator, Sequence
from multiprocessing.connection import Connection, wait
from time import monotonic

from tests.models.sweep.classes import Swept
from tests.models.sweep.outcome import Outcome, Part

PROCESSES = 2
SECONDS = 60
# The first class of a process waits for torch and transformers as well.
_SECONDS_TO_START = 120


def outcomes(classes: Sequence[Swept], processes: int = PROCESSES, seconds: float = SECONDS) -> Iterator[Outcome]:
    """The outcome of each class, in the order in which they are ready."""
    context = multiprocessing.get_context("spawn")
    left = list(reversed(classes))
    busy: dict[Connection, tuple[multiprocessing.process.BaseProcess, str, float]] = {}

    def start() -> None:
        if left:
            ours, theirs = context.Pipe()
            process = context.Process(target=_work, args=(theirs,), daemon=True)
            process.start()
            theirs.close()
            give(ours, process, seconds + _SECONDS_TO_START)

    def give(ours: Connection, process: multiprocessing.process.BaseProcess, limit: float) -> None:
        each = left.pop()
        ours.send(each)
        busy[ours] = process, each.name, monotonic() + limit

    try:
        for _ in range(min(processes, len(classes))):
            start()
        while busy:
            next_end = min(end for _, _, end in busy.values())
            ready = wait(list(busy), timeout=max(0.0, next_end - monotonic()))
            late = [each for each, (_, _, end) in busy.items() if end <= monotonic() and each not in ready]
            for ours in [*ready, *late]:
                process, name, _ = busy.pop(ours)
                try:
                    yield ours.recv() if ours in ready else _ended(name, f"not ready after {seconds:.0f} s")
                except EOFError:
                    process.join()
                    yield _ended(name, f"the process ended with {process.exitcode}")
                else:
                    if ours in ready and left:
                        give(ours, process, seconds)
                        continue
                _stop(ours, process)
                start()
    finally:
        for ours, (process, _, _) in busy.items():
            _stop(ours, process)


def _stop(ours: Connection, process: multiprocessing.process.BaseProcess) -> None:
    ours.close()
    process.kill()
    process.join()


def _ended(name: str, why: str) -> Outcome:
    return Outcome(name, parts=(Part("load", "crash", why),))


def _work(theirs: Connection) -> None:
    os.environ["OMP_NUM_THREADS"] = "1"
    warnings.simplefilter("ignore")
    import torch
    import transformers

    from tests.models.sweep.parts import outcome_of

    torch.set_num_threads(1)
    transformers.logging.set_verbosity_error()
    while True:
        try:
            each = theirs.recv()
        except EOFError:
            return
        theirs.send(outcome_of(each))
