"""What the server does beside the pages: it writes its log, gets ready for the first visitor, and ends its jobs."""

import asyncio
import logging
import math
import os
import pkgutil
import resource
import threading
import time
import urllib.parse
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from importlib import import_module

import streamlit as st
from starlette.types import ASGIApp, Receive, Scope, Send
from streamlit.runtime.pages_manager import PagesManager
from streamlit.runtime.scriptrunner import get_script_run_ctx

import viz
from models.catalog import DEFAULT_MODEL
from models.engine import MOST_CHARACTERS, MOST_CHARACTERS_ALONE, engine
from models.errors import HeadlightError
from models.one_at_a_time import libraries, libraries_are_here
from models.settings import SettingError, check_settings, unknown_settings
from pages.shared import local_or_public, thread
from pages.shared.registry import HOME, PAGES, modules
from pages.shared.room_watch import watch
from pages.shared.server_shutdown import end_if_told
from pages.shared.unsent_to_browser import keep_unsent
from pages.shared.uploads import take_largest_file

log = logging.getLogger(__name__)

_LINE = "%(asctime)s %(levelname)s %(name)s%(where)s: %(message)s"
_OURS = ("models", "pages", "viz")
_DESCRIPTORS = (65_536, 10_240, 4_096)
_LOOKS_SECONDS, _QUIET_SECONDS = 0.1, 1.0
# So long a first visitor has the server to itself, who waited for the model.
_FIRST_SECONDS = 4.0
# When somebody last asked for anything, `time.monotonic`.
_last_came = [-math.inf]


def write_log() -> None:
    """Have every line of the log say when, how bad, from where, on which page and with which model; of ours what is
    usual as well.
    """
    logging.basicConfig(format=_LINE, level=logging.WARNING)
    for handler in logging.getLogger().handlers:
        handler.addFilter(_with_where)
    for name in _OURS:
        logging.getLogger(name).setLevel(logging.INFO)
    # It has a form of its own, without the time.
    server = logging.getLogger("uvicorn")
    server.handlers.clear()
    server.propagate = True
    server.setLevel(logging.WARNING)


def _with_where(record: logging.LogRecord) -> bool:
    record.where = ""
    if get_script_run_ctx(suppress_warning=True) is not None:
        with suppress(RuntimeError):
            page = urllib.parse.urlsplit(st.context.url or "").path.rpartition("/")[2]
            known = page if page in {each.address for each in PAGES} else HOME.address
            record.where = f" [{known}, {thread.MODEL.value}]"
    return True


def check_operator() -> None:
    """See that what the operator set can be meant. Ends the program with a sentence where it cannot."""
    try:
        check_settings(os.environ)
    except SettingError as error:
        raise SystemExit(f"Headlight does not start: {error}") from None
    for name in unknown_settings(os.environ):
        log.warning("%s is no setting of Headlight's; README.md lists those that there are", name)


def take_descriptors() -> None:
    """Have as many files and connections open at once as the system lets this process; each visitor takes some."""
    now, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    for wanted in _DESCRIPTORS:
        enough = wanted if most == resource.RLIM_INFINITY else min(wanted, most)
        # Where there is no limit by name, macOS has one all the same, and refuses what is beyond it.
        with suppress(ValueError, OSError):
            if now == resource.RLIM_INFINITY or enough <= now:
                return
            resource.setrlimit(resource.RLIMIT_NOFILE, (enough, most))
            return


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
    # Until `st.navigation` was called once, a folder of this name means Streamlit's older way of many pages, and a
    # direct address is answered without running app.py.
    PagesManager.uses_pages_directory = False
    keep_unsent()
    local_or_public.serve()
    watch.serve(asyncio.get_running_loop())
    take_largest_file(is_local=local_or_public.is_local())
    engine.most_characters = lambda: MOST_CHARACTERS_ALONE if local_or_public.is_local() else MOST_CHARACTERS
    threading.Thread(target=_get_ready, name="headlight-ready", daemon=True).start()
    yield
    engine.close()
    end_if_told()


def _came_within(seconds: float) -> bool:
    return time.monotonic() - _last_came[0] < seconds


def _get_ready() -> None:
    """Do what the first visitor would wait for: import the libraries, load the default model, import the pages' parts.

    Importing takes the interpreter from whoever is served in the meantime. So it begins when nobody is: who needs the
    libraries at once imports them without waiting for this, and who does not has the page first.
    """
    while _came_within(_QUIET_SECONDS) and not libraries_are_here():
        time.sleep(_LOOKS_SECONDS)
    try:
        libraries()
        engine.model(DEFAULT_MODEL)
        log.info("Ready: %s is loaded", DEFAULT_MODEL)
        while _came_within(_FIRST_SECONDS):
            time.sleep(_LOOKS_SECONDS)
        parts = (module.name for module in pkgutil.walk_packages(viz.__path__, "viz."))
        for name in (*parts, *modules()):
            import_module(name)
    except HeadlightError as error:
        # Whoever opens a page reads it there.
        log.warning("Not ready ahead of the first visitor: %s", error)
    except Exception:
        log.exception("Not ready ahead of the first visitor")
