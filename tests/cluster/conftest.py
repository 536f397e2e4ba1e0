"""One cluster for all tests of this folder. Nothing of models/ is imported at the top, as in the other conftests."""

import pytest

from benchmarks.local_cluster import LocalCluster


@pytest.fixture(scope="session")
def cluster():
    """A head with one worker that computes on one thread, as this process does."""
    made = LocalCluster()
    try:
        yield made.deploy()
    finally:
        made.end()


def pytest_collection_modifyitems(items):
    """Whatever starts one is of `make test-cluster`."""
    for item in items:
        if "cluster" in item.fixturenames:
            item.add_marker(pytest.mark.cluster)
