"""SentencePiece files: each setting and kind of piece is cut as `sentencepiece` cuts it, or refused by its name."""

import io
from typing import Any

import numpy as np
import pytest
import sentencepiece
from hypothesis import settings
from sentencepiece import sentencepiece_model_pb2

from models.engine import Engine
from models.tokenization import (
    LoadedTokenizer,
    TokenizerFileError,
    keep_own,
    load_tokenizer,
    new_own_name,
    open_tokenizer_file,
)
from models.tokenization.piece_origins import origins

LINES = ["the cat sat on the mat.", "a cat and a dog, hello hello world", "low lower lowest newer newest a b"] * 20
SPACED = ["a  b   c    d", "if x:\n        return      y    z", "a" + " " * 9 + "b"] * 20
# What people write, what looks like a piece that is none of a text, and what normalisers stumble over.
TEXTS = (
    *(
        "a b",
        "a.b",
        ".",
        ".a",
        "a.",
        ". .",
        "..",
        "x.y.z <sep> a<sep>b",
        "<sep>",
        " <sep>",
        "the<sep>.",
        "un <sep> deux",
    ),
    *("a<s>b", "<s>", "</s>a", "<unk>", "a<unk>", "<0x41>", "a<0x41>b", "Ａ＜s＞", "<ctl>"),
    *("", "   ", "  a", "a  ", "a     b", "lowest  newest   mat", " . ", "▁a▁", "\ta\nb\r\nc", "hello\n", "\n\n"),
    *("ﬁne Å é e\u0301 a\u0323\u0302", "ｶﾞ", "a\u3000b", "東京", "🍓 ok", "aaaa aaaaaa aaaaaaaaa"),
    *("a" + " " * length + "b" for length in (5, 9, 10, 11, 20, 40)),
)
ATOMS = (
    "a",
    "b",
    "t",
    "h",
    "e",
    "l",
    "o",
    "w",
    " ",
    "  ",
    ".",
    "<sep>",
    "<s>",
    "<unk>",
    "<0x41>",
    "<",
    "é",
    "\n",
    "lo",
    "京",
)


def trained(lines=LINES, **settings):
    written = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(lines),
        model_writer=written,
        **{"vocab_size": 60, "hard_vocab_limit": False, "num_threads": 1, "minloglevel": 2} | settings,
    )
    return written.getvalue()


def edited(data, change):
    schema: Any = sentencepiece_model_pb2
    proto = schema.ModelProto()
    proto.ParseFromString(data)
    change(proto)
    return proto.SerializeToString()


def opened(data) -> LoadedTokenizer:
    engine, name, found = Engine(), new_own_name(), open_tokenizer_file(data)
    keep_own(engine, name, found.tokenizer_json, "mine", found.format)
    return engine.tokenizer(name)


def some_texts():
    draw = np.random.default_rng(7)
    drawn = range(settings.default.max_examples)
    return [*TEXTS, *("".join(draw.choice(ATOMS, size=draw.integers(2, 15))) for _ in drawn)]


def check_as_sentencepiece(data):
    theirs = sentencepiece.SentencePieceProcessor(model_proto=data)
    loaded = opened(data)
    for text in some_texts():
        found = loaded.tokenize(text, split_special_tokens=True)
        wanted = theirs.encode(text)
        assert list(found.ids) == wanted, text
        if theirs.unk_id() not in wanted:
            assert loaded.decode(found) == theirs.decode(wanted), text


SETTINGS = {
    "as it comes": {},
    "suffix": {"treat_whitespace_as_suffix": True},
    "user-defined": {"user_defined_symbols": [".", "<sep>"]},
    "user-defined, suffix": {"user_defined_symbols": [".", "<sep>"], "treat_whitespace_as_suffix": True},
    "user-defined, spaces kept": {
        "user_defined_symbols": [".", "<sep>"],
        "add_dummy_prefix": False,
        "remove_extra_whitespaces": False,
    },
    "user-defined with a space": {"user_defined_symbols": ["a b"]},
    "user-defined, like a byte": {"user_defined_symbols": ["<0x41>", "é"]},
    "user-defined, with bytes": {"user_defined_symbols": ["é", "."], "byte_fallback": True, "vocab_size": 330},
    "no prefix": {"add_dummy_prefix": False},
    "spaces kept": {"remove_extra_whitespaces": False},
    "bytes": {"byte_fallback": True, "vocab_size": 330},
    "bytes, spaces kept": {"byte_fallback": True, "vocab_size": 330, "remove_extra_whitespaces": False},
    "control": {"control_symbols": ["<ctl>", "<sep>"]},
    "identity": {"normalization_rule_name": "identity"},
    "small letters": {"normalization_rule_name": "nmt_nfkc_cf"},
    "line ends kept": {"normalization_rule_name": "nfkc"},
    "pieces over spaces": {
        "split_by_whitespace": False,
        "remove_extra_whitespaces": False,
        "max_sentencepiece_length": 6,
    },
}


@pytest.mark.quick(4)
@pytest.mark.parametrize("kind", ["unigram", "bpe"])
@pytest.mark.parametrize("name", SETTINGS)
def test_every_setting_cuts_as_sentencepiece_does(name, kind):
    check_as_sentencepiece(trained(model_type=kind, **SETTINGS[name]))


