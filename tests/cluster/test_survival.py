"""Workers and heads that end in the middle of something: who asked reads a sentence at most."""

import os
import signal
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from benchmarks.local_cluster import LocalCluster, wait_for
from models.attention import TracedTextRequest, TraceRequest
from models.cluster.errors import ClusterError
from models.cluster.line import Line
from models.cluster.travel import packed
from models.decoding import DecodingSettings, WriteRequest
from models.engine import Engine
from models.errors import HeadlightError
from tests.cluster.asking import asking
from tests.cluster.test_cluster import steps_of
from tests.one_thread import one_thread

pytestmark = [pytest.mark.cluster, pytest.mark.slow, pytest.mark.timeout(1500)]

WRITING = WriteRequest("smollm2", "Once upon a time", DecodingSettings(max_new_tokens=60, temperature=0.8, seed=3))


@pytest.fixture
def two():
    made = LocalCluster(workers=2)
    try:
        yield made.deploy()
    finally:
        made.end()


def kill(process):
    os.kill(process, signal.SIGKILL)


def test_a_job_goes_on_where_its_worker_was_killed(two):
    with one_thread():
        expected = [step.token_id for step in steps_of(Engine(), WRITING)]
    with asking(two.address) as engine:
        job = engine.start(WRITING)
        wait_for(lambda: engine.poll(job).count >= 5, 240)
        busiest = max(two.replicas(), key=processor_seconds)
        kill(busiest)
        wait_for(lambda: engine.poll(job).is_done, 240)
        progress = engine.poll(job)
    assert progress.error is None
    assert [step.token_id for step in progress.steps] == expected


def processor_seconds(process):
    return sum(map(int, Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[11:13]))


def test_when_all_workers_are_gone_a_sentence_is_said_and_they_answer_when_they_are_back(two):
    with asking(two.address) as engine:
        engine.run(TracedTextRequest(TraceRequest("minilm", "Before.")))
        for each in two.replicas():
            kill(each)
        said = []
        late = time.monotonic() + 400
        number = 0
        while time.monotonic() < late:
            number += 1
            start = time.monotonic()
            try:
                found = engine.run(TracedTextRequest(TraceRequest("minilm", f"After, {number}.")))
                break
            except ClusterError as error:
                said.append(str(error))
                assert time.monotonic() - start < 60
        assert found.tokens
        assert all(each.endswith(".") and "Error" not in each for each in said)


def test_the_head_gone_is_said_and_another_one_answers(two):
    with asking(two.address) as engine:
        engine.run(TracedTextRequest(TraceRequest("minilm", "Before.")))
        two.end_head()
        start = time.monotonic()
        with pytest.raises(ClusterError):
            engine.run(TracedTextRequest(TraceRequest("minilm", "Meanwhile.")))
        assert time.monotonic() - start < 60
        two.start_head()
        two.deploy()
        time.sleep(3)
        assert engine.run(TracedTextRequest(TraceRequest("minilm", "Afterwards."))).tokens


def test_another_service_at_the_address_is_said_so():
    with socket.create_server(("127.0.0.1", 0)) as server:
        line = Line(f"127.0.0.1:{server.getsockname()[1]}")
        start = time.monotonic()
        with pytest.raises(ClusterError, match="no cluster"):
            list(line.ask("", "answer", packed(TraceRequest("minilm", "x")), packed(())))
        assert time.monotonic() - start < 90
        line.end()


def test_twenty_workers_killed_at_random_under_thirty_clients(two, capsys):
    """No wrong answer, no other error than a sentence, no job that ends without one."""
    texts = [f"The animal number {number} didn't cross the street." for number in range(12)]
    with one_thread():
        engine = Engine()
        traced = {text: packed(engine.run(TracedTextRequest(TraceRequest("minilm", text)))) for text in texts}
        short = replace(WRITING.settings, max_new_tokens=10)
        writings = [replace(WRITING, text=text, settings=short) for text in texts[:3]]
        written = {each: [step.token_id for step in steps_of(engine, each)] for each in writings}
    draw = np.random.default_rng(7)
    over, took, sentences, wrong = threading.Event(), [], [], []

    def client(number):
        own = np.random.default_rng(number)
        # An engine each: what one was answered the others ask for all the same.
        with closing(Engine()) as mine:
            while not over.is_set():
                text = texts[own.integers(len(texts))]
                start = time.monotonic()
                try:
                    if number % 5:
                        found = packed(mine.run(TracedTextRequest(TraceRequest("minilm", text))))
                        if found != traced[text]:
                            wrong.append(text)
                    else:
                        asked = writings[own.integers(len(writings))]
                        job = mine.start(asked)
                        while not (progress := mine.poll(job, wait=1)).is_done:
                            pass
                        ids = [step.token_id for step in progress.steps]
                        if progress.error:
                            sentences.append(progress.error)
                        elif ids != written[asked]:
                            wrong.append(asked)
                except HeadlightError as error:
                    sentences.append(str(error))
                except BaseException as error:
                    wrong.append(repr(error))
                took.append(time.monotonic() - start)
                mine.answers.forget_idle(-1, 0)

    with asking(two.address), ThreadPoolExecutor(30) as pool:
        clients = [pool.submit(client, number) for number in range(30)]
        killed = 0
        while killed < 20:
            time.sleep(float(draw.uniform(2, 8)))
            if replicas := two.replicas():
                kill(replicas[draw.integers(len(replicas))])
                killed += 1
        over.set()
        for each in clients:
            each.result(300)
    with capsys.disabled():
        print(
            f"\n{len(took)} asked, {len(sentences)} sentences ({set(sentences)}), {len(wrong)} wrong; "
            f"median {np.median(took):.2f} s, p95 {np.quantile(took, 0.95):.2f} s, longest {max(took):.1f} s"
        )
    assert wrong == []
    assert all(each.endswith(".") and "Traceback" not in each for each in sentences)
    assert len(took) > 100
