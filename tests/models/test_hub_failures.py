"""What goes wrong with the hub: said in a sentence, and the next attempt goes right."""

import io
import json
from pathlib import Path

import pytest

from models.catalog import MODELS
from models.loading import ModelRefusedError, load_model
from models.loading import hub as hub_module
from models.loading.hub import is_fetched, look_up
from models.loading.hub_ids import HubError
from models.loading.hub_limits import largest_download
from tests.models.hub_fetching import (
    MODEL,
    NAME,
    check_is_whole,
    check_loads,
    engine,
    failure,
    files,
    hub,
    left,
    run,
    weights,
)
from tests.models.hub_server import Faults

__all__ = ["engine", "files", "hub"]

# ----- What goes wrong, and that it goes right again afterwards.

BROKEN = {
    "no such model": (Faults(status=404, code="RepoNotFound"), "no such model"),
    "a file is missing": (Faults(status=404, code="EntryNotFound", at="model.safetensors"), "is missing on the hub"),
    "401": (Faults(status=401), "gated"),
    "401 of a file": (Faults(status=401, code="GatedRepo", at="/resolve/"), "gated"),
    "403": (Faults(status=403), "gated"),
    "403 of the weights": (Faults(status=403, at="model.safetensors"), "gated"),
    "429": (Faults(status=429), "too often"),
    "500": (Faults(status=500), "answers 500"),
    "500 of the weights": (Faults(status=500, at="model.safetensors"), "answers 500"),
    "no JSON": (Faults(status=200), "What answers as the hub is none"),
    "cut off at once": (Faults(cut_after=0), "out of reach"),
    "cut off, and it does not resume": (Faults(cut_after=20_000, ranges=False), "out of reach"),
    "too short": (Faults(short=100), "another size"),
    "too long": (Faults(long=100), "another size"),
    "changed on the way": (Faults(flipped=True), "arrived damaged"),
    "silent": (Faults(silent=True), "did not answer for 0 seconds"),
    "silent in the middle": (Faults(silent=True, silent_after=20_000), "did not answer"),
}


@pytest.mark.quick(3)
@pytest.mark.parametrize("what", BROKEN)
def test_after_a_failure_the_cache_is_clean_or_can_be_gone_on_with(hub, engine, what, files, tmp_path):
    faults, sentence = BROKEN[what]
    hub.faults = faults
    error = failure(engine)
    assert sentence in error
    assert "Here without it: MiniLM-L6 (encoder), SmolLM2" in error
    assert not is_fetched(NAME)
    assert NAME not in MODELS
    with pytest.raises(HubError):
        load_model(NAME)
    if what in ("too short", "too long", "changed on the way"):
        assert not any("model.safetensors" in each for each in left(tmp_path))
    faults.wake.set()
    hub.faults = Faults()
    assert run(engine).error is None
    check_is_whole(files, tmp_path)


