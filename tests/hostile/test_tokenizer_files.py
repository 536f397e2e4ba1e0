"""Strangers' tokenizer files: none of them stops the server, holds it up or fills its memory, opened or used."""

import base64
import json
import threading
import time
from typing import Any

import pytest

from models.engine import Engine
from models.errors import HeadlightError
from models.tokenization import (
    ComparisonRequest,
    CountsRequest,
    FactsRequest,
    OriginsRequest,
    StagesRequest,
    TokenizerFileError,
    keep_own,
    new_own_name,
    open_tokenizer_file,
    tokenize,
)

pytestmark = pytest.mark.usefixtures("short")

WORDS = {"<unk>": 0, "a": 1, "b": 2, "c": 3}
LETTERS = [["<unk>", 0.0], *([letter, -1.0] for letter in "abcdefghijklmnopqrstuvwxyz ")]


def words(**parts):
    return {"model": {"type": "WordLevel", "vocab": WORDS, "unk_token": "<unk>"}, **parts}


def bpe(**parts):
    return {"model": {"type": "BPE", "vocab": {"a": 0, "b": 1, "ab": 2}, "merges": [["a", "b"]]}, **parts}


def replaced(content, times, name="normalizers"):
    step = {"type": "Replace", "pattern": {"String": "a"}, "content": content}
    return {"type": "Sequence", name: [step] * times}


def added(count, length=5, **more):
    flags = {"single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": True}
    return [{"id": 4 + n, "content": f"{n:0{length}d}", **flags, **more} for n in range(count)]


def template(count):
    token = {"SpecialToken": {"id": "a", "type_id": 0}}
    return {
        "type": "TemplateProcessing",
        "single": [token] * count + [{"Sequence": {"id": "A", "type_id": 0}}],
        "pair": [{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 0}}],
        "special_tokens": {"a": {"id": "a", "ids": [1] * count, "tokens": ["a"] * count}},
    }


def tekken(**config):
    vocabulary = [
        {"rank": each, "token_bytes": base64.b64encode(bytes([each])).decode(), "token_str": None}
        for each in range(256)
    ]
    settings = {"pattern": ".", "default_num_special_tokens": 0, "default_vocab_size": 256} | config
    return {"config": settings, "vocab": vocabulary}


def ranks(longest, count):
    lines = [(bytes([each]), each) for each in range(256)]
    lines += [(bytes([97 + n % 26]) * (longest - n), 256 + n) for n in range(count)]
    return b"\n".join(base64.b64encode(piece) + b" %d" % rank for piece, rank in lines)


def sentencepiece(pieces, kind=2):
    from sentencepiece import sentencepiece_model_pb2

    # Its members are made when it is imported.
    schema: Any = sentencepiece_model_pb2
    proto = schema.ModelProto()
    for piece, score, type_ in [("<unk>", 0.0, 2), *((piece, score, 1) for piece, score in pieces)]:
        proto.pieces.add(piece=piece, score=score, type=type_)
    proto.trainer_spec.model_type = kind
    return proto.SerializeToString()


def as_bytes(file):
    return file if isinstance(file, bytes) else json.dumps(file).encode()


REFUSED = {
    "special tokens of tekken": lambda: tekken(default_num_special_tokens=10**9),
    "special tokens of tekken, a float": lambda: tekken(default_num_special_tokens=1e300),
    "pieces of tekken": lambda: tekken(default_vocab_size=10**12),
    "134 bytes": lambda: (
        b'{"config":{"pattern":".","default_num_special_tokens":50000000,"default_vocab_size":60000000},'
        b'"vocab":[{"rank":0,"token_bytes":"AA=="}]}'
    ),
    "normalizers": lambda: words(normalizer=replaced("aa", 29)),
    "normalizers that prepend": lambda: words(
        normalizer={
            "type": "Sequence",
            "normalizers": [{"type": "Prepend", "prepend": "a" * 1_000}, *replaced("aaaaaaaaaa", 9)["normalizers"]],
        }
    ),
    "normalizers within normalizers": lambda: words(
        normalizer={"type": "Sequence", "normalizers": [replaced("aa", 15), replaced("aa", 15)]}
    ),
    "thousands of steps": lambda: words(normalizer=replaced("b", 5_000)),
    "decoders": lambda: words(
        decoder={
            "type": "Sequence",
            "decoders": [{"type": "Replace", "pattern": {"String": "u"}, "content": "uu"}] * 29,
        }
    ),
    "characters in a word": lambda: {
        "model": {
            "type": "WordPiece",
            "vocab": {"[UNK]": 0, "a": 1},
            "unk_token": "[UNK]",
            "continuing_subword_prefix": "##",
            "max_input_chars_per_word": 10**9,
        }
    },
    "added tokens": lambda: words(added_tokens=added(60_000)),
    "an added token of a megabyte": lambda: words(added_tokens=added(1, 1_000_000)),
    "a piece of a megabyte": lambda: {"model": {"type": "Unigram", "unk_id": 0, "vocab": [["a" * 1_000_000, 0.0]]}},
    "what a template adds": lambda: words(post_processor=template(100_000)),
    "depth": lambda: b'{"model":' + b"[" * 100_000,
    "depth of steps": lambda: (
        b'{"model":{"vocab":{"a":0}},"normalizer":'
        + b'{"type":"Sequence","normalizers":[' * 5_000
        + b"]}" * 5_000
        + b"}"
    ),
    "ids beyond all": lambda: {"model": {"type": "BPE", "vocab": {"a": 2**40}, "merges": []}},
    "a number for a model": lambda: {"model": {"type": "BPE", "vocab": 10**30, "merges": 3}},
    "pieces of .tiktoken": lambda: ranks(30_000, 10),
    "a rank of many digits": lambda: ranks(3, 2) + b"\n" + base64.b64encode(b"xyz") + b" " + b"9" * 100_000,
    "a pattern that nests": lambda: words(pre_tokenizer={"type": "Split", "pattern": {"Regex": "(" * 30_000}}),
}


