"""Followers of a room without a browser for each: websocket clients that say what a follower's browser says."""

import asyncio
import json
import threading
import time
import urllib.parse
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from streamlit.components.v2.bidi_component.main import _make_trigger_id
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from benchmarks.serving import Server

_PATIENCE = 60.0


@dataclass
class Follower:
    """One session. address: what its page says it shows, and when that was (`time.perf_counter`); received: bytes of
    all messages; parts: the names by which its components are told something, and the fragment that each is in.
    """

    address: dict[str, str] = field(default_factory=dict)
    at: float = 0.0
    received: int = 0
    parts: dict[str, tuple[str, str]] = field(default_factory=dict)
    ask: BackMsg = field(default_factory=BackMsg)
    socket: ClientConnection | None = None
    faults: list[str] = field(default_factory=list)

    def hear(self, data: bytes) -> None:
        """What the server sent."""
        self.received += len(data)
        message = ForwardMsg.FromString(data)
        element = message.delta.new_element
        if message.HasField("delta") and element.HasField("bidi_component"):
            name = element.bidi_component.component_name.removeprefix("headlight.")
            self.parts[name] = (element.bidi_component.id, message.delta.fragment_id)
        if element.HasField("exception"):
            self.faults.append(element.exception.message)
        if message.HasField("navigation"):
            self.ask.rerun_script.page_script_hash = message.navigation.page_script_hash
        if message.HasField("page_info_changed"):
            self.ask.rerun_script.query_string = message.page_info_changed.query_string
            self.address = dict(urllib.parse.parse_qsl(message.page_info_changed.query_string))
            self.at = time.perf_counter()

    def told(self, part: str, event: str, value: object) -> bytes:
        """The message in which a component's script tells something."""
        name, fragment = self.parts[part]
        ask = BackMsg()
        ask.CopyFrom(self.ask)
        ask.rerun_script.fragment_id = fragment
        said = json.dumps([{"event": event, "value": value}])
        ask.rerun_script.widget_states.widgets.add(id=_make_trigger_id(name, "events"), json_trigger_value=said)
        return ask.SerializeToString()


class Class:
    """Followers of one room, in a thread of their own."""

    def __init__(self, server: Server, code: str, count: int) -> None:
        self._server, self._code = server, code
        self.followers = tuple(Follower() for _ in range(count))
        self._loop = asyncio.new_event_loop()
        self._listening: list[asyncio.Task[None]] = []
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    def tell(self, part: str, event: str, values: list[object]) -> None:
        """Each follower tells its value of a component."""
        for follower, value in zip(self.followers, values, strict=True):
            assert follower.socket is not None
            asyncio.run_coroutine_threadsafe(
                follower.socket.send(follower.told(part, event, value)), self._loop
            ).result(_PATIENCE)

    def wait_until(self, name: str, value: str) -> list[float]:
        """When each follower's page showed this (`time.perf_counter`). Raises TimeoutError."""
        end = time.perf_counter() + _PATIENCE
        while any(each.address.get(name) != value for each in self.followers):
            if time.perf_counter() > end:
                there = sum(each.address.get(name) == value for each in self.followers)
                raise TimeoutError(f"{there} of {len(self.followers)} followers show {name} = {value}")
            time.sleep(0.01)
        return [each.at for each in self.followers]

    def wait_for(self, part: str) -> None:
        """Until each follower has this component. Raises TimeoutError."""
        end = time.perf_counter() + _PATIENCE
        while any(part not in each.parts for each in self.followers):
            if time.perf_counter() > end:
                raise TimeoutError(f"not every follower has {part}")
            time.sleep(0.01)

    def start(self) -> None:
        """Come in, as somebody who opened the room's link."""
        self._thread.start()
        for each in self.followers:
            asyncio.run_coroutine_threadsafe(self._come(each), self._loop).result(_PATIENCE)
        self.wait_for("room_bar")
        self.tell("room_bar", "hello", [{"secret": "", "member": ""}] * len(self.followers))

    def end(self) -> None:
        """All go away."""

        async def close() -> None:
            for each in self.followers:
                if each.socket is not None:
                    await each.socket.close()
            await asyncio.gather(*self._listening)

        asyncio.run_coroutine_threadsafe(close(), self._loop).result(_PATIENCE)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(_PATIENCE)
        self._loop.close()

    async def _come(self, follower: Follower) -> None:
        stream = f"{self._server.address.replace('http', 'ws', 1)}/_stcore/stream"
        # As browsers do: this subprotocol, messages of any size, no pings.
        follower.socket = await connect(
            stream, subprotocols=[Subprotocol("streamlit")], max_size=None, ping_interval=None
        )
        rerun = follower.ask.rerun_script
        rerun.query_string, rerun.page_name = f"code={self._code}", "room"
        rerun.context_info.url = f"{self._server.address}/room"
        await follower.socket.send(follower.ask.SerializeToString())
        rerun.page_name = ""
        self._listening.append(self._loop.create_task(self._listen(follower, follower.socket)))

    @staticmethod
    async def _listen(follower: Follower, socket: ClientConnection) -> None:
        try:
            while True:
                follower.hear(await socket.recv(decode=False))
        except ConnectionClosed:
            return


@contextmanager
def following(server: Server, code: str, count: int) -> Iterator[Class]:
    """So many followers of a room, until the block ends."""
    there = Class(server, code, count)
    try:
        there.start()
        yield there
    finally:
        there.end()
