"""Jobs of one person are few, and ended, refused, failed and left ones hold nothing."""

import gc
import threading
import time
import weakref
from collections.abc import Callable
from dataclasses import dataclass, field
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from models.decoding import BeamSearchRequest, DecodingSettings, WriteRequest
from models.engine import ByteCache, ComputerFullError, Engine, JobError, jobs, size_of
from models.errors import HeadlightError
from models.tokenization import TrainTokenizerRequest


class Held:
    """Something large that a request holds."""

    def __init__(self):
        self.bytes = bytearray(1_000_000)


@dataclass(frozen=True, eq=False)
class Asked:
    """A request that goes through `end` once it has begun."""

    end: Callable[[], object]
    held: Held = field(default_factory=Held)

    def steps(self, engine):
        yield 1
        self.end()


def refuse():
    raise HeadlightError("It is refused.")


def fail():
    raise RuntimeError("not foreseen")


class Panic(BaseException):
    """No Exception, as pyo3's PanicException."""


def panic():
    raise Panic


def grow():
    raise MemoryError


def ended(engine, job):
    end = time.monotonic() + 20
    while not engine.poll(job, wait=0.1).is_done:
        assert time.monotonic() < end
    return engine.poll(job)


def is_let_go_of(held):
    """Whether nothing holds it any more, once the threads that did have ended."""
    deadline = time.monotonic() + 5
    while held() is not None and time.monotonic() < deadline:
        gc.collect()
        time.sleep(0.01)
    return held() is None


@pytest.mark.parametrize("end", [lambda: None, refuse, fail, panic, grow])
def test_a_job_that_has_ended_holds_nothing_of_what_was_asked(end, monkeypatch):
    # pytest keeps what is logged, and with it the trace.
    monkeypatch.setattr(jobs.log, "exception", lambda *_: None)
    engine = Engine()
    request = Asked(end)
    held = weakref.ref(request.held)
    job = engine.start(request, person="a")
    said = ended(engine, job)
    del request
    assert is_let_go_of(held)
    assert engine.poll(job).error == said.error, "and yet it can be asked for"
    assert (said.error is None) == (end() is None if end.__name__ == "<lambda>" else False)


def test_a_job_that_was_left_holds_nothing():
    engine, go = Engine(), threading.Event()
    request = Asked(go.wait)
    held = weakref.ref(request.held)
    job = engine.start(request)
    engine.cancel(job)
    go.set()
    del request
    assert is_let_go_of(held)


def test_forty_refused_trainings_hold_nothing():
    psutil = pytest.importorskip("psutil")
    engine, process = Engine(), psutil.Process()
    before = process.memory_info().rss
    for number in range(40):
        # More letters than a vocabulary of 300 has room for.
        letters = "".join(chr(0x4E00 + place) for place in range(2_000))
        request = TrainTokenizerRequest(f"{number} " + letters * 250, "BPE", 300)
        assert "alphabet" in (ended(engine, engine.start(request)).error or "")
    del request
    gc.collect()
    assert process.memory_info().rss - before < 20e6


def test_one_person_has_few_jobs_and_others_have_theirs():
    engine, go = Engine(), threading.Event()
    mine = [engine.start(Asked(go.wait), person="greedy") for _ in range(jobs.MOST_OF_ONE)]
    try:
        with pytest.raises(JobError, match="one person; stop one of them, or wait"):
            engine.start(Asked(go.wait), person="greedy")
        engine.start(Asked(go.wait), person="another")
        engine.start(Asked(go.wait))
        engine.cancel(mine[0])
        engine.start(Asked(go.wait), person="greedy")
    finally:
        go.set()


def test_what_a_person_has_turned_away_from_makes_room(monkeypatch):
    monkeypatch.setattr(jobs, "_LEFT_SECONDS", 0.2)
    engine, go = Engine(), threading.Event()
    try:
        left = [engine.start(Asked(go.wait), person="a") for _ in range(jobs.MOST_OF_ONE)]
        time.sleep(0.3)
        looked_at = left.pop()
        engine.poll(looked_at)
        engine.start(Asked(go.wait), person="a")
        assert not engine.poll(looked_at).is_cancelled
        assert all(engine.poll(each).is_cancelled for each in left)
    finally:
        go.set()


