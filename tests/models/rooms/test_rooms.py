"""Rooms: who may change them, what they are bounded by, when they end; and two who change one at once."""

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from models.lessons import GuessError, Readings, View
from models.rooms import MemoryStore, NotTheTeacherError, RoomError, Rooms, grouped, read_code
from models.rooms.codes import CODE_BITS, LETTERS, new_code
from tests.models.rooms.rooms_made import ASKS, ATTENTION, FOUND, HEADS, Opened

HOUR = 3600.0


@pytest.fixture
def opened():
    return Opened()


def test_a_code_is_long_enough_and_read_however_it_is_typed():
    assert CODE_BITS >= 40
    codes = {new_code() for _ in range(200)}
    assert len(codes) == 200
    assert set("".join(codes)) <= set(LETTERS)
    code = "BSDKTVMXH"
    assert grouped(code) == "BSD-KTV-MXH"
    for typed in ("bsd-ktv-mxh", " BSD KTV MXH ", "8S0kTUmxh", "bsd.ktv—mxh"):
        assert read_code(typed) == code
    for typed in ("", "BSD", "BSD-KTV-MX1", "BSDKTVMXHB", "é" * 9, "B" * 200_000, "</script>"):
        assert read_code(typed) is None


def test_of_the_secret_only_a_digest_is_kept(opened):
    assert len(opened.secret) * 6 >= 128
    assert opened.secret not in repr(opened.room)
    assert opened.secret.encode() not in opened.room.digest
    assert opened.rooms.is_teacher(*opened.teacher)
    for wrong in ("", opened.secret[:-1], opened.secret + "A", "\ud800", opened.code):
        assert not opened.rooms.is_teacher(opened.code, wrong)


@pytest.mark.parametrize("secret", ["", "x", "a follower's guess of a secret"])
def test_every_command_asks_for_the_secret(opened, secret):
    number = opened.asked()
    before = opened.room
    rooms, wrong = opened.rooms, (opened.code, secret)
    for command in (
        lambda: rooms.show(*wrong, HEADS),
        lambda: rooms.call_back(*wrong),
        lambda: rooms.let_go(*wrong),
        lambda: rooms.freeze(*wrong),
        lambda: rooms.thaw(*wrong),
        lambda: rooms.ask(*wrong),
        lambda: rooms.reveal(*wrong, number, FOUND),
        lambda: rooms.touch_teacher(*wrong),
        lambda: rooms.end(*wrong),
    ):
        with pytest.raises(NotTheTeacherError):
            command()
    assert opened.room == before


def test_who_knows_one_secret_commands_no_other_room(opened):
    other, _ = opened.rooms.open()
    with pytest.raises(NotTheTeacherError):
        opened.rooms.end(other.code, opened.secret)
    opened.rooms.end(*opened.teacher)
    assert opened.rooms.look(other.code) == other


def test_a_code_that_is_none_or_has_ended_is_said(opened):
    assert opened.rooms.find(grouped(opened.code).lower()) == opened.room
    for typed in ("BSD-KTV-MXH", "nonsense"):
        with pytest.raises(RoomError, match="ended, or there never was"):
            opened.rooms.find(typed, "session", "address")
    opened.rooms.end(*opened.teacher)
    with pytest.raises(RoomError, match="ended"):
        opened.rooms.find(opened.code)
    with pytest.raises(RoomError, match="ended"):
        opened.rooms.join(opened.code)
    with pytest.raises(RoomError, match="ended"):
        opened.rooms.show(*opened.teacher, HEADS)


def test_codes_are_not_tried_at_speed():
    opened = Opened(tries=3, address_tries=6, all_tries=8)

    def tried(session, address):
        with pytest.raises(RoomError) as said:
            opened.rooms.find("BSD-KTV-MXH", session, address)
        return "wait a minute" not in str(said.value)

    assert [tried("one", "here") for _ in range(5)] == [True] * 3 + [False] * 2
    # A right one does not tell that it is right either.
    with pytest.raises(RoomError, match="wait a minute"):
        opened.rooms.find(opened.code, "one", "here")
    # A new session is the same address; another address has its own bound, and all together have one.
    assert [tried(f"new {each}", "here") for each in range(5)] == [True] * 3 + [False] * 2
    assert [tried(f"other {each}", f"there {each}") for each in range(4)] == [True] * 2 + [False] * 2
    opened.clock.now += 61
    assert opened.rooms.find(opened.code, "one", "here") == opened.room


