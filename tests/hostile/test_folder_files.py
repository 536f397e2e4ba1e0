"""Every file below an allowed folder is a regular file inside it, when it is checked and when it is used."""

import json
import os
import shutil
import threading
import time
from contextlib import suppress
from pathlib import Path

import pytest

from models.errors import HeadlightError
from models.loading import FolderError, ModelRefusedError, load_model, open_folder
from models.loading.model_files import model_files
from models.loading.regular_files import open_folder_at
from tests.hostile.folders import change, refusal, tiny
from tests.models.test_folders import write_gguf

SECRET = "HEADLIGHT-SECRET-1234"
FILES = ("config.json", "tokenizer.json", "tokenizer_config.json", "generation_config.json", "model.safetensors")
OTHERS = ("special_tokens_map.json", "added_tokens.json", "chat_template.jinja", "vocab.txt", "tekken.json")


@pytest.fixture
def folder(tmp_path):
    return tiny("llama", tmp_path)


@pytest.fixture
def secret(tmp_path):
    path = tmp_path / "elsewhere" / "secret.txt"
    path.parent.mkdir()
    path.write_text(SECRET)
    return path


@pytest.mark.parametrize("name", [*FILES, *OTHERS])
@pytest.mark.parametrize("is_there", [True, False])
def test_a_link_that_leads_out_is_refused_and_says_nothing_of_its_end(folder, secret, name, is_there):
    (folder / name).unlink(missing_ok=True)
    (folder / name).symlink_to(secret if is_there else secret.with_name("none"))
    assert refusal(folder) == (
        "A file of this folder is a symbolic link that leads out of it; put the file itself there."
    )


@pytest.mark.parametrize(
    "target", ["{folder}/../elsewhere/secret.txt", "../elsewhere/secret.txt", "/proc/self/environ", "/"]
)
def test_however_it_is_written(folder, target):
    (folder / "tokenizer.json").unlink()
    (folder / "tokenizer.json").symlink_to(target.format(folder=folder))
    assert "leads out of it" in refusal(folder)


@pytest.mark.parametrize("name", [*FILES, *OTHERS])
def test_a_pipe_holds_nobody_up(folder, name):
    (folder / name).unlink(missing_ok=True)
    os.mkfifo(folder / name)
    begin = time.perf_counter()
    assert "is no regular file" in refusal(folder)
    assert time.perf_counter() - begin < 5


def test_a_link_to_a_neighbour_is_followed_once(folder):
    (folder / "tokenizer.json").rename(folder / "real.json")
    (folder / "tokenizer.json").symlink_to("real.json")
    assert load_model(open_folder(str(folder), anywhere=True).name)
    (folder / "real.json").unlink()
    (folder / "real.json").symlink_to("tokenizer.json")
    assert "could not be read" in refusal(folder)


def test_what_is_not_known_is_never_read(folder, secret):
    """Templates in a folder of their own, programs, other weights: transformers looks for them by itself."""
    more = folder / "additional_chat_templates"
    more.mkdir()
    (more / "x.jinja").symlink_to(secret)
    (folder / "adapter_config.json").write_text(json.dumps({"base_model_name_or_path": "strangers/model"}))
    (folder / "modeling_x.py").write_text("raise SystemExit")
    (folder / "pytorch_model.bin").write_bytes(b"\x80")
    (folder / "custom_generate").mkdir()
    (folder / "custom_generate" / "generate.py").write_text("raise SystemExit")
    (folder / "processor_config.json").symlink_to(secret)
    loaded = load_model(open_folder(str(folder), anywhere=True).name)
    assert SECRET not in str(vars(loaded.tokenizer))
    assert not isinstance(loaded.tokenizer.chat_template, dict)


def exchange(folder, name, other):
    (folder / f"{name}.new").symlink_to(other)
    (folder / f"{name}.new").rename(folder / name)


@pytest.mark.parametrize("name", ["model.safetensors", "tokenizer.json", "config.json", "generation_config.json"])
def test_a_file_that_is_exchanged_after_the_check_is_not_read(folder, secret, name):
    opened_as = open_folder(str(folder), anywhere=True).name
    exchange(folder, name, secret)
    with pytest.raises(HeadlightError, match="leads out of it"):
        load_model(opened_as)


def test_nor_is_a_folder(folder):
    opened_as = open_folder(str(folder), anywhere=True).name
    folder.rename(folder.with_name("was"))
    folder.symlink_to(folder.with_name("was"))
    with pytest.raises(HeadlightError):
        load_model(opened_as)


def test_what_was_checked_is_what_is_read(folder, secret):
    """The files are exchanged between the last check and the read, as somebody quick would."""
    with model_files(open_folder(str(folder), anywhere=True)) as files:
        for name in ("model.safetensors", "tokenizer.json", "config.json"):
            exchange(folder, name, secret)
        assert SECRET not in (files.folder / "tokenizer.json").read_text()
        assert all(each[...].numel() == each.elements for each in files.tensors.values())


def test_weights_that_become_shorter_while_they_are_read_are_a_sentence(folder):
    card = open_folder(str(folder), anywhere=True)
    with model_files(card) as files:
        os.truncate(folder / "model.safetensors", 5_000)
        last = max(files.tensors.values(), key=lambda each: each.start)
        with pytest.raises(ModelRefusedError, match="became shorter"):
            last[...]


