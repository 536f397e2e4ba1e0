"""A real Headlight in a process of its own, as `make run` starts it."""

import os
import re
import socket
import subprocess
import sys
import time
import urllib.request
from contextlib import contextmanager
from pathlib import Path

from benchmarks.serving import end

ROOT = Path(__file__).resolve().parents[2]
SETTINGS = ("--server.headless=true", "--server.address=127.0.0.1", "--server.fileWatcherType=none")


class Server:
    """Its address and its log."""

    def __init__(self, port, log):
        self.address = f"http://127.0.0.1:{port}"
        self.log = log

    def wait_until_ready(self, process):
        end = time.monotonic() + 90
        while time.monotonic() < end:
            assert process.poll() is None, f"the server ended:\n{self.log.read_text()}"
            try:
                with urllib.request.urlopen(f"{self.address}/_stcore/health", timeout=5):
                    return
            except OSError:
                time.sleep(0.1)
        raise TimeoutError(f"the server does not answer:\n{self.log.read_text()}")

    def traces(self):
        """What went wrong on the server's side, as far as it was logged."""
        return re.findall(r"Traceback \(most recent call last\):.*", self.log.read_text(), re.DOTALL)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextmanager
def serving(folder, what=("streamlit", "run", "app.py")):
    """A fresh server: nobody has opened it, and no model is loaded. what: the Python module that runs it."""
    port = free_port()
    server = Server(port, folder / "server.log")
    with server.log.open("w") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", *what, *SETTINGS, f"--server.port={port}"],
            cwd=ROOT,
            # As many threads as the tests' own torch: the order of sums is the same, and files compare exactly.
            env=os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
            stdout=log,
            stderr=log,
        )
        try:
            server.wait_until_ready(process)
            yield server
        finally:
            end(process)
