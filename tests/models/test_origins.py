"""How pieces came about: the replays end in the tokenizer's own pieces."""

import itertools
import math

import numpy as np
import pytest

from models.tokenization import NoOriginError, load_tokenizer
from models.tokenization.bpe_merges import merge_table, replay_merges
from models.tokenization.piece_origins import lattice_of_word, match_of_word, merges_of_word, origins
from models.tokenization.pipeline_stages import stages
from models.tokenization.unigram_lattice import lattice
from models.tokenization.wordpiece_match import longest_match

LETTERS = list("etaoinshrdlucmfwypvbgkjqxzETAOINSD0123456789_-.,é ü ñ с л о в ส ั ด ี 日 本 🍓".replace(" ", ""))
SYLLABLES = [
    "ing",
    "er",
    "tion",
    "the",
    "an",
    "str",
    "ber",
    "aw",
    "un",
    "re",
    "con",
    "ly",
    "ness",
    "ed",
    "s",
    "o",
    "ki",
]
BPES = ("gpt2", "smollm2", "llama3", "llama4", "qwen", "mistral", "tekken", "deepseek")

_loaded = {}


def shelf(name):
    if name not in _loaded:
        _loaded[name] = load_tokenizer(name)
    return _loaded[name]


def merges_of(origin):
    assert origin.merges is not None
    return origin.merges


def random_words(count, seed):
    """Half of letters of any kind, half of syllables, which merge further."""
    random = np.random.default_rng(seed)
    for number in range(count):
        parts = LETTERS if number % 2 else SYLLABLES
        yield "".join(random.choice(parts, size=random.integers(1, 12)))


def own_ids(loaded, word):
    return [token.id for token in loaded.backend_tokenizer.model.tokenize(word)]


@pytest.mark.quick(1)
@pytest.mark.parametrize("third", [0, *(pytest.param(each, marks=pytest.mark.slow) for each in (1, 2))])
@pytest.mark.parametrize("name", BPES)
def test_merges_end_in_the_pieces_of_a_thousand_words(name, third):
    loaded = shelf(name)
    words = 0
    for text in itertools.islice(random_words(1_000, 1), third, None, 3):
        for word in stages(loaded, f"a {text}").words:
            replay = merges_of_word(loaded, word.text)
            assert list(replay.pieces) == own_ids(loaded, word.text), word
            words += 1
            if replay.whole is None:
                parts = replay.start
                for merge in replay.merges:
                    pair = parts[merge.place : merge.place + 2]
                    assert loaded.merges.find(*pair) == (merge.rank, merge.parts[merge.place])
                    parts = merge.parts
    assert words >= 333


def test_a_piece_that_merges_do_not_reach_is_taken_whole():
    """588 pieces of Llama 3 are such."""
    replay = merges_of_word(shelf("llama3"), "Ġviá»ĩc")
    assert replay.whole is not None
    assert replay.pieces == (replay.whole,)
    assert len(replay.merges[-1].parts) > 1


def test_gpt2_puts_strawberry_together():
    loaded = shelf("gpt2")
    (origin,) = origins(loaded, "a strawberry", (1, 12))
    shown = [[loaded.look(part).text for part in merge.parts] for merge in merges_of(origin).merges]
    assert shown[-1] == ["␣strawberry"]
    assert len(shown) == len("strawberry")
    assert origin.word.shown == "␣strawberry"
    (origin,) = origins(loaded, "strawberry", (0, 10))
    assert [loaded.look(part).text for part in merges_of(origin).pieces] == ["st", "raw", "berry"]


def test_of_equal_merges_the_leftmost_is_first():
    table = merge_table({"model": {"type": "BPE", "vocab": {"a": 0, "aa": 1}, "merges": ["a a"]}})
    replay = replay_merges(table, [0, 0, 0])
    assert [(merge.place, merge.parts) for merge in replay.merges] == [(0, (1, 0))]


def test_a_stretch_of_a_long_text_is_replayed_alone():
    """Without a pre-tokenizer the word is the whole text."""
    loaded = shelf("mistral")
    text = "The quick brown fox jumps over the lazy dog. 🍓 " * 40
    start = text.index("🍓", 600)
    (origin,) = origins(loaded, text, (start - 6, start + 1))
    pieces = [
        piece for piece in loaded.tokenize(text).pieces if piece.span[0] < start + 1 and piece.span[1] > start - 6
    ]
    assert list(merges_of(origin).pieces) == [piece.id for piece in pieces]
    assert len(merges_of(origin).start) < 40


