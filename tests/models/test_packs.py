"""Packs are checked before they are read, and nothing half made is ever taken for a model."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
import transformers
from gguf import GGUFWriter
from safetensors import SafetensorError

from models.attention import trace_attention
from models.catalog import MODELS, Pack, PackFile
from models.errors import HeadlightError
from models.loading import PackError, load_model
from models.loading import load as loading
from models.loading.packs import home, model_folder, packs_folder, verify
from tests.models import architectures

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def empty_home(tmp_path, monkeypatch):
    """A folder of its own instead of `.headlight`; the real packs are to be linked into it."""
    real = packs_folder().resolve()
    monkeypatch.setenv("HEADLIGHT_HOME", str(tmp_path))
    assert home() == tmp_path
    return real


def link_pack(real, card):
    for file in card.pack.files:
        path = packs_folder() / file.path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.symlink_to(real / file.path)


def refusal(call, *arguments):
    with pytest.raises(PackError) as caught:
        call(*arguments)
    message = str(caught.value)
    assert isinstance(caught.value, HeadlightError)
    assert message.endswith((".", "?"))
    assert message.isprintable()
    return message


@pytest.mark.parametrize("name", MODELS)
def test_a_whole_pack_is_accepted(empty_home, name):
    link_pack(empty_home, MODELS[name])
    verify(MODELS[name])


@pytest.mark.parametrize("name", [name for name in MODELS if not MODELS[name].pack.is_bundled])
def test_no_pack_at_all(empty_home, name):
    message = refusal(model_folder, MODELS[name])
    assert MODELS[name].pack.distribution in message
    assert "make models" in message
    assert not (home() / "models").exists()


@pytest.mark.parametrize(("name", "path"), [(name, file.path) for name in MODELS for file in MODELS[name].pack.files])
def test_each_missing_file_is_named(empty_home, name, path):
    link_pack(empty_home, MODELS[name])
    (packs_folder() / path).unlink()
    message = refusal(load_model, name)
    assert path in message
    assert "missing" in message


@pytest.mark.parametrize(("name", "path"), [(name, file.path) for name in MODELS for file in MODELS[name].pack.files])
def test_one_changed_byte_is_noticed(empty_home, name, path):
    link_pack(empty_home, MODELS[name])
    damaged = packs_folder() / path
    damaged.unlink()
    shutil.copyfile(empty_home / path, damaged)
    with damaged.open("r+b") as file:
        file.seek(damaged.stat().st_size // 2)
        byte = file.read(1)
        file.seek(-1, os.SEEK_CUR)
        file.write(bytes([byte[0] ^ 1]))
    message = refusal(load_model, name)
    assert path in message
    assert "damaged" in message
    assert not (home() / "models").exists()


def test_what_is_verified_is_what_is_loaded(empty_home, minilm):
    """The four files that are checked are enough: no other file of the package is read unchecked."""
    link_pack(empty_home, MODELS["minilm"])
    text = "Nothing else is read."
    expected, trace = trace_attention(minilm, text), trace_attention(load_model("minilm"), text)
    assert trace.tokens == expected.tokens
    assert trace.is_special == expected.is_special
    np.testing.assert_array_equal(trace.outputs, expected.outputs)


# ----- Expanding a GGUF. The file is as good as empty here and a stand-in reads it; the real one takes half a minute.


class FakeTokenizer:
    def save_pretrained(self, folder):
        (Path(folder) / "tokenizer.json").write_text("{}")


def write_gguf(name):
    """A GGUF with this name in it and nothing else, in the pack of the fixture below; returns its card's entry."""
    path = packs_folder() / "tiny" / "tiny.gguf"
    path.parent.mkdir(parents=True, exist_ok=True)
    writer = GGUFWriter(path, "llama")
    writer.add_name(name)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.close()
    return PackFile("tiny/tiny.gguf", hashlib.sha256(path.read_bytes()).hexdigest())


