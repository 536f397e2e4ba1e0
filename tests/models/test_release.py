"""Models come and go: within the bounds, the least recently used first, never under a request, and memory returns."""

import gc
import threading
import time
import weakref
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from models.attention import TraceRequest, trace_attention
from models.decoding import DecodingSettings, WriteRequest
from models.engine import Engine, model_pool, model_room
from models.engine.engine import DeviceFailureError
from models.engine.model_pool import ModelPoolFullError
from models.errors import HeadlightError
from models.loading import wrap_model
from tests.models import architectures
from tests.models.architectures import IDS
from tests.models.test_placing import FAILURES

NAMES = ("llama", "gpt2", "qwen3", "bert")


def until(condition, seconds=20):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "what was waited for did not happen"
        time.sleep(0.002)


@pytest.fixture(autouse=True, scope="module")
def nothing_stays_frozen():
    yield
    gc.unfreeze()
    gc.collect()
    # What is left is the libraries': see tests/conftest.py.
    gc.freeze()


@pytest.fixture
def fast(monkeypatch):
    """Nobody waits for long."""
    monkeypatch.setattr(model_pool, "_LAST_PLACE_SECONDS", 0.3)
    monkeypatch.setattr(model_pool, "_TICK_SECONDS", 0.01)


def fresh(name):
    """A model of its own, so that its memory is seen to return."""
    return wrap_model(architectures.build(name, "eager"), None, architectures.ARCHITECTURES[name].family)


class Loader:
    """Stands for `engine.model`: makes tiny models and knows which of them still live."""

    def __init__(self, engine):
        self.engine, self.made, self.lock = engine, [], threading.Lock()
        engine.model = self.model

    def model(self, name):
        return self.engine._models.get(name, lambda: self._make(name))

    def _make(self, name):
        made = fresh(name)
        with self.lock:
            self.made.append((weakref.ref(made.model), weakref.ref(made)))
        return made

    def living(self):
        return sum(model() is not None or loaded() is not None for model, loaded in self.made)


@pytest.mark.slow
def test_a_released_model_takes_its_traces_along_and_its_memory_returns():
    engine = Engine(most_models=1)
    loader = Loader(engine)
    request = TraceRequest("llama", IDS)
    before = engine.run(request).last_output
    facts = engine.run(TraceRequest("llama", IDS[:4])).tokens
    assert request in engine.answers
    engine.run(TraceRequest("gpt2", IDS))
    assert request not in engine.answers
    assert facts
    assert [model() is None and loaded() is None for model, loaded in loader.made] == [True, False]
    assert np.array_equal(engine.run(request).last_output, before)
    assert loader.living() == 1


def test_what_holds_no_model_is_kept():
    engine = Engine(most_models=1)
    Loader(engine)

    @dataclass(frozen=True)
    class Count:
        model: str

        def answer(self, engine):
            return int(engine.run(TraceRequest(self.model, IDS)).last_output.size)

    engine.run(Count("llama"))
    engine.run(TraceRequest("gpt2", IDS))
    assert Count("llama") in engine.answers
    assert TraceRequest("llama", IDS) not in engine.answers


def test_a_job_holds_its_model_until_it_ends(fast):
    engine = Engine(most_models=1)
    loader = Loader(engine)
    go = threading.Event()

    @dataclass(frozen=True)
    class Slow:
        model: str

        def steps(self, engine):
            loaded = engine.model(self.model)
            yield 1
            assert go.wait(20)
            with engine.forward(loaded):
                yield float(trace_attention(loaded, IDS).last_output[0])

    job = engine.start(Slow("llama"))
    until(lambda: engine.poll(job).count == 1)
    with pytest.raises(ModelPoolFullError):
        engine.run(TraceRequest("gpt2", IDS))
    assert engine.has_model("llama")
    go.set()
    until(lambda: engine.poll(job).is_done)
    assert engine.poll(job).error is None
    engine.run(TraceRequest("gpt2", IDS))
    until(lambda: loader.living() == 1)


def hammer(seconds):
    """Eight threads ask for four models where two have room: what went wrong, how often each was asked, what lives."""
    right = {name: trace_attention(fresh(name), IDS).weights(kind_of(name), 1) for name in NAMES}
    # So small that traces do not stay, and models are used for most answers.
    engine = Engine(200_000, most_models=2)
    loader = Loader(engine)
    wrong, counts, most, end = [], dict.fromkeys(NAMES, 0), [], time.monotonic() + seconds

    def ask(number):
        draw = np.random.default_rng(number)
        while time.monotonic() < end:
            name = NAMES[draw.integers(4)]
            with_more = IDS[: int(draw.integers(3, 9))] if draw.integers(2) else IDS
            try:
                if name != "bert" and draw.integers(4) == 0:
                    job = engine.start(WriteRequest(name, "", DecodingSettings(max_new_tokens=2)))
                    engine.cancel(job)
                with engine._using():
                    trace = engine.run(TraceRequest(name, with_more))
                    with engine.forward(trace.loaded):
                        weights = trace.weights(kind_of(name), 1)
                    most.append(len(engine._models))
                size = len(with_more)
                if name == "bert" and size < len(IDS):
                    continue
                if not np.allclose(weights, right[name][:, :size, :size], atol=1e-5):
                    wrong.append(name)
            except Exception as error:
                wrong.append(repr(error))
            counts[name] += 1

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(ask, range(8)))
    until(lambda: not engine.jobs_running)
    del engine.answers
    gc.unfreeze()

    def have_gone():
        gc.collect()
        return loader.living() <= 2

    # A thread whose job has ended holds its model for a moment more.
    until(have_gone)
    return wrong, counts, max(most), loader


