"""Headers of safetensors and GGUF files, and the numbers in them."""

import json
import os
import struct
import time

import numpy as np
import pytest
import torch
from gguf import GGUFWriter
from safetensors.torch import load_file, save_file

from models.loading import ModelRefusedError, load_model, open_folder
from models.loading.model_files import copy_of_gguf
from tests.hostile.folders import change, refusal, tiny
from tests.models.test_folders import write_gguf


@pytest.fixture
def folder(tmp_path):
    return tiny("llama", tmp_path)


def rewrite(folder, spoil):
    """Write the header of the weights anew."""
    path = folder / "model.safetensors"
    data = path.read_bytes()
    length = int.from_bytes(data[:8], "little")
    header = spoil(json.loads(data[8 : 8 + length]))
    header = header if isinstance(header, bytes) else json.dumps(header).encode()
    path.write_bytes(len(header).to_bytes(8, "little") + header + data[8 + length :])


def first(said):
    return next(each for name, each in said.items() if name != "__metadata__")


def spoilt(**more):
    def spoil(said):
        first(said).update(more)
        return said

    return spoil


HEADERS = {
    "another shape": spoilt(shape=[1, 1]),
    "a shape that overflows": spoilt(shape=[2**62, 2**62, 2**62]),
    "a huge shape of no bytes": spoilt(shape=[2**40, 0]),
    "a negative shape": spoilt(shape=[-64, -32]),
    "a shape of floats": spoilt(shape=[64.0, 32.0]),
    "a shape of truths": spoilt(shape=[True]),
    "many dimensions": spoilt(shape=[1] * 100_000),
    "offsets beyond the file": spoilt(data_offsets=[0, 2**60]),
    "offsets the other way round": spoilt(data_offsets=[100, 0]),
    "negative offsets": spoilt(data_offsets=[-8, 0]),
    "three offsets": spoilt(data_offsets=[0, 1, 2]),
    "no offsets": spoilt(data_offsets=None),
    "an unknown type": spoilt(dtype="F7"),
    "a type of a list": spoilt(dtype=["F32"]),
    "a type of four bits": spoilt(dtype="F4"),
    "all the same place": lambda said: {name: first(said) for name in said},
    "a hole": lambda said: {name: each for name, each in said.items() if each is not first(said)},
    "a list": lambda said: [said],
    "nothing": lambda said: b"",
    "a name twice": lambda said: json.dumps(said).replace('"__metadata__"', '"lm_head.weight"').encode(),
    "nested": lambda said: b'{"a":' * 50_000,
    "no text": lambda said: b"\xff\xfe" * 100,
    "a tensor of none": lambda said: said | {"more": None},
}


@pytest.mark.parametrize("what", HEADERS)
def test_a_header_that_lies_is_damaged(folder, what):
    rewrite(folder, HEADERS[what])
    said = refusal(folder)
    assert "Its weights are" in said


@pytest.mark.parametrize("length", [2**63, 2**64 - 1, 10**9, 0])
def test_the_length_of_a_header_is_bounded(folder, length):
    path = folder / "model.safetensors"
    path.write_bytes(length.to_bytes(8, "little") + path.read_bytes()[8:])
    assert "damaged" in refusal(folder)


@pytest.mark.parametrize("length", [0, 4, 8, 9, 1_000])
def test_a_file_that_is_cut_off(folder, length):
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:length])
    assert "damaged" in refusal(folder)


INDICES = {
    "a path": {"weight_map": {"a": "../model.safetensors"}},
    "the root": {"weight_map": {"a": "/etc/passwd.safetensors"}},
    "a number": {"weight_map": {"a": 1}},
    "nothing": {"weight_map": {}},
    "a list": {"weight_map": []},
    "no map": [],
}


@pytest.mark.parametrize("what", INDICES)
def test_an_index_of_shards_that_lies(folder, what):
    (folder / "model.safetensors").rename(folder / "model-00001-of-00001.safetensors")
    (folder / "model.safetensors.index.json").write_text(json.dumps(INDICES[what]))
    said = refusal(folder)
    assert "missing" in said or "index.json is damaged" in said


# -- numbers that are none ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), -float("inf")])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
def test_a_weight_that_is_no_number_is_named(folder, bad, dtype):
    file = folder / "model.safetensors"
    tensors = {name: each.to(dtype) for name, each in load_file(file).items()}
    tensors["model.layers.1.mlp.up_proj.weight"][3, 4] = bad
    save_file(tensors, file)
    said = refusal(folder)
    assert "1 of the 1,536 numbers in model.layers.1.mlp.up_proj.weight are none (NaN) or infinite" in said


