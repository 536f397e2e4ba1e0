"""Files of an open folder that are saved again: seen, and nothing of the old ones is shown for the new."""

import gc
import os
import shutil
import sys
import threading
import time
import weakref
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from models.attention import HeadMapRequest, TraceRequest, trace_attention
from models.catalog import MODELS
from models.engine import Engine
from models.engine.request_size import models_asked
from models.loading import load_model, open_folder
from models.loading.allowed_folders import has_changed
from models.loading.fingerprint import fingerprint_of
from tests.models.test_folders import write_gguf

TEXT = "w9 w23 w42 w17"


def train(folder, factor=-1.5):
    """Other weights of the same size in the same file."""
    file = folder / "model.safetensors"
    save_file({name: each * factor for name, each in load_file(file).items()}, file, metadata={"format": "pt"})


def put_back_time(folder):
    file = folder / "model.safetensors"
    before = file.stat()
    train(folder)
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))


def replace_file(folder):
    copy = shutil.copytree(folder, folder.parent / "copy")
    train(copy)
    (copy / "model.safetensors").replace(folder / "model.safetensors")


def rename_folders(folder):
    copy = shutil.copytree(folder, folder.parent / "copy")
    train(copy)
    folder.rename(folder.parent / "old")
    copy.rename(folder)


def change_tokenizer(folder):
    file = folder / "tokenizer.json"
    file.write_text(file.read_text().replace('"w9":9', '"w9":10').replace('"w10":10', '"w10":9'))


WAYS = [train, put_back_time, replace_file, rename_folders]


@pytest.mark.parametrize("change", [*WAYS, change_tokenizer])
def test_what_was_saved_again_is_seen_whatever_way_it_came(folder, change):
    card = open_folder(str(folder))
    assert not has_changed(card)
    change(folder)
    assert has_changed(card)
    assert not has_changed(open_folder(str(folder)))


def test_what_is_no_part_of_a_model_does_not_count(folder):
    card = open_folder(str(folder))
    (folder / "optimizer.pt").write_bytes(b"x")
    (folder / "model.safetensors").chmod(0o600)
    assert not has_changed(card)


def test_a_folder_that_is_being_written_is_not_said_to_have_changed(folder):
    card = open_folder(str(folder))
    folder.rename(folder.parent / "away")
    assert not has_changed(card)


def test_a_look_costs_stats_alone_and_comes_once_in_a_while(folder, monkeypatch):
    card = open_folder(str(folder))
    has_changed(card)
    reads = []
    monkeypatch.setattr("models.loading.fingerprint.fingerprint_of", lambda place: reads.append(place) or "")
    assert not has_changed(card)
    assert reads == []
    monkeypatch.setattr("models.loading.fingerprint._files", lambda place: reads.append(place) or [])
    assert not has_changed(card, within=60)
    assert reads == []


def test_a_pipe_is_not_waited_for(folder):
    os.mkfifo(folder / "pipe.json")
    assert fingerprint_of(folder)


def test_a_single_gguf_is_told_apart_from_its_neighbours(tmp_path, no_folders):
    file = tmp_path / "a.gguf"
    write_gguf(file)
    card = open_folder(str(file))
    (tmp_path / "b.gguf").write_bytes(b"another")
    assert not has_changed(card)
    data = bytearray(file.read_bytes())
    data[-2] ^= 1
    file.write_bytes(data)
    assert has_changed(card)


@pytest.mark.parametrize("change", WAYS)
def test_a_program_that_loads_has_what_is_on_the_disk(folder, change):
    name = f"folder:{folder}"
    before = trace_attention(load_model(name), TEXT).outputs
    change(folder)
    loaded = load_model(name)
    assert loaded.card == MODELS[name]
    file = load_file(folder / "model.safetensors")
    torch.testing.assert_close(loaded.model.get_input_embeddings().weight.data, file["model.embed_tokens.weight"])
    assert np.abs(trace_attention(loaded, TEXT).outputs - before).max() > 1e-3


# ----- The engine


def request_of(folder):
    return HeadMapRequest(TraceRequest(f"folder:{folder}", TEXT), "decoder", 0, 0)


def test_nothing_of_the_old_weights_is_answered_and_they_leave_memory(folder):
    engine = Engine(10**8)
    name, request = open_folder(str(folder)).name, request_of(folder)
    old = engine.run(request).weights
    gone = weakref.ref(engine.model(name).model)
    other = MapOf("folder:/another")
    engine.run(other)
    train(folder)
    open_folder(str(folder))
    engine.forget_model(name)
    new = engine.run(request).weights
    np.testing.assert_array_equal(new, trace_attention(load_model(name), TEXT).weights("decoder", 0, 0))
    assert np.abs(new - old).max() > 1e-3
    assert other in engine.answers
    gc.collect()
    assert gone() is None


def test_a_model_that_was_released_and_saved_again_leaves_no_older_answers(folder):
    engine = Engine(10**8)
    name, request = open_folder(str(folder)).name, request_of(folder)
    old = engine.run(request).weights
    assert engine._models.release() == 1
    train(folder)
    engine.model(name)
    assert np.abs(engine.run(request).weights - old).max() > 1e-3


@dataclass(frozen=True)
class MapOf:
    """A request, or one about another."""

    model: str | None = None
    inner: "tuple[MapOf, ...]" = ()

    def answer(self, engine):
        return time.perf_counter()


def test_which_models_a_request_is_about():
    assert models_asked(MapOf("a", (MapOf("b"), MapOf(None, (MapOf("c"),))))) == {"a", "b", "c"}
    assert models_asked((1, "a", None)) == models_asked("a") == frozenset()


@pytest.mark.slow
def test_what_is_computed_while_a_model_is_forgotten_is_not_kept():
    engine, begun, goes_on = Engine(10**8), threading.Event(), threading.Event()

    @dataclass(frozen=True)
    class Slow(MapOf):
        def answer(self, engine):
            begun.set()
            goes_on.wait(30)
            return 1

    with ThreadPoolExecutor(1) as pool:
        computed = pool.submit(engine.run, Slow("a"))
        assert begun.wait(30)
        engine.forget_model("a")
        goes_on.set()
        assert computed.result(30) == 1
    assert Slow("a") not in engine.answers
    assert not engine.answers._flights


def test_a_model_that_is_forgotten_while_it_is_read_is_read_again(monkeypatch):
    engine, begun, goes_on, loaded = Engine(10**8), threading.Event(), threading.Event(), []

    def load(name):
        loaded.append(name)
        begun.set()
        goes_on.wait(30)
        return type("Loaded", (), {"device": "cpu", "number": len(loaded)})()

    # The package hands out an engine under this name.
    monkeypatch.setattr(sys.modules["models.engine.engine"], "_load", load)
    monkeypatch.setattr(engine._models, "_measure", lambda _: {})
    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(engine.model, "a")
        assert begun.wait(30)
        engine.forget_model("a")
        goes_on.set()
        assert asked.result(30).number == 2


@pytest.mark.slow
def test_what_a_job_has_computed_with_the_old_weights_is_not_known_any_more():
    engine = Engine(10**8)

    @dataclass(frozen=True)
    class Steps(MapOf):
        def steps(self, engine):
            yield from range(3)

    jobs = {name: engine.start(Steps(name)) for name in ("a", "b")}
    for job in jobs.values():
        while not engine.poll(job, wait=5).is_done:
            pass
    engine.forget_model("a")
    assert engine.poll(jobs["b"]).steps == (0, 1, 2)
    with pytest.raises(Exception, match="not known any more"):
        engine.poll(jobs["a"])
