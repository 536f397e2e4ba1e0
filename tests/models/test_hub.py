"""Models of the hub, from a small server with its routes: fetched once, gone on with, refused, and never half there."""

import os
import shutil
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path

import pytest

from models.attention import trace_attention
from models.catalog import MODELS
from models.catalog.hub_models import HUB_MODELS
from models.engine import Engine
from models.errors import HeadlightError
from models.loading import load_model
from models.loading.downloads import Downloaded, DownloadRequest
from models.loading.hub import is_fetched, look_up
from models.loading.hub_ids import HubError, hub_id
from tests.models import architectures
from tests.models.hub_fetching import (
    MODEL,
    NAME,
    check_loads,
    engine,
    failure,
    files,
    files_in,
    hub,
    left,
    run,
    wait_for,
    wait_until,
    weights,
)
from tests.models.hub_server import COMMIT, Faults
from tests.models.test_folders import save, write_gguf

__all__ = ["engine", "files", "hub"]

ROOT = Path(__file__).resolve().parents[2]


def test_a_model_is_fetched_and_opens(hub, engine, files, tmp_path):
    progress = run(engine)
    assert progress.error is None
    steps = [step for step in progress.steps if step.total]
    needed = {name for name in files if name.endswith(".json") or name == "model.safetensors"}
    total = sum(len(files[name]) for name in needed)
    assert steps[-1] == Downloaded(total, total, "")
    assert [each.done for each in steps] == sorted(each.done for each in steps)
    loaded = check_loads()
    assert loaded.card is MODELS[NAME]
    assert (loaded.card.hub, loaded.card.revision, loaded.card.download) == (MODEL, "main", total)
    assert loaded.card.title == "llama-Tiny_1.5"
    assert {Path(each).name for each in left(tmp_path)} == needed | {"headlight.json", "main"}
    # Neither a pickle nor a program is ever asked for.
    assert {Path(path).name for method, path, _ in hub.requests if "/resolve/" in path} == needed


def test_what_is_there_is_not_fetched_again_and_needs_no_hub(hub, engine):
    run(engine)
    hub.requests.clear()
    MODELS._opened.clear()
    assert run(engine).error is None
    check_loads()
    assert hub.requests == []
    os.environ["HEADLIGHT_OFFLINE"] = "1"
    MODELS._opened.clear()
    check_loads()
    del os.environ["HEADLIGHT_OFFLINE"]


def test_progress_is_seen_while_it_comes(hub, engine, files):
    hub.faults = Faults(pause=0.01)
    steps = run(engine).steps
    halfway = [step for step in steps if 0 < step.done < step.total and step.file == "model.safetensors"]
    assert len(halfway) > 3
    assert len({step.done for step in halfway}) == len(halfway)


def test_a_revision_is_another_model(hub, engine, tmp_path):
    assert run(engine, f"{NAME}@v1").error is None
    assert not is_fetched(NAME)
    check_loads(f"{NAME}@v1")
    assert any(path == f"/api/models/{MODEL}/revision/v1" for _, path, _ in hub.requests)
    assert "no such revision" in failure(engine, f"{NAME}@v2")
    assert run(engine, f"{NAME}@{COMMIT}").error is None


def test_shards_and_sizes_that_the_list_does_not_say(hub, engine, tmp_path):
    folder = save("llama", tmp_path / "shards", max_shard_size="20KB")
    hub.models[MODEL] = files_in(folder)
    hub.says_sizes = False
    assert run(engine).error is None
    check_loads()
    assert sum(path.endswith(".safetensors") and method == "GET" for method, path, _ in hub.requests) > 1


def test_a_gguf_is_fetched(hub, engine, tmp_path):
    write_gguf(tmp_path / "tiny.gguf")
    hub.models[MODEL] = {"tiny.gguf": (tmp_path / "tiny.gguf").read_bytes()}
    assert "neither a config.json nor a GGUF" in failure(engine)
    hub.more = {"gguf": {"architecture": "gptj", "total": 1}}
    assert "GPTJForCausalLM computes its attention by itself" in failure(engine)
    hub.more = {"gguf": {"architecture": "llama", "total": 27_000}}
    offer = look_up(NAME)
    assert (offer.card.parameters, offer.card.download) == (27_000, (tmp_path / "tiny.gguf").stat().st_size)
    assert run(engine).error is None
    loaded = load_model(NAME)
    assert (loaded.card.name, loaded.card.layers, loaded.card.heads) == (NAME, 2, 4)
    assert trace_attention(loaded, "ab").tokens[-1] == "ab"


def test_the_size_is_known_before_anything_large_is_fetched(hub, files):
    offer = look_up(NAME)
    assert offer.card.download == sum(each.size for each in offer.files)
    assert offer.card.parameters == sum(each.numel() for each in architectures.eager("llama").parameters())
    assert not hub.asked("model.safetensors")
    assert NAME not in MODELS


