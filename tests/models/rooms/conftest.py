"""A cluster without workers, for stores. Nothing of models/ is imported at the top: see tests/models/conftest.py."""

import pytest


@pytest.fixture(scope="module")
def local_cluster():
    """A head of Ray's with one processor, which this process asks; it has no workers."""
    from benchmarks.local_cluster import LocalCluster, wait_for
    from models.cluster.line import line
    from models.cluster.setting import VARIABLE

    with LocalCluster() as made, pytest.MonkeyPatch.context() as patch:
        patch.setenv(VARIABLE, made.address)
        # A busy machine takes longer to connect than a person is made to wait.
        wait_for(_answers, 240)
        yield made
        line().end()


def _answers():
    from models.errors import HeadlightError
    from models.rooms.shared_store import SharedStore

    try:
        SharedStore().codes()
    except HeadlightError:
        return False
    return True
