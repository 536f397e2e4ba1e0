"""What a page costs a server: processor time, time of the device, bytes; and a class of thirty beside it.

`python -m benchmarks.costs` writes benchmarks/measured_costs.json, on which docs/scale.md and the simulation of queues
(`benchmarks.scale`) rest; measure both again together, on one machine.
"""

import argparse
import json
import os
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import psutil

from benchmarks.classroom import class_of_all_pages, visit_of_all_pages
from benchmarks.serving import APP, Server, serving
from benchmarks.sessions import attend
from benchmarks.soak import figure

MEASURED = Path(__file__).parent / "measured_costs.json"
_CLASS = 30
# Sessions over which the memory of one is measured.
_STAYING = 30


@dataclass(frozen=True)
class Visited:
    """One visit of a page with a text that is new to a warm server, alone.

    seconds: to the picture; end_seconds: to the end of its script. processor: seconds of all its threads together.
    device: of these (by the clock), how long the device computed. bytes: that the browser was sent.
    """

    page: str
    model: str
    seconds: float
    end_seconds: float
    processor: float
    device: float
    bytes: int


@dataclass(frozen=True)
class Costs:
    """All that was measured, in one go. cores: of the machine, and its load just before. again: the same pages with
    texts that the server has answered. classes: of each class, seconds of each person to the picture, whose pages and
    models are those of `visits` in the same order. memory: bytes of the server after all of that; of_a_session: that
    one more session takes.
    """

    cores: int
    load: float
    visits: tuple[Visited, ...]
    again: tuple[Visited, ...]
    classes: tuple[tuple[float, ...], ...]
    memory: int
    of_a_session: float


def measure(texts: int = 3, class_count: int = 3) -> Costs:
    """On a server of its own, with so many texts on each page, and so many classes.

    Raises RuntimeError where a visitor saw an error.
    """
    load = os.getloadavg()[0]
    with serving(APP) as server:
        # What is loaded once is not the visits'.
        _checked(attend(server, class_of_all_pages(server, _CLASS)))
        rounds = range(_CLASS, _CLASS * (1 + texts), _CLASS)
        visits = [each for start in rounds for each in _one_by_one(server, start)]
        again = list(_one_by_one(server, rounds[-1]))
        classes = []
        for number in range(class_count):
            start = _CLASS * (2 + texts + number)
            opened = _checked(attend(server, class_of_all_pages(server, _CLASS, start=start)))
            classes.append(tuple(each.seconds for each in opened if each.seconds is not None))
        memory = psutil.Process(server.process.pid).memory_info().rss
        attend(server, class_of_all_pages(server, _STAYING, start=rounds[-1]))
        grown = psutil.Process(server.process.pid).memory_info().rss
    return Costs(
        os.cpu_count() or 1,
        load,
        tuple(visits),
        tuple(again),
        tuple(classes),
        memory,
        max(0.0, (grown - memory) / _STAYING),
    )


def _one_by_one(server: Server, start: int) -> Iterator[Visited]:
    """Each person of a class alone."""
    process = psutil.Process(server.process.pid)

    def spent() -> tuple[float, float]:
        times = process.cpu_times()
        return times.user + times.system, busy_seconds(server)

    for number in range(_CLASS):
        visit = visit_of_all_pages(server, number, start + number)
        processor, device = spent()
        [opened] = _checked(attend(server, [visit]))
        after_processor, after_device = spent()
        page, _, query = visit.link.removeprefix(f"{server.address}/").partition("?")
        yield Visited(
            page,
            query.partition("&")[0].removeprefix("model="),
            opened.seconds or 0.0,
            opened.end_seconds or 0.0,
            after_processor - processor,
            after_device - device,
            opened.received,
        )


def busy_seconds(server: Server) -> float:
    """How long its devices have computed."""
    return figure(server, "headlight_device_busy_seconds")


def _checked(opened: tuple) -> tuple:
    faults = [f"{each.visit.link}: {fault}" for each in opened for fault in each.faults]
    if faults:
        raise RuntimeError(f"A visitor saw an error: {faults[0]}")
    return opened


def measured() -> Costs:
    """What was measured last."""
    given = json.loads(MEASURED.read_text("utf-8"))
    return Costs(
        cores=given["cores"],
        load=given["load"],
        visits=tuple(Visited(**each) for each in given["visits"]),
        again=tuple(Visited(**each) for each in given["again"]),
        classes=tuple(map(tuple, given["classes"])),
        memory=given["memory"],
        of_a_session=given["of_a_session"],
    )


def main() -> int:
    """Measure, and write it down."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.costs", description="What a page costs a server.")
    parser.add_argument("--texts", type=int, default=3, help="on each page with each model (default: 3)")
    parser.add_argument("--classes", type=int, default=3, help="of thirty (default: 3)")
    asked = parser.parse_args()
    found = measure(asked.texts, asked.classes)
    rounded = json.loads(json.dumps(asdict(found)), parse_float=lambda number: round(float(number), 4))
    MEASURED.write_text(json.dumps(rounded, indent=1) + "\n", "utf-8")
    seconds = np.array(found.classes)
    print(f"class of {_CLASS}: median {np.median(seconds):.2f} s, 95th percentile {np.percentile(seconds, 95):.2f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
