"""`python -m benchmarks.soak [--minutes 60] [--clients 30] [--json FILE]`: a server that is used for an hour.

So many people open one page after the other, all pages, three models and ever other texts, and look at each for a
while. After ten minutes (a third of a shorter soak) all of them go away for a moment, and so they do at the end: what
the server holds at rest is compared, and its memory in between. Exits 1 where something grew, or anybody saw an error.
"""

import argparse
import asyncio
import json
import re
import sys
import time
import urllib.request
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

import numpy as np
import psutil

from benchmarks.classroom import visit_of_all_pages
from benchmarks.measuring import duration, size
from benchmarks.own_loop import run_beside
from benchmarks.serving import APP, Server, serving
from benchmarks.sessions import Opened, Visit, one_session

_SEED = 26
# Beside the five pages of a class: those that show no picture of a text, and those that compute for long.
_OTHERS = ("", "heads", "anatomy", "lessons", "room")
_EVERY_OTHER = 4
# A person looks at a page for so long, evenly drawn.
_LOOKS = (5.0, 25.0)
_SAMPLE_SECONDS = 2.0
# So long people come in again: what is given back at rest is taken anew.
_COMING_SECONDS = 60.0
_WINDOW_SECONDS = 60.0
_WARM_SECONDS = 600.0
# Sessions of those who left are kept for a minute, and idle memory goes back after some seconds.
_REST_SECONDS = 90.0
MOST_GROWTH = 0.05


@dataclass(frozen=True)
class Held:
    """What a server holds: bytes of memory, threads, open files and connections. at: seconds since the soak began."""

    at: float
    memory: int
    threads: int
    descriptors: int