def test_weights_of_which_nothing_is_left_are_a_sentence(folder):
    file = folder / "model.safetensors"
    save_file({name: torch.full_like(each, float("nan")) for name, each in load_file(file).items()}, file)
    assert "none (NaN) or infinite" in refusal(folder)


def test_weights_that_overflow_in_a_forward_are_a_sentence(folder):
    file = folder / "model.safetensors"
    save_file({name: each * 1e30 if "proj" in name else each for name, each in load_file(file).items()}, file)
    assert "none (NaN) or infinite" in refusal(folder)


def test_large_weights_that_are_numbers_open(folder):
    """The sum of a tensor may be beyond its type."""
    file = folder / "model.safetensors"
    tensors = {name: each.half() for name, each in load_file(file).items()}
    tensors["model.embed_tokens.weight"][0] = 60_000.0
    save_file(tensors, file)
    assert load_model(open_folder(str(folder), anywhere=True).name)


# -- GGUF ------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def gguf(tmp_path_factory):
    path = tmp_path_factory.mktemp("gguf") / "tiny.gguf"
    write_gguf(path)
    return path.read_bytes()


@pytest.fixture(autouse=True)
def own_home(tmp_path, monkeypatch):
    monkeypatch.setenv("HEADLIGHT_HOME", str(tmp_path / "home"))


def gguf_refusal(tmp_path, data):
    (tmp_path / "spoilt.gguf").write_bytes(data)
    return refusal(tmp_path / "spoilt.gguf")


def with_number(data, name, value, form):
    """The GGUF with another value under a name of its header."""
    place = data.index(name) + len(name) + 4
    return data[:place] + struct.pack(form, value) + data[place + struct.calcsize(form) :]


@pytest.mark.parametrize("place", [8, 16], ids=["tensors", "fields"])
@pytest.mark.parametrize("count", [0, 10**6, 2**40, 2**64 - 1])
def test_counts_of_a_gguf_are_bounded(tmp_path, gguf, place, count):
    said = gguf_refusal(tmp_path, gguf[:place] + struct.pack("<Q", count) + gguf[place + 8 :])
    assert "GGUF" in said


@pytest.mark.parametrize("length", [2**20, 2**40, 2**64 - 1])
def test_lengths_in_a_gguf_are_bounded(tmp_path, gguf, length):
    for name in (b"general.architecture", b"tokenizer.ggml.tokens", b"blk.0.attn_q.weight"):
        place = gguf.index(name) - 8
        assert "GGUF" in gguf_refusal(tmp_path, gguf[:place] + struct.pack("<Q", length) + gguf[place + 8 :])
    place = gguf.index(b"tokenizer.ggml.tokens") + len(b"tokenizer.ggml.tokens") + 8
    assert "GGUF" in gguf_refusal(tmp_path, gguf[:place] + struct.pack("<Q", length) + gguf[place + 8 :])


@pytest.mark.parametrize(
    ("name", "value"),
    [
        (b"llama.block_count", 2_000_000),
        (b"llama.attention.head_count", 10**9),
        (b"llama.embedding_length", 2**31),
        (b"llama.feed_forward_length", 2**31),
        (b"llama.context_length", 2**31),
        (b"llama.vocab_size", 2**31),
        (b"llama.block_count", 400),
        (b"llama.feed_forward_length", 2**20),
    ],
)
def test_numbers_of_a_gguf_are_bounded_before_a_class_sees_them(tmp_path, gguf, name, value):
    said = gguf_refusal(tmp_path, with_number(gguf, name, value, "<I"))
    assert "Its GGUF header names" in said or "its weights hold" in said


def test_pieces_of_a_gguf_are_bounded(tmp_path):
    path = tmp_path / "long.gguf"
    writer = GGUFWriter(path, "llama")
    writer.add_token_list(["a" * 900] * 20_000)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    assert "names more than any model has" in refusal(path)


def tensor_entry(gguf, name=b"blk.0.attn_q.weight"):
    """Where the dimensions, the type and the offset of a tensor stand."""
    place = gguf.index(name) + len(name)
    dimensions = struct.unpack("<I", gguf[place : place + 4])[0]
    return place, place + 4, place + 4 + 8 * dimensions, place + 8 + 8 * dimensions


