"""The same questions through workers on this machine, each on one thread, beside the engine in this process on one."""

import os
import re
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import count
from typing import Any

import psutil
import torch

from benchmarks.local_cluster import LocalCluster
from benchmarks.measuring import Limit, MeasuredPairs, Row, alone, compared, duration, interleaved, seconds_of, size
from benchmarks.passages import passage
from benchmarks.serving import APP, serving
from models.attention import HeadGridRequest, HeadMapRequest, TracedTextRequest, TraceRequest
from models.cluster import joining
from models.engine import Engine, provider
from models.loading import load_model

_TOKENS, _TEXTS = 128, 30
_MORE = Limit(0.015, "value", "at most 15 ms more")
_VIEW = Limit(1.3, "ratio", "at most 1.3 ×")
_TWO = Limit(1 / 1.7, "ratio", "at most 1/1.7 of the time")
_MEMORY = Limit(1 / 3, "ratio", "at most a third")
_READY = Limit(2.0, "value", "under 2 s")
_numbers = count()


def measure(pairs: int) -> list[Row]:
    """One worker beside the process, two workers beside one, and a web process that asks beside one that computes."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        text = passage(load_model("minilm"), _TOKENS)
        here = Engine()
        with LocalCluster() as one:
            with _asking(one.deploy()) as there:
                small = _pairs(there, here, pairs, lambda: (TracedTextRequest(_trace("Two words")),))
                view = _pairs(there, here, pairs, lambda: _first_view(text))
            web = [_web_process(one.address) for _ in range(min(pairs, 3))]
        alone_in = [_web_process("") for _ in range(min(pairs, 3))]
        with LocalCluster() as one, LocalCluster(workers=2) as two:
            one.deploy(), two.deploy()
            for each in (one, two):
                with _asking(each) as there:
                    _all_at_once(there, text)
            times = min(pairs, 3)
            several = interleaved(lambda: _class_of(two, text), lambda: _class_of(one, text), times, warm_up=0)
    finally:
        torch.set_num_threads(threads)
    more = [mine - beside for mine, beside in zip(small.ours, small.beside, strict=True)]
    return [
        alone(
            "cluster: a small question through a worker, more than in the process", _middle(more), duration, _MORE, more
        ),
        compared(f"cluster: what the attention page first asks ({_TOKENS} tokens)", view, duration, _VIEW),
        compared(f"cluster: {_TEXTS} texts through two workers (beside: one)", several, duration, _TWO),
        compared(
            "cluster: memory of a web process that asks, its driver of Ray's included (beside: one that computes)",
            MeasuredPairs(tuple(each[1] for each in web), tuple(each[1] for each in alone_in)),
            size,
        ),
        compared(
            "cluster: the same without the driver",
            MeasuredPairs(tuple(each[0] for each in web), tuple(each[0] for each in alone_in)),
            size,
            _MEMORY,
        ),
        alone("cluster: a web process until it answers", _middle([each[2] for each in web]), duration, _READY),
    ]


@contextmanager
def _asking(cluster: LocalCluster) -> Iterator[Engine]:
    before = provider.provided()
    os.environ["HEADLIGHT_CLUSTER"] = cluster.address
    joining.ask_workers()
    try:
        yield Engine()
    finally:
        provider.provide(before)
        provider.ask_elsewhere(None)
        del os.environ["HEADLIGHT_CLUSTER"]


def _trace(text: str) -> TraceRequest:
    return TraceRequest("minilm", f"{text} {next(_numbers)}")


def _first_view(text: str) -> tuple[Any, ...]:
    trace = _trace(text)
    return TracedTextRequest(trace), HeadMapRequest(trace, "encoder", 3, 1), HeadGridRequest(trace, "encoder")


def _pairs(there: Engine, here: Engine, pairs: int, questions: Callable[[], Iterable[Any]]) -> MeasuredPairs:
    """The engine in this process must not ask elsewhere, which is a matter of the process."""

    def asked() -> None:
        for each in questions():
            there.run(each)

    def computed() -> None:
        workers = provider._elsewhere
        provider.ask_elsewhere(None)
        try:
            for each in questions():
                here.run(each)
        finally:
            provider.ask_elsewhere(workers)

    return interleaved(lambda: seconds_of(asked), lambda: seconds_of(computed), pairs)


def _class_of(cluster: LocalCluster, text: str) -> float:
    with _asking(cluster) as there:
        there.run(TracedTextRequest(_trace("before")))
        return seconds_of(lambda: _all_at_once(there, text))


def _all_at_once(there: Engine, text: str) -> None:
    with ThreadPoolExecutor(_TEXTS) as pool:
        list(pool.map(lambda _: there.run(TracedTextRequest(_trace(text))), range(_TEXTS)))


def _web_process(address: str) -> tuple[float, float, float]:
    """Bytes of the process, bytes with those of its children, seconds until it answers."""
    with serving(APP, {"HEADLIGHT_CLUSTER": address}) as server:
        _wait_until_it_is_ready(server.log)
        process = psutil.Process(server.process.pid)
        own = process.memory_info().rss
        return (
            own,
            own + sum(each.memory_info().rss for each in process.children(True)),
            server.printed - server.started,
        )


def _wait_until_it_is_ready(log: Callable[[], str]) -> None:
    late = time.monotonic() + 120
    while not re.search("Ready: ", log()) and time.monotonic() < late:
        time.sleep(0.1)
    time.sleep(6)


def _middle(values: Sequence[float]) -> float:
    return sorted(values)[len(values) // 2]
