"""How words of any length came about, also with the vocabularies that others make."""

import numpy as np
import pytest
from tokenizers import AddedToken, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers

from models.catalog import TokenizerCard
from models.engine import Engine
from models.tokenization import OriginsRequest, keep_own, new_own_name
from models.tokenization.loading import loaded_from_json
from models.tokenization.piece_origins import MOST_WORDS, origins
from models.tokenization.pipeline_stages import stages
from tests.models.test_origins import BPES, random_words, shelf


@pytest.fixture(scope="module")
def engine():
    return Engine()


SPACELESS = ["ing", "tion", "str", "ber", "aw", "ñ", "สวัสดี", "🍓", "日本", "##", "ki", "</w>"]


def in_memory(tokenizer):
    card = TokenizerCard("own:test", "Mine", "", "a test", "BPE", "json", 0)
    return loaded_from_json(card, tokenizer.to_str().encode())


def trained_bpe(**more):
    """Trained without ñ, Thai, Chinese and the fruit, which are unknown to it."""
    tokenizer = Tokenizer(models.BPE(unk_token="<unk>", **more))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    trainer = trainers.BpeTrainer(vocab_size=120, special_tokens=["<unk>"], show_progress=False, **more)
    words = [text for text in random_words(400, 5) if text.isascii()]
    tokenizer.train_from_iterator(words, trainer)
    return tokenizer


def like_clip():
    """Bytes and an end of words; of the bytes only some are pieces."""
    tokenizer = trained_bpe(end_of_word_suffix="</w>")
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    return tokenizer


def unigram(*, byte_fallback, is_metaspace=True):
    pieces = [("<unk>", 0.0), ("▁", -2.0), ("ing", -3.0), ("str", -3.1), ("aw", -3.2), ("ber", -3.3), ("##", -4.0)]
    pieces += [(letter, -5.0 - number / 10) for number, letter in enumerate("abeginorst#w")]
    if byte_fallback:
        pieces += [(f"<0x{byte:02X}>", -20.0) for byte in range(256)]
    tokenizer = Tokenizer(models.Unigram(pieces, 0, byte_fallback))
    if is_metaspace:
        tokenizer.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    return tokenizer


def wordpiece(prefix):
    pieces = ["[UNK]", *"aberstwin#", *(f"{prefix}{part}" for part in ("ing", "aw", "ber", *"aberstwink")), "str"]
    vocabulary = {piece: place for place, piece in enumerate(dict.fromkeys(pieces))}
    model = models.WordPiece(
        vocabulary, unk_token="[UNK]", continuing_subword_prefix=prefix, max_input_chars_per_word=400
    )
    tokenizer = Tokenizer(model)
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    return tokenizer


OWN = {
    "prefix": lambda: trained_bpe(continuing_subword_prefix="##"),
    "suffix": lambda: trained_bpe(end_of_word_suffix="</w>"),
    "both": lambda: trained_bpe(continuing_subword_prefix="##", end_of_word_suffix="</w>", fuse_unk=True),
    "like CLIP": like_clip,
    "Unigram": lambda: unigram(byte_fallback=False),
    "Unigram of bytes": lambda: unigram(byte_fallback=True),
    "WordPiece": lambda: wordpiece("##"),
    "WordPiece without a prefix": lambda: wordpiece(""),
}


def what_comes_out(loaded, origin):
    """The ids at the end of the replay, the longest match or the lattice, unknown ones joined as the tokenizer does."""
    model, unknown = loaded.backend_tokenizer.model, loaded.facts.unknown
    if origin.merges is not None:
        return list(origin.merges.pieces)
    if origin.match is not None:
        return [unknown] if origin.match.pieces is None else [model.token_to_id(each) for each in origin.match.pieces]
    found, ids, waiting = origin.lattice, [], ""
    for piece in [*(found.pieces[place] for place in found.best[0].pieces), None]:
        if piece is not None and piece.is_unknown:
            waiting += piece.text
            continue
        if waiting:
            numbers = [model.token_to_id(f"<0x{byte:02X}>") for byte in waiting.encode()]
            ids += numbers if loaded.facts.notation.byte_fallback else [unknown]
            waiting = ""
        ids += [] if piece is None else [model.token_to_id(piece.text)]
    return ids


def check_origins(loaded, text, stretch):
    """Whatever is replayed ends in the tokenizer's own pieces, and these are the ones in the stretch."""
    made = origins(loaded, text, stretch)
    inside = [
        piece.id for piece in loaded.tokenize(text).pieces if piece.span[0] < stretch[1] and stretch[0] < piece.span[1]
    ]
    for origin in made:
        assert what_comes_out(loaded, origin) == list(origin.ids), (text, origin)
    told = [number for origin in made for number in origin.ids]
    # A short word is told as a whole, a long one where the stretch is.
    assert str(inside)[1:-1] in str(told)[1:-1] or len(told) >= 64 or len(made) == MOST_WORDS, (text, stretch)
    return made


