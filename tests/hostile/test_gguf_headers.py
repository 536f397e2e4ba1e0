"""Headers of GGUF files that are long, and the tokenizers in them: nothing of either computes in this process."""

import struct
import time

import numpy as np
import pytest
from gguf import GGUFWriter, TokenType

from models.loading import load_model, open_folder
from tests.hostile.folders import refusal
from tests.models.test_folders import write_gguf


@pytest.fixture(autouse=True)
def own_home(tmp_path, monkeypatch):
    monkeypatch.setenv("HEADLIGHT_HOME", str(tmp_path / "home"))


def write_with_arrays(path, count, entries):
    """The tiny model with so many arrays of bytes more in its header, which is as long as before modulo 32."""
    write_gguf(path)
    data = path.read_bytes()
    fields = struct.unpack("<Q", data[16:24])[0]
    added = b""
    for number in range(count):
        name = b"x.%03d" % number
        added += struct.pack("<Q", len(name)) + name + struct.pack("<IIQ", 9, 0, entries) + bytes(entries)
    name = b"x.end"
    ends = -(len(added) + 8 + len(name) + 16) % 32
    added += struct.pack("<Q", len(name)) + name + struct.pack("<IIQ", 9, 0, ends) + bytes(ends)
    path.write_bytes(data[:16] + struct.pack("<Q", fields + count + 1) + added + data[24:])


def test_a_long_array_costs_nothing(tmp_path):
    path = tmp_path / "long.gguf"
    write_with_arrays(path, 1, 1_000_000)
    begin = time.process_time()
    loaded = load_model(open_folder(str(path), anywhere=True).name)
    assert time.process_time() - begin < 4
    assert loaded.tokenizer.encode("abe", add_special_tokens=False) == [28, 6]


@pytest.mark.parametrize(("count", "entries"), [(3, 1_000_000), (40, 1_000)], ids=["long", "many"])
def test_the_entries_of_all_arrays_are_bounded(tmp_path, count, entries):
    path = tmp_path / "long.gguf"
    write_with_arrays(path, count, entries)
    begin = time.process_time()
    assert "names more than any model has" in refusal(path)
    assert time.process_time() - begin < 1


def write_without_merges(path, pieces, length):
    """A tiny Llama whose merges are to be made of every way to part each of its long pieces."""
    draw = np.random.default_rng(1)
    letters = np.array(list("abcdefghijklmnopqrstuvwxyz"))
    tokens = ["<unk>", "<s>", "</s>", *letters, *("".join(draw.choice(letters, length)) for _ in range(pieces))]
    writer = GGUFWriter(path, "llama")
    writer.add_context_length(64)
    writer.add_embedding_length(4)
    writer.add_block_count(1)
    writer.add_feed_forward_length(4)
    writer.add_head_count(1)
    writer.add_head_count_kv(1)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_tokenizer_model("llama")
    writer.add_token_list(tokens)
    writer.add_token_scores([-float(place) for place in range(len(tokens))])
    writer.add_token_types([TokenType.CONTROL] * 3 + [TokenType.NORMAL] * (len(tokens) - 3))

    def add(name, *shape):
        writer.add_tensor(name, draw.normal(size=shape).astype(np.float32) * 0.1)

    for name in ("token_embd", "output"):
        add(f"{name}.weight", len(tokens), 4)
    for name in ("attn_q", "attn_k", "attn_v", "attn_output", "ffn_gate", "ffn_up", "ffn_down"):
        add(f"blk.0.{name}.weight", 4, 4)
    for name in ("blk.0.attn_norm", "blk.0.ffn_norm", "output_norm"):
        add(f"{name}.weight", 4)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


@pytest.mark.slow
def test_a_tokenizer_that_takes_too_long_to_make_is_a_sentence(tmp_path, monkeypatch, within_bounds):
    from models.loading import gguf_tokenizer

    monkeypatch.setattr(gguf_tokenizer.POOL, "seconds", 1)
    path = tmp_path / "slow.gguf"
    write_without_merges(path, 8_000, 1_000)
    begin = time.process_time()
    with within_bounds():
        said = refusal(path)
    assert "The tokenizer of slow takes longer than 1 seconds at this" in said
    # Of this process, in which threads of other tests may compute as well.
    assert time.process_time() - begin < 10
