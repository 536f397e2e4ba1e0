"""What tests of pages that compute share. Nothing of models/ is imported at the top, as in the other conftests."""

import pytest

from tests.one_thread import one_thread


@pytest.fixture
def allowed(no_folders, tmp_path, monkeypatch):
    """The test's own folder, from which models may be opened; none was before."""
    monkeypatch.setenv("HEADLIGHT_FOLDERS", str(tmp_path))
    return tmp_path


@pytest.fixture(scope="module")
def one_torch_thread():
    with one_thread():
        yield
