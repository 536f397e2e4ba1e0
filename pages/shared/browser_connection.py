"""A browser's connection: how fast it may ask, how much it may say, and what becomes of one that does not listen."""

import asyncio
import json
import logging
import select
import threading
import time
from collections import Counter
from dataclasses import dataclass
from typing import Any

from google.protobuf.message import DecodeError
from starlette.types import Message, Receive, Send
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.runtime.scriptrunner_utils.script_run_context import SCRIPT_RUN_CONTEXT_ATTR_NAME

from models.engine import threads_asleep
from models.one_at_a_time import libraries_are_here
from pages.shared.websocket_frames import Frames

log = logging.getLogger(__name__)

_TICK_SECONDS = 0.05
_FEW_LEVELS = 200


@dataclass(frozen=True)
class ConnectionLimits:
    """message_bytes: of one message; what a person typed and pasted on a page is all in it.
    large_bytes: from here on a message counts as large; all_large_bytes: those of all sessions, the newest of each.
    kept_seconds: how long one still counts after its session has ended, which Streamlit keeps for a while.
    burst, in_a_second: messages at once, and for long; more of them wait. all_in_a_second: of those who ask for more
        than that all the time, together.
    running: runs of pages that compute at the same time; who asks for another one waits, who has asked least is next.
    stuck_seconds: after so long without a new run one more begins all the same: others may wait for a network.
    own_seconds: so long a run of a session is waited for before the next one of it begins, which ends it.
    widgets, query, file_names: in one message.
    """

    message_bytes: int = 8 * 1024**2
    large_bytes: int = 64 * 1024
    all_large_bytes: int = 256 * 1024**2
    kept_seconds: float = 60.0
    burst: int = 40
    in_a_second: float = 12.0
    all_in_a_second: float = 30.0
    running: int = 5
    stuck_seconds: float = 0.5
    own_seconds: float = 0.5
    widgets: int = 2_000
    query: int = 32_000
    file_names: int = 24


