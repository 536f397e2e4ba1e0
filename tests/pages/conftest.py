"""What tests of pages that compute share. Nothing of models/ is imported at the top, as in the other conftests."""

import pytest

from tests.one_thread import one_thread


@pytest.fixture(scope="module")
def one_torch_thread():
    with one_thread():
        yield
