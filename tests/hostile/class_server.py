"""A class server in a process of its own: other machines reach it, as with `make run ADDRESS=0.0.0.0`.

What it takes of its machine can be read while it runs, and what it asks of other machines is written down.
"""

import os
import platform
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from contextlib import contextmanager
from pathlib import Path

import psutil

ROOT = Path(__file__).resolve().parents[2]
# What a test's own environment says must not reach the server by chance.
_OURS = ("HEADLIGHT_", "STREAMLIT_", "HF_", "TRANSFORMERS_")
_PATIENCE = 120


class ClassServer:
    """Its addresses, its process, its log, and what it takes of the machine now."""

    def __init__(self, port, log, asked, process):
        self.port, self.log, self.asked_file, self.process = port, log, asked, process
        self._passed = 0
        self.host = f"127.0.0.1:{port}"
        self.address = f"http://{self.host}"

    @property
    def rss(self):
        """Bytes of memory, of its children too."""
        return sum(each.memory_info().rss for each in self._family())

    @property
    def computed(self):
        """Seconds of a processor that it has taken so far."""
        times = psutil.Process(self.process.pid).cpu_times()
        return times.user + times.system

    @property
    def descriptors(self):
        return psutil.Process(self.process.pid).num_fds()

    @property
    def threads(self):
        return psutil.Process(self.process.pid).num_threads()

    @property
    def children(self):
        return len(self._family()) - 1

    def _family(self):
        own = psutil.Process(self.process.pid)
        return [own, *own.children(recursive=True)]

    def said(self):
        """All of its log."""
        return self.log.read_text("utf-8", "replace")

    def pass_over_traces(self):
        """Count no more what was logged until now: others did that."""
        self._passed = self.log.stat().st_size

    def traces(self):
        """What went wrong and was logged with its trace, since those before were passed over."""
        said = self.log.read_bytes()[self._passed :].decode("utf-8", "replace")
        return re.findall(r"Traceback \(most recent call last\):(?:\n.+)*", said)

    def asked(self):
        """What it looked up or connected to that is not this machine, one line each."""
        return self.asked_file.read_text().splitlines() if self.asked_file.exists() else []

    def get(self, path="/", headers=(), method="GET", data=None, patience=30):
        """(status, headers, body) of a plain request."""
        request = urllib.request.Request(f"{self.address}{path}", headers=dict(headers), method=method, data=data)
        try:
            with urllib.request.urlopen(request, timeout=patience) as answer:
                return answer.status, answer.headers, answer.read()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.headers, error.read()

    def is_well(self, patience=10):
        """Whether it lives and answers."""
        try:
            return self.process.poll() is None and self.get("/_stcore/health", patience=patience)[0] == 200
        except OSError:
            return False

    def end(self, number=signal.SIGTERM, patience=10):
        """Send the signal; the exit code, or None where it did not end in time."""
        self.process.send_signal(number)
        try:
            return self.process.wait(patience)
        except subprocess.TimeoutExpired:
            return None


def free_port():
    """A port that is free now, of this machine's ephemeral ones."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextmanager
def serving(folder, *, address="0.0.0.0", environment=(), arguments=(), descriptors=None, memory=None):
    """Run a fresh server until the block ends; it answers when the block begins.

    folder: where its log goes. address: what it is bound to; None leaves the choice to Streamlit. environment: on top
    of the test's own, from which all settings of Headlight are taken out; None takes one away. arguments: of
    `streamlit run`. descriptors: (soft, hard) limit of how many it may have open. memory: of how many bytes of address
    space it may have.
    """
    given = {name: value for name, value in os.environ.items() if not name.startswith(_OURS)}
    # As many threads as the tests' own torch: the order of sums is the same, and files compare exactly.
    given |= {"OMP_NUM_THREADS": "1", "PYTHONPATH": f"{Path(__file__).parent / 'recorded'}{os.pathsep}{ROOT}"}
    if home := os.environ.get("HEADLIGHT_HOME"):
        given["HEADLIGHT_HOME"] = home
    asked = Path(folder) / "asked.txt"
    given["ASKED_FILE"] = str(asked)
    for name, value in dict(environment).items():
        given.pop(name, None)
        if value is not None:
            given[name] = value
    log = Path(folder) / "server.log"
    options = ["--server.headless=true", *arguments]
    if address is not None:
        options.append(f"--server.address={address}")
    if address in ("0.0.0.0", "::"):
        options.append(f"--browser.serverAddress={platform.node()}")

    limits = [f"ulimit -Sn {descriptors[0]} && ulimit -Hn {descriptors[1]}"] if descriptors else []
    limits += [f"ulimit -v {memory // 1024}"] if memory else []
    command = " && ".join([*limits, 'exec "$@"'])
    port = free_port()
    with log.open("w") as written:
        process = subprocess.Popen(
            [
                "sh",
                "-c",
                command,
                "sh",
                sys.executable,
                "-m",
                "streamlit",
                "run",
                "app.py",
                f"--server.port={port}",
                *options,
            ],
            cwd=ROOT,
            env=given,
            stdout=written,
            stderr=written,
        )
    server = ClassServer(port, log, asked, process)
    try:
        end = time.monotonic() + _PATIENCE
        while not server.is_well():
            assert process.poll() is None, f"the server ended:\n{server.said()}"
            assert time.monotonic() < end, f"the server does not answer:\n{server.said()}"
            time.sleep(0.1)
        yield server
    finally:
        if server.end(patience=20) is None:
            process.kill()
            process.wait()