@pytest.mark.quick(6)
@pytest.mark.parametrize("first", [4, *(pytest.param(each, marks=pytest.mark.slow) for each in range(4))])
@pytest.mark.parametrize("name", [*OWN, *BPES, "bert", "unigram"])
def test_words_of_any_length_end_in_the_tokenizers_own_pieces(name, first):
    loaded = in_memory(OWN[name]()) if name in OWN else shelf(name)
    random = np.random.default_rng(first)
    for number in range(first, 40, 5):
        word = "".join(random.choice(SPACELESS, size=1 + 3 * number))
        text = f"str {word} {word[::-1]} ing"
        start = int(random.integers(0, len(text)))
        check_origins(loaded, text, (start, min(len(text), start + int(random.integers(1, 80)))))
        check_origins(loaded, text, (0, len(text)))


def test_each_of_two_long_words_has_its_own_pieces():
    loaded = in_memory(OWN["prefix"]())
    one, two = "string" * 20, "ber" * 40
    made = origins(loaded, f"{one} {two}", (100, 140))
    pieces = loaded.tokenize(f"{one} {two}").pieces
    for origin, (low, high) in zip(made, [(0, 120), (121, 241)], strict=True):
        own = [piece.id for piece in pieces if low < piece.span[1] <= high]
        assert str(list(origin.ids))[1:-1] in str(own)[1:-1]


def test_one_unknown_piece_of_a_whole_chapter_is_told_quickly():
    loaded = in_memory(OWN["Unigram"]())
    (origin,) = origins(loaded, "日本" * 20_000, (5, 9))
    assert list(origin.ids) == what_comes_out(loaded, origin) == [loaded.facts.unknown]


def test_the_bytes_and_the_unknown_of_a_vocabulary_like_clips():
    loaded = in_memory(like_clip())
    pieces = loaded.tokenize("string ñ").pieces
    assert b"".join(piece.data for piece in pieces if not piece.is_unknown) == b"string"
    assert [piece.is_unknown for piece in pieces][-2:] == [True, True]
    assert not any("</w>" in piece.text for piece in pieces)
    assert not loaded.facts.byte_fallback


@pytest.mark.parametrize(
    ("make", "text", "shown"),
    [
        (lambda: wordpiece("##"), "string", ["str", "##ing"]),
        (lambda: unigram(byte_fallback=False), "string aw", ["␣", "str", "ing", "␣", "aw"]),
        (lambda: trained_bpe(continuing_subword_prefix="@@"), "inñ", ["i", "@@n", "<unk>"]),
    ],
)
def test_without_a_decoder_the_model_says_how_pieces_are_written(make, text, shown):
    loaded = in_memory(make())
    assert loaded.backend_tokenizer.decoder is None
    made = [piece.text for piece in loaded.tokenize(text).pieces]
    assert made == shown


def test_an_added_token_is_known_by_being_added():
    tokenizer = Tokenizer(models.WordLevel({"[UNK]": 0, "abc": 1, "hello": 2}, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.Lowercase()
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    tokenizer.add_tokens([AddedToken("HELLO", normalized=True)])
    tokenizer.add_special_tokens(["[UNK]"])
    found = stages(in_memory(tokenizer), "abc HELLO Hello zz [UNK]")
    assert [word.is_added for word in found.words] == [False, True, True, False, True]
    assert [word.span for word in found.words] == [piece.span for piece in found.pieces]


@pytest.mark.parametrize(
    ("text", "before", "after"), [("[CLS] a", 1, 1), ("[CLS]", 1, 1), ("a [SEP]", 1, 1), ("[SEP] [CLS] [CLS]", 1, 1)]
)
def test_what_was_typed_is_told_from_what_the_template_adds(text, before, after):
    found = stages(shelf("bert"), text)
    assert (len(found.added_before), len(found.added_after)) == (before, after)
    assert [piece.text for piece in (*found.added_before, *found.added_after)] == ["[CLS]", "[SEP]"]
    assert {piece.span for piece in (*found.added_before, *found.added_after)} == {(0, 0)}


def test_a_mark_behind_a_special_token_is_not_part_of_it():
    text = "[SEP]\u0301x"
    found = stages(shelf("bert"), text)
    assert [(word.text, word.span) for word in found.words] == [("[SEP]", (0, 5)), ("x", (6, 7))]
    assert [piece.span for piece in found.pieces] == [(0, 5), (6, 7)]
    (origin,) = origins(shelf("bert"), text, (0, 5))
    assert origin.word.is_added


def test_what_comes_out_is_shown_as_in_the_columns(engine):
    name = new_own_name()
    tokenizer = unigram(byte_fallback=True)
    keep_own(engine, name, tokenizer.to_str().encode(), "Mine", "json")
    for whose, text in ((name, "str ñสวัสดี ing"), ("unigram", "straw ñสวัสดี berry"), ("bert", "हिन्दीकि कुछ")):
        pieces = [piece.text for piece in engine.tokenizer(whose).tokenize(text).pieces]
        made = engine.run(OriginsRequest(whose, text, (0, len(text)), False))
        assert [piece for origin in made for piece in origin.pieces] == pieces
        for origin in made:
            if origin.lattice is not None:
                assert "▁" not in "".join(piece.text for piece in origin.lattice.pieces)
            if origin.match is not None:
                assert origin.match.pieces in (origin.pieces, None)


def test_a_special_token_that_is_an_ordinary_piece_as_well():
    loaded = shelf("unigram")
    found = stages(loaded, "<s>x", split_special_tokens=True)
    assert not any(word.is_added for word in found.words)
    made = origins(loaded, "<s>x", (0, 4), split_special_tokens=True)
    assert [number for origin in made for number in origin.ids] == [piece.id for piece in found.pieces]
