"""Where tokenizers end their pieces, where they disagree, and what a text costs."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.engine import Engine
from models.tokenization import (
    WINDOW,
    ComparisonRequest,
    CountsRequest,
    FactsRequest,
    OriginsRequest,
    StagesRequest,
    tokenize,
)
from models.tokenization.boundaries import CutText, bytes_before, disagreements

STRAWBERRY = "strawberry and a strawberry, 1234567, สวัสดี 🍓"


@pytest.fixture(scope="module")
def engine():
    return Engine()


def cut_at(ends):
    starts = [0, *ends][:-1]
    return CutText(np.arange(len(ends)), np.array(starts, dtype=np.int64), np.array(ends, dtype=np.int64))


def test_bytes_before_each_character():
    text = "aé€🍓b"
    assert bytes_before(text).tolist() == [0, 1, 3, 6, 10, 11]
    assert bytes_before("").tolist() == [0]


def test_disagreements_step_by_step():
    found = disagreements([cut_at([2, 4, 7, 9]), cut_at([4, 5, 7, 9]), cut_at([4, 9])], 9)
    assert list(zip(found.starts.tolist(), found.ends.tolist(), strict=True)) == [(0, 4), (4, 9)]
    assert found.counts.tolist() == [[2, 2], [1, 3], [1, 1]]
    assert found.largest(5) == (1, 0)
    assert disagreements([cut_at([2, 4])], 4).starts.tolist() == []
    assert disagreements([cut_at([]), cut_at([])], 0).starts.tolist() == []


@given(
    length=st.integers(1, 30),
    data=st.data(),
)
def test_disagreements_are_what_a_slow_look_finds(length, data):
    ends = [
        [*sorted(data.draw(st.sets(st.integers(1, length - 1))) if length > 1 else set()), length] for _ in range(3)
    ]
    found = disagreements([cut_at(each) for each in ends], length)
    common = [0, *sorted(set.intersection(*map(set, ends)))]
    expected = [
        (low, high, [sum(low < end <= high for end in each) for each in ends])
        for low, high in itertools.pairwise(common)
        if any(low < end < high for each in ends for end in each)
    ]
    assert [
        (start, end, counts)
        for start, end, counts in zip(found.starts.tolist(), found.ends.tolist(), found.counts.T.tolist(), strict=True)
    ] == expected


def test_the_columns_of_a_window_are_the_pieces(engine):
    names = ("gpt2", "llama3", "bert", "characters", "words")
    found = engine.run(ComparisonRequest(names, STRAWBERRY, False, 0))
    assert (found.start, found.end, found.text) == (0, len(STRAWBERRY), STRAWBERRY)
    whole = STRAWBERRY.encode()
    for name, column in zip(names, found.columns, strict=True):
        pieces = tokenize(name, STRAWBERRY).pieces
        assert [column.ids[look] for look in column.look] == [piece.id for piece in pieces]
        assert [column.looks[look].text for look in column.look] == [piece.text for piece in pieces]
        for look, start, end, piece in zip(column.look, column.starts, column.ends, pieces, strict=True):
            assert piece.is_unknown == column.looks[look].is_unknown
            if not piece.is_unknown:
                assert column.looks[look].data == piece.data
            if name != "bert":
                assert whole[start:end] == piece.data
    assert found.count == len(found.disagreements)
    sizes = [max(each.counts) - min(each.counts) for each in found.largest]
    assert sizes == sorted(sizes, reverse=True)
    beside = engine.run(ComparisonRequest(("gpt2", "llama3", "bert"), STRAWBERRY, False, 0)).largest
    assert (beside[0].text, beside[0].counts) == (" สวัสดี", (13, 4, 1))
    assert "strawberry" in [each.text for each in beside]


def test_the_same_stretch_is_among_the_largest_disagreements_once(engine):
    found = engine.run(ComparisonRequest(("gpt2", "llama3", "bert"), f"{STRAWBERRY}\n" * 200, False, 0))
    texts = [each.text for each in found.largest]
    assert len(texts) == len(set(texts)) > 3
    assert (found.largest[0].text, found.largest[0].counts) == (" สวัสดี", (13, 4, 1))
    assert found.count > 600


def test_ranks_are_the_places_of_merges(engine):
    column = engine.run(ComparisonRequest(("gpt2",), "the th", False, 0)).columns[0]
    ranks = dict(zip((each.text for each in column.looks), column.ranks, strict=True))
    loaded = engine.tokenizer("gpt2")
    # The first merges of GPT-2: "Ġ t", "Ġ a", "h e", ...
    assert ranks["the"] == loaded.merges.rank_of(loaded.backend_tokenizer.token_to_id("the"))
    assert 0 < ranks["the"] < 2_000
    assert engine.run(ComparisonRequest(("bytes",), "a", False, 0)).columns[0].ranks == (-1,)


@pytest.mark.parametrize("start", [0, 1, WINDOW - 1, WINDOW, 3 * WINDOW - 7, 10**8])
def test_a_window_holds_what_overlaps_it(engine, start):
    text = "Größe 🍓 and straw, berry. " * 900
    found = engine.run(ComparisonRequest(("gpt2", "mistral"), text, False, start))
    assert 0 < len(found.text) <= WINDOW
    assert found.text == text[found.start : found.end]
    places = bytes_before(text)
    low, high = places[found.start], places[found.end]
    for name, column in zip(("gpt2", "mistral"), found.columns, strict=True):
        spans = [piece.span for piece in tokenize(name, text).pieces]
        inside = sum(places[end] > low and places[begin] < high for begin, end in spans)
        assert abs(len(column.look) - inside) <= 3
        assert column.starts.min() <= 0 < column.ends.max()
        assert column.ends.max() >= high - low


def test_counts_are_over_the_whole_text(engine):
    text = "strawberry  สวัสดี 🍓\n" * 700
    counts = engine.run(CountsRequest("bert", text, False))
    assert counts.tokens == len(tokenize("bert", text).ids)
    assert counts.unknown == 1_400
    assert (counts.words, counts.characters, counts.bytes) == (2_100, len(text), len(text.encode()))
    assert counts.context == 512
    assert counts.difference is not None
    assert counts.difference.before == "strawberry "
    exact = engine.run(CountsRequest("gpt2", text, False))
    assert exact.difference is None
    assert exact.unknown == 0
    assert exact.seconds > 0


@pytest.mark.parametrize(
    ("name", "text", "is_exact"),
    [
        ("gpt2", "a <|endoftext|> b", True),
        ("qwen", "cafe\u0301", False),
        ("mistral", "  two  spaces ", True),
        ("mistral", "a▁b", False),
        ("bytes", "é🍓", True),
        ("words", "a  b", False),
        ("words", "a b", True),
        ("smollm2", "a\x04b", False),
        ("unigram", "a b", True),
        ("unigram", "a  b", False),
    ],
)
def test_the_round_trip(engine, name, text, is_exact):
    assert (engine.run(CountsRequest(name, text, False)).difference is None) == is_exact


def test_special_tokens_in_the_text_are_one_or_many(engine):
    text = "a <|endoftext|> b"
    real, plain = (engine.run(CountsRequest("gpt2", text, split)).tokens for split in (False, True))
    assert real < plain
    # The third piece: a, space, the special one.
    column = engine.run(ComparisonRequest(("gpt2",), text, False, 0)).columns[0]
    assert [column.looks[look].is_special for look in column.look] == [False, False, True, False]


def test_answers_hold_strings_and_numbers_only(engine):
    facts = engine.run(FactsRequest("bert"))
    assert facts is not None
    assert facts.adds == "[CLS] text [SEP]"
    assert "small letters" in facts.normalizer
    assert engine.run(FactsRequest("bytes")) is None
    (origin,) = engine.run(OriginsRequest("gpt2", STRAWBERRY, (0, 10), False))
    assert origin.pieces == ("st", "raw", "berry")
    assert origin.merges[-1].parts == origin.pieces
    assert all(merge.parts[merge.place] for merge in origin.merges)
    assert engine.run(StagesRequest("bert", "Ünï", False)).normalized == "uni"


def test_a_text_is_cut_once_for_all_who_ask(engine):
    text = "A text that nobody else asks for. " * 10
    engine.run(ComparisonRequest(("gpt2", "bert"), text, False, 0))
    kept = len(engine.answers)
    engine.run(CountsRequest("gpt2", text, False))
    assert len(engine.answers) == kept + 1
