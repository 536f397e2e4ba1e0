"""What the server does beside the pages: it writes its log, gets ready for the first visitor, and ends its jobs."""

import logging
import math
import pkgutil
import threading
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib import import_module

from starlette.types import ASGIApp, Receive, Scope, Send

import pages
import viz
from models.catalog import DEFAULT_MODEL
from models.engine import engine, libraries
from models.errors import HeadlightError
from models.one_at_a_time import libraries_are_here
from pages.shared.ending import end_if_told

log = logging.getLogger(__name__)

_LINE = "%(asctime)s %(levelname)s %(name)s: %(message)s"
_OURS = ("models", "pages", "viz")
_LOOKS_SECONDS, _QUIET_SECONDS = 0.1, 1.0
# When somebody last asked for anything, `time.monotonic`.
_last_came = [-math.inf]


def write_log() -> None:
    """Have every line of the log say when, how bad and from where; of ours what is usual as well."""
    logging.basicConfig(format=_LINE, level=logging.WARNING)
    for name in _OURS:
        logging.getLogger(name).setLevel(logging.INFO)
    # It has a form of its own, without the time.
    server = logging.getLogger("uvicorn")
    server.handlers.clear()
    server.propagate = True
    server.setLevel(logging.WARNING)


class Attended:
    """Round everything that is asked of the server: notes when somebody last came."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer as the app inside does. Whoever only looks whether the server is well is nobody."""
        if scope["type"] != "lifespan" and not scope["path"].endswith("health"):
            _last_came[0] = time.monotonic()
        await self._app(scope, receive, send)


@asynccontextmanager
async def lifespan(_: object) -> AsyncIterator[None]:
    """Round everything that the server does: Streamlit enters it when it starts to answer."""
    threading.Thread(target=_get_ready, name="headlight-ready", daemon=True).start()
    yield
    engine.close()
    end_if_told()


def _get_ready() -> None:
    """Do what the first visitor would wait for: import the libraries, load the default model, import the pages' parts.

    Importing takes the interpreter from whoever is served in the meantime. So it begins when nobody is: who needs the
    libraries at once imports them without waiting for this, and who does not has the page first.
    """
    while time.monotonic() - _last_came[0] < _QUIET_SECONDS and not libraries_are_here():
        time.sleep(_LOOKS_SECONDS)
    try:
        libraries()
        engine.model(DEFAULT_MODEL)
        # What the pages are made of; their scripts are run, not imported.
        for package in (viz, pages):
            for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
                if module.ispkg or module.name.count(".") > 1:
                    import_module(module.name)
    except HeadlightError as error:
        # Whoever opens a page reads it there.
        log.warning("Not ready ahead of the first visitor: %s", error)
    except Exception:
        log.exception("Not ready ahead of the first visitor")
    else:
        log.info("Ready: %s is loaded", DEFAULT_MODEL)