def test_a_model_in_use_does_not_change_with_its_file(folder):
    """A file that is saved again in place is another one; one that is cut off would end a process that maps it."""
    loaded = load_model(open_folder(str(folder), anywhere=True).name)
    before = {name: each.clone() for name, each in loaded.model.state_dict().items()}
    with (folder / "model.safetensors").open("r+b") as file:
        file.seek(3_000)
        file.write(b"\xff" * 10_000)
    os.truncate(folder / "model.safetensors", 100)
    assert all(each.equal(before[name]) for name, each in loaded.model.state_dict().items())


def test_descriptors_come_back(folder):
    def held():
        return len(list(Path("/dev/fd").iterdir()))

    name = open_folder(str(folder), anywhere=True).name
    load_model(name)
    before = held()
    for _ in range(3):
        load_model(name)
        change(folder, num_hidden_layers=10**9)
        refusal(folder)
        change(folder, num_hidden_layers=2)
        open_folder(str(folder), anywhere=True)
    assert held() <= before


@pytest.mark.parametrize(
    "path", ["/etc", "/etc/passwd", "/nowhere/at/all", "~root/model", "~nobody-there/model", "/proc/1/root"]
)
def test_where_nobody_may_look_nothing_is_told(tmp_path, monkeypatch, path):
    monkeypatch.setenv("HEADLIGHT_FOLDERS", str(tmp_path))
    for each in (path, str(tmp_path / ".." / "x"), str(tmp_path.parent)):
        with pytest.raises(FolderError, match=r"^(This folder is not below one|Give the whole path)"):
            open_folder(each, anywhere=True)


def test_a_link_out_of_the_allowed_folder_tells_nothing_either(tmp_path, secret, monkeypatch):
    root = tmp_path / "open"
    root.mkdir()
    monkeypatch.setenv("HEADLIGHT_FOLDERS", str(root))
    (root / "there").symlink_to(secret.parent)
    (root / "not there").symlink_to(secret.parent / "none")
    (root / "round").symlink_to(root / "round")
    said = []
    for name in ("there", "not there"):
        with pytest.raises(FolderError) as caught:
            open_folder(str(root / name), anywhere=True)
        said.append(str(caught.value))
    assert said[0] == said[1]
    with pytest.raises(FolderError):
        open_folder(str(root / "round"), anywhere=True)


def test_errors_name_no_path_of_the_server(folder, tmp_path, monkeypatch):
    """Where files do not fit together, and where a GGUF cannot be expanded."""
    change(folder, intermediate_size=56)
    assert str(tmp_path) not in refusal(folder)
    home = tmp_path / "home"
    home.write_text("no folder")
    monkeypatch.setenv("HEADLIGHT_HOME", str(home))
    write_gguf(folder / "tiny.gguf")
    assert str(tmp_path) not in refusal(folder / "tiny.gguf")


@pytest.mark.parametrize(
    "name",
    [
        *("folder:", "folder:\0", "folder:/\0/x", "folder:\ud800", "folder:/\ud800", "folder:/" + "a" * 100_000),
        *("folder:~", "folder:~nobody-there", "folder:/dev/stdin", "folder:/dev/zero", "folder:/proc/self/mem"),
        *("folder:" + "/a" * 50_000, "folder:folder:/etc", "folder:/etc", "folder:/proc/self/fd/0", "folder://x"),
        *("hub:", "hub:../../etc", "hub:a/b@../../x", "hub:\0", "hub:\ud800/x", "hub:" + "a" * 100_000, "hub:a/b@" * 9),
        *("", "\0", "minilm\0", "<script>", "\ud800", "a" * 100_000, "own:x", "wrapped"),
    ],
)
@pytest.mark.parametrize("is_open", [True, False])
def test_a_forged_name_of_a_model_is_one_sentence(name, is_open, tmp_path, monkeypatch):
    if not is_open:
        monkeypatch.setenv("HEADLIGHT_FOLDERS", str(tmp_path))
    monkeypatch.setenv("HEADLIGHT_HOME", str(tmp_path / "home"))
    with pytest.raises(HeadlightError) as caught:
        load_model(name)
    said = str(caught.value)
    assert said.endswith((".", "decoder).")) or "Choose one of" in said or "Here without it" in said
    assert len(said) < 500
    assert not any(each in said for each in ("/etc", "/proc", "/dev", "\0", "\ud800", "<script>", "aaaa"))


def test_a_folder_of_too_many_files_is_refused(tmp_path):
    many = tmp_path / "many"
    many.mkdir()
    for number in range(10_050):
        (many / f"{number}.txt").touch()
    assert "more than 10,000 files" in refusal(many)


def test_two_who_exchange_and_load_read_nothing_else(folder, secret):
    """Links that come and go while others load: each load gives the model or a sentence."""
    name, stop = open_folder(str(folder), anywhere=True).name, threading.Event()
    real = folder / "chat_template.jinja"

    def flip():
        while not stop.is_set():
            real.unlink(missing_ok=True)
            real.write_text("{{ messages }}")
            exchange(folder, real.name, secret)

    thread = threading.Thread(target=flip)
    thread.start()
    try:
        for _ in range(5):
            with suppress(HeadlightError):
                assert SECRET not in str(load_model(name).tokenizer.chat_template)
    finally:
        stop.set()
        thread.join()


def test_opened_walks_no_link(tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    with open_folder_at(tmp_path / "real") as here:
        assert here.names == frozenset()
    with pytest.raises(ModelRefusedError, match="could not be read"), open_folder_at(tmp_path / "link"):
        pass
    shutil.rmtree(tmp_path / "real")
