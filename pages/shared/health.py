"""Whether this server is ready, at /health: its default model answers, asked as a visitor would.

Streamlit's own /_stcore/health says that the process lives. Whoever sends visitors to a server wants to know more.
"""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http import HTTPStatus
from itertools import count

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from models.catalog import DEFAULT_MODEL
from models.engine import engine
from models.errors import HeadlightError

ADDRESS = "/health"
# Whoever asks more often is told the same, and a model that takes longer than this does not answer.
_FRESH_SECONDS, _PATIENCE_SECONDS = 5.0, 10.0
_numbers = count()


@dataclass(frozen=True)
class Ready:
    """What /health says: ready where nothing is missing. seconds: that the model took to answer."""

    missing: str = ""
    seconds: float = 0.0

    @property
    def response(self) -> JSONResponse:
        """As it is sent."""
        if self.missing:
            body = {"status": "not ready", "missing": self.missing}
            return JSONResponse(body, HTTPStatus.SERVICE_UNAVAILABLE, {"Retry-After": "5", "Cache-Control": "no-store"})
        body = {"status": "ready", "model": DEFAULT_MODEL, "seconds": round(self.seconds, 3)}
        return JSONResponse(body, headers={"Cache-Control": "no-store"})


def ask_default_model() -> Ready:
    """Have the default model answer now. One that is not loaded is not loaded for this."""
    if not engine.has_model(DEFAULT_MODEL):
        return Ready("The default model is not loaded yet.")
    from models.model_facts.answering import AnsweringRequest

    began = time.monotonic()
    try:
        engine.run(AnsweringRequest(DEFAULT_MODEL, next(_numbers)))
    except HeadlightError as error:
        return Ready(str(error))
    return Ready(seconds=time.monotonic() - began)


@dataclass
class Health:
    """Answers those who ask, all who ask within some seconds alike.

    ask: what finds out. fresh, patience: seconds that its answer is told again, and that it is waited for.
    """

    ask: Callable[[], Ready] = ask_default_model
    fresh: float = _FRESH_SECONDS
    patience: float = _PATIENCE_SECONDS
    _asked: asyncio.Task[Ready] | None = field(default=None, init=False)
    _at: float = field(default=0.0, init=False)
    _was_ready: bool = field(default=False, init=False)

    async def __call__(self, request: Request) -> JSONResponse:  # noqa: ARG002 - whoever asks is told the same
        """The answer: 200, or 503 with what is missing."""
        if self._asked is None or (self._asked.done() and time.monotonic() - self._at > self.fresh):
            self._asked, self._at = asyncio.create_task(asyncio.to_thread(self.ask)), time.monotonic()
        try:
            # Another one may wait for the same answer.
            found = await asyncio.wait_for(asyncio.shield(self._asked), self.patience)
        except TimeoutError:
            return Ready(f"The default model has not answered within {self.patience:.0f} seconds.").response
        if found.missing:
            # Nothing is repeated that may have changed.
            self._at = 0.0
        return found.response


def health_route() -> Route:
    """For the server."""
    return Route(ADDRESS, Health().__call__, methods=["GET"])
