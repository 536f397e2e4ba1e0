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
