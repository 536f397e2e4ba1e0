"""The worker is asked for one file after the other; what it did wrong is told."""

import json
import os
import select
import subprocess
import sys
import tempfile
from contextlib import suppress
from typing import Any

SECONDS = 10.0
_START_SECONDS = 240.0
GROWTH = 500 * 2**20


def faults(seed: int, count: int, only: str = "") -> list[str]:
    """What went otherwise than it works or is one sentence, a line each: exits, waits, growth, other exceptions."""
    found = []
    with tempfile.TemporaryDirectory() as home:
        worker: _Worker | None = None
        number = 0
        while number < count:
            worker = worker or _Worker(seed, only, home)
            said = worker.ask(number)
            if said is None or said["said"] not in {"works", "sentence"} or said["seconds"] > SECONDS:
                found.append(f"{seed} {number}: {said or worker.end()}")
            elif said["resident"] > worker.resident + GROWTH:
                found.append(f"{seed} {number}: grew by {(said['resident'] - worker.resident) / 2**20:.0f} MB: {said}")
                worker.end()
                said = None
            if said is None:
                worker = None
            number += 1
        if worker is not None:
            worker.close()
    return found


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
        return self._line(SECONDS + 5)

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
