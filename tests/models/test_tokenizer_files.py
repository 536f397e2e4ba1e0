"""What a tokenizer.json carries besides its vocabulary: chance, notations, and what is no such file at all."""

import json
from typing import Any

import msgspec
import pytest
from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers

from models.engine import Engine
from models.tokenization import (
    LoadedTokenizer,
    TokenizerFileError,
    cut_by_text_alone,
    fault_of_tokenizer_json,
    keep_own,
    load_tokenizer,
    new_own_name,
    open_tokenizer_file,
)
from models.tokenization.pieces import character_of_byte
from models.tokenization.tokenizer_facts import TokenizerFacts, facts_of

LETTERS = "abdehlorwx<>01"


def opened(tokenizer: Tokenizer) -> LoadedTokenizer:
    engine, name = Engine(), new_own_name()
    found = open_tokenizer_file(tokenizer.to_str().encode())
    keep_own(engine, name, found.tokenizer_json, "mine", found.format)
    return engine.tokenizer(name)


def made(model: Any, normalizer: Any = None, pre_tokenizer: Any = None, decoder: Any = None) -> Tokenizer:
    tokenizer = Tokenizer(model)
    for name, part in (("normalizer", normalizer), ("pre_tokenizer", pre_tokenizer), ("decoder", decoder)):
        if part is not None:
            setattr(tokenizer, name, part)
    return tokenizer


def bpe(*more: str, **settings: Any) -> models.BPE:
    """With merges for lo and he, and for `more` with an h."""
    vocabulary = {piece: number for number, piece in enumerate(dict.fromkeys(["<unk>", *LETTERS, "\n", *more]))}
    merges = [("l", "o"), ("h", "e"), *((sign, "h") for sign in more)]
    for left, right in merges:
        vocabulary.setdefault(left + right, len(vocabulary))
    return models.BPE(vocabulary, merges, unk_token="<unk>", fuse_unk=True, **settings)


# ----- Chance


@pytest.mark.parametrize("dropout", [0.1, 0.5, 1.0])
def test_dropout_is_switched_off_and_that_is_said(dropout):
    tokenizer = made(bpe(dropout=dropout))
    found = open_tokenizer_file(tokenizer.to_str().encode())
    (note,) = found.notes
    assert "dropout" in note
    assert "switched off" in note
    assert json.loads(found.tokenizer_json)["model"]["dropout"] is None
    loaded = opened(tokenizer)
    cuts = {loaded.tokenize("hello" * 9, split_special_tokens=split).ids for _ in range(30) for split in (False, True)}
    assert cuts == {opened(made(bpe())).tokenize("hello" * 9).ids}


def test_dropout_of_none_is_not_worth_a_word():
    for dropout in (None, 0.0):
        assert open_tokenizer_file(made(bpe(dropout=dropout)).to_str().encode()).notes == ()


def test_a_tokenizer_in_memory_that_samples_is_made_to_cut_by_the_text_alone():
    pieces = [("<unk>", 0.0), *(("a" * length, -1.0 - length / 4) for length in range(1, 5))]
    tokenizer = Tokenizer(models.Unigram(pieces, unk_id=0))
    model: Any = tokenizer.model
    model.alpha, model.nbest_size = 0.1, 0
    tokenizer.enable_truncation(3)
    assert len({tuple(tokenizer.encode("a" * 20).ids) for _ in range(30)}) > 1
    cut_by_text_alone(tokenizer)
    (ids,) = {tuple(tokenizer.encode("a" * 20).ids) for _ in range(30)}
    assert len(ids) > 3


# ----- Notations

SPACED = {
    **{
        f"Metaspace {sign} {scheme}": lambda sign=sign, scheme=scheme: made(
            bpe(sign),
            pre_tokenizer=pre_tokenizers.Metaspace(sign, scheme),
            decoder=decoders.Metaspace(sign, scheme),
        )
        for sign in "▁_|Ġ"
        for scheme in ("always", "first", "never")
    },
    "Metaspace without a decoder": lambda: made(bpe("_"), pre_tokenizer=pre_tokenizers.Metaspace("_", "always")),
    "Prepend and Replace": lambda: made(
        bpe("_"),
        normalizers.Sequence([normalizers.Prepend("_"), normalizers.Replace(" ", "_")]),
        decoder=decoders.Sequence([decoders.Replace("_", " "), decoders.Fuse(), decoders.Strip(" ", 1, 0)]),
    ),
    "a pattern": lambda: made(bpe("·"), normalizers.Replace(Regex(r"\s"), "·"), decoder=decoders.Replace("·", " ")),
    "CTC": lambda: made(
        bpe("|"), normalizers.Replace(" ", "|"), decoder=decoders.CTC("<pad>", word_delimiter_token="|")
    ),
    "a byte-level pre-tokenizer": lambda: made(
        models.BPE({each: number for number, each in enumerate(character_of_byte())}, []),
        pre_tokenizer=pre_tokenizers.ByteLevel(add_prefix_space=True),
    ),
    "a byte-level normalizer": lambda: made(
        models.BPE({each: number for number, each in enumerate(character_of_byte())}, []), normalizers.ByteLevel()
    ),
}