def test_cut_off_in_the_middle_it_goes_on_by_itself(hub, engine, files):
    hub.faults = Faults(cut_after=20_000)
    assert run(engine).error is None
    asked = hub.asked("model.safetensors")
    assert len(asked) == -(-weights(files) // 20_480)
    assert asked[1] == "bytes=20480-"
    check_loads()


def test_out_of_reach(hub, engine, monkeypatch):
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    assert "out of reach" in failure(engine)
    monkeypatch.setenv("HF_ENDPOINT", hub.address)
    assert run(engine).error is None
    check_loads()


def test_a_gated_model_needs_a_token(hub, engine, monkeypatch):
    hub.gated.add(MODEL)
    assert "gated" in failure(engine)
    assert not any("/resolve/" in path for _, path, _ in hub.requests)
    monkeypatch.setenv("HF_TOKEN", "hf_x")
    assert look_up(NAME).card.is_gated
    assert run(engine).error is None
    check_loads()


def test_a_full_disk_is_said_and_gone_on_with(hub, engine, monkeypatch, tmp_path, files):
    with monkeypatch.context() as full:
        full.setattr(hub_module, "_SPARE", 10**18)
        assert "has room for 0 MB" in failure(engine)
    assert not hub.asked("model.safetensors")
    real = Path.open

    class Full(io.BufferedIOBase):
        def __init__(self, file):
            self.file = file

        def close(self):
            self.file.close()

        def write(self, data, /):
            if self.file.tell() > 20_000:
                raise OSError(28, "No space left on device")
            return self.file.write(data)

        def seek(self, place, whence=io.SEEK_SET, /):
            return self.file.seek(place, whence)

        def truncate(self, size=None, /):
            return self.file.truncate(size)

    def opening(path, mode="r", *arguments, **more):
        file = real(path, mode, *arguments, **more)
        return Full(file) if mode == "ab" else file

    with monkeypatch.context() as full:
        full.setattr(Path, "open", opening)
        assert "disk of this server is full" in failure(engine)
    assert run(engine).error is None
    assert len(hub.asked("model.safetensors")) == 2
    assert hub.asked("model.safetensors")[1].startswith("bytes=")
    check_loads()


def test_what_the_operator_does_not_allow(hub, engine, monkeypatch, files):
    monkeypatch.setenv("HEADLIGHT_MAX_DOWNLOAD", "50KB")
    assert largest_download() == 50_000
    assert "at most 0.0 GB" in failure(engine)
    assert not hub.asked("model.safetensors")
    monkeypatch.delenv("HEADLIGHT_MAX_DOWNLOAD")
    hub.requests.clear()
    monkeypatch.setenv("HEADLIGHT_MODELS", "shelf")
    assert "only the models of the shelf" in failure(engine)
    hub.models["distilbert/distilgpt2"] = files
    assert run(engine, "hub:distilbert/distilgpt2").error is None
    check_loads("distilgpt2")
    monkeypatch.setenv("HEADLIGHT_OFFLINE", "1")
    assert "closed on this server" in failure(engine, "gpt2")
    hub.requests.clear()
    assert run(engine, "distilgpt2").error is None
    assert hub.requests == []


@pytest.mark.parametrize(
    ("given", "bytes_"), [("", 5e9), ("800MB", 8e8), ("1.5 gb", 1.5e9), ("12", 12), ("lots", 5e9), ("2T", 2e12)]
)
def test_the_largest_download_is_read_as_people_write_it(monkeypatch, given, bytes_):
    monkeypatch.setenv("HEADLIGHT_MAX_DOWNLOAD", given)
    assert largest_download() == bytes_


REFUSED = {
    "reading a pickle can run code": lambda files: files.pop("model.safetensors"),
    "has no config.json": lambda files: files.pop("config.json"),
    "adapter (LoRA)": lambda files: files.update({"adapter_config.json": files.pop("config.json")}),
    "has no tokenizer": lambda files: files.pop("tokenizer.json"),
    "GPTJForCausalLM computes": lambda files: setting(files, model_type="gptj"),
    "run code of its own": lambda files: setting(files, auto_map={"AutoModel": "modeling.Model"}),
    "(zebra) is none": lambda files: setting(files, model_type="zebra"),
    "holds no JSON object": lambda files: files.update({"config.json": b"<html>"}),
    "larger than any real one": lambda files: files.update({"config.json": b"{}" + b" " * 4_000_000}),
}


def setting(files, **settings):
    files["config.json"] = json.dumps(json.loads(files["config.json"]) | settings).encode()


@pytest.mark.quick(3)
@pytest.mark.parametrize("sentence", REFUSED)
def test_what_cannot_be_opened_is_refused_before_anything_large_is_fetched(hub, engine, files, sentence):
    spoilt = dict(files)
    REFUSED[sentence](spoilt)
    hub.models[MODEL] = spoilt
    assert sentence in failure(engine)
    assert not hub.asked("model.safetensors")
    with pytest.raises((ModelRefusedError, HubError)):
        look_up(NAME)
