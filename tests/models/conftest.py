"""What the tests of models/ share. Nothing of models/ is imported at the top: a conftest is read before pytest's
plugins are set up, and jaxtyping's can only check what it sees imported."""

import shutil

import pytest
from hypothesis import HealthCheck, settings

from tests.one_thread import one_thread

# On a busy machine drawing a text takes longer than hypothesis likes; the tests are the same each time.
settings.register_profile("here", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("here")


@pytest.fixture(scope="session", autouse=True)
def one_torch_thread():
    with one_thread():
        yield


@pytest.fixture(scope="session")
def minilm():
    from models.loading import load_model

    return load_model("minilm")


@pytest.fixture(scope="session")
def smollm2():
    from models.loading import load_model

    return load_model("smollm2")


@pytest.fixture(scope="module")
def engine(minilm, smollm2):
    """An engine of the module's own, with the models that the other tests loaded."""
    from models.engine import Engine
    from models.loading import load_model

    loaded = {"minilm": minilm, "smollm2": smollm2, "spelling_to_sound": load_model("spelling_to_sound")}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("models.loading.load_model", loaded.__getitem__)
        yield Engine(10**9)


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """One folder with a tiny Llama, to be copied and spoilt."""
    from tests.models.test_folders import save

    return save("llama", tmp_path_factory.mktemp("models") / "llama")


@pytest.fixture
def folder(saved, tmp_path, monkeypatch):
    """A copy of it, in a process in which no folder was opened before."""
    from models.catalog import MODELS

    monkeypatch.setattr(MODELS, "_opened", type(MODELS._opened)())
    return shutil.copytree(saved, tmp_path / "llama")
