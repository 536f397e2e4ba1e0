"""Every tokenizer of the shelf: the ids of those who published it, and pieces that are true to the byte."""

import json
import threading
import unicodedata
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from transformers.convert_slow_tokenizer import bytes_to_unicode

from models.catalog import TOKENIZERS, UnknownTokenizerError
from models.errors import HeadlightError
from models.loading.packs import PackError
from models.tokenization import load_tokenizer, tokenize
from models.tokenization.boundaries import cut_text
from models.tokenization.loading import prepared_tokenizer
from models.tokenization.piece_counts import is_without_spaces
from models.tokenization.pieces import character_of_byte
from models.tokenization.pipeline_stages import stages
from tests.models.reference_tokenizers import REFERENCES, reference
from tests.models.tokenizer_texts import TEXTS

BROKEN = "\N{REPLACEMENT CHARACTER}"
# What these make of a text can be put together again: nothing is left out and nothing is unknown.
LOSSLESS = ("gpt2", "smollm2", "llama3", "llama4", "qwen", "mistral", "tekken", "deepseek", "bytes", "characters")
LOSSY = ("bert", "unigram", "spelling_to_sound", "words")
# SmolLM2's vocabulary lacks these bytes, and `tokenizers` leaves out what a vocabulary lacks.
NOT_IN_SMOLLM2 = bytes([0x04, 0x06, 0x13, 0x14, 0x16, 0x1D, 0xC0, 0xC1, 0xF1, 0xF2, *range(0xF5, 0x100)])

_loaded = {}


def shelf(name):
    if name not in _loaded:
        _loaded[name] = load_tokenizer(name)
    return _loaded[name]


def test_there_are_enough_texts():
    assert len(set(TEXTS.values())) >= 200
    assert tuple(sorted(TOKENIZERS, key=(LOSSLESS + LOSSY).index)) == LOSSLESS + LOSSY


# In each run every text is cut by a third of the tokenizers, and every tokenizer cuts a third of the texts.
THIRDS = pytest.mark.parametrize("third", [0, *(pytest.param(each, marks=pytest.mark.slow) for each in (1, 2))])


def texts_of(name, third):
    return list(TEXTS.items())[([*TOKENIZERS].index(name) + third) % 3 :: 3]


@pytest.mark.quick(2)
@THIRDS
@pytest.mark.parametrize("name", REFERENCES)
def test_ids_are_those_of_the_reference(name, third):
    theirs = reference(name)
    for what, text in texts_of(name, third):
        for split in (False, True):
            ours = tokenize(shelf(name), text, split_special_tokens=split)
            assert list(ours.ids) == list(theirs(text, not split)), (what, split)
            assert ours.ids == tuple(piece.id for piece in ours.pieces)


@pytest.mark.parametrize("name", [name for name, card in TOKENIZERS.items() if card.pack is not None])
def test_a_card_says_what_the_file_says(name):
    card, facts = TOKENIZERS[name], shelf(name).facts
    assert facts.vocabulary == card.vocabulary
    assert facts.algorithm == card.family
    assert len(dict(facts.special)) == len(facts.special)
    if card.special:
        assert [token for _, token in facts.special] == list(card.special)
        assert facts.special[0][0] + len(card.special) == card.vocabulary


@pytest.mark.parametrize(
    ("name", "before", "after"),
    [
        ("gpt2", [], []),
        ("bert", ["[CLS]"], ["[SEP]"]),
        ("llama3", ["<|begin_of_text|>"], []),
        ("llama4", ["<|begin_of_text|>"], []),
        ("mistral", ["<s>"], []),
        ("tekken", ["<s>"], []),
        ("qwen", [], []),
        ("deepseek", [], []),
        ("spelling_to_sound", [], ["</s>"]),
        ("unigram", [], []),
        ("bytes", [], []),
    ],
)
def test_what_the_template_adds_stands_round_the_text(name, before, after):
    plain = tokenize(shelf(name), "knight").pieces
    whole = tokenize(shelf(name), "knight", add_special_tokens=True).pieces
    assert [piece.text for piece in whole] == [*before, *(piece.text for piece in plain), *after]
    assert [piece.is_special for piece in whole] == [True] * len(before) + [False] * len(plain) + [True] * len(after)


