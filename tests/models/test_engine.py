"""The engine: answers computed once and kept by bytes, one forward at a time, everybody told the place in the queue."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import groupby
from types import SimpleNamespace

import numpy as np
import pytest

from models.engine import ByteCache, Engine, Gate, size_of
from models.engine.gate import listening
from models.errors import HeadlightError

# What an answer of `bytes` weighs beside its bytes.
OVERHEAD = size_of(b"")


class TornAwayError(BaseException):
    """What Streamlit does to a script whose session ended: no `except Exception` sees it."""


def until(condition, seconds=60):
    """Wait for another thread to get somewhere; sleeping a fixed time instead would pass or fail by the weather."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "what was waited for did not happen"
        time.sleep(0.002)


def outcome(job):
    """What the job gives or raises, whatever it is."""
    try:
        return job()
    except BaseException as error:
        return error


def at_once(jobs):
    """Each job in a thread of its own, all begun together: what each of them gives or raises."""
    barrier = threading.Barrier(len(jobs))

    def begin(job):
        barrier.wait(timeout=30)
        return outcome(job)

    with ThreadPoolExecutor(len(jobs)) as pool:
        return [future.result(timeout=60) for future in [pool.submit(begin, job) for job in jobs]]


def kept(cache, key):
    """Whether the cache answers without computing; a key that is not there is not put there by asking."""

    def refuse():
        raise LookupError

    return not isinstance(outcome(lambda: cache.get(key, refuse)), LookupError)


# ----- The cache


def test_size_of_counts_arrays_strings_and_what_they_lie_in():
    @dataclass(frozen=True)
    class Answer:
        weights: np.ndarray
        tokens: tuple[str, ...]

    array = np.zeros((100, 50), dtype=np.float32)
    assert size_of(array) == 20_000
    assert size_of("x" * 1000) >= 1000
    assert 20_000 <= size_of(Answer(array, ())) < 21_000
    assert size_of((array, [array, frozenset([1])])) >= 40_000
    # Endless small answers would fill the memory too.
    assert min(size_of(each) for each in (0, None, "", (), np.zeros(0), True)) > 0


def test_the_cache_never_holds_more_than_its_bytes():
    bound = 10 * (100 + OVERHEAD)
    cache = ByteCache(bound)
    for number in range(50):
        cache.get(number, lambda: b"x" * 100)
        assert cache.nbytes <= bound
        assert cache.nbytes == len(cache) * (100 + OVERHEAD)
    assert len(cache) == 10


def test_the_least_recently_used_goes_first():
    cache = ByteCache(3 * (100 + OVERHEAD))
    for key in "abc":
        cache.get(key, lambda: b"x" * 100)
    cache.get("a", pytest.fail)
    cache.get("d", lambda: b"x" * 100)
    assert [key for key in "abcd" if kept(cache, key)] == ["a", "c", "d"]
    # One large answer takes the room of several small ones.
    cache.get("large", lambda: b"x" * (2 * 100 + OVERHEAD))
    assert [key for key in ["a", "c", "d", "large"] if kept(cache, key)] == ["d", "large"]


def test_an_answer_larger_than_the_bound_is_given_but_not_kept():
    cache = ByteCache(1000)
    cache.get("small", lambda: b"x" * 100)
    assert cache.get("large", lambda: b"x" * 2000) == b"x" * 2000
    assert not kept(cache, "large")
    assert kept(cache, "small"), "an answer that is not kept must not push out those that are"


def test_thirty_threads_compute_once():
    cache, computed = ByteCache(10_000), []

    def compute():
        computed.append(threading.get_ident())
        time.sleep(0.2)
        return [len(computed)]

    answers = at_once([lambda: cache.get("key", compute)] * 30)
    assert len(computed) == 1
    assert all(answer is answers[0] for answer in answers)
    assert not cache._flights


def test_thirty_threads_with_thirty_keys_do_not_wait_for_each_other():
    cache, together = ByteCache(10_000), threading.Barrier(30)
    # If one computation held up another the barrier would never be passed.
    jobs = [lambda key=key: cache.get(key, lambda: together.wait(timeout=30)) for key in range(30)]
    assert sorted(at_once(jobs)) == list(range(30))