def test_as_many_rooms_as_may_be_and_the_one_that_nobody_is_in_makes_place():
    opened = Opened(rooms=2, opened=20)
    opened.rooms.open()
    with pytest.raises(RoomError, match="as many rooms"):
        opened.rooms.open()
    opened.clock.now += 700
    opened.rooms.join(opened.code)
    third, _ = opened.rooms.open()
    assert opened.room is not None, "somebody is in it"
    assert opened.rooms.look(third.code) == third


def test_one_address_does_not_open_all_rooms():
    opened = Opened(opened=3)
    for _ in range(3):
        opened.rooms.open("there")
    with pytest.raises(RoomError, match="many rooms"):
        opened.rooms.open("there")
    opened.rooms.open("elsewhere")


def test_a_room_is_full_until_somebody_goes():
    opened = Opened(members=500)
    members = [opened.rooms.join(opened.code) for _ in range(500)]
    assert len(set(members)) == 500
    with pytest.raises(RoomError, match="full: 500"):
        opened.rooms.join(opened.code)
    assert opened.rooms.join(opened.code, members[7]) == members[7], "who is in it comes back"
    assert opened.rooms.crowd(opened.code).here == 500
    opened.rooms.leave(opened.code, members[0])
    opened.rooms.join(opened.code)
    opened.clock.now += 40
    opened.rooms.join(opened.code)
    assert opened.rooms.crowd(opened.code).here == 1


def test_nobody_comes_in_as_the_teacher(opened):
    opened.clock.now += 100
    assert opened.rooms.join(opened.code, "teacher") != "teacher"
    opened.rooms.touch(opened.code, "teacher", is_following=True)
    opened.rooms.leave(opened.code, "teacher")
    crowd = opened.rooms.crowd(opened.code)
    assert (crowd.here, crowd.following, crowd.has_teacher) == (1, 1, False)


def test_how_many_are_here_and_how_many_follow(opened):
    first, second = opened.rooms.join(opened.code), opened.rooms.join(opened.code)
    opened.rooms.touch(opened.code, second, is_following=False)
    crowd = opened.rooms.crowd(opened.code)
    assert (crowd.here, crowd.following, crowd.has_teacher) == (2, 1, True)
    opened.clock.now += 20
    opened.rooms.touch(opened.code, first, is_following=True)
    opened.clock.now += 20
    assert opened.rooms.crowd(opened.code).here == 1


def test_a_room_ends_three_hours_after_its_teacher_was_there(opened):
    for _ in range(5):
        opened.clock.now += 2.9 * HOUR
        opened.rooms.touch_teacher(*opened.teacher)
    opened.clock.now += 2.9 * HOUR
    opened.rooms.join(opened.code)
    assert opened.room is not None
    opened.clock.now += 0.2 * HOUR
    opened.rooms.sweep()
    assert opened.rooms._store.codes() == ()


def test_frozen_screens_thaw_without_the_teacher(opened):
    opened.rooms.freeze(*opened.teacher)
    opened.clock.now += 50
    opened.rooms.touch_teacher(*opened.teacher)
    opened.clock.now += 50
    assert opened.room.is_frozen
    opened.clock.now += 20
    version = opened.room.version
    assert not opened.room.is_frozen
    assert opened.room.version == version, "it thaws once"
    assert not opened.rooms.crowd(opened.code).has_teacher


def test_each_command_is_a_version_and_what_changes_nothing_is_none(opened):
    rooms, teacher = opened.rooms, opened.teacher
    shown = rooms.show(*teacher, ATTENTION)
    assert (shown.version, shown.place_version, shown.place) == (2, 1, ATTENTION)
    assert rooms.show(*teacher, ATTENTION) == shown
    back = rooms.call_back(*teacher)
    assert (back.version, back.gathered, back.is_together) == (3, 1, True)
    frozen = rooms.freeze(*teacher)
    assert (frozen.is_frozen, frozen.is_together, frozen.gathered) == (True, True, 2)
    free = rooms.let_go(*teacher)
    assert (free.is_frozen, free.is_together, free.gathered) == (False, False, 3)
    assert rooms.show(*teacher, HEADS).place_version == 2


def test_a_place_is_bounded(opened):
    with pytest.raises(RoomError, match="takes 40,000"):
        opened.rooms.show(*opened.teacher, View("attention", (("text", "a" * 50_000),)))
    assert opened.room.place is None