@pytest.fixture
def card(tmp_path, monkeypatch):
    """A card whose pack lies in a home of its own, and which expands into a tiny Llama."""
    monkeypatch.setenv("HEADLIGHT_HOME", str(tmp_path))
    pack = Pack(
        distribution="tiny",
        version="1",
        folder="tiny",
        files=(write_gguf("first"),),
        gguf="tiny.gguf",
    )
    read_model(monkeypatch, lambda: architectures.build("llama", "eager"))
    monkeypatch.setattr(transformers.AutoTokenizer, "from_pretrained", lambda *_, **__: FakeTokenizer())
    return replace(MODELS["smollm2"], name="tiny", title="Tiny", pack=pack)


def read_model(monkeypatch, make):
    """Let `make` stand in for reading the GGUF; returns the list of its calls."""
    calls = []

    def from_pretrained(*_, **__):
        calls.append(1)
        return make()

    monkeypatch.setattr(transformers.AutoModelForCausalLM, "from_pretrained", from_pretrained)
    return calls


def fail_with(error):
    def fail(*_, **__):
        raise error

    return fail


def in_models_folder():
    """Everything but the locks, hidden files too."""
    return sorted(path.name for path in (home() / "models").iterdir() if path.suffix != ".lock")


def test_an_expansion_happens_once(card, monkeypatch):
    calls = read_model(monkeypatch, lambda: architectures.build("llama", "eager"))
    folder = model_folder(card)
    assert folder == model_folder(card)
    assert len(calls) == 1
    assert in_models_folder() == [folder.name]
    manifest = json.loads((folder / "headlight.json").read_text())
    assert manifest == {path.name: path.stat().st_size for path in folder.iterdir() if path.name != "headlight.json"}
    model = transformers.LlamaForCausalLM.from_pretrained(folder, dtype=torch.float32)
    expected = architectures.run(architectures.eager("llama"))
    np.testing.assert_allclose(architectures.run(model), expected, atol=1e-5)


def test_another_file_is_another_folder(card):
    first = model_folder(card)
    other = write_gguf("second")
    second = model_folder(replace(card, pack=replace(card.pack, files=(other,))))
    assert in_models_folder() == sorted([first.name, second.name])


class StopsHalfway:
    """A model that has written half its weights when something happens."""

    config = object()

    def __init__(self, error):
        self.error = error

    def save_pretrained(self, folder):
        (Path(folder) / "model.safetensors").write_bytes(b"half")
        raise self.error


FAILURES = [
    OSError(28, "No space left on device"),
    RuntimeError("out of memory"),
    ValueError("bad magic"),
    SafetensorError("Error while serializing: I/O error: No space left on device (os error 28)"),
]


@pytest.mark.parametrize("error", FAILURES, ids=lambda error: type(error).__name__)
@pytest.mark.parametrize("moment", ["reading", "writing"])
def test_an_expansion_that_fails_leaves_nothing_behind(card, monkeypatch, error, moment):
    with monkeypatch.context() as broken:
        read_model(broken, fail_with(error) if moment == "reading" else lambda: StopsHalfway(error))
        message = refusal(model_folder, card)
    assert type(error).__name__ in message
    assert str(home() / "models") in message
    assert in_models_folder() == []
    # The next attempt works.
    folder = model_folder(card)
    assert in_models_folder() == [folder.name]


@pytest.mark.parametrize("moment", ["reading", "writing"])
def test_an_interrupted_expansion_leaves_nothing_behind(card, monkeypatch, moment):
    with monkeypatch.context() as broken:
        stop = KeyboardInterrupt()
        read_model(broken, fail_with(stop) if moment == "reading" else lambda: StopsHalfway(stop))
        with pytest.raises(KeyboardInterrupt):
            model_folder(card)
    assert in_models_folder() == []
    folder = model_folder(card)
    assert in_models_folder() == [folder.name]


def test_what_a_killed_process_left_is_cleared_away(card):
    target = model_folder(card)
    leftover = target.parent / f".{target.name}-killed"
    leftover.mkdir()
    (leftover / "model.safetensors").write_bytes(b"half")
    (target / "headlight.json").unlink()
    model_folder(card)
    assert in_models_folder() == [target.name]