def test_the_strawberries_of_the_first_ten_seconds():
    text = "strawberry and a strawberry, 1234567, สวัสดี 🍓"
    counts = {name: len(tokenize(name, text).ids) for name in ("gpt2", "llama3", "bert")}
    assert counts == {"gpt2": 27, "llama3": 19, "bert": 12}
    assert sum(piece.is_unknown for piece in tokenize("bert", text).pieces) == 2
    assert [piece.text for piece in tokenize("gpt2", text).pieces][:6] == [
        "st",
        "raw",
        "berry",
        "␣and",
        "␣a",
        "␣strawberry",
    ]


def test_gpt2_has_the_fifty_thousand_merges_it_was_published_with():
    merges = shelf("gpt2").merges
    assert len(merges.pairs) == 50_000
    assert sorted(merges.ranks) == list(range(50_000))
    assert merges.rank_of(shelf("gpt2").backend_tokenizer.token_to_id("Ġt")) == 0


def test_the_table_of_bytes_is_that_of_transformers():
    assert dict(enumerate(character_of_byte())) == bytes_to_unicode()


# ----- To the byte

texts = st.one_of(
    st.text(max_size=60),
    st.lists(st.sampled_from(list(TEXTS.values())), min_size=1, max_size=3).map(lambda some: " ".join(some)[:200]),
)


def normalised(name, text):
    """The bytes that the pieces should add up to: those of the text as the tokenizer's own normaliser hands it on."""
    if name in ("bytes", "characters"):
        return text.encode()
    made = stages(shelf(name), text, split_special_tokens=True).normalized
    return (made.replace("▁", " ") if name == "mistral" else made).encode()


@pytest.mark.quick(4)
@pytest.mark.parametrize("name", LOSSLESS)
@given(text=texts)
def test_bytes_add_up_to_the_text(name, text):
    data = b"".join(piece.data for piece in tokenize(shelf(name), text, split_special_tokens=True).pieces)
    expected = normalised(name, text)
    if name == "smollm2":
        expected = expected.translate(None, NOT_IN_SMOLLM2)
    assert data == expected


@pytest.mark.parametrize("name", LOSSY)
@given(text=texts)
def test_what_is_known_adds_up_to_the_text_without_white_space(name, text):
    pieces = tokenize(shelf(name), text, split_special_tokens=True).pieces
    if any(piece.is_unknown for piece in pieces):
        return
    expected = text if name == "words" else stages(shelf(name), text, split_special_tokens=True).normalized
    data = b"".join(piece.data for piece in pieces).decode()
    # In metaspace's notation a typed ▁ is a space as well.
    expected = expected.replace("▁", " ") if name == "unigram" else expected
    assert "".join(data.split()) == "".join(expected.split())


@pytest.mark.quick(5)
@pytest.mark.parametrize("name", TOKENIZERS)
@given(text=texts)
def test_pieces_of_one_character_share_its_stretch_and_show_no_broken_one(name, text):
    pieces = tokenize(shelf(name), text).pieces
    before = (0, 0)
    for piece in pieces:
        start, end = piece.span
        assert 0 <= start <= end <= len(text)
        assert piece.text.isprintable()
        assert piece.text
        assert BROKEN not in piece.text or BROKEN in text
        is_half = not is_whole(piece.data)
        if is_half:
            assert end > start, "half a character belongs to one"
        # SmolLM2 has no piece for some first bytes, which are then left out.
        if is_half and is_continuing(piece.data) and name != "smollm2":
            assert start < before[1], "it shares the character with the piece before"
        before = piece.span


def is_whole(data):
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


def is_continuing(data):
    return data[:1] and 0x80 <= data[0] < 0xC0


@pytest.mark.quick(3)
@pytest.mark.parametrize("name", ["gpt2", "llama3", "llama4", "tekken", "deepseek", "bytes", "characters"])
@given(text=texts)
def test_places_in_bytes_leave_no_gap(name, text):
    cut = cut_text(shelf(name), text, split_special_tokens=True)
    whole = text.encode()
    pieces = tokenize(shelf(name), text, split_special_tokens=True).pieces
    assert [whole[start:end] for start, end in zip(cut.starts, cut.ends, strict=True)] == [p.data for p in pieces]
    assert cut.starts.tolist() == [0, *cut.ends.tolist()][: len(pieces)]
    assert not len(pieces) or cut.ends[-1] == len(whole)


