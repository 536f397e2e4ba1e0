"""Whole vocabularies: what is in them, what is found in them, what no text gives, and what two of them share."""

import re
import time

import numpy as np
import pytest

from models.engine import engine
from models.errors import HeadlightError
from models.sandbox import SandboxError
from models.tokenization import tokenize
from models.tokenization.pattern_search import PatternError
from models.tokenization.unreachable_pieces import ReachabilityRequest, completions
from models.tokenization.unused_pieces import is_named_unused
from models.tokenization.vocabulary import ADDED, PART, UNKNOWN, NoVocabularyError, VocabularyRequest
from models.tokenization.vocabulary_overlap import LENGTHS, OverlapRequest, SharedCountsRequest
from models.tokenization.vocabulary_search import KinshipRequest, SearchError, SearchRequest

SLOW = pytest.mark.slow
FOUR = ("gpt2", *(pytest.param(name, marks=SLOW) for name in ("llama3", "qwen", "mistral")))
KINDS = ["gpt2", "bert", "spelling_to_sound", *(pytest.param(name, marks=SLOW) for name in ("mistral", "unigram"))]


def vocabulary(name):
    return engine.run(VocabularyRequest(name))


@pytest.mark.slow
@pytest.mark.parametrize("name", KINDS)
def test_every_piece_is_there_as_the_page_shows_it(name):
    known, loaded = vocabulary(name), engine.tokenizer(name)
    assert len(known.ids) == loaded.card.vocabulary
    for place in range(0, len(known.ids), 97):
        look = loaded.look(int(known.ids[place]))
        assert known.data[place] == look.data
        # What goes on with a word is told from what begins one in the columns alone.
        assert known.shown(place) == look.text.removeprefix(loaded.facts.notation.prefix)
        assert known.place_of(int(known.ids[place])) == place
    assert known.place_of(10**7) is None


def test_a_baseline_has_no_vocabulary():
    with pytest.raises(NoVocabularyError, match="UTF-8 bytes has no list of pieces"):
        vocabulary("bytes")


@pytest.mark.parametrize("name", FOUR)
def test_what_is_unreachable_is_what_trying_every_piece_gives(name):
    """By hand: each piece's own text, alone, after a line break, and of parts whole characters round them."""
    known, found = vocabulary(name), engine.run(ReachabilityRequest(name))
    library = engine.tokenizer(name).backend_tokenizer
    own = [place for place, kinds in enumerate(known.kinds.tolist()) if not kinds & (ADDED | UNKNOWN)]
    whole = [place for place in own if not known.kinds[place] & PART]
    missed = whole
    # A tokenizer that puts a space before a text gives pieces without one only behind something else.
    for changed in (str, lambda text: f"\n{text}", lambda text: text.removeprefix(" ")):
        reached = set()
        for start in range(0, len(missed), 10_000):
            texts = [changed(known.texts[place]) for place in missed[start : start + 10_000]]
            for encoding in library.encode_batch_fast(texts, add_special_tokens=False):
                reached.update(encoding.ids)
        missed = [place for place in missed if int(known.ids[place]) not in reached]
    assert missed == [place for place in whole if found.is_unreachable[place]]
    for place in (place for place in own if known.kinds[place] & PART):
        if not found.is_unreachable[place]:
            continue
        for text in list(completions(known.data[place]))[::40]:
            assert int(known.ids[place]) not in library.encode(text, add_special_tokens=False).ids


def test_the_bytes_that_utf8_never_has_are_unreachable():
    known, found = vocabulary("gpt2"), engine.run(ReachabilityRequest("gpt2"))
    data = {known.data[place] for place in np.flatnonzero(found.is_unreachable)}
    assert data == {bytes([byte]) for byte in (0xC0, 0xC1, *range(0xF5, 0x100))}


def test_parts_of_characters_stand_in_whole_ones():
    for data in (b"\xf0\x9f", b"\x9f\x8d", b"\x8d\x93", b"\xb8\xaa\xe0\xb8", b" \xe0\xb8"):
        texts = list(completions(data))
        assert texts
        assert all(data in text.encode() for text in texts)
    assert not list(completions(b"\xff"))


def texts_found(request):
    known = vocabulary(request.tokenizer)
    return [known.texts[place] for place in engine.run(request).places]