def test_large_steps_of_ended_jobs_are_let_go_of(monkeypatch):
    monkeypatch.setattr(jobs, "MOST_KEPT_BYTES", 3_000_000)

    @dataclass(frozen=True)
    class Large:
        number: int

        def steps(self, engine):
            yield np.zeros(1_000_000, dtype=np.uint8)

    engine = Engine()
    started = [engine.start(Large(number)) for number in range(3)]
    for each in started:
        ended(engine, each)
    started += [engine.start(Large(3))]
    ended(engine, started[-1])
    engine.start(Large(4))
    with pytest.raises(JobError, match="not known any more"):
        engine.poll(started[0])


# ----- The cache


def test_the_text_of_a_request_counts_among_what_is_kept():
    cache = ByteCache(5_000_000)
    for number in range(20):
        cache.get((number, "x" * 1_000_000), lambda: 1)
    assert len(cache) <= 5
    assert cache.nbytes <= 5_000_000


@pytest.mark.parametrize(
    ("value", "least"),
    [
        (np.zeros((1_000, 1_000))[0], 8_000_000),
        (np.zeros((1_000, 1_000)).T[::2].reshape(-1)[:3], 4_000_000),
        ({"a": "x" * 100_000}, 100_000),
        ("😀" * 100_000, 400_000),
        ({"x" * 100_000}, 100_000),
        (tuple("x" * 1_000 for _ in range(5_000)), 5_000_000),
    ],
    ids=["a view", "a view of a copy", "a dictionary", "wide characters", "a set", "a long sequence"],
)
def test_answers_count_for_all_that_they_keep_alive(value, least):
    assert least <= size_of(value) < 1.5 * least + 1_000


def test_what_nobody_asks_for_goes_the_largest_first():
    cache = ByteCache(10_000_000)
    for number, size in enumerate((1_000, 3_000_000, 2_000_000, 500_000)):
        cache.get(number, lambda size=size: b"x" * size)
    assert cache.forget_idle(60, 0) == 0, "all of them are fresh"
    time.sleep(0.05)
    cache.get(2, pytest.fail)
    assert cache.forget_idle(0.03, 2_600_000) > 2_900_000
    assert [number in cache for number in range(4)] == [True, False, True, True]
    cache.forget_idle(-1, 0)
    assert (len(cache), cache.nbytes) == (0, 0)


def test_memory_that_a_text_lacks_is_not_the_devices():
    @dataclass(frozen=True)
    class Grows:
        def answer(self, engine):
            raise MemoryError

    engine = Engine()
    engine._models.get("idle", lambda: SimpleNamespace(model=torch.nn.Linear(1, 1)))
    with pytest.raises(ComputerFullError, match="more memory than the computer has"):
        engine.run(Grows())
    assert engine.has_model("idle"), "what others use stays"


# ----- Numbers that a link or a forged widget asks for


@pytest.mark.parametrize(
    "request_",
    [
        WriteRequest("smollm2", "a", DecodingSettings(max_new_tokens=1_000_000)),
        BeamSearchRequest("smollm2", "a", beams=4, max_new_tokens=100_000),
        BeamSearchRequest("smollm2", "a", beams=10_000),
    ],
    ids=["tokens", "tokens of beams", "beams"],
)
def test_absurd_numbers_are_a_sentence(request_):
    with pytest.raises(HeadlightError, match=r"At most [\d,]+ tokens are written|There can be 2 to"):
        Engine().run(request_)


def test_a_job_of_a_million_tokens_is_refused_at_once():
    engine = Engine()
    job = engine.start(WriteRequest("smollm2", "a", DecodingSettings(max_new_tokens=1_000_000)))
    assert "ask for fewer" in (ended(engine, job).error or "")
