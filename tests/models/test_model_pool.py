"""The model pool: which model goes for another and when, whom that makes wait, and where it lies then."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from types import SimpleNamespace

import pytest

from models.engine import model_pool, model_room
from models.engine.model_pool import ModelPool, ModelPoolFullError, NoMemoryError


@dataclass(frozen=True)
class At:
    """A place, of which the pool sees what it takes."""

    takes: tuple[tuple[str, int], ...]


class Thing:
    """All that a pool needs to know of a model."""


def until(condition, seconds=20):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "what was waited for did not happen"
        time.sleep(0.002)


@pytest.fixture
def fast(monkeypatch):
    """Nobody waits for long."""
    monkeypatch.setattr(model_pool, "_NEXT_PLACE_SECONDS", 0.05)
    monkeypatch.setattr(model_pool, "_LAST_PLACE_SECONDS", 0.3)
    monkeypatch.setattr(model_pool, "_TICK_SECONDS", 0.01)


def put(models, name, size=0, device="cpu"):
    return into(models, name, (At(((device, size),)),), lambda _: Thing())


def into(models, name, places, read):
    return models.get(name, lambda: model_room.put(lambda _: places, read))


def test_the_least_recently_used_goes_and_what_was_kept_for_it_is_told():
    gone = []
    models = ModelPool(most_models=2, forget=gone.append)
    first, second = put(models, "a"), put(models, "b")
    assert put(models, "a") is first
    put(models, "c")
    assert gone == [second]
    assert [name in models for name in "abc"] == [True, False, True]


def test_bytes_are_counted_for_each_device():
    models = ModelPool(most_bytes={"gpu": 10, "cpu": 100}.get)
    for name, size, device in (("a", 6, "gpu"), ("b", 4, "gpu"), ("c", 50, "cpu"), ("d", 5, "gpu")):
        put(models, name, size, device)
    assert [name in models for name in "abcd"] == [False, True, True, True]
    assert models.used() == {"gpu": 9, "cpu": 50}


def test_no_more_go_than_must():
    models = ModelPool(most_bytes=lambda _: 10)
    for name, size in (("small", 1), ("large", 8), ("other", 9)):
        put(models, name, size)
    assert [name in models for name in ("small", "large", "other")] == [True, False, True]


def test_what_turns_out_larger_than_expected_makes_others_go():
    models = ModelPool(most_bytes=lambda _: 10, measure=lambda thing: {"cpu": thing.size})
    sizes = iter((4, 8))
    for name in "ab":
        into(models, name, (At((("cpu", 1),)),), lambda _: SimpleNamespace(size=next(sizes)))
    assert [name in models for name in "ab"] == [False, True]
    assert models.used() == {"cpu": 8}


def test_a_model_in_use_stays_and_who_waits_gets_the_room_when_it_ends():
    models = ModelPool(most_models=1)
    with ThreadPoolExecutor(1) as pool:
        with models.leasing():
            mine = put(models, "a")
            other = pool.submit(put, models, "b")
            time.sleep(0.1)
            assert not other.done()
            assert put(models, "a") is mine
        assert isinstance(other.result(10), Thing)
    assert ("a" in models, "b" in models) == (False, True)


def test_who_waits_in_vain_goes_to_the_next_place(fast):
    models = ModelPool(most_bytes={"gpu": 10, "cpu": 10}.get)
    with ThreadPoolExecutor(1) as pool, models.leasing():
        put(models, "a", 8, "gpu")
        places = (At((("gpu", 8),)), At((("cpu", 8),)))
        where = pool.submit(into, models, "b", places, lambda place: place).result(10)
        assert where is places[1]
    # Nobody uses it any more: there would be room.
    assert into(models, "c", places, lambda place: place) is places[0]


def test_who_finds_no_place_at_all_is_told(fast):
    models = ModelPool(most_models=1)
    with ThreadPoolExecutor(1) as pool, models.leasing():
        put(models, "a")
        with pytest.raises(ModelPoolFullError, match="in use"):
            pool.submit(put, models, "b").result(10)
    with pytest.raises(ModelPoolFullError, match="choose a smaller one"):
        put(ModelPool(most_bytes=lambda _: 10), "large", 11)
    assert isinstance(put(models, "b"), Thing)


def test_a_device_that_is_full_although_it_should_not_be():
    models = ModelPool(most_bytes={"gpu": 10, "cpu": 10}.get)
    put(models, "idle", 2, "gpu")
    tried = []

    def load(place):
        tried.append((place.takes[0][0], "idle" in models))
        if place.takes[0][0] == "gpu":
            raise MemoryError
        return Thing()

    into(models, "b", (At((("gpu", 2),)), At((("cpu", 2),))), load)
    # Again after the others have gone, then elsewhere.
    assert tried == [("gpu", True), ("gpu", False), ("cpu", False)]
    assert models.used() == {"cpu": 2}
    with pytest.raises(NoMemoryError):
        into(models, "c", (At((("gpu", 2),)),), load)
    assert len(models) == 1, "the room that was kept for it is free again"


def test_requests_that_overlap_do_not_hold_a_model_for_ever():
    models, stop = ModelPool(most_models=1), threading.Event()

    def use(offset):
        time.sleep(offset)
        while not stop.is_set():
            with models.leasing():
                put(models, "a")
                time.sleep(0.1)

    with ThreadPoolExecutor(4) as pool:
        users = [pool.submit(use, number * 0.03) for number in range(3)]
        until(lambda: "a" in models)
        try:
            assert isinstance(pool.submit(put, models, "b").result(10), Thing)
        finally:
            stop.set()
        [user.result(10) for user in users]


def test_a_failed_device_s_models_go_whether_in_use_or_not():
    gone = []
    models = ModelPool(forget=gone.append)
    with models.leasing():
        first = put(models, "a", 1, "cuda:0")
        put(models, "b", 1, "cpu")
        models.abandon("cuda")
    assert gone == [first]
    assert ("a" in models, "b" in models) == (False, True)
    assert put(models, "a") is not first
