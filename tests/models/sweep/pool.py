"""Child processes that look at one class after the other, so that a hang or an abort of one does not end the sweep."""

import multiprocessing
import os
import warnings
from collections.abc import Callable, Iterator, Sequence
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from time import monotonic

from tests.models.sweep.classes import Swept
from tests.models.sweep.outcome import Outcome, Part

Look = Callable[[Swept], Outcome]
PROCESSES = 2
# The longest class takes four; what more is for is a machine that is busy.
SECONDS = 60.0
# The first class of a process waits for torch and transformers as well.
SECONDS_TO_START = 120.0


def look_at(swept: Swept) -> Outcome:
    """Everything; imported in the child alone."""
    from tests.models.sweep.comparisons import outcome_of

    return outcome_of(swept)


def outcomes(
    classes: Sequence[Swept],
    look: Look = look_at,
    *,
    processes: int = PROCESSES,
    seconds: float = SECONDS,
    to_start: float = SECONDS_TO_START,
) -> Iterator[Outcome]:
    """The outcome of each class, in the order in which they are ready.

    look: what is done with each, in a child. A class that takes longer than `seconds`, or ends its process, is a crash.
    """
    left = list(reversed(classes))
    busy: dict[Connection, tuple[BaseProcess, str, float]] = {}

    def give(ours: Connection, process: BaseProcess, limit: float) -> None:
        if left:
            each = left.pop()
            ours.send(each)
            busy[ours] = process, each.name, monotonic() + limit
        else:
            _stop(ours, process)

    try:
        for _ in range(min(processes, len(classes))):
            give(*_started(look), seconds + to_start)
        while busy:
            soonest = min(end for _, _, end in busy.values())
            ready = wait(list(busy), timeout=max(0.0, soonest - monotonic()))
            late = [ours for ours, (_, _, end) in busy.items() if end <= monotonic() and ours not in ready]
            for ours in ready + late:
                process, name, _ = busy.pop(ours)
                found = _answer(ours, process) if ours in ready else f"not ready after {seconds:.0f} seconds"
                if isinstance(found, Outcome):
                    give(ours, process, seconds)
                else:
                    _stop(ours, process)
                    found = Outcome(name, parts=(Part("load", "crash", found),))
                    if left:
                        give(*_started(look), seconds + to_start)
                yield found
    finally:
        for ours, (process, _, _) in busy.items():
            _stop(ours, process)


def _started(look: Look) -> tuple[Connection, BaseProcess]:
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_work, args=(theirs, look), daemon=True)
    process.start()
    theirs.close()
    return ours, process


def _answer(ours: Connection, process: BaseProcess) -> Outcome | str:
    """What the child says, or how it ended."""
    try:
        return ours.recv()
    except (EOFError, ConnectionResetError):
        process.join()
        return f"the process ended with {process.exitcode}"


def _stop(ours: Connection, process: BaseProcess) -> None:
    ours.close()
    process.kill()
    process.join()


def _work(theirs: Connection, look: Look) -> None:
    os.environ["OMP_NUM_THREADS"] = "1"
    warnings.simplefilter("ignore")
    import torch
    import transformers

    torch.set_num_threads(1)
    transformers.logging.set_verbosity_error()
    while True:
        try:
            each = theirs.recv()
        except EOFError:
            return
        theirs.send(look(each))