@pytest.mark.quick(5)
@THIRDS
@pytest.mark.parametrize("name", TOKENIZERS)
def test_whole_texts_are_cut_as_pieces_are(name, third):
    for _, text in texts_of(name, third):
        cut, pieces = cut_text(shelf(name), text), tokenize(shelf(name), text).pieces
        assert cut.ids.tolist() == [piece.id for piece in pieces]
        places = np.cumsum([0, *(len(character.encode()) for character in text)])
        for start, end, piece in zip(cut.starts, cut.ends, pieces, strict=True):
            low, high = places[piece.span[0]], places[piece.span[1]]
            assert low <= start <= end <= high, (text, piece)


def test_composed_characters_of_qwen():
    (piece,) = tokenize("qwen", "e\u0301").pieces
    assert piece.data == unicodedata.normalize("NFC", "e\u0301").encode()
    assert piece.span == (0, 2)


def test_an_unknown_piece_has_the_bytes_it_stands_for():
    unknown = [piece for piece in tokenize("bert", "a สวัสดี b").pieces if piece.is_unknown]
    assert [piece.data.decode() for piece in unknown] == ["สวัสดี"]


# ----- What is no text, what is not there


@pytest.mark.parametrize("name", TOKENIZERS)
def test_a_nul_is_cut_and_half_of_a_surrogate_pair_is_not(name):
    if name not in LOSSY:
        assert b"\0" in b"".join(piece.data for piece in tokenize(shelf(name), "a\0b").pieces)
    with pytest.raises(HeadlightError, match=r"^Character 2 of the text is half of a surrogate pair"):
        tokenize(shelf(name), "ab\ud800")


@pytest.mark.parametrize("name", TOKENIZERS)
def test_no_text_has_no_tokens(name):
    assert tokenize(shelf(name), "").ids == ()
    assert cut_text(shelf(name), "").ids.shape == (0,)


def test_a_name_that_is_not_there():
    with pytest.raises(UnknownTokenizerError, match=r"Choose one of: gpt2, "):
        tokenize("gpt5", "text")


def test_a_missing_pack_is_said(tmp_path, monkeypatch):
    monkeypatch.setenv("HEADLIGHT_HOME", str(tmp_path))
    with pytest.raises(PackError, match="make models"):
        load_tokenizer("gpt2")
    assert not any((tmp_path / "tokenizers").glob("gpt2*/*"))


def test_padding_and_truncation_of_the_file_are_off():
    kept = json.loads((prepared_tokenizer(TOKENIZERS["bert"]) / "tokenizer.json").read_text("utf-8"))
    assert kept["padding"] is None
    assert kept["truncation"] is None
    assert len(tokenize("bert", "word " * 1000).ids) == 1000


# ----- Many at once


@pytest.mark.parametrize("count", [8, pytest.param(40, marks=pytest.mark.slow)])
def test_eight_threads_with_different_settings_get_the_serial_results(count):
    names = ("gpt2", "bert", "llama3", "mistral", "spelling_to_sound")
    some = [*list(TEXTS.values())[:count], "a <|endoftext|> b [SEP] c </s> d <s>", "word " * 300]
    asked = [
        (name, text, add, split) for name in names for text in some for add in (False, True) for split in (False, True)
    ]

    def answer(question):
        name, text, add, split = question
        return tokenize(shelf(name), text, add_special_tokens=add, split_special_tokens=split)

    serial = [answer(question) for question in asked]
    order = np.random.default_rng(0).permutation(len(asked)).tolist()
    start = threading.Barrier(8)

    def work(shift):
        start.wait()
        mine = order[shift:] + order[:shift]
        return [(place, answer(asked[place])) for place in mine]

    with ThreadPoolExecutor(8) as pool:
        for found in pool.map(work, range(0, 8 * 37, 37)):
            assert all(serial[place] == made for place, made in found)


@pytest.mark.parametrize(
    ("text", "is_without"),
    [
        ("Good morning", False),
        ("早上好。", True),
        ("สวัสดีตอนเช้า", True),
        ("おはよう", True),
        ("좋은 아침", False),
        ("GPT 早", False),
        ("", False),
    ],
)
def test_words_are_not_counted_where_a_script_has_no_spaces(text, is_without):
    assert is_without_spaces(text) is is_without
