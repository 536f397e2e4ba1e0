"""A class opens one link: thirty browsers within a second, on a server that was just started."""

import tempfile
import time
from pathlib import Path

import numpy as np
import psutil
from playwright.sync_api import Browser, BrowserContext, Page

from benchmarks.measuring import Limit, Row, duration, size
from benchmarks.passages import passage
from benchmarks.serving import WATCHED_APP, Server, chromium, open_visitor, painted, serving, settled
from benchmarks.watched_server import FORWARDS
from models.loading import load_model

_VISITORS = 30
_LATER = 10
_SECONDS_TO_OPEN = 1.0
_TOKENS = 128
_ONE_FORWARD = Limit(1, "value", "one forward")
_NO_ERROR = Limit(0, "value", "none")


def measure(pairs: int) -> list[Row]:  # noqa: ARG001 - one class is one class
    """Forwards, seconds to painted, errors, memory per session."""
    text = passage(load_model("minilm"), _TOKENS)
    with tempfile.TemporaryDirectory() as folder, chromium() as browser:
        forwards = Path(folder) / "forwards"
        with serving(WATCHED_APP, {FORWARDS: str(forwards)}) as server:
            link = server.link("attention", model="minilm", text=text, layer=3, head=1)
            seconds, errors, opened = _class(browser, link)
            ran = forwards.stat().st_size if forwards.exists() else 0
            per_session = _memory_of_a_session(browser, server, link)
    what = f"{_VISITORS} browsers open one link ({_TOKENS} tokens) within {duration(opened)} on a fresh server"
    middle, late = np.percentile(seconds, (50, 95)) if seconds else (np.inf, np.inf)
    return [
        Row(f"{what}: forwards", str(ran), value=ran, limit=_ONE_FORWARD),
        Row(f"{what}: to painted", f"median {duration(middle)}, 95th percentile {duration(late)}", raw={"ours": seconds}),
        Row(f"{what}: errors", str(len(errors)), value=len(errors), limit=_NO_ERROR, raw={"ours": errors}),
        Row("server's memory per further session", size(per_session), value=per_session),
    ]
