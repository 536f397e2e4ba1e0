"""One line of JSON for each request, where the operator asks for it, for programs that read logs.

A request is what the server was asked: a plain request, a session from its beginning to its end, a question to the
engine, a job. Of people there is nothing in it: no text, no query, no address of a machine, no path of a disk; what is
written is a number, or a name of ours.
"""

import json
import logging
import os
import sys
import time
import urllib.parse
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from logging.handlers import WatchedFileHandler

import streamlit as st
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from streamlit.runtime.scriptrunner import get_script_run_ctx

from models.catalog import MODELS
from models.catalog.hub_models import HUB_MODELS
from models.engine import Told, engine
from pages.shared.health import ADDRESS as HEALTH
from pages.shared.registry import HOME, PAGES

VARIABLE = "HEADLIGHT_REQUEST_LOG"
log = logging.getLogger("headlight.requests")

_METHODS = {"GET", "HEAD", "OPTIONS", "PUT", "POST", "DELETE", "PATCH"}
_ROUTES = (
    *(f"/_stcore/{each}" for each in ("health", "metrics", "host-config", "stream", "upload_file", "bidi-components")),
    *("/static", "/media", "/component"),
)
_PAGES = {each.address for each in PAGES}
_OPENED = ("folder", "hub", "own")
_OTHER = "other"


def write_requests(environment: Mapping[str, str]) -> None:
    """Write them where the operator says; nowhere unless they do. A file that is moved away is begun anew."""
    where = environment.get(VARIABLE, "").strip()
    if not where:
        return
    handler = logging.StreamHandler(sys.stdout) if where == "stdout" else WatchedFileHandler(where, encoding="utf-8")
    handler.setFormatter(logging.Formatter("%(message)s"))
    log.handlers = [handler]
    log.propagate = False
    log.setLevel(logging.INFO)
    engine.figures.heard = lambda told: _write(line_of(told, _page()))


def is_written() -> bool:
    """Whether anybody reads them."""
    return bool(log.handlers)


def line_of(told: Told, page: str) -> dict[str, object]:
    """A question or a job as a line. page: which asked."""
    return {
        "kind": "job" if told.is_job else "question",
        "question": told.question,
        "page": page,
        "models": sorted({model_name(each) for each in told.models}),
        "seconds": round(told.seconds, 4),
        "waited": round(told.waited, 4),
        "forwards": told.forwards,
        "kept": told.is_kept,
        "outcome": told.outcome,
    }


def model_name(name: str) -> str:
    """A model of the shelf by its name; of any other, which somebody typed, where it came from."""
    if name in set(MODELS) or name in HUB_MODELS:
        return name
    source = name.partition(":")[0]
    return source if source in _OPENED else _OTHER


def route_of(path: str) -> str:
    """Which of the server's addresses this is, "other" for what is none."""
    if path.rstrip("/").endswith(HEALTH) and "/_stcore" not in path:
        return HEALTH
    known = next((each for each in _ROUTES if each in path), None)
    if known is not None:
        return known
    page = path.rstrip("/").rpartition("/")[2]
    return f"/{page}" if not page or page in _PAGES else _OTHER


def _page() -> str:
    if get_script_run_ctx(suppress_warning=True) is None:
        return ""
    with suppress(RuntimeError):
        page = urllib.parse.urlsplit(st.context.url or "").path.rpartition("/")[2]
        return page if page in _PAGES else HOME.address
    return ""


def _write(line: Mapping[str, object]) -> None:
    log.info("%s", json.dumps({"at": datetime.now(UTC).isoformat(timespec="milliseconds"), **line}))


class Logged:
    """Round everything that is asked of the server: a line for each request and session, when it has ended."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer as the app inside does."""
        if scope["type"] == "lifespan" or not is_written():
            await self._app(scope, receive, send)
            return
        began, status, size = time.monotonic(), 0, 0

        async def sent(message: Message) -> None:
            nonlocal status, size
            status = message.get("status", message.get("code", status))
            size += len(message.get("body") or message.get("bytes") or message.get("text") or b"")
            await send(message)

        try:
            # What comes is handed on as it is: others look at the connection behind it.
            await self._app(scope, receive, sent)
        finally:
            is_session = scope["type"] == "websocket"
            method = scope.get("method", "")
            what = {"method": method if method in _METHODS else _OTHER} if not is_session else {}
            _write(
                {
                    "kind": "session" if is_session else "http",
                    **what,
                    "route": route_of(scope["path"]),
                    "status": status,
                    "seconds": round(time.monotonic() - began, 4),
                    "sent": size,
                }
            )


def log_file_error() -> str:
    """What is wrong with the place that the operator named, "" where lines can be written there."""
    where = os.environ.get(VARIABLE, "").strip()
    if not where or where == "stdout":
        return ""
    try:
        with open(where, "a", encoding="utf-8"):  # noqa: PTH123 - as the handler opens it
            return ""
    except OSError as error:
        return f"{VARIABLE} names a file that cannot be written: {error.strerror}."
