"""What the tests of the hub share: a hub with one tiny model, an engine, and what becomes of a download."""

import time
from pathlib import Path

import numpy as np
import pytest

from models.attention import trace_attention
from models.engine import Engine
from models.loading import load_model
from models.loading.downloads import DownloadRequest
from models.loading.hub import open_fetched
from tests.models import architectures
from tests.models.architectures import IDS
from tests.models.hub_server import hub_server
from tests.models.test_folders import save

MODEL = "tiny/llama-Tiny_1.5"
NAME = f"hub:{MODEL}"


def files_in(folder):
    return {each.name: each.read_bytes() for each in folder.iterdir()}


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """A tiny Llama as the hub has it, with some of what else lies there."""
    folder = save("llama", tmp_path_factory.mktemp("hub") / "llama")
    extra = {"README.md": b"# x", "pytorch_model.bin": b"\x80", "modeling.py": b"1/0", "onnx/model.onnx": b"x" * 999}
    return files_in(folder) | extra


@pytest.fixture
def hub(files, no_folders, tmp_path, monkeypatch):
    monkeypatch.setenv("HEADLIGHT_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("HF_HUB_DOWNLOAD_TIMEOUT", "0.4")
    for name in ("HF_TOKEN", "HEADLIGHT_OFFLINE", "HEADLIGHT_MODELS", "HEADLIGHT_MAX_DOWNLOAD"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("models.loading.file_download.PAUSE_SECONDS", 0.01)
    monkeypatch.setattr("models.loading.downloads._OFTEN", 0.02)
    with hub_server() as running:
        monkeypatch.setenv("HF_ENDPOINT", running.address)
        running.models[MODEL] = files
        yield running


@pytest.fixture
def engine():
    made = Engine()
    yield made
    made.close()


def run(engine, name=NAME):
    """A download from its start to its end: its steps and what ended it."""
    job = engine.start(DownloadRequest(name))
    return wait_for(engine, job)


def wait_for(engine, job):
    end = time.monotonic() + 30
    while not (progress := engine.poll(job, wait=0.2)).is_done:
        assert time.monotonic() < end
    return progress


def failure(engine, name=NAME):
    error = run(engine, name).error
    assert error.endswith("."), error
    assert MODEL not in error
    return error


def left(home):
    """Every file below the folder of downloads, but the locks."""
    return sorted(
        str(each.relative_to(home / "home" / "hub"))
        for each in (home / "home" / "hub").rglob("*")
        if each.is_file() and each.name != ".lock"
    )


def check_loads(name=NAME):
    loaded = load_model(name)
    np.testing.assert_allclose(trace_attention(loaded, IDS).outputs, architectures.trace("llama").outputs, atol=1e-5)
    return loaded


def check_is_whole(files, tmp_path):
    """What was fetched is there byte for byte, and nothing of the way it came."""
    card = open_fetched(NAME)
    for each in Path(card.folder).iterdir():
        assert each.name == "headlight.json" or each.read_bytes() == files[each.name]
    assert not any(each.endswith(".part") for each in left(tmp_path))


def weights(files):
    return len(files["model.safetensors"])


def wait_until(holds, patience=10):
    end = time.monotonic() + patience
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.02)