# What a browser says, and how many messages it counts as; a run of a whole page is one more. The others are of a
# programmer's computer, tell what is on this one, or reach into other sessions; so do operations but for a file that
# is made when somebody takes it.
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
        # Connections that wait to be read, and how much each may still ask.
        self.waiting: dict[object, float] = {}
        # Those that ask for more than they may.
        self.heavy: set[object] = set()
        self._seen_at, self._seen = 0.0, Counter[str]()
        self._begun_at = 0.0

    def refill(self) -> float:
        """How many messages a connection may ask for in a second."""
        return min(self.limits.in_a_second, self.limits.all_in_a_second / max(1, len(self.heavy)))

    def runs(self) -> Counter[str]:
        """How many runs of its page each session has under way that compute."""
        now = time.monotonic()
        if now - self._seen_at > _TICK_SECONDS / 5:
            self._seen_at, self._seen = now, _runs_computing()
        return self._seen

    def begun(self) -> None:
        """Called when a message was read that may begin a run."""
        self._seen_at, self._begun_at = 0.0, time.monotonic()

    def may_begin(self) -> bool:
        """Whether one more run of a page may begin.

        While the libraries are imported everybody waits for them, with a page that says so.
        """
        if not libraries_are_here():
            return True
        is_stuck = time.monotonic() - self._begun_at > self.limits.stuck_seconds
        return is_stuck or self.runs().total() < self.limits.running

    def is_next(self, connection: object) -> bool:
        """Whether of those who wait this one has asked least."""
        return max(self.waiting, key=lambda each: self.waiting[each]) is connection

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
        self.waiting.pop(connection, None)
        self.heavy.discard(connection)
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
            message = await self._receive()
            if message["type"] != "websocket.receive":
                return message
            await self._until_calm()
            if self._is_gone():
                # What it asked last is for nobody.
                end(self._receive)
                return {"type": "websocket.disconnect", "code": 1006}
            data = message.get("bytes")
            if data is None:
                return await self._close(1003, "What a page says here is bytes, and no text.")
            self._shared.messages += 1
            self._balance -= 1
            if len(data) > self._limits.message_bytes or not self._shared.has_room(self, len(data)):
                return await self._close(1009, "This page holds more text than one visitor may; take a part of it.")
            heard = self._heard(data)
            if heard is not None:
                self._shared.begun()
                return {**message, "bytes": heard}

    def _heard(self, data: bytes) -> bytes | None:
        """What Streamlit is given of a message; None where it is none for it."""
        try:
            said = BackMsg.FromString(data)
        except DecodeError:
            # Streamlit closes such a connection.
            return data
        kind = said.WhichOneof("type") or ""
        is_no_file = kind == "backend_operation_request" and not said.backend_operation_request.HasField(
            "deferred_file"
        )
        if kind not in _HEARD or is_no_file or len(said.file_urls_request.file_names) > self._limits.file_names:
            return None
        self._balance -= _HEARD[kind] - 1 + (kind == "rerun_script" and not said.rerun_script.fragment_id)
        widgets = said.rerun_script.widget_states.widgets
        if len(widgets) > self._limits.widgets or any(_is_too_deep(each.json_value) for each in widgets):
            return None
        if len(said.rerun_script.query_string) <= self._limits.query:
            return data
        said.rerun_script.query_string = ""
        return said.SerializeToString()

    async def _until_calm(self) -> None:
        """Wait while this browser asks too fast, takes no answers, or others' pages are to be run first: it is not read
        then.
        """
        began, shared = time.monotonic(), self._shared
        try:
            while True:
                now = time.monotonic()
                self._balance += (now - self._counted_at) * shared.refill()
                self._balance, self._counted_at = min(float(self._limits.burst), self._balance), now
                (shared.heavy.add if self._balance < self._limits.burst / 2 else shared.heavy.discard)(self)
                is_slow = self._sending_since is not None and now - self._sending_since > 2 * _TICK_SECONDS
                if self._balance > 0 and not is_slow:
                    shared.waiting[self] = self._balance
                    is_own = now - began < self._limits.own_seconds and shared.runs()[self._session] > 0
                    if not is_own and shared.may_begin() and shared.is_next(self):
                        return
                if self._is_gone():
                    return
                await asyncio.sleep(_TICK_SECONDS)
        finally:
            shared.waiting.pop(self, None)

    def _is_gone(self) -> bool:
        """Whether the browser has closed the connection, which is not heard while it is not read."""
        transport = transport_of(self._receive)
        if transport is None or transport.is_closing():
            return transport is not None
        if not hasattr(select, "poll"):
            return False
        poll = select.poll()
        poll.register(transport.get_extra_info("socket").fileno(), getattr(select, "POLLRDHUP", 0))
        return bool(poll.poll(0))

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


def _is_too_deep(value: str) -> bool:
    """Whether what a widget says is JSON that cannot be read for its depth: its page could not be run any more."""
    if value.count("[") + value.count("{") < _FEW_LEVELS:
        return False
    try:
        # Where it is read there are as many calls round it at most.
        json.loads(f"{'[' * _FEW_LEVELS}{value}{']' * _FEW_LEVELS}")
    except RecursionError:
        return True
    except ValueError:
        return False
    return False


def transport_of(receive: Receive) -> Any:
    """The connection under an ASGI `receive` of uvicorn; None where it is of another server."""
    return getattr(getattr(receive, "__self__", None), "transport", None)


def end(receive: Receive) -> None:
    """Cut the connection off, with what was to be sent."""
    transport = transport_of(receive)
    if transport is not None:
        transport.abort()


def _hold_to(receive: Receive, message_bytes: int) -> None:
    """Have no longer message gathered (the server's own bound is that of what it sends, which is larger), and no more
    frames taken than a browser sends.
    """
    protocol: Any = getattr(receive, "__self__", None)
    if hasattr(getattr(protocol, "conn", None), "max_message_size"):
        protocol.conn.max_message_size = message_bytes
        Frames(protocol)


def _session_in(message: Message) -> str:
    """The name of the session, which is in the first message that Streamlit sends."""
    try:
        return ForwardMsg.FromString(message.get("bytes") or b"").new_session.initialize.session_id
    except DecodeError:
        return ""


def _runs_computing() -> Counter[str]:
    """How many runs of pages are under way, by session, those included that have been told to stop; without those that
    wait for a device, or for what another one computes.
    """
    found, asleep = Counter[str](), threads_asleep()
    for each in threading.enumerate():
        context = getattr(each, SCRIPT_RUN_CONTEXT_ATTR_NAME, None)
        if context is not None and each.ident not in asleep:
            found[context.session_id] += 1
    return found