@pytest.mark.parametrize("own", [(), ("  ", "    ", ".")], ids=["pieces", "user-defined"])
def test_runs_of_spaces_longer_than_the_longest_piece_of_them(own):
    settings = {
        "remove_extra_whitespaces": False,
        "allow_whitespace_only_pieces": True,
        "user_defined_symbols": list(own),
    }
    check_as_sentencepiece(trained(LINES + SPACED, model_type="bpe", **settings))
    # Rounding decides between orders of the same pieces there.
    with pytest.raises(TokenizerFileError, match="allow_whitespace_only_pieces"):
        open_tokenizer_file(trained(LINES + SPACED, model_type="unigram", **settings))


@pytest.mark.parametrize("kind", ["unigram", "bpe"])
def test_spaces_that_stay_spaces(kind):
    def unescaped(proto):
        proto.normalizer_spec.escape_whitespaces = False
        for each in proto.pieces:
            if each.type == 1:
                each.piece = each.piece.replace("▁", " ")

    check_as_sentencepiece(edited(trained(model_type=kind), unescaped))


def unused(proto):
    for each in [each for each in proto.pieces if each.type == 1 and len(each.piece) > 1][:9]:
        each.type = 5


def test_unused_pieces_of_a_unigram_never_come():
    check_as_sentencepiece(edited(trained(model_type="unigram"), unused))


def test_a_symbol_of_ones_own_is_taken_whatever_its_score():
    def own(proto):
        for each in [each for each in proto.pieces if each.piece in ("he", "at")]:
            each.type, each.score = 4, -100

    check_as_sentencepiece(edited(trained(model_type="unigram"), own))


def test_many_symbols_of_ones_own():
    check_as_sentencepiece(
        trained(model_type="bpe", vocab_size=1_100, user_defined_symbols=[f"<extra_{n}>" for n in range(1_000)])
    )


def rule(tmp_path):
    (tmp_path / "rules.tsv").write_text("0061\t0062 0063\n", "utf-8")
    return trained(normalization_rule_tsv=str(tmp_path / "rules.tsv"))


REFUSED = {
    "unused pieces": lambda _: edited(trained(model_type="bpe"), unused),
    "precompiled_charsmap": rule,
    "user_defined_symbols": lambda _: trained(model_type="bpe", user_defined_symbols=["ﬁ"]),
    "its user_defined_symbols": lambda _: trained(user_defined_symbols=["▁▁"], remove_extra_whitespaces=False),
    "model_type WORD": lambda _: trained(model_type="word", vocab_size=20),
    "model_type CHAR": lambda _: trained(model_type="char", vocab_size=30),
}


@pytest.mark.quick(3)
@pytest.mark.parametrize("setting", REFUSED)
def test_what_tokenizers_cannot_do_is_refused_by_its_name(setting, tmp_path):
    with pytest.raises(TokenizerFileError) as refusal:
        open_tokenizer_file(REFUSED[setting](tmp_path))
    assert setting in str(refusal.value)
    assert str(refusal.value).count(".") == 1 + str(refusal.value).count("tokenizer.json")


def test_a_run_of_signs_that_rounding_decides_is_said():
    data = trained(["a---b --- ----- c.... d ==== e"] * 50 + LINES, model_type="unigram", vocab_size=80)
    found = open_tokenizer_file(data)
    assert any("another order" in note for note in found.notes)
    theirs, loaded = sentencepiece.SentencePieceProcessor(model_proto=data), opened(data)
    for length in range(1, 30):
        text = "=" * length
        assert sorted(loaded.tokenize(text).ids) == sorted(theirs.encode(text))


def test_a_run_of_signs_of_which_rounding_decides_the_pieces_is_refused():
    """Three of two and two of three are equal but for rounding; nothing but a run of this one sign shows it."""

    def rounded(proto):
        for piece, score in (("--", -5.2), ("---", -7.8), *((chr(0x4E00 + n), -9) for n in range(1_000))):
            proto.pieces.add(piece=piece, score=score, type=1)

    with pytest.raises(TokenizerFileError, match="pieces and their scores"):
        open_tokenizer_file(edited(trained(), rounded))


def test_the_bundled_unigram_takes_special_tokens_for_letters_where_it_is_asked_to():
    loaded = load_tokenizer("unigram")
    for text in ("a<s>b", "＜s＞", "</s>", "<unk> a"):
        pieces = loaded.tokenize(text, split_special_tokens=True).pieces
        assert not any(piece.is_special for piece in pieces), text
        assert len(pieces) > 2
    assert [piece.text for piece in loaded.tokenize("a<s>b", split_special_tokens=True).pieces] == [
        *("␣a", "<", "s", ">", "b"),
    ]
    # By default it is the real one, as with every tokenizer; how its letters came about is told alike.
    assert [piece.id for piece in loaded.tokenize("a<s>b").pieces if piece.is_special] == [1]
    (told,) = origins(loaded, "x<s>b", (0, 5), split_special_tokens=True)
    assert told.lattice is not None
    assert {piece.text for piece in told.lattice.pieces}.isdisjoint({"<s>", ""})
