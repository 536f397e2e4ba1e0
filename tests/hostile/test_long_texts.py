"""Texts that hold everybody up: refused in a sentence, let others in between, stopped when their person leaves."""

import re
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from types import SimpleNamespace

import pytest
from streamlit.proto.BackMsg_pb2 import BackMsg

from models.attention import TraceRequest
from models.embeddings import SentencesRequest
from models.engine import MOST_CHARACTERS, Engine, Gate, RequestTooLargeError, gate
from models.engine.cache import ByteCache
from models.engine.cancellation import NobodyWaits, as_long_as, between_steps
from models.tokenization.requests import CutTextRequest
from tests.hostile.visitor import Visitor

LONG = "word " * 680_000


def until(condition, seconds=30):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "what was waited for did not happen"
        time.sleep(0.005)


# ----- Refused


@pytest.mark.parametrize(
    "made",
    [
        lambda: TraceRequest("minilm", LONG),
        lambda: TraceRequest("minilm", "short", target=LONG),
        lambda: TraceRequest("minilm", (1,) * 2_100_000),
        lambda: CutTextRequest("gpt2", LONG, split_special_tokens=False),
        lambda: SentencesRequest("minilm", (LONG,)),
    ],
    ids=["a text", "what is written", "token ids", "a cut", "sentences"],
)
def test_no_request_holds_more_text_than_is_read_at_once(made):
    engine, request = Engine(), made()
    for ask in (engine.run, engine.start) if hasattr(request, "steps") else (engine.run,):
        began = time.perf_counter()
        with pytest.raises(RequestTooLargeError) as raised:
            ask(request)
        assert time.perf_counter() - began < 2
        assert re.fullmatch(r"This text has [\d,]+ characters, and at most [\d,]+ .*shorten it.*", str(raised.value))
    assert len(engine.answers) == 0


