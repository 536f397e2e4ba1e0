"""What a worker does at the moment."""

import os
import platform
import threading
from dataclasses import dataclass

from models.engine import Engine

# Of the thread in which a worker computes an answer.
THREAD = "headlight-question"


@dataclass(frozen=True)
class WorkerFacts:
    """process: its number on its machine. questions: how many it computes, this one not among them."""

    machine: str
    process: int
    questions: int


@dataclass(frozen=True)
class WorkerFactsRequest:
    """Of one worker, whichever is asked. moment: another answer for each."""

    moment: float | int

    def answer(self, engine: Engine) -> WorkerFacts:  # noqa: ARG002 - nothing is computed
        """Nothing is loaded for it."""
        working = sum(thread.name == THREAD for thread in threading.enumerate())
        return WorkerFacts(platform.node(), os.getpid(), working - 1)
