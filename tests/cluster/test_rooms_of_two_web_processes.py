"""A room across two web processes: a teacher on one, a follower on each."""

import pytest

from benchmarks.followers import following
from benchmarks.local_cluster import wait_for
from benchmarks.serving import APP, serving
from models.cluster.line import line
from models.cluster.setting import VARIABLE
from models.lessons import View
from models.rooms import Rooms
from models.rooms.shared_store import SharedStore
from tests.models.rooms.rooms_made import answers

pytestmark = [pytest.mark.slow, pytest.mark.cluster, pytest.mark.timeout(1_200)]


def attention(head):
    chosen = {"model": "minilm", "text": "The animal was tired.", "layer": "3", "head": str(head)}
    return View("attention", tuple(chosen.items()))


@pytest.fixture
def rooms(cluster, monkeypatch):
    """What a third web process would have."""
    monkeypatch.setenv(VARIABLE, cluster.address)
    wait_for(lambda: answers(SharedStore()), 240)
    yield Rooms(SharedStore())
    line().end()


def test_a_follower_on_each_of_two_web_processes_sees_what_the_teacher_shows(cluster, rooms):
    environment = cluster.environment(HEADLIGHT_CLUSTER=cluster.address)
    with serving(APP, environment) as one, serving(APP, environment) as other:
        room, secret = rooms.open()
        rooms.show(room.code, secret, attention(2))
        with following(one, room.code, 1) as here, following(other, room.code, 1) as there:
            for head in (2, 5, 7):
                rooms.show(room.code, secret, attention(head))
                for each in (here, there):
                    each.wait_until("head", str(head))
            assert rooms.crowd(room.code).here == 2
            assert [follower.faults for each in (here, there) for follower in each.followers] == [[], []]
        rooms.end(room.code, secret)
        assert rooms.look(room.code) is None
