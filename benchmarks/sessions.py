"""Many sessions at once, without a browser for each: websocket clients that say what a browser says."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass

import numpy as np
from streamlit.proto.Alert_pb2 import Alert
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.Element_pb2 import Element
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.asyncio.client import connect
from websockets.exceptions import WebSocketException
from websockets.typing import Subprotocol

from benchmarks.own_loop import run_beside
from benchmarks.serving import Server

WITHIN = 1.0
_PATIENCE = 120.0
_LINE = "text"


@dataclass(frozen=True)
class Visit:
    """A link that somebody opens, and the component ("attention_view") that is its picture; "text" for a mere line."""

    link: str
    picture: str

    def is_picture(self, element: Element) -> bool:
        """Whether this is what the visitor waits for."""
        if self.picture == _LINE:
            return element.HasField(_LINE)
        return element.bidi_component.component_name == f"headlight.{self.picture}"


@dataclass(frozen=True)
class Opened:
    """One session: seconds until it was sent the picture and until its script had ended (None: never), the errors
    that it was shown, and the bytes of all messages until then.
    """

    visit: Visit
    seconds: float | None
    end_seconds: float | None
    errors: tuple[str, ...]
    received: int = 0

    @property
    def faults(self) -> tuple[str, ...]:
        """Everything that went wrong for this visitor."""
        missing = [
            what
            for what, seconds in (("no picture", self.seconds), ("not served to the end", self.end_seconds))
            if seconds is None
        ]
        return (*missing, *self.errors)


def attend(server: Server, visits: Sequence[Visit]) -> tuple[Opened, ...]:
    """All of them, begun evenly within a second; they stay until the last one has been served."""
    return run_beside(_all(server, visits))


async def _all(server: Server, visits: Sequence[Visit]) -> tuple[Opened, ...]:
    served = asyncio.Barrier(len(visits))
    delays = np.linspace(0, WITHIN, len(visits))
    async with asyncio.TaskGroup() as group:
        tasks = [
            group.create_task(one_session(server, visit, served.wait, delay))
            for visit, delay in zip(visits, delays, strict=True)
        ]
    return tuple(task.result() for task in tasks)


async def one_session(
    server: Server, visit: Visit, looks: Callable[[], Awaitable[object]], delay: float = 0.0
) -> Opened:
    """One visitor, who comes after `delay` seconds and, once served, stays as long as `looks` takes."""
    await asyncio.sleep(delay)
    page, _, query = visit.link.removeprefix(f"{server.address}/").partition("?")
    ask = BackMsg()
    ask.rerun_script.query_string = query
    ask.rerun_script.page_name = page
    ask.rerun_script.context_info.url = visit.link
    seconds, ended, errors, received = None, None, [], 0
    repeats: dict[str, float] = {}
    start = time.perf_counter()
    stream = f"{server.address.replace('http', 'ws', 1)}/_stcore/stream"
    async with AsyncExitStack() as stay:
        try:
            async with asyncio.timeout(_PATIENCE):
                # As browsers do: this subprotocol, messages of any size, no pings.
                client = connect(stream, subprotocols=[Subprotocol("streamlit")], max_size=None, ping_interval=None)
                socket = await stay.enter_async_context(client)
                await socket.send(ask.SerializeToString())
                while ended is None:
                    data = await socket.recv(decode=False)
                    received += len(data)
                    message = ForwardMsg.FromString(data)
                    element = message.delta.new_element
                    if seconds is None and visit.is_picture(element):
                        seconds = time.perf_counter() - start
                    if element.HasField("exception") or element.alert.format == Alert.ERROR:
                        errors.append(element.exception.message or element.alert.body)
                    if message.HasField("auto_rerun"):
                        repeats[message.auto_rerun.fragment_id] = message.auto_rerun.interval
                    if message.HasField("navigation"):
                        ask.rerun_script.page_script_hash = message.navigation.page_script_hash
                    if not message.HasField("script_finished"):
                        continue
                    if message.script_finished == ForwardMsg.FINISHED_EARLY_FOR_RERUN:
                        # The page runs once more by itself, as a whole.
                        repeats.clear()
                        continue
                    if seconds is not None or not repeats:
                        ended = time.perf_counter() - start
                        continue
                    # What is computed step by step is asked for again and again, until the picture is there.
                    fragment, pause = next(iter(repeats.items()))
                    await asyncio.sleep(pause)
                    ask.rerun_script.fragment_id = fragment
                    ask.rerun_script.is_auto_rerun = True
                    await socket.send(ask.SerializeToString())
        except (OSError, WebSocketException) as error:
            errors.append(f"{type(error).__name__}: {error}")
        await looks()
    return Opened(visit, seconds, ended, tuple(errors), received)