def test_longest_match_ends_in_the_pieces_of_a_thousand_words():
    loaded = shelf("bert")
    unknown = loaded.facts.unknown
    count = 0
    for text in (*random_words(1_000, 2), "x" * 101, "unbelievable", "1234567"):
        for word in stages(loaded, text).words:
            match = match_of_word(loaded, word.text)
            ids = [unknown] if match.pieces is None else [loaded.backend_tokenizer.token_to_id(p) for p in match.pieces]
            assert ids == own_ids(loaded, word.text), word
            count += 1
    assert count >= 1_000


def test_longest_match_step_by_step():
    match = longest_match("abcd", {"ab", "##c", "##d"}.__contains__)
    assert [step.tried for step in match.matches] == [("abcd", "abc", "ab"), ("##cd", "##c"), ("##d",)]
    assert match.pieces == ("ab", "##c", "##d")
    assert longest_match("abx", {"ab"}.__contains__).pieces is None
    assert longest_match("abx", {"ab"}.__contains__, longest_word=2).is_too_long


@pytest.mark.slow
def test_the_best_way_through_the_lattice_is_the_tokenizers_for_a_thousand_words():
    loaded = shelf("unigram")
    unknown, count = loaded.facts.unknown, 0
    for text in random_words(1_000, 3):
        for word in stages(loaded, text).words:
            found = lattice_of_word(loaded, word.text, count=2)
            ids = []
            for place in found.best[0].pieces:
                piece = found.pieces[place]
                number = unknown if piece.is_unknown else loaded.backend_tokenizer.token_to_id(piece.text)
                if not (number == unknown and ids[-1:] == [unknown]):
                    ids.append(number)
            assert ids == own_ids(loaded, word.text), word
            count += 1
    assert count >= 1_000


def test_the_best_ways_are_the_best_of_all_ways():
    scores = {"a": -1.0, "b": -1.5, "ab": -2.2, "ba": -2.9, "aba": -4.0, "c": -0.5}
    word = "ababac"
    found = lattice(word, scores, count=6)
    every = []
    for cuts in itertools.product((False, True), repeat=len(word) - 1):
        ends = [place + 1 for place, cut in enumerate(cuts) if cut] + [len(word)]
        pieces = [word[start:end] for start, end in zip([0, *ends], ends, strict=False)]
        if all(piece in scores for piece in pieces):
            every.append(sum(scores[piece] for piece in pieces))
    assert len(every) > 6
    assert [way.score for way in found.best] == pytest.approx(sorted(every, reverse=True)[:6])
    for way in found.best:
        assert "".join(found.pieces[place].text for place in way.pieces) == word


def test_an_unknown_character_is_ten_worse_than_the_worst_piece():
    found = lattice("aé", {"a": -1.0, "b": -7.0})
    assert [found.pieces[place].is_unknown for place in found.best[0].pieces] == [False, True]
    assert math.isclose(found.best[0].score, -1.0 - 17.0)


def test_where_there_is_nothing_to_tell():
    with pytest.raises(NoOriginError, match="baseline"):
        origins(shelf("bytes"), "text", (0, 4))
    with pytest.raises(NoOriginError, match="choose another piece"):
        origins(shelf("bert"), "a b", (1, 2))
    with pytest.raises(NoOriginError, match="looks each word up"):
        origins(shelf("spelling_to_sound"), "knight", (0, 6))


def test_a_special_token_is_taken_as_it_stands():
    (origin,) = origins(shelf("gpt2"), "a<|endoftext|>b", (3, 5))
    assert origin.word.is_added
    assert origin.merges is None
    made = origins(shelf("gpt2"), "a<|endoftext|>b", (3, 5), split_special_tokens=True)
    assert not any(each.word.is_added for each in made)


@pytest.mark.parametrize("name", ["gpt2", "mistral", "bert", "qwen", "unigram", "deepseek"])
def test_each_stage_is_what_the_tokenizer_does(name):
    loaded = shelf(name)
    text = "Ünïcode <s> e\u0301 ﬁne [SEP] 12345 สวัสดี  🍓"
    found = stages(loaded, text)
    backend = loaded.backend_tokenizer
    assert found.ids == tuple(backend.encode(text).ids)
    assert tuple(piece.id for piece in found.pieces) == tuple(backend.encode(text, add_special_tokens=False).ids)
    assert found.decoded == backend.decode([piece.id for piece in found.pieces], skip_special_tokens=False)
    assert len(found.added_before) + len(found.pieces) + len(found.added_after) == len(found.ids)
    for word in found.words:
        whose = {"<s>": ("mistral", "unigram"), "[SEP]": ("bert",)}.get(text[slice(*word.span)], ())
        assert word.is_added == (name in whose)
    # No piece reaches beyond a word.
    borders = {word.span for word in found.words}
    for piece in found.pieces:
        assert any(low <= piece.span[0] and piece.span[1] <= high for low, high in borders), piece
