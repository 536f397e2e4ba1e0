"""A browser's connection: how fast it may ask, how much it may say, and what becomes of one that does not listen."""

import asyncio
import logging
import threading
import time
from dataclasses import dataclass
from typing import Any

from google.protobuf.message import DecodeError
from starlette.types import Message, Receive, Send
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.runtime.scriptrunner_utils.script_run_context import SCRIPT_RUN_CONTEXT_ATTR_NAME

log = logging.getLogger(__name__)

_TICK_SECONDS = 0.05


@dataclass(frozen=True)
class ConnectionLimits:
    """message_bytes: of one message; what a person typed and pasted on a page is all in it.
    large_bytes: from here on a message counts as large; all_large_bytes: those of all sessions, the newest of each.
    kept_seconds: how long one still counts after its session has ended, which Streamlit keeps for a while.
    burst, in_a_second: messages at once, and for long; more of them wait.
    running: runs of the page that one session has under way; the next one waits for them, patience seconds at most.
    widgets, query, file_names: in one message.
    """

    message_bytes: int = 8 * 1024**2
    large_bytes: int = 64 * 1024
    all_large_bytes: int = 256 * 1024**2
    kept_seconds: float = 60.0
    burst: int = 60
    in_a_second: float = 20.0
    running: int = 3
    patience: float = 10.0
    widgets: int = 2_000
    query: int = 32_000
    file_names: int = 24


# What a browser says, and how many messages it counts as; the others are of a programmer's computer, tell what is on
# this one, or reach into other sessions.
_HEARD = {
    "rerun_script": 1,
    "stop_script": 1,
    "app_heartbeat": 1,
    "file_urls_request": 1,
    "backend_operation_request": 4,
}


class Shared:
    """What all connections take together."""

    def __init__(self, limits: ConnectionLimits = ConnectionLimits()) -> None:
        self.limits = limits
        self.messages = 0
        # Whether much may have been let go of.
        self.is_untidy = False
        # Bytes of the newest message of each connection where it is large, and when it ended.
        self.large: dict[object, tuple[int, float | None]] = {}

    def has_room(self, connection: object, size: int) -> bool:
        """Whether a message of this size may be read; if so it counts."""
        others = sum(each for key, (each, _) in self.large.items() if key is not connection)
        if size >= self.limits.large_bytes and others + size > self.limits.all_large_bytes:
            return False
        self.large.pop(connection, None)
        if size >= self.limits.large_bytes:
            self.large[connection] = (size, None)
        return True

    def ended(self, connection: object) -> None:
        """Called when a connection ends."""
        self.is_untidy = True
        if connection in self.large:
            self.large[connection] = (self.large[connection][0], time.monotonic())

    def forget_old(self) -> None:
        """Let go of those whose session nobody comes back to any more."""
        old = time.monotonic() - self.limits.kept_seconds
        for key, (_, since) in tuple(self.large.items()):
            if since is not None and since < old:
                del self.large[key]
                self.is_untidy = True


class Connection:
    """Between Streamlit and one browser."""

    def __init__(self, receive: Receive, send: Send, shared: Shared, slow_seconds: float) -> None:
        """slow_seconds: after which a browser that takes no message is cut off."""
        self._receive, self._send, self._shared = receive, send, shared
        self._slow_seconds = slow_seconds
        self._limits = shared.limits
        self._session = ""
        self._sending_since: float | None = None
        self._balance, self._counted_at = float(self._limits.burst), time.monotonic()
        _hold_to(receive, self._limits.message_bytes)

    def ended(self) -> None:
        """Called when it has ended."""
        self._shared.ended(self)

    async def receive(self) -> Message:
        """The next message that Streamlit may hear."""
        while True:
            await self._until_calm()
            message = await self._receive()
            data = message.get("bytes") if message["type"] == "websocket.receive" else None
            if data is None:
                return message
            self._shared.messages += 1
            self._balance -= 1
            if len(data) > self._limits.message_bytes or not self._shared.has_room(self, len(data)):
                return await self._close(1009, "This page holds more text than one visitor may; take a part of it.")
            heard = self._heard(data)
            if heard is not None:
                return {**message, "bytes": heard}

    def _heard(self, data: bytes) -> bytes | None:
        """What Streamlit is given of a message; None where it is none for it."""
        try:
            said = BackMsg.FromString(data)
        except DecodeError:
            # Streamlit closes such a connection.
            return data
        kind = said.WhichOneof("type") or ""
        if kind not in _HEARD or len(said.file_urls_request.file_names) > self._limits.file_names:
            return None
        self._balance -= _HEARD[kind] - 1
        if len(said.rerun_script.widget_states.widgets) > self._limits.widgets:
            return None
        if len(said.rerun_script.query_string) <= self._limits.query:
            return data
        said.rerun_script.query_string = ""
        return said.SerializeToString()

    async def _until_calm(self) -> None:
        """Wait while this browser asks too fast, takes no answers, or has too much under way: it is not read then."""
        began = time.monotonic()
        while True:
            now = time.monotonic()
            refilled = self._balance + (now - self._counted_at) * self._limits.in_a_second
            self._balance, self._counted_at = min(float(self._limits.burst), refilled), now
            is_slow = self._sending_since is not None and now - self._sending_since > 2 * _TICK_SECONDS
            is_busy = now - began < self._limits.patience and _scripts_running(self._session) > self._limits.running
            if self._balance > 0 and not is_slow and not is_busy:
                return
            await asyncio.sleep(_TICK_SECONDS)

    async def send(self, message: Message) -> None:
        """Send it; a browser that does not take it in time is cut off. One that has gone is heard of in `receive`."""
        if not self._session and message["type"] == "websocket.send":
            self._session = _session_in(message)
        self._sending_since = time.monotonic()
        try:
            async with asyncio.timeout(self._slow_seconds):
                await self._send(message)
        except TimeoutError:
            end(self._receive)
        except OSError:
            log.debug("A browser went away while it was written to")
        finally:
            self._sending_since = None

    async def _close(self, code: int, reason: str) -> Message:
        await self.send({"type": "websocket.close", "code": code, "reason": reason})
        return {"type": "websocket.disconnect", "code": code, "reason": reason}


def transport_of(receive: Receive) -> Any:
    """The connection under an ASGI `receive` of uvicorn; None where it is of another server."""
    return getattr(getattr(receive, "__self__", None), "transport", None)


def end(receive: Receive) -> None:
    """Cut the connection off, with what was to be sent."""
    transport = transport_of(receive)
    if transport is not None:
        transport.abort()


def _hold_to(receive: Receive, message_bytes: int) -> None:
    """Have no longer message gathered: the server's own bound is that of what it sends, which is larger."""
    protocol = getattr(getattr(receive, "__self__", None), "conn", None)
    if hasattr(protocol, "max_message_size"):
        protocol.max_message_size = message_bytes


def _session_in(message: Message) -> str:
    """The name of the session, which is in the first message that Streamlit sends."""
    try:
        return ForwardMsg.FromString(message.get("bytes") or b"").new_session.initialize.session_id
    except DecodeError:
        return ""


def _scripts_running(session: str) -> int:
    """How many runs of this session's page are under way, those included that have been told to stop."""
    if not session:
        return 0
    contexts = (getattr(each, SCRIPT_RUN_CONTEXT_ATTR_NAME, None) for each in threading.enumerate())
    return sum(each is not None and each.session_id == session for each in contexts)
