"""What the engine counts, and how long one question may have a device."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from types import SimpleNamespace

import pytest

from models.engine import Engine
from models.engine.allowance import VARIABLE, AnswerTooLongError
from models.engine.cancellation import NobodyWaits, between_steps
from models.errors import HeadlightError

DEVICE = SimpleNamespace(device="cpu")
SHORT = 0.1
DOES = {}


@dataclass(frozen=True)
class Asked:
    """What it does is not part of the question."""

    text: str
    model: str | None = None

    def answer(self, engine):
        return DOES.get(self.text, lambda _: self.text)(engine)

    def steps(self, engine):
        return DOES[self.text](engine)


@pytest.fixture
def does():
    yield DOES
    DOES.clear()


def until(condition, seconds=60):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "what was waited for did not happen"
        time.sleep(0.002)


def forwards(count, seconds=0.0):
    def compute(engine):
        for _ in range(count):
            with engine.forward(DEVICE):
                time.sleep(seconds)
        return "answer"

    return compute


def ended(engine, job):
    until(lambda: engine.poll(job).is_done)
    return engine.poll(job)


# ----- Figures


def test_forwards_questions_and_what_is_kept(does):
    engine = Engine(10_000)
    does["three"] = forwards(3)
    before = engine.counted()
    assert (before.forwards, before.waits.count, dict(before.questions)) == (0, 0, {"computed": 0, "kept": 0})
    for _ in range(4):
        engine.run(Asked("three"))
    after = engine.counted()
    assert (after.forwards, after.waits.count) == (3, 3)
    assert after.questions == {"computed": 1, "kept": 3}
    assert after.cache_answers == 1
    assert after.cache_most == 10_000
    assert 0 < after.cache_bytes <= 10_000
    assert after.queue == {"cpu": 0}
    assert after.jobs == 0


def test_a_forward_that_waits_is_counted_with_its_wait_and_the_queue_is_seen(does):
    engine, let_go = Engine(10_000), threading.Event()

    def hold(engine):
        with engine.forward(DEVICE):
            assert let_go.wait(60)

    does.update(holds=hold, waits=forwards(1))
    with ThreadPoolExecutor(2) as pool:
        pool.submit(engine.run, Asked("holds"))
        until(lambda: engine.counted().queue.get("cpu") == 1)
        pool.submit(engine.run, Asked("waits"))
        until(lambda: engine.counted().queue["cpu"] == 2)
        began = time.monotonic()
        time.sleep(0.3)
        let_go.set()
    waited = time.monotonic() - began
    figures = engine.counted()
    assert figures.forwards == 2
    assert figures.waits.seconds >= 0.3
    assert figures.busy["cpu"] >= 0.3
    buckets = dict(figures.waits.buckets)
    assert buckets[0.25] == 1, "the one that came first did not wait"
    assert buckets[60.0] == 2 or waited > 60
    assert [count for _, count in figures.waits.buckets] == sorted(count for _, count in figures.waits.buckets)


def test_a_question_inside_another_is_part_of_it(does):
    engine, heard = Engine(10_000), []
    engine.figures.heard = heard.append
    does["inner"] = forwards(2)
    does["outer"] = lambda engine: engine.run(Asked("inner", "smollm2"))
    engine.run(Asked("outer", "minilm"))
    engine.run(Asked("outer", "minilm"))
    engine.run(Asked("inner", "smollm2"))
    assert [(each.forwards, each.is_kept, sorted(each.models), each.outcome) for each in heard] == [
        (2, False, ["minilm"], "answered"),
        (0, True, ["minilm"], "answered"),
        (0, True, ["smollm2"], "answered"),
    ]
    assert engine.counted().questions == {"computed": 2, "kept": 2}


def test_what_is_told_of_a_question_has_nothing_of_its_text(does):
    engine, heard = Engine(10_000), []
    engine.figures.heard = heard.append
    engine.run(Asked("a secret of somebody"))
    assert "secret" not in repr(heard)
    assert heard[0].question == "Asked"


@pytest.mark.parametrize(("raised", "outcome"), [(HeadlightError, "HeadlightError"), (NobodyWaits, "left")])
def test_what_is_refused_is_counted_and_who_leaves_is_not(does, raised, outcome):
    engine, heard = Engine(10_000), []
    engine.figures.heard = heard.append

    def fail(engine):
        raise raised("said")

    does["fails"] = fail
    does["around"] = lambda engine: engine.run(Asked("fails"))
    for text in ("fails", "around"):
        with pytest.raises(raised):
            engine.run(Asked(text))
    assert engine.counted().refused == ({"HeadlightError": 2} if raised is HeadlightError else {})
    assert [each.outcome for each in heard] == [outcome] * 2
    assert engine.counted().questions == {"computed": 0, "kept": 0}


def test_a_text_that_is_too_large_is_refused_and_counted():
    engine = Engine(10_000)
    engine.most_characters = lambda: 10
    with pytest.raises(HeadlightError):
        engine.run(Asked("x" * 11))
    assert engine.counted().refused == {"RequestTooLargeError": 1}


def test_a_job_is_told_of_when_it_ends(does):
    engine, heard = Engine(10_000), []
    engine.figures.heard = heard.append

    def steps(engine):
        for number in range(3):
            with engine.forward(DEVICE):
                pass
            yield number

    does["job"] = steps
    ended(engine, engine.start(Asked("job", "minilm")))
    until(lambda: heard)
    assert (heard[0].is_job, heard[0].forwards, heard[0].outcome, heard[0].is_kept) == (True, 3, "answered", False)
    assert engine.counted().questions == {"computed": 0, "kept": 0}


def test_counts_of_many_threads_are_whole(does):
    engine = Engine(1_000_000)
    texts = [f"text {number}" for number in range(40)]
    does.update({text: forwards(2) for text in texts})
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda text: engine.run(Asked(text)), texts * 5))
    figures = engine.counted()
    assert figures.forwards == figures.waits.count == 80
    assert figures.questions["computed"] == 40
    assert figures.questions["kept"] == 160


# ----- Seconds of one question


@pytest.fixture
def strict(does):
    """An engine that computes so long for one question."""
    engine = Engine(10_000)
    engine._answer_seconds = SHORT
    return engine


def test_the_operator_says_how_many_seconds(monkeypatch):
    monkeypatch.setenv(VARIABLE, "30")
    assert Engine(10_000)._answer_seconds == 30
    monkeypatch.delenv(VARIABLE)
    assert Engine(10_000)._answer_seconds is None


def test_a_question_of_many_forwards_ends_with_a_sentence(strict, does):
    does["long"] = forwards(200, SHORT / 4)
    began = time.monotonic()
    with pytest.raises(AnswerTooLongError, match=r"for one question, which is 0\.1 s; take a shorter text"):
        strict.run(Asked("long"))
    assert strict.counted().forwards < 50
    assert time.monotonic() - began >= SHORT
    assert Asked("long") not in strict.answers
    assert strict.counted().refused == {"AnswerTooLongError": 1}
    assert strict.counted().queue == {"cpu": 0}


def test_one_long_forward_ends_between_two_layers(strict, does):
    layers = []

    def forward(engine):
        with engine.forward(DEVICE):
            for layer in range(1_000):
                time.sleep(SHORT / 4)
                between_steps()
                layers.append(layer)

    does["long"] = forward
    with pytest.raises(AnswerTooLongError):
        strict.run(Asked("long"))
    assert len(layers) < 10


def test_waiting_for_others_does_not_count(strict, does):
    let_go = threading.Event()

    def hold(engine):
        with engine.forward(DEVICE):
            assert let_go.wait(60)

    does.update(holds=hold, short=forwards(1))
    with ThreadPoolExecutor(2) as pool:
        pool.submit(strict.run, Asked("holds"))
        until(lambda: strict.counted().queue.get("cpu") == 1)
        short = pool.submit(strict.run, Asked("short"))
        until(lambda: strict.counted().queue["cpu"] == 2)
        time.sleep(3 * SHORT)
        let_go.set()
        assert short.result(60) == "answer"


def test_questions_inside_are_part_of_the_one_that_is_asked(strict, does):
    texts = [f"part {number}" for number in range(100)]
    does.update({text: forwards(1, SHORT / 4) for text in texts})
    does["whole"] = lambda engine: [engine.run(Asked(text)) for text in texts]
    with pytest.raises(AnswerTooLongError):
        strict.run(Asked("whole"))
    # What was computed until then is kept, so that it goes on from there when it is asked again.
    assert Asked("part 0") in strict.answers
    assert Asked("part 99") not in strict.answers


def test_what_a_job_has_shown_stays(strict, does):
    def steps(engine):
        for number in range(200):
            with engine.forward(DEVICE):
                time.sleep(SHORT / 4)
            yield number

    does["job"] = steps
    progress = ended(strict, strict.start(Asked("job")))
    assert "longer than this server computes for one question" in progress.error
    assert 0 < progress.count < 50
    assert progress.steps == tuple(range(progress.count))


def test_without_the_setting_it_takes_as_long_as_it_takes(does):
    engine = Engine(10_000)
    does["long"] = forwards(5, SHORT / 2)
    assert engine.run(Asked("long")) == "answer"