def test_a_download_is_cancelled_and_gone_on_with(hub, engine, files, tmp_path):
    hub.faults = Faults(pause=0.02)
    job = engine.start(DownloadRequest(NAME))
    wait_until(lambda: any(step.file == "model.safetensors" for step in engine.poll(job).steps))
    began = time.monotonic()
    engine.cancel(job)
    wait_until(lambda: engine.jobs_running == 0)
    assert time.monotonic() - began < 1.5
    part = tmp_path / "home" / "hub" / MODEL.replace("/", "--") / f".{COMMIT}" / "model.safetensors.part"
    came = part.stat().st_size
    assert 0 < came < weights(files)
    time.sleep(0.1)
    assert part.stat().st_size == came
    assert not is_fetched(NAME)
    with pytest.raises(HubError, match="not on this server yet"):
        load_model(NAME)
    hub.faults = Faults()
    assert run(engine).error is None
    assert hub.asked("model.safetensors") == ["", f"bytes={came}-"]
    check_loads()


def test_two_people_wait_for_one_download(hub, engine, files):
    hub.faults = Faults(pause=0.005)
    jobs = [engine.start(DownloadRequest(NAME)) for _ in range(2)]
    # One of them leaves: the other has it all the same.
    engine.cancel(jobs[0])
    assert wait_for(engine, jobs[1]).error is None
    assert hub.asked("model.safetensors") == [""]
    check_loads()


def test_two_servers_wait_for_one_download(hub, files):
    """Two engines are as two processes: what keeps them apart is a lock on the disk."""
    hub.faults = Faults(pause=0.005)
    engines = [Engine(), Engine()]
    jobs = [each.start(DownloadRequest(NAME)) for each in engines]
    for each, job in zip(engines, jobs, strict=True):
        assert wait_for(each, job).error is None
        each.close()
    assert hub.asked("model.safetensors") == [""]
    check_loads()


@pytest.mark.slow
def test_a_killed_server_leaves_what_can_be_gone_on_with(hub, engine, files, tmp_path):
    hub.faults = Faults(pause=0.1)
    program = (
        "from models.loading.downloads import DownloadRequest\n"
        f"for step in DownloadRequest({NAME!r}).steps(None):\n    print(step.file, flush=True)"
    )
    environment = os.environ | {"HF_HUB_DOWNLOAD_TIMEOUT": "10"}
    with subprocess.Popen(
        [sys.executable, "-c", program], cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert any(line.strip() == "model.safetensors" for line in process.stdout)
        process.kill()
    assert not is_fetched(NAME)
    hub.faults = Faults()
    assert run(engine).error is None
    check_loads()


def test_names_lead_to_repositories():
    assert hub_id("gpt2").repository == "openai-community/gpt2"
    assert hub_id("hub:openai-community/gpt2").name == "gpt2"
    assert hub_id("hub:gpt2@v1").name == "hub:gpt2@v1"
    # What people type or paste has blanks and line ends around it.
    assert hub_id(" org/name@refs/pr/2 \n") == hub_id("hub:org/name@refs/pr/2")
    assert hub_id("hub:a/b\n").name == "hub:a/b"
    assert hub_id(f"hub:{MODEL}@main").name == NAME
    wrong = [
        "",
        "hub:",
        "hub:a/b/c",
        "hub:../b",
        "hub:a/..",
        "hub:a--b",
        "hub:/b",
        "hub:a b",
        "hub:a@../b",
        "hub:a@b c",
    ]
    for name in [*wrong, "hub:ä/b", "hub:https://huggingface.co/gpt2"]:
        with suppress(HeadlightError):
            pytest.fail(f"{name!r} became {hub_id(name)}")


def test_strange_file_names_are_no_part_of_a_model(hub, engine, files, tmp_path):
    hub.models[MODEL] = files | {"../../evil.gguf": b"x", "a\\b.gguf": b"x", ".hidden.gguf": b"x"}
    assert run(engine).error is None
    assert not any("evil" in each or "hidden" in each for each in left(tmp_path))


def test_a_damaged_cache_is_noticed_and_mended(hub, engine, tmp_path):
    run(engine)
    folder = tmp_path / "home" / "hub" / MODEL.replace("/", "--") / COMMIT
    file = folder / "model.safetensors"
    file.write_bytes(file.read_bytes()[:1_000])
    MODELS._opened.clear()
    assert not is_fetched(NAME)
    assert run(engine).error is None
    check_loads()
    shutil.rmtree(folder)
    assert not is_fetched(NAME)


def test_a_waiting_download_can_be_cancelled(hub, engine):
    """Somebody else's download, as of another process, holds the lock."""
    hub.faults = Faults(pause=0.05)
    other = Engine()
    first = other.start(DownloadRequest(NAME))
    wait_until(lambda: any(step.file == "model.safetensors" for step in other.poll(first).steps))
    second = engine.start(DownloadRequest(NAME))
    wait_until(lambda: engine.poll(second).steps)
    assert engine.poll(second).steps[0].file == ""
    engine.cancel(second)
    wait_until(lambda: engine.jobs_running == 0, 2)
    other.close()


def test_the_shelf_of_the_hub():
    assert len(HUB_MODELS) == 14
    assert not set(HUB_MODELS) & set(MODELS)
    assert {card.family for card in HUB_MODELS.values()} == {"encoder", "decoder", "seq2seq"}
    for name, card in HUB_MODELS.items():
        assert card.name == name == hub_id(name).name
        assert card.licence
        assert card.download > card.parameters
        assert (card.decoder_layers is not None) == (card.family == "seq2seq")
    assert [name for name, card in HUB_MODELS.items() if card.is_gated] == ["gemma-3-270m"]


def test_no_thread_is_left(hub, engine):
    run(engine)
    wait_until(lambda: not any(each.name == "headlight-job" for each in threading.enumerate()))
