"""A class: thirty people ask at once while somebody else's long text is computed."""

import re
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

from models.attention import HeadMapRequest, TracedTextRequest, TraceRequest, trace_attention
from models.engine import engine
from pages.shared.asking_engine import ask

PEOPLE = 30


class Status:
    """What stands in a page's `st.empty`: everything that was shown in it, and what is shown now."""

    def __init__(self):
        self.said, self.now = [], None

    def info(self, sentence, icon=None):
        self.said.append(sentence)
        self.now = sentence

    def empty(self):
        self.now = None

    @property
    def places(self):
        return [int(place) for sentence in self.said for place in re.findall(r"place in the queue: (\d+)", sentence)]


def until(condition):
    end = time.monotonic() + 120
    while not condition():
        assert time.monotonic() < end, "what was waited for did not happen"
        time.sleep(0.005)


@pytest.mark.parametrize(
    "tokens", [pytest.param(150, id="short"), pytest.param(2048, id="long", marks=pytest.mark.slow)]
)
def test_thirty_texts_behind_a_long_one(tokens):
    """Every answer is right, and everybody who waits sees a place that only ever gets better."""
    minilm = engine.model("minilm")
    long = TraceRequest("smollm2", "word " * (tokens - 1) + str(tokens))
    gate = engine.gate(str(engine.model("smollm2").device))
    texts = [
        f"Person {number} writes {'very ' * (number % 5)}short sentence {tokens + number}." for number in range(PEOPLE)
    ]
    screens = [Status() for _ in texts]
    let_go = threading.Event()

    def hold():
        with gate.lock():
            assert let_go.wait(120)

    with ThreadPoolExecutor(PEOPLE + 2) as pool:
        pool.submit(hold)
        until(lambda: len(gate) == 1)
        blocker = pool.submit(engine.run, long)
        until(lambda: len(gate) == 2)
        answers = [
            pool.submit(ask, TracedTextRequest(TraceRequest("minilm", text)), status)
            for text, status in zip(texts, screens, strict=True)
        ]
        until(lambda: len(gate) == PEOPLE + 2)
        let_go.set()
        answers: list[Any] = [answer.result(240) for answer in answers]
        long: Any = blocker.result(240)
        assert len(long.tokens) >= tokens
    assert sorted(status.places[0] for status in screens) == list(range(2, PEOPLE + 2))
    for status in screens:
        assert status.places == sorted(status.places, reverse=True)
        assert status.now is None, "who has an answer no longer waits"
    for text, answer in zip(texts, answers, strict=True):
        trace = trace_attention(minilm, text)
        assert answer.tokens == trace.tokens
        shown = engine.run(HeadMapRequest(TraceRequest("minilm", text), "encoder", 3, 1)).weights
        np.testing.assert_array_equal(shown, trace.weights("encoder", 3, 1))
    assert len(gate) == 0
    assert not engine.answers._flights
