"""What tests of pages that compute share. Nothing of models/ is imported at the top, as in the other conftests."""

import pytest


@pytest.fixture(scope="module")
def one_torch_thread():
    """On a busy machine threads that wait for each other take three times as long."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)
