"""Questions, jobs and stores by way of a cluster of Ray's with one worker: what it says is what a process says."""

import subprocess
import sys
import time
from dataclasses import replace

import pytest

from benchmarks.local_cluster import ROOT, free_port, wait_for
from models.attention import HeadGridRequest, HeadMapRequest, TracedTextRequest, TraceRequest
from models.cluster import line as lines
from models.cluster.errors import ClusterError
from models.cluster.facts import WorkerFactsRequest
from models.cluster.line import Line
from models.cluster.travel import packed
from models.cluster.versions import versions
from models.decoding import DecodingSettings, WriteRequest
from models.embeddings import EmbedRequest, SensesRequest
from models.engine import Engine
from models.engine.cancellation import NobodyWaits
from models.errors import HeadlightError
from models.kv_cache import CacheFactsRequest
from models.model_facts import ModelFactsRequest
from models.settings import SettingError, check_settings
from tests.cluster.asking import asking
from tests.one_thread import one_thread

TEXT = "The animal didn't cross the street because it was too tired."
TRACE = TraceRequest("minilm", TEXT)
QUESTIONS = [
    TracedTextRequest(TRACE),
    HeadMapRequest(TRACE, "encoder", 3, 1),
    HeadGridRequest(TRACE, "encoder"),
    EmbedRequest("minilm", TEXT),
    ModelFactsRequest("minilm"),
    CacheFactsRequest("smollm2"),
]
WRITING = WriteRequest("smollm2", "Once upon a time", DecodingSettings(max_new_tokens=12, temperature=0.8, seed=3))
LONG = WriteRequest("smollm2", "One, two, three,", DecodingSettings(max_new_tokens=3_000, min_new_tokens=3_000))


def steps_of(engine, request):
    job, steps = engine.start(request), []
    while True:
        progress = engine.poll(job, len(steps), wait=1)
        steps += progress.steps
        if progress.is_done and len(steps) == progress.count:
            assert progress.error is None
            return steps


def test_answers_are_those_of_the_process_bit_for_bit(cluster):
    with one_thread():
        expected = [packed(Engine().run(each)) for each in QUESTIONS]
        with asking(cluster.address) as engine:
            assert [packed(engine.run(each)) for each in QUESTIONS] == expected
            assert all(each in engine.answers for each in QUESTIONS)


def test_a_job_says_every_step_and_its_answer_stays(cluster):
    with one_thread():
        expected = steps_of(Engine(), WRITING)
        with asking(cluster.address) as engine:
            assert steps_of(engine, WRITING) == expected
            assert engine.answers.peek(WRITING) == tuple(expected)


def test_a_job_goes_on_behind_what_is_known(cluster):
    """As when its worker was lost: not from the beginning, and with the same text."""
    with one_thread():
        whole = tuple(steps_of(Engine(), WRITING))
        with asking(cluster.address):
            frames = lines.line().ask("smollm2", "steps", packed(replace(WRITING)), packed(whole[:5]))
            rest = [frame.value for frame in frames if type(frame).__name__ == "Step"]
    assert [step.token_id for step in rest] == [step.token_id for step in whole[5:]]
    assert [(step.index, step.text, step.ends) for step in rest] == [(s.index, s.text, s.ends) for s in whole[5:]]


def test_who_leaves_a_job_ends_it_on_the_worker(cluster):
    with asking(cluster.address) as engine:
        job = engine.start(LONG)
        wait_for(lambda: engine.poll(job).count > 2, 120)
        assert working(engine) == 1
        engine.cancel(job)
        wait_for(lambda: working(engine) == 0, 10)
        assert not engine.poll(job).error


def test_who_leaves_a_question_ends_it_on_the_worker(cluster):
    with asking(cluster.address) as engine:
        until = time.monotonic() + 2
        with pytest.raises(NobodyWaits):
            engine.run(LONG, wanted=lambda: time.monotonic() < until)
        wait_for(lambda: working(engine) == 0, 10)


