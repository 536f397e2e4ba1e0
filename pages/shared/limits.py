"""What one visitor, and all of them together, may ask of the server: sessions, messages, uploads, time.

Streamlit counts none of it. `Bounded` stands in front of it, sees every request before it does, and tells what is over
in a sentence. A class of a hundred behind one address stays within these bounds.
"""

import asyncio
import gc
import logging
import math
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from starlette.requests import ClientDisconnect
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from streamlit import runtime

from models.engine import engine
from models.engine.memory import return_now
from pages.shared.browser_connection import Connection, Shared, end, transport_of
from pages.shared.uploads import Uploads

log = logging.getLogger(__name__)

_TICK_SECONDS = 5.0
_UPLOAD = "/_stcore/upload_file/"
_ENDPOINTS = ("/_stcore/", "/static/", "/media/", "/component/")


@dataclass(frozen=True)
class Limits:
    """sessions, sessions_of_one: open at once, in all and from one address, which may be a class's or a proxy's.
    body_bytes: of a request that is no upload. read_away_bytes: of one that is refused.
    silent_seconds: without a byte of a request that has begun. upload_seconds: for all of it. slow_seconds: for whoever
        does not take an answer.
    """

    sessions: int = 256
    sessions_of_one: int = 160
    body_bytes: int = 64 * 1024
    read_away_bytes: int = 8 * 1024**2
    silent_seconds: float = 20.0
    upload_seconds: float = 180.0
    slow_seconds: float = 30.0