@pytest.mark.quick(6)
@pytest.mark.parametrize("name", SPACED)
def test_bytes_add_up_to_the_text_whatever_stands_for_a_space(name):
    loaded = opened(SPACED[name]())
    for text in ("hello world", "he  lo ", "hello x"):
        whole = b"".join(piece.data for piece in loaded.tokenize(text).pieces)
        assert whole.decode() in (text, f" {text}"), text
    shown = "".join(piece.text for piece in loaded.tokenize("he lo").pieces)
    assert shown.removeprefix("␣") == "he␣lo"


def test_a_piece_with_another_sign_for_its_space_has_a_space():
    first, *_ = opened(SPACED["Metaspace _ always"]()).tokenize("ho").pieces
    assert (first.text, first.data) == ("␣h", b" h")
    assert "spaces as _" in opened(SPACED["Metaspace _ always"]()).facts.pre_tokenizer


def test_a_sign_that_is_written_and_read_again_is_a_notation_and_others_are_text():
    both = made(bpe("⏎"), normalizers.Replace("\n", "⏎"), decoder=decoders.Replace("⏎", "\n"))
    assert b"".join(piece.data for piece in opened(both).tokenize("he\nlo").pieces) == b"he\nlo"
    # What only the normaliser does is what the normalised text is.
    only = made(bpe("x"), normalizers.Replace("\n", "x"))
    assert b"".join(piece.data for piece in opened(only).tokenize("he\nlo").pieces) == b"hexlo"


def test_a_decoder_of_bytes_alone_makes_no_bytes_of_letters():
    loaded = opened(made(bpe("é"), decoder=decoders.ByteLevel()))
    assert b"".join(piece.data for piece in loaded.tokenize("hé").pieces).decode() == "hé"


@pytest.mark.parametrize("sign", "▁_")
def test_bytes_of_characters_that_are_no_piece(sign):
    pieces = {piece: number for number, piece in enumerate(["<unk>", *LETTERS, sign])}
    pieces |= {f"<0x{byte:02X}>": len(pieces) + byte for byte in range(256)}
    model = models.BPE(pieces, [], unk_token="<unk>", byte_fallback=True)
    loaded = opened(made(model, pre_tokenizer=pre_tokenizers.Metaspace(sign, "never"), decoder=decoders.ByteFallback()))
    assert b"".join(piece.data for piece in loaded.tokenize("hé 🍓").pieces).decode() == "hé 🍓"


def test_the_notation_is_kept_with_the_facts():
    from dataclasses import asdict

    facts = facts_of(json.loads(SPACED["Metaspace _ always"]().to_str()))
    assert msgspec.json.decode(msgspec.json.encode(facts), type=TokenizerFacts) == facts
    before = asdict(load_tokenizer("unigram").facts)
    before["notation"].pop("written")
    assert msgspec.json.decode(json.dumps(before), type=TokenizerFacts) == load_tokenizer("unigram").facts


# ----- What is no tokenizer.json

WHOLE = made(bpe()).to_str().encode()
UNFIT = b'{"model": {"type": "BPE", "vocab": {"a": 0}, "merges": [["a", "b"]]}}'
BROKEN = {
    "is a JSON list": (b"[]", b"[1]"),
    "is a JSON text": (b'"model"',),
    "is a JSON number": (b"5",),
    "is a JSON null": (b"null",),
    "has no model": (b"{}", b'{"model": []}'),
    "cut off": (WHOLE[: len(WHOLE) // 2], WHOLE[:-1], b""),
    "do not fit": (UNFIT,),
}


@pytest.mark.parametrize(
    ("said", "data"),
    [pytest.param(said, data, id=f"{said}, {len(data)} bytes") for said, each in BROKEN.items() for data in each],
)
def test_what_is_wrong_with_a_tokenizer_json_names_the_file(said, data):
    fault = fault_of_tokenizer_json(data)
    assert fault is not None
    assert fault.startswith("tokenizer.json")
    assert said in fault
    with pytest.raises(TokenizerFileError, match=r"tokenizer\.json"):
        open_tokenizer_file(data)


def test_nothing_is_wrong_with_a_whole_one():
    assert fault_of_tokenizer_json(WHOLE) is None
