"""The worker is asked for one file after the other; what it did wrong is told."""

import json
import os
import select
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

# Of computing; whoever waits for nothing at all is left after the longer time.
SECONDS, _SILENT_SECONDS = 10.0, 60.0
_START_SECONDS = 240.0
GROWTH = 500 * 2**20


@dataclass(frozen=True)
class Outcome:
    """What became of one file. fault: what was wrong with that, "" where it works or is one sentence."""

    kind: str
    said: str
    fault: str


def outcomes(seed: int, count: int, only: str = "") -> Iterator[Outcome]:
    """Bring so many changed files, of the kinds that `only` is a part of."""
    with tempfile.TemporaryDirectory() as home:
        worker: _Worker | None = None
        for number in range(count):
            worker = worker or _Worker(seed, only, home)
            said = worker.ask(number)
            fault = _fault(said, worker)
            yield Outcome(
                said["kind"] if said else "", said["said"] if said else "", fault and f"{seed} {number}: {fault}"
            )
            if said is None or said["resident"] > worker.resident + GROWTH:
                worker.end()
                worker = None
        if worker is not None:
            worker.close()


def faults(seed: int, count: int) -> list[str]:
    """What went otherwise than that it works or is one sentence, a line each."""
    return [each.fault for each in outcomes(seed, count) if each.fault]


def _fault(said: dict[str, Any] | None, worker: "_Worker") -> str:
    if said is None:
        return worker.end()
    if said["said"] not in {"works", "sentence"} or said["seconds"] > SECONDS:
        return str(said)
    grown = said["resident"] - worker.resident
    return f"grew by {grown / 2**20:.0f} MB: {said}" if grown > GROWTH else ""


class _Worker:
    """One process; `resident`: its bytes of memory once it has brought each valid file."""

    def __init__(self, seed: int, only: str, home: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.hostile.fuzz.worker", str(seed), only],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            # What is kept of earlier files stays out of the person's own store.
            env=os.environ | {"HEADLIGHT_HOME": home, "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"},
        )
        self._kind = ""
        ready = self._line(_START_SECONDS)
        if ready is None:
            raise RuntimeError(f"The valid files do not open: {self.end()}")
        self.resident = int(ready["resident"])

    def ask(self, number: int) -> dict[str, Any] | None:
        """What became of a file; None where the process ended or did not answer in time."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{number}\n")
        self._process.stdin.flush()
        return self._line(_SILENT_SECONDS)

    def _line(self, seconds: float) -> dict[str, Any] | None:
        assert self._process.stdout is not None
        ready, _, _ = select.select([self._process.stdout], [], [], seconds)
        line = self._process.stdout.readline() if ready else ""
        return json.loads(line) if line else None

    def close(self) -> None:
        """Let the process go: no more files come."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self.end()

    def end(self) -> str:
        """End the process; how it had ended, or that it did not answer."""
        code = None
        with suppress(subprocess.TimeoutExpired):
            # One that is ending closes its pipes first.
            code = self._process.wait(timeout=1)
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()
        return "no answer in time" if code is None else f"the process ended with {code}"
