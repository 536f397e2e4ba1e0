"""Jobs: started, polled without a gap, cancelled within a step, shared, and never left running."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from models.decoding import DecodingSettings, WriteRequest
from models.engine import Engine, JobError, jobs
from models.errors import HeadlightError


@dataclass(frozen=True)
class Counting:
    """Steps 0, 1, 2, ...; `made` sees each before it is handed over."""

    count: int
    made: Callable[[int], None] = lambda _: None

    def steps(self, engine):
        for number in range(self.count):
            self.made(number)
            yield number


def finished(engine, job, since=0, seconds=20):
    """All steps, polled until the job is done, and the last progress."""
    until, got = time.monotonic() + seconds, []
    while time.monotonic() < until:
        progress = engine.poll(job, since + len(got), wait=0.2)
        got += progress.steps
        if progress.is_done:
            return got, progress
    raise TimeoutError


def nothing_runs(engine, seconds=5):
    until = time.monotonic() + seconds
    while engine.jobs_running and time.monotonic() < until:
        time.sleep(0.01)
    return engine.jobs_running == 0


def test_a_slow_reader_gets_every_step():
    engine = Engine()
    job = engine.start(Counting(1_000, lambda _: time.sleep(0.0005)))
    got = []
    while True:
        progress = engine.poll(job, len(got))
        got += progress.steps
        assert progress.count >= len(got)
        if progress.is_done and len(got) == progress.count:
            break
        time.sleep(0.11)
    assert got == list(range(1_000))
    assert engine.poll(job, 990).steps == tuple(range(990, 1_000)), "and again whatever was lost on the way"


def test_a_cancelled_job_stops_within_one_step_and_leaves_nothing_running():
    engine, made, go = Engine(), [], threading.Semaphore(0)

    def make(number):
        go.acquire()
        made.append(number)

    job = engine.start(Counting(100, make))
    go.release(3)
    while engine.poll(job, 0, wait=1).count < 3:
        pass
    engine.cancel(job)
    go.release(100)
    assert nothing_runs(engine)
    assert len(made) <= 4
    assert engine.poll(job).is_cancelled


def test_decoding_stops_within_one_token(smollm2):
    engine, tokens = Engine(), []
    engine._models.get("smollm2", lambda: smollm2)
    request = WriteRequest("smollm2", "Once upon a time", DecodingSettings(max_new_tokens=2_000))
    job = engine.start(request)
    while len(tokens) < 3:
        tokens += engine.poll(job, len(tokens), wait=5).steps
    engine.cancel(job)
    count = engine.poll(job).count
    assert nothing_runs(engine, seconds=20)
    assert engine.poll(job).count <= count + 1
    assert len(engine.gate("cpu")) == 0


def test_equal_requests_share_one_computation_and_one_may_leave():
    engine, made, go = Engine(), [], threading.Semaphore(0)

    def make(number):
        go.acquire()
        made.append(number)

    request = Counting(5, make)
    first, second = engine.start(request), engine.start(request)
    assert first != second
    go.release(2)
    while engine.poll(second, 0, wait=1).count < 2:
        pass
    engine.cancel(first)
    go.release(5)
    got, progress = finished(engine, second)
    assert got == [0, 1, 2, 3, 4]
    assert not progress.is_cancelled
    assert made == [0, 1, 2, 3, 4]
    assert engine.poll(first).is_cancelled


def test_who_starts_after_everybody_has_left_gets_all_of_it():
    engine, go = Engine(), threading.Semaphore(0)
    request = Counting(3, lambda _: go.acquire())
    engine.cancel(engine.start(request))
    job = engine.start(request)
    go.release(10)
    assert finished(engine, job)[0] == [0, 1, 2]


def test_a_closed_browser_ends_its_job(monkeypatch):
    monkeypatch.setattr(jobs, "_FORGOTTEN_SECONDS", 0.3)
    engine = Engine()
    job = engine.start(Counting(10_000, lambda _: time.sleep(0.01)))
    time.sleep(0.5)
    assert nothing_runs(engine)
    assert engine.poll(job).count < 100


def test_errors_come_as_a_sentence_with_the_steps_before(caplog):
    engine = Engine()

    def fail(number):
        if number == 2:
            raise HeadlightError("There is no room on the device; choose a smaller model.")

    got, progress = finished(engine, engine.start(Counting(5, fail)))
    assert got == [0, 1]
    assert progress.error == "There is no room on the device; choose a smaller model."

    def break_down(number):
        raise ZeroDivisionError("secret detail")

    _, progress = finished(engine, engine.start(Counting(5, break_down)))
    assert "secret" not in progress.error
    assert "secret" in caplog.text


def test_a_waiting_job_tells_its_place_and_leaves_the_queue_when_cancelled(smollm2):
    engine = Engine()
    engine._models.get("smollm2", lambda: smollm2)
    with engine.gate("cpu").lock():
        job = engine.start(WriteRequest("smollm2", "Hello", DecodingSettings(max_new_tokens=2)))
        until = time.monotonic() + 10
        while engine.poll(job).place != 1 and time.monotonic() < until:
            time.sleep(0.02)
        assert engine.poll(job).place == 1
        engine.cancel(job)
        assert nothing_runs(engine)
        assert len(engine.gate("cpu")) == 1


def test_jobs_and_steps_are_bounded(monkeypatch):
    monkeypatch.setattr(jobs, "MOST_STEPS", 50)
    monkeypatch.setattr(jobs, "MOST_RUNNING", 2)
    engine, go = Engine(), threading.Event()
    got, progress = finished(engine, engine.start(Counting(1_000)))
    assert got == list(range(50))
    assert "stopped after 50 steps" in progress.error
    started = [engine.start(Counting(number, lambda _: go.wait(10))) for number in (3, 4)]
    with pytest.raises(JobError, match="Too many"):
        engine.start(Counting(5))
    go.set()
    for job in started:
        finished(engine, job)
    engine.start(Counting(6))
    with pytest.raises(JobError, match="not known"):
        engine.poll("nobody's")


def test_a_request_may_be_less_patient():
    @dataclass(frozen=True)
    class Impatient(Counting):
        patience = 0.2

    engine = Engine()
    engine.start(Impatient(10_000, lambda _: time.sleep(0.01)))
    assert engine.jobs_running
    assert nothing_runs(engine), "nobody came back"


def test_the_steps_of_ended_jobs_are_bounded(monkeypatch):
    monkeypatch.setattr(jobs, "MOST_KEPT_STEPS", 250)
    engine = Engine()
    started = []
    for count in (100, 101, 102, 103):
        started.append(engine.start(Counting(count)))
        finished(engine, started[-1])
    newest = engine.start(Counting(5))
    finished(engine, newest)
    for job in started[:2]:
        with pytest.raises(JobError, match="not known any more"):
            engine.poll(job)
    assert engine.poll(started[-1]).count == 103
    assert engine.poll(newest).count == 5
