"""The engine: answers kept by bytes and computed once, forwards one at a time, and everybody told the place in the queue."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from types import SimpleNamespace

import numpy as np
import pytest

from models.engine import ByteCache, Engine, Gate, size_of

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


def without_repeats(places):
    return [place for at, place in enumerate(places) if at == 0 or places[at - 1] != place]


# ----- The cache


def test_size_of_counts_arrays_strings_and_what_they_lie_in():
    @dataclass(frozen=True)
    class Answer:
        weights: np.ndarray
        tokens: tuple[str, ...]

    array = np.zeros((100, 50), dtype=np.float32)
    assert size_of(array) == 20_000
    assert size_of("x" * 1000) >= 1000
    assert size_of(b"x" * 1000) >= 1000
    assert 20_000 <= size_of(Answer(array, ())) < 21_000
    assert size_of((array, [array, frozenset([1])])) >= 40_000
    assert size_of(Answer(array, ("x" * 1000,) * 10)) >= 30_000
    # Nothing is free: endless small answers would fill the memory too.
    assert min(size_of(each) for each in (0, None, "", (), np.zeros(0), True)) > 0


def test_the_cache_never_holds_more_than_its_bytes():
    cache = ByteCache(10 * (100 + OVERHEAD))
    for number in range(50):
        cache.get(number, lambda: b"x" * 100)
        assert cache.nbytes <= cache.max_bytes
        assert cache.nbytes == len(cache) * (100 + OVERHEAD)
    assert len(cache) == 10


def test_the_least_recently_used_goes_first():
    cache = ByteCache(3 * (100 + OVERHEAD))
    for key in "abc":
        cache.get(key, lambda: b"x" * 100)
    cache.get("a", pytest.fail)
    cache.get("d", lambda: b"x" * 100)
    assert [key for key in "abcd" if kept(cache, key)] == ["a", "c", "d"]
    # One large answer takes the room of several small ones, the oldest first.
    cache.get("large", lambda: b"x" * (2 * 100 + OVERHEAD))
    assert [key for key in ["a", "c", "d", "large"] if kept(cache, key)] == ["d", "large"]
    assert cache.nbytes == cache.max_bytes


def test_a_kept_answer_is_the_same_object():
    cache = ByteCache(1000)
    answer = cache.get("key", lambda: np.arange(10))
    assert cache.get("key", pytest.fail) is answer


def test_an_answer_larger_than_the_bound_is_given_but_not_kept():
    cache = ByteCache(1000)
    cache.get("small", lambda: b"x" * 100)
    assert cache.get("large", lambda: b"x" * 2000) == b"x" * 2000
    assert not kept(cache, "large")
    assert kept(cache, "small"), "an answer that is not kept must not push out those that are"
    assert cache.nbytes == 100 + OVERHEAD


def test_without_a_bound_everything_is_kept():
    cache = ByteCache(None)
    for number in range(100):
        cache.get(number, lambda: b"x" * 10_000)
    assert len(cache) == 100


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

    def compute(key):
        together.wait(timeout=30)
        return key

    # If one computation held up another the barrier would never be passed.
    assert at_once([lambda key=key: cache.get(key, lambda: compute(key)) for key in range(30)]) == list(range(30))


def test_an_exception_reaches_all_who_wait_and_nothing_is_kept():
    cache, computed = ByteCache(10_000), []

    def fail():
        computed.append(1)
        time.sleep(0.2)
        raise ValueError("refused")

    errors = at_once([lambda: cache.get("key", fail)] * 30)
    assert [(type(error), str(error)) for error in errors] == [(ValueError, "refused")] * 30
    assert len(computed) == 1
    assert len(cache) == cache.nbytes == 0
    assert not cache._flights
    assert cache.get("key", lambda: "works now") == "works now"


def test_who_waits_computes_when_the_computing_session_is_torn_away():
    cache, computed = ByteCache(10_000), []

    def compute():
        computed.append(1)
        time.sleep(0.2)
        if len(computed) == 1:
            raise TornAwayError
        return "answer"

    answers = at_once([lambda: cache.get("key", compute)] * 30)
    assert sorted(type(answer).__name__ for answer in answers) == ["TornAwayError"] + ["str"] * 29
    assert len(computed) == 2
    assert not cache._flights
    assert kept(cache, "key")


# ----- The gate


class Queue:
    """Threads that ask for a turn one after the other, each holding it until it is let go."""

    def __init__(self, gate, pool):
        self.gate, self.pool = gate, pool
        self.entered, self.together, self.places, self.let_go, self.ended = [], [], {}, {}, {}

    def ask(self, name, on_wait=None):
        """Ask for a turn in a new thread; back when it stands in the queue."""
        from models.engine.gate import listening

        self.places[name], self.let_go[name] = [], threading.Event()

        def told(place):
            self.places[name].append(place)
            if on_wait:
                on_wait(place)

        def take():
            with listening(told), self.gate.turn():
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
        assert without_repeats(queue.places[number]) == list(range(number, 0, -1))


def test_who_waits_is_reminded_of_the_place(queue):
    queue.ask("holds")
    queue.ask("waits")
    # A place told once may be lost on its way to a browser, and a session that ended only notices when it is spoken to.
    until(lambda: queue.places["waits"] == [1, 1])


def test_a_listener_that_raises_leaves_the_queue_and_the_others_go_on(queue):
    def leave(place):
        raise TornAwayError

    queue.ask("holds")
    queue.ask("leaves", leave)
    queue.ask("stays")
    assert isinstance(queue.ended["leaves"].result(30), TornAwayError)
    until(lambda: len(queue.gate) == 2 and queue.places["stays"][-1:] == [1])
    queue.let_go["holds"].set()
    until(lambda: queue.entered == ["holds", "stays"])
    queue.let_go["stays"].set()
    assert queue.ended["stays"].result(30) is None


def test_who_raises_inside_the_turn_gives_it_back():
    gate = Gate()
    for error in (ValueError, TornAwayError):
        with pytest.raises(error), gate.turn():
            raise error
    with gate.turn():
        assert len(gate) == 1
    assert len(gate) == 0


def test_who_needs_not_wait_is_told_nothing():
    engine = Engine(1000)
    assert engine.run(Asked("at once"), pytest.fail) == "at once"


# ----- The engine


@dataclass(frozen=True)
class Asked:
    """A request without a model. What it does is not part of the question, so equal texts are equal requests."""

    text: str

    def answer(self, engine):
        return DOES.get(self.text, lambda _: self.text)(engine)


DOES = {}
DEVICE = SimpleNamespace(device="cpu")


@pytest.fixture
def does():
    """What the answering of each text does, for this test."""
    yield DOES
    DOES.clear()


def nothing_is_left(engine):
    return not engine.answers._flights and not engine._models._flights and not any(map(len, engine._gates.values()))


def test_the_request_is_the_key(does):
    engine, computed = Engine(10_000), []
    does["a"] = does["b"] = lambda engine: computed.append(1) or [len(computed)]
    assert engine.run(Asked("a")) is engine.run(Asked("a"))
    assert engine.run(Asked("b")) == [2]
    assert len(computed) == 2
    assert len(engine.answers) == 2


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


def test_devices_have_gates_of_their_own(does):
    engine, together = Engine(10_000), threading.Barrier(2)

    def forward_on(device):
        def forward(engine):
            with engine.forward(SimpleNamespace(device=device)):
                together.wait(timeout=30)
            return device

        return forward

    does.update({device: forward_on(device) for device in ("cuda:0", "cuda:1")})
    assert at_once([lambda device=device: engine.run(Asked(device)) for device in does]) == ["cuda:0", "cuda:1"]
