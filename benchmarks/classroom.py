"""A class opens one link: thirty sessions within a second, on a server that was just started.

Thirty browsers on the server's own machine would measure each other. So the sessions are websocket clients that say
what a browser says and take everything a browser is sent, and one real browser comes among them.
"""

import asyncio
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import psutil
from playwright.sync_api import Browser, Page
from streamlit.proto.Alert_pb2 import Alert
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.Element_pb2 import Element
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.asyncio.client import connect
from websockets.exceptions import WebSocketException
from websockets.typing import Subprotocol

from benchmarks.measuring import Limit, Pairs, Row, compared, duration, size
from benchmarks.passages import passage
from benchmarks.serving import EMPTY_APP, WATCHED_APP, Server, chromium, painted, serving, visitor
from benchmarks.watched_server import FORWARDS
from models.loading import load_model

_SESSIONS = 30
_TIMES = 3
_WITHIN = 1.0
_PATIENCE = 120.0
_TOKENS = 128
_ONE_FORWARD = Limit(1, "value", "one")
_NO_ERROR = Limit(0, "value", "none")


@dataclass(frozen=True)
class Opened:
    """One session: seconds until it was sent the picture (None: never), and the errors that it was shown."""

    seconds: float | None
    errors: tuple[str, ...]


@dataclass(frozen=True)
class Lesson:
    """What the sessions saw, and how long the one browser among them waited until it had painted."""

    sessions: tuple[Opened, ...]
    browser_seconds: float

    @property
    def seconds(self) -> tuple[float, ...]:
        """Of those who were sent the picture."""
        return tuple(each.seconds for each in self.sessions if each.seconds is not None)

    @property
    def errors(self) -> tuple[str, ...]:
        """Everything that went wrong for anybody."""
        missing = ("no picture",) * (len(self.sessions) - len(self.seconds))
        return missing + tuple(error for each in self.sessions for error in each.errors)


def measure(pairs: int) -> list[Row]:
    """Forwards, seconds, errors, memory per session; a few classes, each on a server of its own."""
    text = passage(load_model("minilm"), _TOKENS)
    chosen = {"model": "minilm", "text": text, "layer": 3, "head": 1}
    ours, beside, forwards = [], [], []
    with tempfile.TemporaryDirectory() as folder, chromium() as browser:
        for number in range(min(pairs, _TIMES)):
            log = Path(folder) / str(number)
            with serving(WATCHED_APP, {FORWARDS: str(log)}) as server:
                ours.append(_lesson(browser, server, server.link("attention", **chosen), _is_map, painted))
                forwards.append(log.stat().st_size if log.exists() else 0)
            with serving(EMPTY_APP) as server:
                beside.append(_lesson(browser, server, f"{server.address}/", _is_line, _line_is_there))
        with serving(WATCHED_APP) as server:
            per_session = _memory_of_a_session(server, server.link("attention", **chosen))
    errors = [error for lesson in ours for error in lesson.errors]
    browsers = Pairs(tuple(each.browser_seconds for each in ours), tuple(each.browser_seconds for each in beside))
    return [
        Row(
            f"class: {_SESSIONS} sessions open one link ({_TOKENS} tokens) within a second on a fresh server, "
            "to the map received (beside: the empty app)",
            _spread(ours),
            _spread(beside),
            raw={"ours": [each.seconds for each in ours], "beside": [each.seconds for each in beside]},
        ),
        compared("class: a browser among them, to painted (beside: the empty app)", browsers, duration),
        Row("class: forwards", str(max(forwards)), value=max(forwards), limit=_ONE_FORWARD, raw={"ours": forwards}),
        Row("class: errors", str(len(errors)), value=len(errors), limit=_NO_ERROR, raw={"ours": errors}),
        Row("class: the server's memory per further session of the link", size(per_session), value=per_session),
    ]


def _spread(lessons: list[Lesson]) -> str:
    seconds = [each for lesson in lessons for each in lesson.seconds]
    if not seconds:
        return "nobody was sent anything"
    middle, late = np.percentile(seconds, (50, 95))
    return f"median {duration(middle)}, 95th percentile {duration(late)}"


def _lesson(
    browser: Browser, server: Server, link: str, is_picture: Callable[[Element], bool], there: Callable[[Page], None]
) -> Lesson:
    with ThreadPoolExecutor(1) as pool, visitor(browser) as context:
        page = context.new_page()
        sessions = pool.submit(lambda: asyncio.run(_sessions(server, link, is_picture, _SESSIONS)))
        time.sleep(_WITHIN / 2)
        start = time.perf_counter()
        page.goto(link)
        there(page)
        seconds = time.perf_counter() - start
        return Lesson(sessions.result(), seconds)


async def _sessions(server: Server, link: str, is_picture: Callable[[Element], bool], count: int) -> tuple[Opened, ...]:
    """So many, evenly within a second; they stay until the last one has been served."""
    served = asyncio.Barrier(count)
    delays = np.linspace(0, _WITHIN, count)
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(_session(server, link, is_picture, delay, served)) for delay in delays]
    return tuple(task.result() for task in tasks)


async def _session(
    server: Server, link: str, is_picture: Callable[[Element], bool], delay: float, served: asyncio.Barrier
) -> Opened:
    await asyncio.sleep(delay)
    page, _, query = link.removeprefix(f"{server.address}/").partition("?")
    hello = BackMsg()
    hello.rerun_script.query_string = query
    hello.rerun_script.page_name = page
    hello.rerun_script.context_info.url = link
    seconds, errors = None, []
    start = time.perf_counter()
    stream = f"{server.address.replace('http', 'ws', 1)}/_stcore/stream"
    async with AsyncExitStack() as stay:
        try:
            async with asyncio.timeout(_PATIENCE):
                # As browsers do: this subprotocol, messages of any size, no pings.
                client = connect(stream, subprotocols=[Subprotocol("streamlit")], max_size=None, ping_interval=None)
                socket = await stay.enter_async_context(client)
                await socket.send(hello.SerializeToString())
                message = ForwardMsg()
                while not message.HasField("script_finished"):
                    message = ForwardMsg.FromString(await socket.recv(decode=False))
                    element = message.delta.new_element
                    if seconds is None and is_picture(element):
                        seconds = time.perf_counter() - start
                    if element.HasField("exception") or element.alert.format == Alert.ERROR:
                        errors.append(element.exception.message or element.alert.body)
        except (OSError, WebSocketException) as error:
            errors.append(f"not served to the end: {error}")
        await served.wait()
    return Opened(seconds, tuple(errors))


def _is_map(element: Element) -> bool:
    return element.bidi_component.component_name == "headlight.attention_view"


def _is_line(element: Element) -> bool:
    return element.HasField("text")


def _line_is_there(page: Page) -> None:
    page.wait_for_selector(".st-key-line")


def _memory_of_a_session(server: Server, link: str) -> float:
    """What the server has grown by, after one visitor and a first class, for each session of the further classes."""
    process = psutil.Process(server.pid)
    # Playwright's own event loop has this thread. Streamlit keeps who has left for a while, so that they can come back.
    with ThreadPoolExecutor(1) as pool:
        sizes = []
        for count in (1, *[_SESSIONS] * (1 + _TIMES)):
            pool.submit(asyncio.run, _sessions(server, link, _is_map, count)).result()
            sizes.append(process.memory_info().rss)
    return (sizes[-1] - sizes[1]) / (_TIMES * _SESSIONS)