def test_pieces_are_found_by_text_bytes_script_and_length():
    known = vocabulary("gpt2")
    assert texts_found(SearchRequest("gpt2", "straw")) == [text for text in known.texts if "straw" in text]
    assert texts_found(SearchRequest("gpt2", "␣straw")) == [text for text in known.texts if " straw" in text]
    found = engine.run(SearchRequest("gpt2", "F0 9F", "bytes")).places.tolist()
    assert found == [place for place, data in enumerate(known.data) if b"\xf0\x9f" in data]
    assert set(texts_found(SearchRequest("gpt2", script="Hangul"))) < set(known.texts)
    lengths = {len(text) for text in texts_found(SearchRequest("gpt2", shortest=5, longest=6, script="Latin"))}
    assert lengths == {5, 6}
    assert len(texts_found(SearchRequest("gpt2"))) == 50_257
    assert texts_found(SearchRequest("gpt2", kind="special")) == ["<|endoftext|>"]
    assert len(texts_found(SearchRequest("gpt2", kind="byte"))) == 256
    assert " SolidGoldMagikarp" in texts_found(SearchRequest("gpt2", kind="glitch"))
    assert len(texts_found(SearchRequest("gpt2", kind="glitch"))) >= 80
    assert "[unused5]" in texts_found(SearchRequest("bert", kind="unused"))


@pytest.mark.parametrize(
    ("token", "is_unused"),
    [
        *[(each, True) for each in ("[unused7]", "<|reserved_special_token_3|>", "<extra_id_0>", "madeupword0002")],
        *[(each, True) for each in ("<|placeholder1|>", "<unk_12>", "<PAD3>")],
        *[(each, False) for each in ("", "extra", "<unk>", "[MASK]", "house", "<|im_start|>")],
    ],
)
def test_a_piece_that_stands_in_no_text_is_known_by_its_name(token, is_unused):
    assert is_named_unused(token) is is_unused


def test_pieces_are_found_by_a_regular_expression():
    pattern = r"^ ?[A-Z]{8,}$"
    expected = [text for text in vocabulary("gpt2").texts if re.search(pattern, text)]
    assert expected
    assert texts_found(SearchRequest("gpt2", pattern, "pattern")) == expected
    assert len(texts_found(SearchRequest("gpt2", "", "pattern"))) == 50_257


@SLOW
def test_an_expression_that_never_ends_is_stopped():
    start = time.perf_counter()
    with pytest.raises(SandboxError, match="takes longer than 2 seconds"):
        engine.run(SearchRequest("gpt2", "(.*.*.*.*.*.*)*Q", "pattern"))
    assert time.perf_counter() - start < 30
    assert texts_found(SearchRequest("gpt2", "straw.+y$", "pattern"))


@pytest.mark.parametrize(
    ("sought", "by", "error"),
    [
        ("(", "pattern", PatternError),
        ("a{99999999999}", "pattern", PatternError),
        ("x" * 301, "pattern", PatternError),
        ("(" * 290 + ")" * 10, "pattern", PatternError),
        ("F", "bytes", SearchError),
        ("zz", "bytes", SearchError),
    ],
)
def test_what_cannot_be_sought_is_a_sentence(sought, by, error):
    with pytest.raises(error) as caught:
        engine.run(SearchRequest("gpt2", sought, by))
    assert isinstance(caught.value, HeadlightError)
    assert str(caught.value).endswith(".")


def test_what_a_piece_is_made_of_and_what_is_made_of_it():
    known = vocabulary("gpt2")
    berry, straw = (int(known.ids[known.texts.index(text)]) for text in (" strawberry", " straw"))
    (made_by,) = engine.run(KinshipRequest("gpt2", berry)).made_by
    rank, left, right = made_by
    assert left == straw
    assert known.data[known.place_of(left)] + known.data[known.place_of(right)] == b" strawberry"
    assert known.ranks[known.place_of(berry)] == rank
    found = engine.run(KinshipRequest("gpt2", straw))
    assert (rank, left, right, berry) in found.makes
    assert found.makes_count == len(found.makes)
    assert engine.run(KinshipRequest("bert", 2_000)).makes_count == 0


@pytest.mark.parametrize("other", [pytest.param("mistral", marks=SLOW), "bert"])
def test_two_vocabularies_share_what_stands_for_equal_bytes(other):
    found = engine.run(OverlapRequest("gpt2", other))
    own = [
        {known.data[place] for place in np.flatnonzero(~known.has(ADDED | UNKNOWN))}
        for known in (vocabulary("gpt2"), vocabulary(other))
    ]
    assert found.shared.count == len(own[0] & own[1])
    assert found.only_one.count == len(own[0] - own[1])
    assert found.only_other.count == len(own[1] - own[0])
    for part in (found.shared, found.only_one, found.only_other):
        assert sum(count for _, count in part.scripts) == sum(count for _, count in part.lengths) == part.count
        assert len(part.lengths) == len(LENGTHS) + 1
        assert part.examples
    (pair,) = engine.run(SharedCountsRequest(("gpt2", other)))
    assert (pair.shared, pair.sizes) == (found.shared.count, found.sizes)


@SLOW
def test_a_piece_that_comes_alone_is_its_own_text():
    known, found = vocabulary("bert"), engine.run(ReachabilityRequest("bert"))
    for place in np.flatnonzero(found.is_asked)[::501].tolist():
        alone = [piece.id for piece in tokenize("bert", known.texts[place]).pieces] == [int(known.ids[place])]
        assert alone == found.comes_alone[place]