@pytest.mark.quick(3)
@pytest.mark.parametrize("name", REFUSED)
def test_a_file_that_asks_for_too_much_is_refused_in_a_sentence(name, within_bounds):
    data = as_bytes(REFUSED[name]())
    with within_bounds(), pytest.raises(TokenizerFileError) as refused:
        open_tokenizer_file(data)
    assert str(refused.value).endswith(".")
    assert len(str(refused.value)) < 300
    assert open_tokenizer_file(json.dumps(words()).encode()).format == "json"


# What opens, since the probe is short, and asks for too much of a text that a visitor chooses.
TEXT = "abc " * 500
USED = {
    "normalizers that match later": lambda: words(
        normalizer={
            "type": "Sequence",
            "normalizers": [
                {"type": "Replace", "pattern": {"String": "abc"}, "content": "z"},
                *[{"type": "Replace", "pattern": {"String": "z"}, "content": "zz"}] * 27,
            ],
        }
    ),
    "decoders that match later": lambda: words(
        model={"type": "WordLevel", "vocab": {"<unk>": 0, "abc": 1}, "unk_token": "<unk>"},
        pre_tokenizer={"type": "WhitespaceSplit"},
        decoder={
            "type": "Sequence",
            "decoders": [{"type": "Replace", "pattern": {"String": "abc"}, "content": "z"}]
            + [{"type": "Replace", "pattern": {"String": "z"}, "content": "zz"}] * 26,
        },
    ),
    "a regex": lambda: words(
        normalizer={"type": "Replace", "pattern": {"Regex": r"(.|.)*\d\d\d\d\d\d"}, "content": "x"}
    ),
}


def answers(engine, name, text):
    yield lambda: engine.run(CountsRequest(name, text, False))
    yield lambda: engine.run(ComparisonRequest((name, "gpt2"), text, False, 0))
    yield lambda: engine.run(StagesRequest(name, text, False))
    yield lambda: engine.run(OriginsRequest(name, text, (0, 3), False))
    yield lambda: tokenize(engine.tokenizer(name), text)


@pytest.mark.slow
@pytest.mark.parametrize("name", USED)
def test_a_tokenizer_that_asks_for_too_much_fails_in_a_sentence(name, within_bounds):
    engine, mine = Engine(), new_own_name()
    opened = open_tokenizer_file(as_bytes(USED[name]()))
    keep_own(engine, mine, opened.tokenizer_json, "Theirs", "json")
    sentences = []
    for ask in answers(engine, mine, TEXT):
        with within_bounds():
            sentences.append(sentence_of(ask))
    sentences = [sentence for sentence in sentences if sentence]
    assert sentences
    assert all(sentence.startswith("Theirs ") and sentence.endswith(".") for sentence in sentences)
    assert engine.run(CountsRequest("gpt2", "abc", False)).tokens == 1


