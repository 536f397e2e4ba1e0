"""Queue and wait by simulation: people who open pages, web processes that draw them, devices that compute.

`python -m benchmarks.scale` prints the tables of docs/scale.md; with --write they are put there. What a page costs
is measured (`benchmarks.costs`); how often people open one is assumed, and said.

A web process runs Python in one thread at a time, shared evenly among the pages that it draws at once; others wait,
first come, first served. Questions take turns on a device, forward by forward, so it is shared among all that are
there. Where it is the processor of the same machine, it is left with the cores that Python does not take.
"""

import argparse
import math
import re
import sys
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.costs import Costs, Visited, measured

SCALE = Path(__file__).resolve().parents[1] / "docs" / "scale.md"
_BEGIN, _END = "<!-- from here on by python -m benchmarks.scale -->", "<!-- until here -->"
_SEED = 26
# Of a lesson: how often a person opens a page or changes what it shows, and in which part of them with an own text.
EVERY_SECONDS, OWN_TEXTS = 20.0, 0.3
_MINUTES = 10
_NOTHING = 1e-9
_ENOUGH, _GROUP = 64, 6
# A person waits no longer than this, nineteen times in twenty.
PATIENCE = 2.0
PEOPLE = (30, 300, 3_000, 30_000)
# Sessions that one web process takes (pages/shared/limits.py).
MOST_SESSIONS = 256


@dataclass(frozen=True)
class Work:
    """Seconds that one visit takes alone: Python until the question, the device, Python after the picture."""

    before: float
    device: float
    after: float


@dataclass(frozen=True)
class Site:
    """So many web processes, and what computes for them. running: pages that one draws at once.

    workers: other machines, or processors of their own, each a device for all of them; 0 where the device is the
    processor of the one web process's machine, which has so many cores.
    """

    webs: int = 1
    workers: int = 0
    cores: int = 2
    running: int = 5


def work_of(visited: Visited, cores: int) -> Work:
    """What a measured visit takes of a machine that does nothing else: processor time, since others may have been there
    when it was measured. A forward takes all cores, Python takes one.
    """
    part = min(1.0, visited.device / visited.end_seconds)
    python = visited.processor * (1 - part)
    before = min(1.0, visited.seconds / visited.end_seconds)
    return Work(python * before, visited.processor * part / cores, python * (1 - before))


class _Web:
    """A web process: what waits to be drawn, as (visit, whether it has its picture), and the Python that is left of
    what is drawn.
    """

    def __init__(self, running: int) -> None:
        self._running = running
        self.waiting: deque[tuple[int, bool]] = deque()
        self.drawn: dict[tuple[int, bool], float] = {}

    def fill(self, works: Sequence[Work]) -> None:
        while self.waiting and len(self.drawn) < self._running:
            each = self.waiting.popleft()
            self.drawn[each] = works[each[0]].after if each[1] else works[each[0]].before

    @property
    def next_end(self) -> float:
        return min(self.drawn.values()) * len(self.drawn) if self.drawn else math.inf

    def go_on(self, seconds: float) -> list[tuple[int, bool]]:
        """What has ended after so many seconds."""
        share = seconds / max(1, len(self.drawn))
        self.drawn = {each: left - share for each, left in self.drawn.items()}
        ended = [each for each, left in self.drawn.items() if left <= _NOTHING]
        for each in ended:
            del self.drawn[each]
        return ended


def waits(arrivals: Sequence[float], works: Sequence[Work], site: Site) -> np.ndarray:
    """Seconds until each visit has its picture, in the order of their arrivals, which must be sorted."""
    found = np.zeros(len(arrivals))
    coming = deque(range(len(arrivals)))
    webs = [_Web(site.running) for _ in range(site.webs)]
    computed: dict[int, float] = {}
    now = 0.0
    while coming or computed or any(web.waiting or web.drawn for web in webs):
        for web in webs:
            web.fill(works)
        is_shared = not site.workers and any(web.drawn for web in webs)
        speed = max(0.5, site.cores - 1) / site.cores if is_shared else 1.0
        # A question is on one device at a time.
        speed *= min(1.0, max(1, site.workers) / max(1, len(computed)))
        steps = (
            arrivals[coming[0]] - now if coming else math.inf,
            min(computed.values()) / speed if computed else math.inf,
            *(web.next_end for web in webs),
        )
        step = max(0.0, min(steps))
        now += step
        computed = {each: left - step * speed for each, left in computed.items()}
        for web in webs:
            computed |= {each: works[each].device for each, has_picture in web.go_on(step) if not has_picture}
        if steps[0] <= step:
            webs[coming[0] % site.webs].waiting.append((coming.popleft(), False))
        for each in [each for each, left in computed.items() if left <= _NOTHING]:
            del computed[each]
            found[each] = now - arrivals[each]
            # It goes on in the thread that it has.
            webs[each % site.webs].waiting.appendleft((each, True))
    return found


def lesson(costs: Costs, people: int, seconds: float, seed: int = _SEED) -> tuple[list[float], list[Work]]:
    """When so many people open a page in so long, each by chance on average every 20 seconds, and what it takes."""
    draws = np.random.default_rng(seed)
    arrivals = np.sort(draws.uniform(0, seconds, draws.poisson(people * seconds / EVERY_SECONDS)))
    own = draws.random(len(arrivals)) < OWN_TEXTS
    which = draws.integers(len(costs.again), size=len(arrivals))
    works = [
        work_of((costs.visits if is_own else costs.again)[number], costs.cores)
        for is_own, number in zip(own, which, strict=True)
    ]
    return arrivals.tolist(), works


