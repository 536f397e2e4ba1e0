"""What the server does beside the pages: it writes its log, gets ready for the first visitor, and ends its jobs."""

import logging
import pkgutil
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib import import_module

import pages
import viz
from models.catalog import DEFAULT_MODEL
from models.engine import engine, libraries
from models.errors import HeadlightError
from pages.shared.examples import ATTENTION

log = logging.getLogger(__name__)

_LINE = "%(asctime)s %(levelname)s %(name)s: %(message)s"
_OURS = ("models", "pages", "viz")


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


@asynccontextmanager
async def lifespan(_: object) -> AsyncIterator[None]:
    """Round everything that the server does: Streamlit enters it when it starts to answer."""
    threading.Thread(target=_get_ready, name="headlight-ready", daemon=True).start()
    yield
    engine.close()


def _get_ready() -> None:
    """Do what the first visitor would wait for: import the libraries, load the default model, compute a first map."""
    try:
        libraries()
        # What the pages are made of; their scripts are run, not imported.
        for package in (viz, pages):
            for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
                if module.ispkg or module.name.count(".") > 1:
                    import_module(module.name)
        from models.attention import HeadMapRequest, HeadPictureRequest, TracedTextRequest, TraceRequest

        trace = TraceRequest(DEFAULT_MODEL, ATTENTION[0].text)
        traced = engine.run(TracedTextRequest(trace))
        engine.run(HeadPictureRequest(HeadMapRequest(trace, traced.kinds[0], 0, 0), 0))
    except HeadlightError as error:
        # Whoever opens a page reads it there.
        log.warning("Not ready ahead of the first visitor: %s", error)
    except Exception:
        log.exception("Not ready ahead of the first visitor")
    else:
        log.info("Ready: %s is loaded", DEFAULT_MODEL)
