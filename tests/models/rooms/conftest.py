"""A cluster without workers, for stores. Nothing of models/ is imported at the top: see tests/models/conftest.py."""

import pytest


@pytest.fixture(scope="module")
def local_cluster():
    """A head of Ray's with one processor, which this process asks; it has no workers."""
    from benchmarks.local_cluster import LocalCluster, wait_for
    from models.cluster.line import line
    from models.cluster.setting import VARIABLE
    from models.rooms.shared_store import SharedStore
    from tests.models.rooms.rooms_made import answers

    with LocalCluster() as made, pytest.MonkeyPatch.context() as patch:
        patch.setenv(VARIABLE, made.address)
        wait_for(lambda: answers(SharedStore()), 240)
        yield made
        line().end()