def test_what_a_person_can_mend_reaches_all_who_wait_and_nothing_is_kept():
    cache, computed = ByteCache(10_000), []

    def fail():
        computed.append(1)
        time.sleep(0.2)
        raise HeadlightError("refused")

    errors = at_once([lambda: cache.get("key", fail)] * 30)
    assert [(type(error), str(error)) for error in errors] == [(HeadlightError, "refused")] * 30
    assert len(computed) == 1
    assert len(cache) == cache.nbytes == 0
    assert not cache._flights
    assert cache.get("key", lambda: "works now") == "works now"


@pytest.mark.parametrize("raised", [TornAwayError, RuntimeError])
def test_who_waits_computes_when_the_computing_session_fails_on_its_own(raised):
    cache, computed = ByteCache(10_000), []

    def compute():
        computed.append(1)
        time.sleep(0.2)
        if len(computed) == 1:
            raise raised
        return "answer"

    answers = at_once([lambda: cache.get("key", compute)] * 30)
    assert sorted(type(answer).__name__ for answer in answers) == [raised.__name__] + ["str"] * 29
    assert len(computed) == 2
    assert kept(cache, "key")


# ----- The gate


class Queue:
    """Threads that ask for a turn one after the other, each holding it until it is let go."""

    def __init__(self, gate, pool):
        self.gate, self.pool = gate, pool
        self.entered, self.together, self.places, self.let_go, self.ended = [], [], {}, {}, {}

    def ask(self, name, on_wait=None):
        """Ask for a turn in a new thread; back when it stands in the queue."""
        self.places[name], self.let_go[name] = [], threading.Event()

        def told(place):
            self.places[name].append(place)
            if on_wait:
                on_wait(place)

        def take():
            with listening(told), self.gate.lock():
                self.entered.append(name)
                self.together.append(name)
                assert self.together == [name], "two at a time"
                assert self.let_go[name].wait(60)
                self.together.remove(name)

        before = len(self.gate)
        self.ended[name] = self.pool.submit(lambda: outcome(take))
        until(lambda: len(self.gate) == before + 1 or self.ended[name].done())


@pytest.fixture
def queue():
    with ThreadPoolExecutor(40) as pool:
        line = Queue(Gate(), pool)
        yield line
        for event in line.let_go.values():
            event.set()
    assert len(line.gate) == 0


def test_first_come_first_served_and_everybody_sees_the_place_count_down(queue):
    for number in range(8):
        queue.ask(number)
    for number in range(8):
        until(lambda number=number: queue.entered == list(range(number + 1)))
        # Each of those who wait is told the new place before the next change.
        until(lambda number=number: all(queue.places[late][-1:] == [late - number] for late in range(number + 1, 8)))
        assert len(queue.gate) == 8 - number
        queue.let_go[number].set()
    assert [future.result(30) for future in queue.ended.values()] == [None] * 8
    for number in range(8):
        assert [place for place, _ in groupby(queue.places[number])] == list(range(number, 0, -1))


def test_who_waits_is_reminded_of_the_place(queue):
    """A session that ended only notices when it is spoken to."""
    queue.ask("holds")
    queue.ask("waits")
    until(lambda: queue.places["waits"] == [1, 1])


def test_a_listener_that_raises_leaves_the_queue_and_the_others_go_on(queue):
    def leave(place):
        raise TornAwayError

    queue.ask("holds")
    queue.ask("leaves", leave)
    queue.ask("stays")
    queue.ask("leaves too", leave)
    for name in ("leaves", "leaves too"):
        assert isinstance(queue.ended[name].result(30), TornAwayError)
    until(lambda: len(queue.gate) == 2 and queue.places["stays"][-1:] == [1])
    assert queue.entered == ["holds"]
    queue.let_go["holds"].set()
    until(lambda: queue.entered == ["holds", "stays"])
    queue.let_go["stays"].set()
    assert queue.ended["stays"].result(30) is None


def test_who_raises_inside_the_turn_gives_it_back():
    gate = Gate()
    for error in (ValueError, TornAwayError):
        with pytest.raises(error), gate.lock():
            raise error
    with gate.lock():
        assert len(gate) == 1
    assert len(gate) == 0


# ----- The engine


@dataclass(frozen=True)
class Asked:
    """A request without a model. What it does is not part of the question, so equal texts are equal requests."""

    text: str

    def answer(self, engine):
        return DOES.get(self.text, lambda _: self.text)(engine)


DOES = {}
# All that a gate needs to know of a model.
DEVICE = SimpleNamespace(device="cpu")


@pytest.fixture
def does():
    """What the answering of each text does, for this test."""
    yield DOES
    DOES.clear()


