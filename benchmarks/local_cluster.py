"""A cluster of Ray's on this machine with Headlight's workers, apart from any other; it ends with whoever made it."""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
_STARTS_SECONDS, _READY_SECONDS, _ENDS_SECONDS = 120.0, 300.0, 20.0


def free_port() -> int:
    """A port that nobody listens at."""
    with socket.create_server(("127.0.0.1", 0)) as found:
        return found.getsockname()[1]


def wait_for(is_so: Callable[[], Any], seconds: float | int) -> None:
    """Wait until it is so. Raises TimeoutError."""
    late = time.monotonic() + seconds
    while not is_so():
        if time.monotonic() > late:
            raise TimeoutError(f"it did not come within {seconds} seconds")
        time.sleep(0.1)


class LocalCluster:
    """A head, and so many workers, each of which computes on one thread."""

    def __init__(self, workers: int = 1) -> None:
        self.workers = workers
        self.port = free_port()
        self.address = f"127.0.0.1:{self.port}"
        # The names of its sockets must be short.
        self.folder = tempfile.mkdtemp(prefix="hl", dir="/tmp")
        self._heads: list[subprocess.Popen[bytes]] = []
        self.start_head()

    def __enter__(self) -> "LocalCluster":
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    def start_head(self) -> None:
        """Start it, at the same address each time."""
        where = [f"--port={self.port}", "--node-ip-address=127.0.0.1", f"--temp-dir={self.folder}"]
        bounds = [f"--num-cpus={self.workers}", "--object-store-memory=200000000", "--include-dashboard=false"]
        command = [sys.executable, "-m", "ray.scripts.scripts", "start", "--head", *where, *bounds]
        with (Path(self.folder) / "head.log").open("ab") as log:
            head = subprocess.Popen(
                [*command, "--disable-usage-stats", "--block"],
                cwd=ROOT,
                env=self.environment(),
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self._heads.append(head)
        wait_for(lambda: self._answers() or head.poll() is not None, _STARTS_SECONDS)

    def deploy(self, **settings: str) -> "LocalCluster":
        """Put the workers there, and wait for them. settings: of the operator, as HEADLIGHT_WORKERS."""
        subprocess.run(
            [sys.executable, "-m", "models.cluster"],
            cwd=ROOT,
            env=self.environment(HEADLIGHT_CLUSTER=self.address, **{"HEADLIGHT_WORKERS": str(self.workers)} | settings),
            check=True,
            timeout=_READY_SECONDS,
            stdout=subprocess.DEVNULL,
        )
        return self

    def environment(self, **more: str) -> dict[str, str]:
        """Of its processes, and of those that ask it."""
        kept = {name: value for name, value in os.environ.items() if name not in ("HEADLIGHT_CLUSTER", "RAY_ADDRESS")}
        ours = {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "RAY_USAGE_STATS_ENABLED": "0"}
        return kept | ours | more

    def processes(self, name: str = "") -> list[int]:
        """Numbers of its processes whose command line has this in it."""
        found = []
        for each in Path("/proc").glob("[0-9]*"):
            with suppress(OSError):
                command = (each / "cmdline").read_bytes().decode(errors="replace")
                is_of_it = self.folder in command or self.folder in (each / "environ").read_bytes().decode("latin-1")
                if is_of_it and re.search(name, command) and int(each.name) != os.getpid():
                    found.append(int(each.name))
        return found

    def replicas(self) -> list[int]:
        """Numbers of the processes that are workers of Headlight's."""
        return self.processes("ServeReplica")

    def end_head(self) -> None:
        """All at once, as when the machine is switched off."""
        for each in self._heads:
            _end(each)
        self._heads.clear()
        for each in self.processes():
            with suppress(OSError):
                os.kill(each, signal.SIGKILL)

    def end(self) -> None:
        """End it, and leave nothing behind."""
        self.end_head()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _answers(self) -> bool:
        with suppress(OSError):
            socket.create_connection(("127.0.0.1", self.port), 1).close()
            return True
        return False


def _end(process: subprocess.Popen[bytes]) -> None:
    with suppress(OSError):
        os.killpg(process.pid, signal.SIGKILL)
    with suppress(subprocess.TimeoutExpired):
        process.wait(_ENDS_SECONDS)