@pytest.mark.quick(3)
@pytest.mark.parametrize(
    "name", ["lattice", "long words", "special tokens", "bytes", "many ids for one text", "merges", "sentencepiece"]
)
def test_what_is_only_large_is_answered_or_refused(name, within_bounds):
    file = {
        "lattice": lambda: {
            "model": {
                "type": "Unigram",
                "unk_id": 0,
                "vocab": [["<unk>", 0.0], *(["a" * n, -float(n)] for n in range(1, 1_000))],
            }
        },
        "long words": lambda: {
            "model": {
                "type": "WordPiece",
                "vocab": {"[UNK]": 0, "a": 1, "##a": 2},
                "unk_token": "[UNK]",
                "continuing_subword_prefix": "##",
                "max_input_chars_per_word": 1_000,
            }
        },
        "special tokens": lambda: words(added_tokens=added(10_000)),
        "bytes": lambda: {
            "model": {
                "type": "Unigram",
                "unk_id": 0,
                "byte_fallback": True,
                "vocab": [["<unk>", 0.0], *([f"<0x{byte:02X}>", -1.0] for byte in range(256))],
            }
        },
        "many ids for one text": lambda: {
            "model": {"type": "Unigram", "unk_id": 0, "vocab": LETTERS},
            "normalizer": {"type": "Replace", "pattern": {"String": "a"}, "content": "abc" * 20},
        },
        "merges": lambda: {
            "model": {
                "type": "BPE",
                "vocab": {"a": 0} | {"a" * n: n for n in range(2, 900)},
                "merges": [["a" * (n - 1), "a"] for n in range(2, 900)],
            }
        },
        "sentencepiece": lambda: sentencepiece([("a" * n, -float(n)) for n in range(1, 500)]),
    }[name]()
    engine, mine = Engine(), new_own_name()
    with within_bounds():
        opened = open_tokenizer_file(as_bytes(file))
        keep_own(engine, mine, opened.tokenizer_json, "Theirs", "json")
    for ask in (*answers(engine, mine, "aéa" * 2_000), lambda: engine.run(FactsRequest(mine))):
        with within_bounds():
            assert sentence_of(ask)[-1:] in ("", ".")


def test_a_text_that_becomes_far_too_many_pieces_gets_a_sentence():
    engine, mine = Engine(), new_own_name()
    file = {
        "model": {"type": "Unigram", "unk_id": 0, "vocab": LETTERS},
        "normalizer": {"type": "Replace", "pattern": {"String": "q"}, "content": "abc" * 100},
    }
    keep_own(engine, mine, open_tokenizer_file(as_bytes(file)).tokenizer_json, "Theirs", "json")
    assert engine.run(CountsRequest(mine, "abc", False)).tokens == 3
    with pytest.raises(HeadlightError, match=r"^Theirs makes 600,000 pieces of 2,000 characters, .*\.$"):
        engine.run(CountsRequest(mine, "q" * 2_000, False))


# A piece of each length, so that all the merges of each are gone through: it takes half a minute.
SLOW = {
    "tiktoken": lambda: b"\n".join(
        base64.b64encode(piece) + b" %d" % rank
        for rank, piece in enumerate([*(bytes([each]) for each in range(256)), *(b"a" * n for n in range(2, 1_000))])
    ),
    "sentencepiece": lambda: sentencepiece([("a" * n, -float(n)) for n in range(1, 1_000)]),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", SLOW)
def test_a_small_file_that_takes_long_to_convert_costs_the_server_nothing(name, within_bounds):
    data, begin = as_bytes(SLOW[name]()), time.process_time()
    with within_bounds():
        assert sentence_of(open_tokenizer_file, data)[-1:] in ("", ".")
    assert time.process_time() - begin < 3, "of its own process's time"
    assert open_tokenizer_file(json.dumps(words()).encode()).format == "json"


def sentence_of(ask, *arguments):
    """What a question fails with; "" where it is answered."""
    try:
        ask(*arguments)
    except HeadlightError as error:
        return str(error)
    return ""


@pytest.mark.slow
def test_others_are_answered_while_a_strangers_tokenizer_computes():
    data = json.dumps(REFUSED["normalizers"]()).encode()
    grows = json.dumps(USED["normalizers that match later"]()).encode()
    engine, mine = Engine(), new_own_name()
    keep_own(engine, mine, open_tokenizer_file(grows).tokenizer_json, "Theirs", "json")
    said = []
    threads = [
        threading.Thread(target=lambda: said.append(sentence_of(open_tokenizer_file, data))),
        threading.Thread(target=lambda: said.append(sentence_of(engine.tokenizer(mine).tokenize, TEXT))),
    ]
    engine.run(CountsRequest("gpt2", "warm", False))
    for each in threads:
        each.start()
    slowest = 0.0
    while any(each.is_alive() for each in threads):
        start = time.monotonic()
        engine.run(CountsRequest("gpt2", f"a text of {start}", False))
        slowest = max(slowest, time.monotonic() - start)
        time.sleep(0.01)
    assert all(said)
    assert slowest < 1.0
