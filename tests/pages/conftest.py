"""What tests of pages that compute share. Nothing of models/ is imported at the top, as in the other conftests."""

import os

import pytest

from tests.one_thread import one_thread


@pytest.fixture(scope="session", autouse=True)
def on_a_cluster():
    """With the workers of a cluster in the place of this process's models, where tests/cluster asks for it."""
    address = os.environ.get("TESTS_CLUSTER", "")
    if not address:
        yield
        return
    from tests.cluster.asking import asking

    with asking(address):
        yield


@pytest.fixture
def allowed(no_folders, tmp_path, monkeypatch):
    """The test's own folder, from which models may be opened; none was before."""
    monkeypatch.setenv("HEADLIGHT_FOLDERS", str(tmp_path))
    return tmp_path


@pytest.fixture(scope="module")
def one_torch_thread():
    with one_thread():
        yield