def kind_of(name):
    return architectures.ARCHITECTURES[name].family


@pytest.mark.parametrize("seconds", [6, pytest.param(60, marks=pytest.mark.slow)])
def test_eight_threads_four_models_room_for_two(seconds):
    wrong, counts, most, loader = hammer(seconds)
    assert wrong == []
    # How often each comes in so few seconds is the machine's; that it comes is ours.
    assert min(counts.values()) >= 1
    assert most <= 2
    assert len(loader.made) > 4, "models must have come and gone"
    assert loader.living() <= 2


# ----- Devices that fail


class Failing(torch.nn.Module):
    """A layer that fails once, as a device does."""

    def __init__(self, layer, error):
        super().__init__()
        self.layer, self.errors, self.seen = layer, [error], []

    def forward(self, *arguments, **more):
        held = torch.zeros(1000)
        self.seen.append(weakref.ref(held))
        if self.errors:
            raise self.errors.pop()
        return self.layer(*arguments, **more)


@pytest.mark.parametrize(
    ("error", "kind"),
    [FAILURES[0], *(pytest.param(*each, marks=pytest.mark.slow) for each in FAILURES[1:-1]), FAILURES[-1]],
)
def test_a_device_that_fails_in_a_forward_leaves_the_session_usable(error, kind):
    says = {"full": "not enough memory", "failed": "failed while it computed"}[kind]
    engine = Engine()
    loaded = fresh("llama")
    layer = loaded.model.model.layers[1]
    failing = Failing(layer.mlp, error)
    layer.mlp = failing
    engine._models.get("llama", lambda: loaded)
    engine._models.get("idle", lambda: fresh("gpt2"))
    with pytest.raises(HeadlightError, match=says) as raised:
        engine.run(TraceRequest("llama", IDS))
    assert isinstance(raised.value, DeviceFailureError)
    assert str(raised.value).count("\n") == 0
    assert failing.seen[0]() is None, "what the forward held is let go of while the error is still told"
    assert len(engine.gate("cpu")) == 0
    # What nobody uses makes room, where room was what was lacking.
    assert engine.has_model("idle") == ("failed" in says)
    engine._models.get("llama", lambda: loaded)
    assert engine.run(TraceRequest("llama", IDS)).kinds == ("decoder",)


def test_a_mistake_of_ours_stays_one():
    engine = Engine()
    loaded = fresh("llama")
    layer = loaded.model.model.layers[1]
    layer.mlp = Failing(layer.mlp, RuntimeError("shape mismatch"))
    engine._models.get("llama", lambda: loaded)
    with pytest.raises(RuntimeError, match="shape mismatch"):
        engine.run(TraceRequest("llama", IDS))
    assert engine.has_model("llama")


def test_a_job_on_a_device_that_fails_says_so():
    engine = Engine()

    @dataclass(frozen=True)
    class Breaks:
        def steps(self, engine):
            yield 1
            raise torch.OutOfMemoryError("CUDA out of memory")

    job = engine.start(Breaks())
    until(lambda: engine.poll(job).is_done)
    assert "not enough memory" in (engine.poll(job).error or "")


@pytest.mark.slow
def test_after_a_failed_gpu_models_are_asked_for_on_the_cpu():
    asked = []
    engine = Engine()
    with suppress(HeadlightError), engine.forward(SimpleNamespace(device="cuda:0")):
        raise RuntimeError("CUDA error: an illegal memory access was encountered")
    places = (SimpleNamespace(takes=(("cpu", 0),)),)
    engine._models.get(
        "llama", lambda: model_room.put(lambda failed: asked.append(failed) or places, lambda _: fresh("llama"))
    )
    assert asked == [frozenset({"cuda", "mps"})]


def test_the_memory_in_use_is_that_of_the_models():
    engine = Engine()
    loaded = fresh("llama")
    assert engine.memory().models == 0
    engine._models.get("llama", lambda: loaded)
    use = engine.memory()
    assert use.models == sum(each.nbytes for each in (*loaded.model.parameters(), *loaded.model.buffers()))
    assert use.models < use.most <= use.has // 2


@pytest.mark.slow
def test_the_numbers_come_from_the_environment(monkeypatch):
    monkeypatch.setenv("HEADLIGHT_MOST_MODELS", "1")
    monkeypatch.setenv("HEADLIGHT_MODEL_BYTES", "123456")
    monkeypatch.setenv("HEADLIGHT_DEVICE", "cpu")
    engine = Engine()
    Loader(engine)
    assert engine.memory().most == 123456
    for name in NAMES[:2]:
        engine.run(TraceRequest(name, IDS))
    assert [engine.has_model(name) for name in NAMES[:2]] == [False, True]