@dataclass(frozen=True)
class Sized:
    """What so many people need: web processes, and workers besides; seconds that 19 of 20 wait at the most."""

    people: int
    webs: int
    workers: int
    late: float


def late_of(costs: Costs, people: float, site: Site) -> float:
    """Seconds to the picture that 19 of 20 visits of a lesson stay below."""
    arrivals, works = lesson(costs, max(1, round(people)), _MINUTES * 60)
    return float(np.percentile(waits(arrivals, works, site), 95)) if arrivals else 0.0


def most_people(costs: Costs, site: Site) -> int:
    """How many one web process serves so that 19 of 20 wait no longer than two seconds."""
    low, high = 1, MOST_SESSIONS
    while low < high:
        middle = -(-(low + high) // 2)
        low, high = (middle, high) if late_of(costs, middle, site) <= PATIENCE else (low, middle - 1)
    return low


def sized(costs: Costs, people: int) -> Sized:
    """The fewest web processes and then workers for so many people; a worker computes as the measured machine does."""
    alone = Site(cores=costs.cores)
    late = late_of(costs, people, alone) if people <= MOST_SESSIONS else math.inf
    if late <= PATIENCE:
        return Sized(people, 1, 0, late)
    # Nine tenths of what one web process can draw where no device is waited for.
    webs = math.ceil(people / (0.9 * most_people(costs, Site(workers=_ENOUGH))))
    # More than a few are as many such groups.
    group = min(webs, _GROUP)
    for workers in range(1, _ENOUGH):
        late = late_of(costs, people * group / webs, Site(group, workers))
        if late <= PATIENCE:
            return Sized(people, webs, math.ceil(workers * webs / group), late)
    raise ValueError("no number of workers is enough")


def tables(costs: Costs) -> str:
    """Those of docs/scale.md."""
    return "\n\n".join([costs_table(costs), _sizes_table(costs)])


def costs_table(costs: Costs) -> str:
    """What each page costs, one a line."""
    lines = [
        "| page | to the picture | the device of it | processor | sent | again: to the picture | processor | sent |",
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for page in dict.fromkeys(each.page for each in costs.visits):
        new = [each for each in costs.visits if each.page == page]
        again = [each for each in costs.again if each.page == page]

        def mean(of: Sequence[Visited], name: str) -> float:
            return float(np.mean([getattr(each, name) for each in of]))

        cells = [
            page,
            *(f"{mean(new, name):.2f} s" for name in ("seconds", "device", "processor")),
            f"{mean(new, 'bytes') / 1000:.0f} kB",
            *(f"{mean(again, name):.2f} s" for name in ("seconds", "processor")),
            f"{mean(again, 'bytes') / 1000:.0f} kB",
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def _sizes_table(costs: Costs) -> str:
    lines = [
        "| people | web processes | workers beside | 19 of 20 wait at most | memory | sent a second |",
        "| --- | --- | --- | --- | --- | --- |",
        *(sizes_line(costs, people) for people in PEOPLE),
    ]
    return "\n".join(lines)


def sizes_line(costs: Costs, people: int) -> str:
    """What so many people need."""
    bytes_each = float(np.mean([OWN_TEXTS * new.bytes + (1 - OWN_TEXTS) * old.bytes for new, old in _pairs(costs)]))
    found = sized(costs, people)
    processes = found.webs + found.workers
    memory = processes * costs.memory + people * costs.of_a_session
    wire = people / EVERY_SECONDS * bytes_each
    return (
        f"| {people:,} | {found.webs:,} | {found.workers:,} | {found.late:.1f} s | {memory / 1e9:,.1f} GB | "
        f"{wire / 1e6:,.2f} MB |"
    )


def _pairs(costs: Costs) -> list[tuple[Visited, Visited]]:
    return [(new, costs.again[number % len(costs.again)]) for number, new in enumerate(costs.visits)]


def class_of(costs: Costs) -> np.ndarray:
    """Seconds of each person of the class that was measured, by simulation: all within a second, on one machine."""
    works = [work_of(each, costs.cores) for each in costs.visits[: len(costs.classes[0])]]
    return waits(np.linspace(0, 1, len(works)).tolist(), works, Site(cores=costs.cores))


def written(costs: Costs) -> str:
    """docs/scale.md with the tables of these costs: they stand between two marks, and nothing else does."""
    before, _, after = re.split(rf"(?s)({_BEGIN}\n.*?{_END})", SCALE.read_text("utf-8"))
    return f"{before}{_BEGIN}\n\n{said(costs)}\n\n{_END}{after}"


def said(costs: Costs) -> str:
    """The tables, and the class of thirty as simulated and as measured."""
    simulated, seen = class_of(costs), np.array(costs.classes)
    lines = [
        f"A class of {len(simulated)} within a second, {name}: median {middle:.1f} s, 19 of 20 within {late:.1f} s."
        for name, (middle, late) in (
            ("simulated", np.percentile(simulated, (50, 95))),
            ("measured", np.percentile(seen, (50, 95))),
        )
    ]
    where = f"Measured on {costs.cores} cores beside other work, a load of {costs.load:.1f} just before."
    return "\n\n".join([where, tables(costs), *lines])


def main() -> int:
    """Print the tables, or write them."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scale", description="Queue and wait by simulation.")
    parser.add_argument("--write", action="store_true", help="put the tables into docs/scale.md")
    if parser.parse_args().write:
        SCALE.write_text(written(measured()), "utf-8")
    else:
        print(said(measured()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