class Bounded:
    """Round everything that is asked of the server: lets through what is within the limits."""

    def __init__(self, app: ASGIApp, limits: Limits = Limits()) -> None:
        self._app = app
        self._limits = limits
        self._sessions: Counter[str] = Counter()
        self._uploads = Uploads()
        self._shared = Shared()
        self._connections: set[Any] = set()
        self._unfinished: dict[Any, float] = {}
        self._keeper: asyncio.Task[None] | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer as the app inside does, or say what is over."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        self._know_connections(receive)
        if self._keeper is None or self._keeper.done():
            self._keeper = asyncio.create_task(self._keep_house(), name="headlight-limits")
        if scope["type"] == "websocket":
            await self._session(scope, receive, send)
        else:
            await self._request(scope, receive, send)

    async def _session(self, scope: Scope, receive: Receive, send: Send) -> None:
        with self._counted(scope) as is_welcome:
            if not is_welcome:
                await receive()
                await send({"type": "websocket.close", "code": 1013})
                return
            connection = Connection(receive, send, self._shared, self._limits.slow_seconds)
            try:
                await self._app(scope, connection.receive, connection.send)
            finally:
                connection.ended()

    @contextmanager
    def _counted(self, scope: Scope) -> Iterator[bool]:
        """Whether there is room for one more session, which is counted as long as the block lasts."""
        address = scope["client"][0] if scope.get("client") else ""
        if self._is_full() or self._sessions[address] >= self._limits.sessions_of_one:
            yield False
            return
        self._sessions[address] += 1
        try:
            yield True
        finally:
            self._sessions[address] -= 1
            if not self._sessions[address]:
                del self._sessions[address]

    def _is_full(self) -> bool:
        return self._sessions.total() >= self._limits.sessions

    async def _request(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = {name.lower(): value.decode("latin-1") for name, value in scope["headers"]}
        is_upload = scope["method"] == "PUT" and _UPLOAD in scope["path"]
        said = headers.get(b"content-length", "")
        length = int(said) if said.isdecimal() and len(said) < 16 else None
        has_body = length is None and (said != "" or b"transfer-encoding" in headers)
        refusal: tuple[int, str] | None = None
        if is_upload:
            refusal = self._uploads.refusal(scope["path"].split("/")[-2], length)
        elif has_body or (length or 0) > self._limits.body_bytes:
            refusal = (HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "This request is larger than anything that is asked here.")
        elif self._is_full() and self._is_page(scope, headers):
            refusal = (
                HTTPStatus.SERVICE_UNAVAILABLE,
                f"This server has as many visitors as it takes, which are {self._limits.sessions}; come back in a "
                "while, or close pages that nobody looks at.",
            )
        if refusal is not None:
            await self._read_away(receive)
            await _refuse(*refusal)(scope, receive, send)
            return
        body, answer = self._in_time(receive, is_upload=is_upload), self._taken(receive, send)
        # A browser that goes away in the middle is nothing to write down.
        with suppress(ClientDisconnect):
            if is_upload:
                with self._uploads.under_way(scope["path"].split("/")[-2], length or 0):
                    await self._app(scope, body, answer)
            else:
                await self._app(scope, body, answer)

    async def _read_away(self, receive: Receive) -> None:
        """Read what still comes of a refused request, within bounds, and keep nothing: a browser that is cut off while
        it sends is told nothing.
        """
        left = self._limits.read_away_bytes
        with suppress(TimeoutError):
            async with asyncio.timeout(self._limits.silent_seconds):
                while left > 0:
                    message = await receive()
                    left -= len(message.get("body", b"")) + 1
                    if not message.get("more_body", False):
                        return

    @staticmethod
    def _is_page(scope: Scope, headers: dict[bytes, str]) -> bool:
        is_asked = scope["method"] == "GET" and "text/html" in headers.get(b"accept", "")
        return is_asked and not any(each in scope["path"] for each in _ENDPOINTS)

    def _in_time(self, receive: Receive, *, is_upload: bool) -> Receive:
        """What comes of a request; one that does not come is as if its sender had gone."""
        began = time.monotonic()
        is_read = False

        async def receive_in_time() -> Message:
            nonlocal is_read
            if is_read:
                # What comes after the body is that the sender goes away, whenever that is.
                return await receive()
            left = began + self._limits.upload_seconds - time.monotonic() if is_upload else math.inf
            try:
                async with asyncio.timeout(max(0.0, min(left, self._limits.silent_seconds))):
                    message = await receive()
            except TimeoutError:
                end(receive)
                return {"type": "http.disconnect"}
            is_read = not message.get("more_body", False)
            return message

        return receive_in_time

    def _taken(self, receive: Receive, send: Send) -> Send:
        """What goes to a browser; one that does not take it is cut off."""

        async def send_in_time(message: Message) -> None:
            try:
                async with asyncio.timeout(self._limits.slow_seconds):
                    await send(message)
            except TimeoutError:
                end(receive)
                raise ClientDisconnect from None

        return send_in_time

    def _know_connections(self, receive: Receive) -> None:
        # uvicorn's protocols have the set of all of them; there is no other way to those that never asked anything.
        transport = transport_of(receive)
        if not self._connections and transport is not None:
            self._connections = getattr(transport.get_protocol(), "connections", self._connections)

    async def _keep_house(self) -> None:
        """Now and then: close what was opened and never used, let go of sessions that nobody comes back to."""
        before = -1
        while True:
            await asyncio.sleep(_TICK_SECONDS)
            try:
                self._close_unfinished()
                self._shared.forget_old()
                _let_go_of_ended_sessions()
                self._shared.is_untidy |= engine.forget_idle()
                # Having memory back takes a while: where there was much less to do a moment ago there is nothing.
                now = self._shared.messages
                if now == before and self._shared.is_untidy:
                    self._shared.is_untidy = False
                    await asyncio.to_thread(_tidy)
                before = now
            except Exception:
                log.exception("Keeping the limits failed")

    def _close_unfinished(self) -> None:
        """Close connections that have asked nothing whole for a while: they use up descriptors."""
        now = time.monotonic()
        idle = {each for each in tuple(self._connections) if _asks_nothing_whole(each)}
        self._unfinished = {each: self._unfinished.get(each, now) for each in idle}
        for each, since in self._unfinished.items():
            if now - since > self._limits.silent_seconds:
                each.transport.abort()


def _asks_nothing_whole(protocol: Any) -> bool:
    """Whether an HTTP connection waits for the rest, or the beginning, of a request; a clock is set between two."""
    if not hasattr(protocol, "cycle") or getattr(protocol, "timeout_keep_alive_task", None) is not None:
        return False
    return protocol.cycle is None or protocol.cycle.response_complete


def _refuse(status: int, sentence: str) -> PlainTextResponse:
    return PlainTextResponse(sentence, status, {"Connection": "close", "Retry-After": "30"})


def _let_go_of_ended_sessions() -> None:
    """Streamlit keeps a session for those who come back, and lets go of it when another one ends, not when its time is
    over.
    """
    storage = getattr(getattr(runtime.get_instance(), "_session_mgr", None), "_session_storage", None)
    expire = getattr(getattr(storage, "_cache", None), "expire", None)
    if expire is not None:
        expire()


def _tidy() -> None:
    gc.collect()
    return_now()
