"""The first that sees a request: who does not come from one of this server's own pages is turned away, with a sentence.

Streamlit compares the origin of a session with the names of its machine, and asks a service outside which names those
are, while everybody waits. Here nothing is asked, and what is let through leaves Streamlit nothing to ask.
"""

import os
import re
import resource

from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from pages.shared import local_or_public

# A page may fetch from its own server only, whatever stands in it. Streamlit's own scripts and charts need the unsafe
# words; a frame is made of data or of a blob.
_CONTENT = (
    "default-src 'self' data: blob: 'unsafe-inline' 'unsafe-eval'; connect-src 'self' data: blob: {sessions}; "
    "object-src 'none'; base-uri 'self'; form-action 'self'; frame-ancestors 'self'"
)
_HOST = re.compile(r"[\w.:\[\]-]+", re.ASCII)
_NAME = (
    "This server is not known by that name. Whoever runs it can add the name with --server.allowedHosts, or have the "
    "proxy before it say for whom it asks (X-Forwarded-For)."
)
_METRICS = "How much this server does is told to its own machine only."
_FULL = "This server has as many visitors as it can take; come back in a few minutes."
# Descriptors that are kept for what is not a session: files, models, downloads, answers.
_RESERVE = 48
_ORIGIN = "A session begins on one of this server's own pages, and not on those of another one."


class Guarded:
    """Round everything that is asked of the server."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer as the app inside does, or say why not."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        headers = [(name.decode("latin-1").lower(), value.decode("latin-1")) for name, value in scope["headers"]]
        ends = [end[0] for end in (scope.get("client"), scope.get("server")) if end]
        sentence = _refusal(headers, ends, is_session=scope["type"] == "websocket", path=scope["path"])
        if scope["type"] == "websocket":
            if sentence:
                # A browser shows nothing of the sentence here; it has read it on the page.
                await receive()
                await send({"type": "websocket.close", "code": 1008 if sentence != _FULL else 1013})
                return
            local_or_public.notice(headers, ends)
            await self._app(_without_origin(scope), receive, send)
            return

        more = _security_headers(dict(headers).get("host", ""))

        async def sent(message: Message) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": [*message.get("headers", ()), *more]}
            await send(message)

        status = 503 if sentence == _FULL else 403
        answer = PlainTextResponse(sentence, status) if sentence else self._app
        await answer(scope, receive, sent)


def _security_headers(host: str) -> list[tuple[bytes, bytes]]:
    # Some browsers do not take sessions of the own server for its own.
    sessions = f"ws://{host} wss://{host}" if _HOST.fullmatch(host) else ""
    return [
        (b"content-security-policy", _CONTENT.format(sessions=sessions).encode()),
        (b"x-content-type-options", b"nosniff"),
        # A text stands in the address of its page.
        (b"referrer-policy", b"same-origin"),
    ]


def _refusal(headers: list[tuple[str, str]], ends: list[str], *, is_session: bool, path: str) -> str:
    """Why this request is turned away; "" for one that is not. ends: the addresses of both ends of its connection."""
    if not is_session and path.endswith("/_stcore/health"):
        # Whoever looks whether the server is well may call it anything.
        return ""
    hosts = [value for name, value in headers if name == "host"]
    is_forwarded = local_or_public.is_forwarded(headers)
    # Whose name is right behind a proxy, the proxy knows, or the operator.
    if "/_stcore/metrics" in path and (is_forwarded or not all(map(local_or_public.is_this_machine, ends))):
        # How many are here since when is nobody's business, and counting what their sessions hold takes a while.
        return _METRICS
    is_known = len(hosts) == 1 and (
        local_or_public.is_known_name(hosts[0]) or (is_forwarded and not local_or_public.allowed_hosts())
    )
    if not is_known:
        return _NAME
    origins = [value for name, value in headers if name == "origin"]
    # A program has none, and a browser always one.
    if is_session and not all(local_or_public.is_same_site(each, hosts[0], is_loose=is_forwarded) for each in origins):
        return _ORIGIN
    is_page = "text/html" in dict(headers).get("accept", "")
    return _FULL if (is_session or is_page) and _is_full() else ""


def _is_full() -> bool:
    """Whether hardly any descriptor is left: a server without one takes no connection, and cannot say so."""
    try:
        # The lowest that is free.
        free = os.open(os.devnull, os.O_RDONLY)
    except OSError:
        return True
    os.close(free)
    most, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return most != resource.RLIM_INFINITY and free > most - _RESERVE


def _without_origin(scope: Scope) -> Scope:
    """The handshake without its origin, which has been looked at: what Streamlit does not see it does not ask about."""
    return {**scope, "headers": [each for each in scope["headers"] if each[0].lower() != b"origin"]}
