"""What the tests of models/ share. Nothing of models/ is imported at the top: a conftest is read before pytest's
plugins are set up, and jaxtyping's can only check what it sees imported."""

import shutil

import pytest

from tests.one_thread import one_thread

# Their attention, caches and blocks are those of others: BERT's, Llama's, BART's, and Mistral's with Qwen's norms. In
# each run they are loaded and compared with transformers as a whole (test_folders, test_check), piece by piece in the
# slow ones.
REPEATED = {"distilbert", "roberta", "qwen3", "gemma3", "marian"}
PIECE_BY_PIECE = {
    f"test_{each}.py"
    for each in ("weights", "interventions", "query_key", "replay", "kv_cache", "half_precision", "beams", "decoding")
}


def pytest_collection_modifyitems(items):
    for item in items:
        given = item.callspec.params.values() if hasattr(item, "callspec") else ()
        if item.path.name in PIECE_BY_PIECE and any(isinstance(each, str) and each in REPEATED for each in given):
            item.add_marker(pytest.mark.slow)


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
def folder(saved, tmp_path, no_folders):
    """A copy of it."""
    return shutil.copytree(saved, tmp_path / "llama")