@pytest.mark.parametrize("value", [0, 2**20, 2**40, 2**63, 2**64 - 1])
@pytest.mark.parametrize("which", [1, 3], ids=["dimension", "offset"])
def test_tensors_of_a_gguf_lie_inside_of_it(tmp_path, gguf, which, value):
    place = tensor_entry(gguf)[which]
    said = gguf_refusal(tmp_path, gguf[:place] + struct.pack("<Q", value) + gguf[place + 8 :])
    assert "GGUF" in said


@pytest.mark.parametrize("value", [5, 100, 2**31])
@pytest.mark.parametrize("which", [0, 2], ids=["dimensions", "type"])
def test_tensors_of_a_gguf_are_of_a_known_kind(tmp_path, gguf, which, value):
    place = tensor_entry(gguf)[which]
    said = gguf_refusal(tmp_path, gguf[:place] + struct.pack("<I", value) + gguf[place + 4 :])
    assert "GGUF" in said


def test_a_gguf_of_nothing_but_holes_is_not_read_to_its_end(tmp_path, gguf):
    """A file may say that it has any length, and take no room on the disk."""
    path = tmp_path / "sparse.gguf"
    path.write_bytes(gguf)
    os.truncate(path, 2**42)
    begin = time.process_time()
    assert "GGUF" in refusal(path)
    assert time.process_time() - begin < 2
    # The same with a tensor of that length.
    place = tensor_entry(gguf, b"blk.1.ffn_norm.weight")[1]
    path.write_bytes(gguf[:place] + struct.pack("<Q", 2**40) + gguf[place + 8 :])
    os.truncate(path, len(gguf) + 2**42)
    assert "GGUF" in refusal(path)
    assert time.process_time() - begin < 2


@pytest.mark.parametrize("share", np.linspace(0, 0.98, 12))
def test_a_gguf_that_is_cut_off(tmp_path, gguf, share):
    assert "GGUF" in gguf_refusal(tmp_path, gguf[: int(len(gguf) * share)])


def noughts(loaded):
    return sum(int((each == 0).sum()) for each in loaded.model.parameters())


@pytest.mark.slow
def test_a_gguf_that_was_exchanged_after_it_was_opened_is_checked_and_read_as_it_is_now(tmp_path, gguf):
    path = tmp_path / "tiny.gguf"
    path.write_bytes(gguf)
    name = open_folder(str(path), anywhere=True).name
    assert noughts(load_model(name)) == 0
    path.write_bytes(gguf[:-100] + b"\0" * 100)
    assert noughts(load_model(name)) == 25
    spoilt = {
        "cut off or damaged": gguf[:-100],
        "Its GGUF header names": with_number(gguf, b"llama.block_count", 2**31, "<I"),
        "its weights hold": with_number(gguf, b"llama.feed_forward_length", 2**20, "<I"),
        r"none \(NaN\) or infinite": gguf[:-64] + np.full(16, np.nan, np.float32).tobytes(),
    }
    for sentence, data in spoilt.items():
        path.write_bytes(data)
        with pytest.raises(ModelRefusedError, match=sentence):
            load_model(name)
    path.write_bytes(gguf)
    assert noughts(load_model(name)) == 0


def test_a_gguf_that_is_exchanged_between_the_card_and_the_reading_is_refused(tmp_path, gguf):
    """What is copied and read is the very file of which the card was made."""
    path = tmp_path / "tiny.gguf"
    path.write_bytes(gguf)
    card = open_folder(str(path), anywhere=True)
    path.write_bytes(gguf[:-100] + b"\0" * 100)
    with pytest.raises(ModelRefusedError, match="changed on the disk"), copy_of_gguf(card):
        pass


def test_a_gguf_whose_weights_are_no_numbers(tmp_path, gguf):
    end = len(gguf)
    said = gguf_refusal(tmp_path, gguf[: end - 64] + np.full(16, np.nan, np.float32).tobytes())
    assert "none (NaN) or infinite" in said


def test_the_config_beside_a_gguf_is_bounded_too(folder, gguf):
    (folder / "model.safetensors").unlink()
    (folder / "tiny.gguf").write_bytes(gguf)
    change(folder, num_hidden_layers=10**8)
    assert "more than 512 layers" in refusal(folder)