@dataclass(frozen=True)
class Soak:
    """What happened.

    samples: while people were there, from the warm-up's end on. before, after: at rest, after the warm-up and at the
    end. served: seconds of each visit to its picture. faults: of all visits. traces: in the server's log.
    """

    seconds: float
    clients: int
    samples: tuple[Held, ...]
    before: Held
    after: Held
    served: tuple[float, ...]
    faults: tuple[str, ...]
    traces: tuple[str, ...]

    @property
    def growth(self) -> float:
        """By which part the memory of any minute differs most from that of the first one."""
        windows: dict[int, list[int]] = {}
        for each in self.samples:
            windows.setdefault(int((each.at - self.samples[0].at) // _WINDOW_SECONDS), []).append(each.memory)
        middles = [float(np.median(each)) for _, each in sorted(windows.items())]
        return max(abs(each / middles[0] - 1) for each in middles)

    def problems(self) -> list[str]:
        """What should not be, one sentence each."""
        found = [f"A visitor saw: {each}" for each in self.faults] + [f"The log has: {each}" for each in self.traces]
        if self.growth > MOST_GROWTH:
            found.append(
                f"The memory moved by {self.growth:.1%} after the warm-up; at most {MOST_GROWTH:.0%} is right."
            )
        for name in ("threads", "descriptors"):
            before, after = getattr(self.before, name), getattr(self.after, name)
            if after > before:
                found.append(f"At rest there are {after} {name}, and after the warm-up there were {before}.")
        return found

    def said(self) -> str:
        """The figures, a line each."""
        middle, late = np.percentile(self.served, (50, 95)) if self.served else (np.nan, np.nan)
        memory = [each.memory for each in self.samples]
        return "\n".join(
            [
                f"{self.clients} people for {self.seconds / 60:.0f} minutes, {len(self.served)} pages served",
                f"to the picture: median {duration(middle)}, 95th percentile {duration(late)}",
                f"memory after the warm-up: {size(min(memory))} to {size(max(memory))}, by minutes at most "
                f"{self.growth:.1%} from the first",
                *(
                    f"at rest {when}: {size(held.memory)}, {held.threads} threads, {held.descriptors} descriptors"
                    for when, held in (("after the warm-up", self.before), ("at the end", self.after))
                ),
                f"errors: {len(self.faults)}, traces in the log: {len(self.traces)}",
            ]
        )


def soak(server: Server, seconds: float, clients: int) -> Soak:
    """Use the server for so long, the rests not counted."""
    return run_beside(_soak(server, seconds, clients))


async def _soak(server: Server, seconds: float, clients: int) -> Soak:
    began = time.monotonic()
    warm = min(_WARM_SECONDS, seconds / 3)
    first, _ = await _crowd(server, warm, clients, 0, began)
    before = await _at_rest(server, began)
    # Other texts: those of the warm-up are kept.
    second, samples = await _crowd(server, seconds - warm, clients, len(first), began)
    after = await _at_rest(server, began)
    opened = (*first, *second)
    return Soak(
        seconds=seconds,
        clients=clients,
        samples=samples,
        before=before,
        after=after,
        served=tuple(each.seconds for each in opened if each.seconds is not None),
        faults=tuple(f"{each.visit.link}: {fault}" for each in opened for fault in each.faults),
        traces=tuple(re.findall(r"Traceback \(most recent call last\):(?:\n.+)*", server.log())),
    )


async def _crowd(
    server: Server, seconds: float, clients: int, start: int, began: float
) -> tuple[list[Opened], tuple[Held, ...]]:
    """All people for so long: what they saw, and what the server held meanwhile."""
    came = time.monotonic()
    until = came + seconds
    opened: list[Opened] = []
    samples: list[Held] = []

    async def person(number: int) -> None:
        draws = np.random.default_rng((_SEED, start, number))
        await asyncio.sleep(draws.uniform(0, _LOOKS[1]))
        while time.monotonic() < until:
            looks, came_now = draws.uniform(*_LOOKS), time.monotonic()
            visit = _visit(server, start + len(opened), number)
            # Whoever waited long looks long: a busy machine is not asked for more than it can do.
            stay = partial(_look, looks, came_now)
            opened.append(await one_session(server, visit, stay))

    async with asyncio.TaskGroup() as group:
        people = [group.create_task(person(number)) for number in range(clients)]
        while not all(each.done() for each in people):
            if time.monotonic() - came > min(_COMING_SECONDS, seconds / 4) and time.monotonic() < until:
                samples.append(_held(server, began))
            await asyncio.sleep(_SAMPLE_SECONDS)
    return opened, tuple(samples)


async def _look(seconds: float, since: float) -> None:
    await asyncio.sleep(max(seconds, time.monotonic() - since))


def _visit(server: Server, number: int, person: int) -> Visit:
    if (number + person) % _EVERY_OTHER:
        return visit_of_all_pages(server, number + person, number)
    page = _OTHERS[number // _EVERY_OTHER % len(_OTHERS)]
    return Visit(server.link(page), "browser_history")


def _held(server: Server, began: float) -> Held:
    process = psutil.Process(server.process.pid)
    with process.oneshot():
        return Held(time.monotonic() - began, process.memory_info().rss, process.num_threads(), process.num_fds())


async def _at_rest(server: Server, began: float) -> Held:
    """What it holds once nobody has been there for a while, and jobs that were left have ended."""
    await asyncio.sleep(_REST_SECONDS)
    late = time.monotonic() + 2 * _REST_SECONDS
    while figure(server, "active_sessions") + figure(server, "headlight_jobs") > 0 and time.monotonic() < late:
        await asyncio.sleep(1)
    await asyncio.sleep(5)
    return _held(server, began)


def figure(server: Server, family: str) -> float:
    """What the server's metrics say of one family, all its labels together; 0 where they say nothing."""
    with urllib.request.urlopen(f"{server.address}/_stcore/metrics?families={family}", timeout=30) as answer:
        found = re.findall(rf"(?m)^{family}(?:_total)?(?:{{.*}})? ([\d.e+]+)$", answer.read().decode())
    return sum(map(float, found))


def main(arguments: Sequence[str] | None = None, say: Callable[[str], object] = print) -> int:
    """Run it, and say what happened."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.soak", description="A server that is used for an hour.")
    parser.add_argument("--minutes", type=float, default=60, help="how long people are there (default: 60)")
    parser.add_argument("--clients", type=int, default=30, help="how many people (default: 30)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every number that was measured")
    asked = parser.parse_args(arguments)
    with serving(APP) as server:
        found = soak(server, asked.minutes * 60, asked.clients)
    say(found.said())
    for each in found.problems():
        say(each)
    if asked.json:
        asked.json.write_text(json.dumps(asdict(found), indent=1))
    return int(bool(found.problems()))


if __name__ == "__main__":
    sys.exit(main())