def remove_manifest(folder):
    (folder / "headlight.json").unlink()


def cut_weights(folder):
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1])


def remove_config(folder):
    (folder / "config.json").unlink()


def garble_manifest(folder):
    (folder / "headlight.json").write_text("[")


def list_in_manifest(folder):
    (folder / "headlight.json").write_text("[]")


def empty_folder(folder):
    shutil.rmtree(folder)
    folder.mkdir()


@pytest.mark.parametrize(
    "damage", [remove_manifest, cut_weights, remove_config, garble_manifest, list_in_manifest, empty_folder]
)
def test_a_folder_that_is_not_whole_is_made_again(card, monkeypatch, damage):
    folder = model_folder(card)
    damage(folder)
    calls = read_model(monkeypatch, lambda: architectures.build("llama", "eager"))
    assert model_folder(card) == folder
    assert len(calls) == 1
    model = transformers.LlamaForCausalLM.from_pretrained(folder, dtype=torch.float32)
    assert model.num_parameters() == architectures.eager("llama").num_parameters()


def test_a_home_that_cannot_be_written_is_said(card):
    """As on a machine whose folder belongs to somebody else."""
    (home() / "models").write_text("a file where the folder should be")
    assert str(home() / "models") in refusal(model_folder, card)


def test_weights_that_cannot_be_read_are_said(card, monkeypatch):
    """Of an expanded folder only the sizes are checked at each start: what is inside may still be damaged."""
    folder = model_folder(card)
    weights = folder / "model.safetensors"
    weights.write_bytes(b"\xff" * weights.stat().st_size)
    monkeypatch.setattr(loading, "card_of", lambda _: card)
    # Reading is real again.
    monkeypatch.setitem(loading._CLASSES, "decoder", transformers.LlamaForCausalLM)
    assert "Tiny" in refusal(load_model, "tiny")


EXPAND_AND_COUNT = """
import sys, time
from pathlib import Path

barrier, counts, me = map(Path, sys.argv[1:])

from models.catalog import MODELS, Pack, PackFile
from models.loading import packs
from dataclasses import replace

def expand(source, gguf, target):
    (counts / me.name).write_text("expanded")
    time.sleep(1)
    (target / "weights").write_text("whole")

packs.expand = expand
sha = packs.sha256_of(packs.packs_folder() / "tiny" / "tiny.gguf")
pack = Pack("tiny", "1", "tiny", (PackFile("tiny/tiny.gguf", sha),), "tiny.gguf")
(barrier / me.name).touch()
while len(list(barrier.iterdir())) < 3:
    time.sleep(0.01)
folder = packs.model_folder(replace(MODELS["smollm2"], name="tiny", pack=pack))
assert (folder / "weights").read_text() == "whole"
print(folder)
"""


def test_several_processes_expand_once(card, tmp_path):
    script, barrier, counts = tmp_path / "expand.py", tmp_path / "barrier", tmp_path / "counts"
    script.write_text(EXPAND_AND_COUNT)
    barrier.mkdir()
    counts.mkdir()
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    processes = [
        subprocess.Popen(
            [sys.executable, script, barrier, counts, str(number)],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for number in range(3)
    ]
    answers = [process.communicate(timeout=60) for process in processes]
    assert [process.returncode for process in processes] == [0, 0, 0], [errors for _, errors in answers]
    assert len({folder for folder, _ in answers}) == 1
    assert len(list(counts.iterdir())) == 1


@pytest.mark.slow
def test_the_real_file_expands_to_the_model_that_is_here(empty_home, smollm2):
    link_pack(empty_home, MODELS["smollm2"])
    fresh = load_model("smollm2")
    folder = model_folder(MODELS["smollm2"])
    assert in_models_folder() == [folder.name]
    text = "  Expanded 4-bit weights:\n\n  <|im_end|> 2024"
    expected, trace = trace_attention(smollm2, text), trace_attention(fresh, text)
    assert trace.tokens == expected.tokens
    np.testing.assert_array_equal(trace.outputs, expected.outputs)