def test_a_long_text_within_the_bound_is_read():
    cut = Engine().run(CutTextRequest("bert", "a " * (MOST_CHARACTERS // 2 - 10), split_special_tokens=False)).cut
    assert cut is not None


# ----- Stopped, and let others in


@dataclass(frozen=True)
class Layers:
    """A forward of so many layers, each of which takes so long."""

    name: str
    layers: int = 200
    seconds: float = 0.02

    def answer(self, engine):
        with engine.forward(SimpleNamespace(device="cpu")):
            for _ in range(self.layers):
                between_steps()
                time.sleep(self.seconds)
        return self.name


def test_a_forward_stops_when_its_person_leaves():
    engine, here = Engine(), threading.Event()
    with ThreadPoolExecutor() as threads:
        long = threads.submit(engine.run, Layers("long"), wanted=lambda: not here.is_set())
        until(lambda: len(engine.gate("cpu")) == 1)
        here.set()
        with pytest.raises(NobodyWaits):
            long.result(1)
    assert len(engine.gate("cpu")) == 0
    assert not engine.answers._flights


def test_it_goes_on_for_others_who_wait_for_the_same():
    engine, left = Engine(), threading.Event()
    with ThreadPoolExecutor() as threads:
        first = threads.submit(engine.run, Layers("same", layers=60), wanted=lambda: not left.is_set())
        until(lambda: engine.answers._flights)
        second = threads.submit(engine.run, Layers("same", layers=60), wanted=lambda: True)
        until(lambda: len(next(iter(engine.answers._flights.values())).passengers) == 2)
        left.set()
        assert second.result(20) == first.result(20) == "same"


def test_who_only_waits_leaves_as_well():
    engine, left = Engine(), threading.Event()
    with ThreadPoolExecutor() as threads:
        first = threads.submit(engine.run, Layers("same", layers=100))
        until(lambda: engine.answers._flights)
        waiting = threads.submit(engine.run, Layers("same", layers=100), wanted=lambda: not left.is_set())
        queued = threads.submit(engine.run, Layers("another", layers=100), wanted=lambda: not left.is_set())
        until(lambda: len(engine.gate("cpu")) == 2)
        left.set()
        for each in (waiting, queued):
            with pytest.raises(NobodyWaits):
                each.result(5)
        assert first.result(20) == "same"


def test_a_long_forward_lets_short_ones_in_between(monkeypatch):
    monkeypatch.setattr(gate, "_LONG_SECONDS", 0.1)
    engine = Engine()
    with ThreadPoolExecutor() as threads:
        long = threads.submit(engine.run, Layers("long", layers=150))
        until(lambda: len(engine.gate("cpu")) == 1)
        began = time.monotonic()
        for number in range(5):
            assert engine.run(Layers(str(number), layers=2)) == str(number)
        assert time.monotonic() - began < 2
        assert not long.done()
        assert long.result(30) == "long"


def test_no_more_than_a_few_hold_what_they_have_computed(monkeypatch):
    monkeypatch.setattr(gate, "_LONG_SECONDS", 0.0)
    turns, begun, most = Gate(3), [0], [0]

    def forward():
        with turns.lock():
            begun[0] += 1
            most[0] = max(most[0], begun[0])
            for _ in range(20):
                between_steps()
                time.sleep(0.001)
            begun[0] -= 1

    with ThreadPoolExecutor(12) as threads:
        for each in [threads.submit(forward) for _ in range(12)]:
            each.result(30)
    assert 1 < most[0] <= 3
    assert len(turns) == 0


def test_one_at_a_time_computes_also_when_they_take_turns(monkeypatch):
    monkeypatch.setattr(gate, "_LONG_SECONDS", 0.0)
    turns, computing, wrong = Gate(3), [0], []

    def forward():
        with turns.lock():
            for _ in range(30):
                between_steps()
                computing[0] += 1
                time.sleep(0.0005)
                if computing[0] != 1:
                    wrong.append(computing[0])
                computing[0] -= 1

    with ThreadPoolExecutor(8) as threads:
        for each in [threads.submit(forward) for _ in range(8)]:
            each.result(30)
    assert wrong == []


def test_nothing_of_a_flight_that_was_left_is_kept():
    cache = ByteCache(1_000)

    def compute():
        between_steps()

    with as_long_as(lambda: False), pytest.raises(NobodyWaits), as_long_as(lambda: False):
        cache.get("key", compute)
    assert cache.get("key", lambda: "anew") == "anew"


# ----- On a page


@pytest.fixture(scope="module")
def warm(class_server):
    with Visitor(class_server) as visitor:
        visitor.open("attention")
        visitor.open("sampling", model="smollm2", text="a few words")
        assert visitor.errors == []
    return class_server


@pytest.mark.parametrize(
    "page", ["attention", "tokenizers", pytest.param("embeddings", marks=pytest.mark.slow), "kv_cache", "sampling"]
)
def test_a_text_of_megabytes_gets_a_sentence_and_is_kept(warm, page):
    with Visitor(warm) as visitor:
        visitor.start(page)
        visitor._read_until(lambda: not visitor.is_running, 60)
        visitor.put("Text", string_value=LONG)
        began = time.monotonic()
        visitor.tap("Look")
        visitor.until(lambda: any("shorten it" in each for each in visitor.errors), 60)
        assert time.monotonic() - began < 20
        _, box = visitor.find("Text")
        assert box.value == LONG
        assert warm.is_well(patience=2)


@pytest.mark.slow
def test_a_page_is_served_while_another_reads_eight_thousand_tokens(warm):
    with Visitor(warm) as long, Visitor(warm) as other:
        long.start("attention", model="smollm2", text="")
        long._read_until(lambda: not long.is_running, 60)
        long.put("Text", string_value=" word" * 7_900)
        long.tap("Look")
        time.sleep(3)
        began = time.monotonic()
        other.open("attention", text=f"a new text {time.time()}")
        waited = time.monotonic() - began
        assert "attention_view" in other.components
        assert waited < 15
        long.send(BackMsg(stop_script=True))
        # Nobody waits for it any more: the device is free within a layer.
        began = time.monotonic()
        other.open("attention", model="smollm2", text=f"another one {time.time()}")
        assert time.monotonic() - began < 15
    assert warm.traces() == []