def test_a_question_from_its_asking_to_its_histogram(opened):
    rooms = opened.rooms
    with pytest.raises(RoomError, match="asks nothing"):
        rooms.ask(*opened.teacher)
    number = opened.asked()
    with pytest.raises(RoomError, match="already"):
        rooms.ask(*opened.teacher)
    members = [rooms.join(opened.code) for _ in range(4)]
    for member, guess in zip(members, (0, 1, 0), strict=False):
        rooms.guess(opened.code, member, number, guess)
    assert rooms.answered(opened.room) == 3
    assert [rooms.own_guess(opened.room, each) for each in members] == [0, 1, 0, None]
    assert opened.room.question.guesses == (), "nobody sees a guess before"
    for wrong in (2, -1, 0.5, "cat", None, [0], True, 10**30):
        with pytest.raises(GuessError):
            rooms.guess(opened.code, members[3], number, wrong)
    with pytest.raises(RoomError, match="first guess counts"):
        rooms.guess(opened.code, members[0], number, 0)
    with pytest.raises(RoomError, match="in the room"):
        rooms.guess(opened.code, "nobody", number, 0)
    with pytest.raises(RoomError, match="in the room"):
        rooms.guess(opened.code, "teacher", number, 0)
    with pytest.raises(RoomError, match="over"):
        rooms.guess(opened.code, members[3], number + 1, 0)
    asked = rooms.reveal(*opened.teacher, number, FOUND).question
    assert (asked.found, asked.guesses) == (FOUND, (0, 0, 1))
    assert not any(member in repr(opened.room) for member in members)
    with pytest.raises(RoomError, match="over"):
        rooms.guess(opened.code, members[3], number, 0)
    with pytest.raises(RoomError, match="over"):
        rooms.reveal(*opened.teacher, number, FOUND)
    again = replace(ASKS, number=3)
    assert rooms.show(*opened.teacher, ATTENTION, again).question is None
    assert rooms.ask(*opened.teacher).question.number == number + 1
    assert rooms.answered(opened.room) == 0


def test_a_question_stays_while_its_picture_changes(opened):
    number = opened.asked()
    opened.rooms.show(*opened.teacher, HEADS, ASKS)
    assert opened.room.question.number == number
    opened.rooms.show(*opened.teacher, HEADS, None)
    assert opened.room.question is None


def test_two_servers_that_share_a_store_lose_no_change():
    """Whoever swaps late finds out; of eight who change one room at once each change is there once."""
    opened = Opened()
    others = [Rooms(opened.rooms._store, opened.clock) for _ in range(8)]
    begin = threading.Barrier(8)

    def calls(server):
        begin.wait()
        for _ in range(50):
            server.call_back(*opened.teacher)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(calls, others))
    assert opened.room.gathered == 400
    assert opened.room.version == 401
    stale = opened.room
    opened.rooms.let_go(*opened.teacher)
    assert not opened.rooms._store.swap(replace(stale, version=stale.version + 1), stale.version)


def test_of_many_who_guess_at_once_each_counts_once_and_none_after_the_reveal():
    opened = Opened()
    number = opened.asked()
    members = [opened.rooms.join(opened.code) for _ in range(60)]
    begin = threading.Barrier(8)
    taken = []

    def guesses(part):
        begin.wait()
        for member in members[part % 4 :: 4]:
            try:
                opened.rooms.guess(opened.code, member, number, part % 2)
            except RoomError:
                continue
            taken.append(part % 2)

    with ThreadPoolExecutor(8) as pool:
        found = pool.map(guesses, range(8))
        asked = opened.rooms.reveal(*opened.teacher, number, FOUND).question
        list(found)
    assert sorted(asked.guesses) == sorted(taken)
    assert len(taken) <= 60


def test_a_store_forgets_all_of_a_room():
    store = MemoryStore()
    opened = Opened()
    opened.rooms._store = store
    room, secret = opened.rooms.open()
    member = opened.rooms.join(room.code)
    opened.rooms.end(room.code, secret)
    opened.rooms.touch(room.code, member, is_following=True)
    assert (store.present(room.code), store.guesses(room.code, 1), store.codes()) == ({}, (), ())
    assert not store.add_guess(room.code, 1, member, 0)
    assert store.close(room.code, 1) == ()
    assert not store.swap(room, room.version)


def test_readings_of_the_wrong_unit_are_no_rooms_business(opened):
    """What is revealed is what the engine gave, whatever the step thought of it."""
    number = opened.asked()
    found = Readings("count", ("cat",), (3,))
    assert opened.rooms.reveal(*opened.teacher, number, found).question.found == found