def nothing_is_left(engine):
    flights = (engine.answers._flights, engine._models._loading._flights)
    return not any(flights) and not any(map(len, engine._gates.values()))


def test_the_request_is_the_key(does):
    engine, computed = Engine(10_000), []
    does["a"] = does["b"] = lambda engine: computed.append(1) or [len(computed)]
    # Who need not wait is told nothing.
    assert engine.run(Asked("a"), pytest.fail) is engine.run(Asked("a"), pytest.fail)
    assert engine.run(Asked("b")) == [2]
    assert len(computed) == 2


def test_equal_requests_at_once_run_one_forward(does):
    engine, computed = Engine(10_000), []

    def forward(engine):
        with engine.forward(DEVICE):
            computed.append(1)
            time.sleep(0.2)
        return "answer"

    does["equal"] = forward
    assert at_once([lambda: engine.run(Asked("equal"))] * 30) == ["answer"] * 30
    assert len(computed) == 1
    assert nothing_is_left(engine)


def test_different_requests_compute_one_forward_at_a_time(does):
    engine, inside, most = Engine(10_000), [], []

    def forward(engine):
        with engine.forward(DEVICE):
            inside.append(1)
            most.append(len(inside))
            time.sleep(0.005)
            inside.pop()
        return "answer"

    texts = [f"text {number}" for number in range(30)]
    does.update(dict.fromkeys(texts, forward))
    assert at_once([lambda text=text: engine.run(Asked(text)) for text in texts]) == ["answer"] * 30
    assert most == [1] * 30
    assert nothing_is_left(engine)


def test_devices_have_gates_of_their_own():
    engine, together = Engine(10_000), threading.Barrier(2)

    def forward(device):
        with engine.forward(SimpleNamespace(device=device)):
            together.wait(timeout=30)

    assert at_once([lambda device=device: forward(device) for device in ("cuda:0", "cuda:1")]) == [None] * 2


@pytest.fixture
def held(does):
    """An engine whose gate is held by a forward, and what lets it go."""
    engine, let_go = Engine(10_000), threading.Event()

    def hold(engine):
        with engine.forward(DEVICE):
            assert let_go.wait(60)

    def forward(engine):
        with engine.forward(DEVICE):
            return "answer"

    does.update({"holds": hold, "waits": forward, "last": forward})
    with ThreadPoolExecutor(8) as pool:
        pool.submit(engine.run, Asked("holds"))
        until(lambda: len(engine.gate("cpu")) == 1)
        yield SimpleNamespace(engine=engine, let_go=let_go, start=lambda job: pool.submit(outcome, job))
        let_go.set()
    assert nothing_is_left(engine)


def test_on_wait_gets_the_place(held):
    first, second = [], []
    held.start(lambda: held.engine.run(Asked("waits"), first.append))
    until(lambda: first == [1])
    last = held.start(lambda: held.engine.run(Asked("last"), second.append))
    until(lambda: second == [2])
    held.let_go.set()
    assert last.result(30) == "answer"
    assert set(first) == {1}
    assert sorted(second, reverse=True) == second


def test_who_waits_for_anothers_computation_is_told_its_place(held):
    mine, others = [], []
    answers = [held.start(lambda: held.engine.run(Asked("waits"), others.append))]
    until(lambda: others)
    answers.append(held.start(lambda: held.engine.run(Asked("waits"), mine.append)))
    until(lambda: mine)
    assert set(mine) == {1}
    assert len(held.engine.gate("cpu")) == 2, "an equal request takes no place of its own"
    held.let_go.set()
    assert [answer.result(30) for answer in answers] == ["answer"] * 2


@pytest.mark.parametrize("raised", [TornAwayError, RuntimeError])
def test_who_leaves_the_queue_takes_nobody_along(held, raised):
    """`on_wait` may raise to leave: one who asked for the same thing and stayed still gets the answer."""
    leave = threading.Event()

    def on_wait(place):
        if leave.is_set():
            raise raised

    left = held.start(lambda: held.engine.run(Asked("waits"), on_wait))
    until(lambda: len(held.engine.gate("cpu")) == 2)
    mine = []
    stayed = held.start(lambda: held.engine.run(Asked("waits"), mine.append))
    until(lambda: mine)
    leave.set()
    assert isinstance(left.result(30), raised)
    held.let_go.set()
    assert stayed.result(30) == "answer"
