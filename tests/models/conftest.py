"""What the tests of models/ share. Nothing of models/ is imported at the top: a conftest is read before pytest's
plugins are set up, and jaxtyping's can only check what it sees imported."""

import pytest
from hypothesis import HealthCheck, settings

# On a busy machine drawing a text takes longer than hypothesis likes; the tests are the same each time.
settings.register_profile("here", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("here")


@pytest.fixture(scope="session", autouse=True)
def one_torch_thread():
    """The models here are small: more threads only make them wait for each other."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def minilm():
    from models.loading import load_model

    return load_model("minilm")


@pytest.fixture(scope="session")
def smollm2():
    from models.loading import load_model

    return load_model("smollm2")
