"""What every store of rooms does, whichever it is: one process's memory, or the cluster's."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from models.rooms import MemoryStore, Presence, Room, RoomError, Rooms, Store
from models.rooms.codes import new_code
from models.rooms.shared_store import SharedStore
from tests.models.rooms.rooms_made import ASKS, ATTENTION, FOUND, HEADS, Opened

HERE = Presence(1_000.0, is_following=True)


@pytest.fixture(params=["memory", pytest.param("cluster", marks=[pytest.mark.slow, pytest.mark.cluster])])
def store(request):
    if request.param == "memory":
        return MemoryStore()
    request.getfixturevalue("local_cluster")
    return SharedStore()


@pytest.fixture
def room(store):
    """A room that it keeps, whose code nobody had."""
    room = Room(new_code(), b"digest", 1_000.0)
    assert store.add(room)
    return room


def test_it_is_one(store):
    assert isinstance(store, Store)


def test_a_room_is_kept_by_its_code_until_it_is_removed(store, room):
    assert store.get(room.code) == room
    assert room.code in store.codes()
    assert not store.add(replace(room, digest=b"of another"))
    assert store.get(room.code) == room
    store.remove(room.code)
    store.remove(room.code)
    assert store.get(room.code) is None
    assert room.code not in store.codes()


def test_a_room_is_swapped_for_the_version_that_is_kept_and_no_other(store, room):
    second = replace(room.at(ATTENTION, ASKS), version=2)
    assert store.swap(second, 1)
    assert store.get(room.code) == second
    assert not store.swap(replace(room.at(HEADS, None), version=2), 1)
    assert store.get(room.code) == second
    assert not store.swap(Room(new_code(), b"", 0.0), 1)


def test_all_of_a_room_is_kept(store, room):
    """A question with its truth and its guesses, a step of a lesson, a view."""
    asked = room.at(ATTENTION, ASKS).asks(("cat", "sat"))
    revealed = replace(asked.reveals(1, FOUND, (0, 1, 1)), version=2)
    assert store.swap(revealed, 1)
    kept = store.get(room.code)
    assert kept == revealed
    assert hash(kept) == hash(revealed)
    assert kept.question.found == FOUND


def test_who_is_here(store, room):
    assert store.present(room.code) == {}
    store.touch(room.code, "one", HERE)
    store.touch(room.code, "two", HERE)
    later = replace(HERE, seen=1_005.0, is_following=False)
    store.touch(room.code, "one", later)
    assert store.present(room.code) == {"one": later, "two": HERE}
    store.leave(room.code, "two")
    store.leave(room.code, "nobody")
    assert dict(store.present(room.code)) == {"one": later}
    store.touch("no room", "one", HERE)
    assert store.present("no room") == {}


def test_a_member_guesses_once_until_the_question_is_closed(store, room):
    code = room.code
    assert store.add_guess(code, 1, "one", 1)
    assert not store.add_guess(code, 1, "one", 0)
    assert store.add_guess(code, 1, "two", (0.25, 0.75))
    assert (store.guess_of(code, 1, "one"), store.guess_of(code, 1, "two")) == (1, (0.25, 0.75))
    assert store.guess_of(code, 1, "nobody") is None
    assert set(store.close(code, 1)) == {1, (0.25, 0.75)}
    assert not store.add_guess(code, 1, "three", 0)
    assert store.add_guess(code, 2, "three", 0), "the next question takes guesses again"
    assert store.guesses(code, 1) == ()
    assert store.guesses(code, 2) == (0,)
    assert not store.add_guess("no room", 1, "one", 1)


def test_two_who_change_a_room_at_once_both_find_out(store, room):
    def change(number):
        return store.swap(replace(room, version=2, place_version=number), 1)

    with ThreadPoolExecutor(8) as pool:
        swapped = list(pool.map(change, range(40)))
    assert sum(swapped) == 1
    assert store.get(room.code).place_version == swapped.index(True)


def test_every_change_of_many_threads_counts(store, room):
    """As `Rooms` changes a room: again until it was whichever version is kept."""
    with ThreadPoolExecutor(6) as pool:
        list(pool.map(lambda _: Rooms(store)._changed(room.code, Room.called_back), range(24)))
    kept = store.get(room.code)
    assert (kept.gathered, kept.version) == (24, 25)


def test_a_lesson_of_a_class(store):
    """The whole way through `Rooms`: two web processes have one of their own each, over the same store."""
    opened = Opened(store=store)
    beside = Rooms(store, opened.clock)
    member = beside.join(opened.code)
    number = opened.asked()
    assert beside.look(opened.code).question.number == number
    assert beside.guess(opened.code, member, number, 1) == 1
    with pytest.raises(RoomError, match="guessed already"):
        opened.rooms.guess(opened.code, member, number, 0)
    opened.rooms.reveal(*opened.teacher, number, FOUND)
    seen = beside.look(opened.code)
    assert (seen.question.found, seen.question.guesses) == (FOUND, (1,))
    assert beside.crowd(opened.code).here == 1
    assert beside.is_teacher(*opened.teacher)
    opened.rooms.end(*opened.teacher)
    assert beside.look(opened.code) is None
