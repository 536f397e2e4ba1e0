"""Servers on free ports of this machine alone, and the browser that visits them."""

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from playwright.sync_api import Browser, BrowserContext, Page, WebSocket, sync_playwright

from benchmarks.measuring import MeasuredPairs, interleaved

ROOT = Path(__file__).resolve().parents[1]
APP = ("streamlit", "run", "app.py")
# As Streamlit comes, collecting after each rerun, which Headlight does not.
EMPTY_APP = ("streamlit", "run", "benchmarks/empty_app.py", "--runner.postScriptGC=true")
WATCHED_APP = ("benchmarks.watched_server",)

_PATIENCE = 120.0
_POLL = 0.02
_PRINTED = b"URL:"
_CHROMIUMS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


@dataclass(frozen=True)
class Server:
    """A running server: its address, its process, and what it writes.

    started, printed: when its process began, and when it had written its address (`time.perf_counter`).
    """

    address: str
    process: subprocess.Popen[bytes]
    output: Path
    started: float
    printed: float

    def log(self) -> str:
        """All that it has written by now."""
        return self.output.read_text("utf-8", "replace")

    def link(self, page: str, **choices: object) -> str:
        """The address of a page with what is chosen on it."""
        query = urllib.parse.urlencode(choices, quote_via=urllib.parse.quote)
        return f"{self.address}/{page}?{query}"


@contextmanager
def serving(what: tuple[str, ...], environment: Mapping[str, str] | None = None) -> Iterator[Server]:
    """Run a Python module as a server until the block ends; it answers when the block begins."""
    port = _free_port()
    options = ["--server.headless=true", "--server.address=127.0.0.1", f"--server.port={port}"]
    with tempfile.NamedTemporaryFile() as log:
        started = time.perf_counter()
        process = subprocess.Popen(
            [sys.executable, "-m", *what, *options],
            cwd=ROOT,
            env={**os.environ, **(environment or {})},
            stdout=log,
            stderr=subprocess.STDOUT,
        )
        try:
            address = f"http://127.0.0.1:{port}"
            output = Path(log.name)
            printed = _wait(lambda: _PRINTED in output.read_bytes(), process)
            if not _wait(lambda: _answers(f"{address}/_stcore/health"), process):
                raise RuntimeError(f"{what[0]} did not answer; it said: {output.read_text()[-2000:]}")
            yield Server(address, process, output, started, printed)
        finally:
            end(process)


def end(process: subprocess.Popen[bytes]) -> None:
    """Ask a server to end, and see to it where it does not."""
    process.terminate()
    try:
        process.wait(20)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _wait(until: Callable[[], bool], process: subprocess.Popen[bytes]) -> float:
    """Wait for it, and say when it was so (`time.perf_counter`); 0 if the process ended or the patience did."""
    for _ in range(int(_PATIENCE / _POLL)):
        if until():
            return time.perf_counter()
        if process.poll() is not None:
            break
        time.sleep(_POLL)
    return 0.0


def _answers(address: str) -> bool:
    try:
        with urllib.request.urlopen(address, timeout=1):
            return True
    except (urllib.error.URLError, TimeoutError, ConnectionError):
        return False


def chromium_path() -> str | None:
    """The Chromium that CHROMIUM names, else the first on the path; None lets Playwright use its own."""
    named = os.environ.get("CHROMIUM")
    return next((path for each in (named, *_CHROMIUMS) if each and (path := shutil.which(each))), None)


@contextmanager
def chromium() -> Iterator[Browser]:
    """A browser without a window."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium_path(), args=["--no-sandbox"])
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def both_apps() -> Iterator[tuple[Browser, Server, Server]]:
    """A browser, Headlight, and the empty app that stands beside it."""
    with chromium() as browser, serving(APP) as server, serving(EMPTY_APP) as empty_server:
        yield browser, server, empty_server


@contextmanager
def visitor(browser: Browser) -> Iterator[BrowserContext]:
    """A fresh visitor: nothing cached, no session; every page of it has `bench` (in_page.js)."""
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    context.set_default_timeout(_PATIENCE * 1000)
    context.add_init_script(path=Path(__file__).parent / "in_page.js")
    try:
        yield context
    finally:
        context.close()


@contextmanager
def beside_empty(browser: Browser, empty_server: Server) -> Iterator[tuple[Page, "Traffic", Callable[[], float]]]:
    """A fresh visitor's page, what it receives, and a rerun of the empty app beside it: its time in seconds."""
    with visitor(browser) as context, visitor(browser) as empty_context:
        page, empty = context.new_page(), empty_context.new_page()
        empty.goto(empty_server.address)
        empty_is_there(empty)
        yield page, Traffic(page), lambda: seconds_in(empty, "() => bench.emptyRerun()")


def seconds_in(page: Page, script: str, argument: object = None) -> float:
    """What a function of `bench` says that it took, in seconds, in the page that is in front; then all is settled."""
    page.bring_to_front()
    milliseconds = page.evaluate(script, argument)
    settled(page)
    return milliseconds / 1000


class Traffic:
    """The bytes of the messages that a page received over its websockets since `restart`, those of the largest one,
    and how many it sent.
    """

    def __init__(self, page: Page) -> None:
        self.received = self.largest = self.sent = 0
        page.on("websocket", self._listen)

    def restart(self) -> None:
        """Count from here on."""
        self.received = self.largest = self.sent = 0

    def _listen(self, websocket: WebSocket) -> None:
        websocket.on("framesent", self._count_sent)
        websocket.on("framereceived", self._count)

    def _count_sent(self, _: str | bytes) -> None:
        self.sent += 1

    def _count(self, payload: str | bytes) -> None:
        size = len(payload.encode() if isinstance(payload, str) else payload)
        self.received += size
        self.largest = max(self.largest, size)


def seconds_and_bytes(page: Page, script: str, traffic: Traffic, received: list[int]) -> float:
    """What `seconds_in` gives; how many bytes the page received with it is added to `received`."""
    before = traffic.received
    seconds = seconds_in(page, script)
    received.append(traffic.received - before)
    return seconds


def beside_reruns(
    page: Page, script: str, traffic: Traffic, empty_rerun: Callable[[], float], pairs: int
) -> tuple[MeasuredPairs, list[int]]:
    """At most 30 pairs of what a function of `bench` takes and an empty rerun; what the page received each time."""
    received: list[int] = []
    ours = partial(seconds_and_bytes, page, script, traffic, received)
    return interleaved(ours, empty_rerun, min(pairs, 30)), received


def painted(page: Page, map_name: str | None = None, component: str = "attention-view") -> None:
    """Wait until a component has painted (the map of this name, if one is given)."""
    page.wait_for_function("([name, map]) => bench.isPainted(name, map)", arg=[component, map_name])


def settled(page: Page) -> None:
    """Wait until the page's script has ended and what it sent is there."""
    page.wait_for_function("() => bench.isIdle()")
    page.wait_for_timeout(200)
    page.wait_for_function("() => bench.isIdle()")


def empty_is_there(page: Page) -> None:
    """Wait for the empty app's line."""
    page.wait_for_selector(".st-key-line")
    settled(page)