def working(engine):
    return engine.run(WorkerFactsRequest(time.monotonic())).questions


def test_the_place_in_the_queue_of_a_worker_is_told(cluster):
    places = []
    with asking(cluster.address) as engine:
        jobs = [engine.start(replace(LONG, text=f"{number}, {number + 1},")) for number in range(3)]
        for job in jobs:
            wait_for(lambda job=job: engine.poll(job).count, 120)
        engine.run(TracedTextRequest(TraceRequest("minilm", "Who waits?")), places.append)
        for job in jobs:
            engine.cancel(job)
        wait_for(lambda: working(engine) == 0, 10)
    assert places
    assert min(places) >= 1


def test_what_a_question_raises_is_raised_here(cluster):
    wrong = SensesRequest("minilm", ("One bank.",), "bank", ("money",))
    with one_thread(), pytest.raises(HeadlightError) as here:
        Engine().run(wrong)
    with asking(cluster.address) as engine, pytest.raises(HeadlightError) as there:
        engine.run(wrong)
    assert (type(there.value), str(there.value)) == (type(here.value), str(here.value))


@pytest.mark.parametrize("name", ["headlight", "transformers"])
def test_a_worker_of_another_version_is_refused_by_name(cluster, monkeypatch, name):
    monkeypatch.setattr(lines, "versions", lambda: replace(versions(), **{name: "4.0"}))
    with asking(cluster.address) as engine, pytest.raises(ClusterError, match=f"(?i)another version of {name}.*4.0"):
        engine.run(WorkerFactsRequest(0))


def test_a_worker_runs_nothing_that_it_is_sent(cluster, tmp_path):
    trap = tmp_path / "run"
    pickle = b"cpathlib\nPath\n(S'" + str(trap).encode() + b"'\ntR."
    with asking(cluster.address):
        for wrong in (pickle, b"", packed(versions()), packed("minilm")):
            with pytest.raises(ClusterError):
                list(lines.line().ask("", "answer", wrong, packed(())))
    assert not trap.exists()


def test_a_web_process_has_no_torch_and_no_ray(cluster):
    program = """
import sys, models.cluster.joining as joining
joining.join_cluster()
from models.one_at_a_time import libraries
libraries()
from models.attention import TraceRequest, TracedTextRequest
from models.engine import engine
print(engine.run(TracedTextRequest(TraceRequest("minilm", "Two words"))).pieces.count)
print(engine.model("minilm").vocabulary, engine.memory().models > 0)
torch = sys.modules["torch"]
print(getattr(torch, "__file__", None), getattr(sys.modules["transformers"], "__file__", None), "ray" in sys.modules)
"""
    program = program.replace(".pieces.count", ".tokens[1]")
    environment = cluster.environment(HEADLIGHT_CLUSTER=cluster.address)
    run = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert run.stdout.splitlines() == ["two", "30522 True", "None None False"], run.stderr


def test_an_address_where_nobody_answers_is_said_so():
    line = Line(f"127.0.0.1:{free_port()}")
    start = time.monotonic()
    with pytest.raises(ClusterError, match="does not answer"):
        list(line.ask("", "answer", packed(WorkerFactsRequest(0)), packed(())))
    assert time.monotonic() - start < 60


@pytest.mark.parametrize("said", ["auto", "10.0.0.5:6379", "head.example.org:6379", "[::1]:6379"])
def test_an_address_that_can_be_meant(said):
    check_settings({"HEADLIGHT_CLUSTER": said})


@pytest.mark.parametrize("said", ["yes", "http://head:6379", "head", "head:", ":6379", "head:port", "a b:1"])
def test_an_address_that_cannot_be_meant_is_refused_at_the_start(said):
    with pytest.raises(SettingError, match="HEADLIGHT_CLUSTER"):
        check_settings({"HEADLIGHT_CLUSTER": said})
