"""A room: how long after its teacher's click the last of thirty followers has the picture; what they cost at rest."""

import tempfile
import time
from pathlib import Path

import numpy as np
import psutil
from playwright.sync_api import Page

from benchmarks.followers import Class, following
from benchmarks.measuring import NONE, Limit, Row, alone, duration, size
from benchmarks.serving import WATCHED_APP, Server, chromium, painted, serving, visitor
from benchmarks.watched_server import FORWARDS

_FOLLOWERS = 30
_CLICKS = 20
_REST_SECONDS = 20.0
_TEXT = "The animal didn't cross the street because it was too tired."
_LAST = Limit(2.0, "value", "at most 2 s")
_CORE = Limit(0.01, "value", "at most 1 % of a core")
_BYTES = Limit(200.0, "value", "under 200 bytes a second each")
_READY = ".room-bar[data-ready='true'][data-role='teacher']"


def opened(page: Page, server: Server) -> str:
    """A room that this page's visitor has opened, at the attention page; its code."""
    page.goto(server.link("room"))
    page.get_by_role("button", name="Open a room").click()
    page.locator(_READY).wait_for()
    code = page.locator(_READY).get_attribute("data-room")
    page.get_by_role("link", name="Attention").first.click()
    painted(page)
    return code or ""


def seconds_to_the_last(page: Page, there: Class, head: int) -> float:
    """From the teacher's click on another head until the last follower has its map."""
    start = time.perf_counter()
    page.locator(".st-key-head_box").get_by_role("radio", name=str(head), exact=True).click()
    return max(there.wait_until("head", str(head))) - start


def at_rest(server: Server, there: Class, seconds: float) -> tuple[float, float]:
    """What a server takes of a core, in parts of one, and what each follower is sent in a second, while nothing
    happens.
    """
    process = psutil.Process(server.process.pid)

    def used() -> tuple[float, int]:
        spent = process.cpu_times()
        return spent.user + spent.system, sum(each.received for each in there.followers)

    cpu, received = used()
    time.sleep(seconds)
    cpu_after, received_after = used()
    return (cpu_after - cpu) / seconds, (received_after - received) / seconds / len(there.followers)


def measure(pairs: int) -> list[Row]:
    """Clicks of one teacher, followed by thirty; then nothing happens for a while."""
    heads = [1 + number % 11 for number in range(2, 2 + min(pairs, _CLICKS))]
    with tempfile.TemporaryDirectory() as folder, chromium() as browser:
        log = Path(folder) / "forwards"
        with serving(WATCHED_APP, {FORWARDS: str(log)}) as server, visitor(browser) as context:
            page = context.new_page()
            code = opened(page, server)
            time.sleep(2)
            with following(server, code, _FOLLOWERS) as there:
                there.wait_until("head", "1")
                before = log.stat().st_size
                received = sum(each.received for each in there.followers)
                seconds = []
                for head in heads:
                    time.sleep(1.0)
                    seconds.append(seconds_to_the_last(page, there, head))
                step = (sum(each.received for each in there.followers) - received) / len(heads) / _FOLLOWERS
                forwards = log.stat().st_size - before
                faults = [fault for each in there.followers for fault in each.faults]
                time.sleep(3)
                core, wire = at_rest(server, there, _REST_SECONDS)
    last = float(np.percentile(seconds, 95))
    same = Limit(0, "value", "none beside the teacher's first")
    return [
        Row(
            f"room: the teacher's click to the last of {_FOLLOWERS} followers",
            f"median {duration(float(np.median(seconds)))}, 95th percentile {duration(last)}",
            value=last,
            limit=_LAST,
            raw={"s": seconds},
        ),
        alone("room: what a follower is sent for it", step, size),
        alone("room: forwards for other heads of one text", forwards, str, same),
        alone("room: errors", len(faults), str, NONE, faults),
        alone(f"room: a server with {_FOLLOWERS} followers at rest, of a core", core, "{:.2%}".format, _CORE),
        alone("room: a follower at rest, bytes a second", wire, "{:.0f}".format, _BYTES),
    ]
