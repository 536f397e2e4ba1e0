"""The Unigram tokenizer: how it is trained, and that the bundled one takes the most probable pieces."""

import itertools
import json
import math
import sys

import pytest
from tokenizers import Tokenizer

from training.unigram import (
    BUNDLED,
    SPECIAL,
    UNKNOWN,
    VOCABULARY_SIZE,
    WORDNET,
    TrainingTextError,
    build_tokenizer,
    main,
    measure,
    read_passages,
    sentences,
    split,
    train,
    vocabulary,
)

TEXT = (
    "the keeper of the lighthouse kept a lamp that lit the sea from dusk to dawn",
    "a lower lamp was slower to light, and the lowest of the lamps was the slowest",
    "whoever looked from the sea at night looked for the light of the house on the rock",
    "keeping watch is tiring; the watchers were tired, and the tireless keeper watched alone",
    "the unlit lamps were lit again, the unkept house was kept again and the sea was the sea",
    "from the rock the keeper could look at the lights of the harbour and of the houses by the sea",
    "a sleepless night, a restless sea: the keeper looked, listened, waited and lit the lamp",
    "at dawn the light of the sun was lighter than the lamplight, and the keeper slept",
)
ODD_TEXTS = (
    "",
    "   ",
    "a\tlamp\n",
    "  the   sea ",
    "ﬁne ﬂoor ½",
    "the\u00a0sea\u200bside",
    "▁lamp",
    "é ŝ",
    "灯台 sea",
    "🙂",
)
WORDNET_LINES = """  1 This software and database is being provided to you, the LICENSEE, by
  2 Princeton University under the following license.
00003553 03 n 02 whole 0 unit 0 001 @ 00002684 n 0000 | an assemblage of parts; "the team is a unit"
00004258 03 n 01 living_thing 0 001 @ 00003553 n 0000 | a living (or once living) entity
"""


@pytest.fixture(scope="module")
def trained():
    return train(TEXT, 75)


@pytest.fixture(scope="module")
def small(trained):
    return build_tokenizer(vocabulary(trained))


@pytest.fixture(scope="module")
def bundled():
    return Tokenizer.from_file(str(BUNDLED))


@pytest.fixture(scope="module")
def bundled_scores():
    pieces = json.loads(BUNDLED.read_text("utf-8"))["model"]["vocab"]
    return {piece: score for piece, score in pieces if piece not in SPECIAL}


def segmentations(word):
    """Every way to cut the word."""
    for cuts in itertools.product((False, True), repeat=len(word) - 1):
        ends = [place for place, is_cut in enumerate(cuts, 1) if is_cut]
        yield [word[start:end] for start, end in itertools.pairwise([0, *ends, len(word)])]


# ----- Training


def test_training_gives_as_many_pieces_as_asked_for_and_every_character(small):
    assert small.get_vocab_size() == 75
    assert [small.id_to_token(number) for number in range(3)] == list(SPECIAL)
    assert set("".join(TEXT).replace(" ", "▁")) <= set(small.get_vocab())
    # A frequent word becomes a piece, though no other word begins with it.
    assert "▁rock" in small.get_vocab()


def test_pieces_add_up_to_the_text(small):
    for line in TEXT:
        encoding = small.encode(line)
        assert "".join(encoding.tokens).replace("▁", " ").strip() == line
        assert small.decode(encoding.ids) == line


def test_training_again_gives_the_same(trained):
    assert vocabulary(train(TEXT, 75)) == vocabulary(trained)


@pytest.mark.parametrize("text", [*TEXT, *ODD_TEXTS])
def test_the_tokenizer_cuts_as_sentencepiece_does(trained, small, text):
    encoding = small.encode(text)
    assert encoding.ids == trained.encode(text)


def test_a_character_outside_the_text_is_unknown(small):
    encoding = small.encode("lamp séa")
    assert encoding.tokens == ["▁lamp", "▁", "s", "é", "a"]
    assert [small.id_to_token(number) for number in encoding.ids][3] == UNKNOWN
    assert encoding.offsets[3] == (6, 7)
    assert measure(small, ["lamp séa", "the lamp"]).unknown == 1


def test_measuring_counts_words_and_tokens(small):
    measured = measure(small, ["the sea", "  the   tireless"])
    tokens = [len(small.encode(word).ids) for word in ("the", "sea", "the", "tireless")]
    assert (measured.words, measured.tokens, measured.whole) == (4, sum(tokens), tokens.count(1))


def test_a_text_too_short_for_so_many_pieces_is_refused():
    with pytest.raises(TrainingTextError, match="cannot make 8,000 pieces"):
        train(TEXT, 8_000)


# ----- The text


def test_wordnet_is_read_without_its_licence_and_its_numbers(tmp_path):
    for name in ("data.adj", "data.adv", "data.noun", "data.verb"):
        (tmp_path / name).write_text(WORDNET_LINES if name == "data.noun" else "", "utf-8")
    assert read_passages(tmp_path) == (
        'an assemblage of parts; "the team is a unit"',
        "a living (or once living) entity",
    )


def test_a_text_file_is_read_line_by_line(tmp_path):
    (tmp_path / "text").write_text("one\n\n  two  \n", "utf-8")
    assert read_passages(tmp_path / "text") == ("one", "two")


def test_a_missing_text_says_what_to_install(tmp_path):
    for place in (tmp_path, tmp_path / "nowhere"):
        with pytest.raises(TrainingTextError, match="apt install wordnet-base"):
            read_passages(place)


@pytest.mark.parametrize(("content", "what"), [(b"\n \n", "empty"), (b"caf\xe9", "UTF-8")])
def test_a_text_that_cannot_be_used_says_why(tmp_path, content, what):
    (tmp_path / "text").write_bytes(content)
    with pytest.raises(TrainingTextError, match=what):
        read_passages(tmp_path / "text")


@pytest.mark.parametrize(
    ("gloss", "parts"),
    [
        ("a separate entity", ["a separate entity"]),
        (
            'a whole; a unit; "how big is it?"; "the team is a unit"',
            ["a whole; a unit", "how big is it?", "the team is a unit"],
        ),
        (
            'full of cares; "all ye that labor"- Matt.11:28; "an anxious night"',
            ['full of cares; "all ye that labor"- Matt.11:28', "an anxious night"],
        ),
        ("English physicist (1879-1955)", ["English physicist"]),
        ("  ", []),
    ],
)
def test_a_gloss_comes_apart_into_its_definition_and_examples(gloss, parts):
    assert list(sentences(gloss)) == parts


def test_two_percent_are_held_out_and_nothing_is_lost():
    passages = [f"number {number}" for number in range(5_000)]
    data = split(passages)
    assert sorted((*data.train, *data.held_out)) == sorted(passages)
    assert len(data.held_out) / len(passages) == pytest.approx(0.02, abs=0.005)
    assert split(reversed(passages)).held_out == data.held_out[::-1]


def test_the_command_writes_one_file(tmp_path, monkeypatch, capsys):
    (tmp_path / "text").write_text("\n".join(TEXT), "utf-8")
    output = tmp_path / "new" / "tokenizer.json"
    arguments = ["unigram", "--text", str(tmp_path / "text"), "--output", str(output), "--size", "65"]
    monkeypatch.setattr(sys, "argv", arguments)
    main()
    assert Tokenizer.from_file(str(output)).get_vocab_size() == 65
    assert list(output.parent.iterdir()) == [output]
    assert "tokenizer.json: 65 pieces" in capsys.readouterr().out


def test_the_command_says_what_is_missing(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["unigram", "--text", str(tmp_path), "--output", str(tmp_path / "x")])
    with pytest.raises(SystemExit):
        main()
    assert "apt install wordnet-base" in capsys.readouterr().err
    assert not (tmp_path / "x").exists()


# ----- The bundled tokenizer


def test_the_bundled_file_is_small_and_neither_cuts_nor_pads(bundled, bundled_scores):
    assert BUNDLED.stat().st_size < 700_000
    assert bundled.truncation is None
    assert bundled.padding is None
    assert bundled.post_processor is None
    assert bundled.get_vocab_size() == VOCABULARY_SIZE
    assert [bundled.id_to_token(number) for number in range(3)] == list(SPECIAL)
    assert len(bundled_scores) == VOCABULARY_SIZE - len(SPECIAL)
    assert all(type(score) is float and -20 < score < 0 for score in bundled_scores.values())
    # They are logarithms of probabilities.
    assert sum(math.exp(score) for score in bundled_scores.values()) == pytest.approx(1, abs=0.05)
    text = "The keeper slept."
    assert bundled.encode(text).ids == bundled.encode(text, add_special_tokens=False).ids


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        ("strawberry", "▁straw berry"),
        ("unbelievable", "▁un bel ie v able"),
        ("tokenization", "▁to ke n ization"),
        ("internationalisation", "▁international is ation"),
        ("The cat sat on the mat.", "▁The ▁cat ▁sat ▁on ▁the ▁mat ."),
        ("from which", "▁from ▁which"),
    ],
)
def test_the_bundled_pieces(bundled, text, pieces):
    assert bundled.encode(text).tokens == pieces.split()
    assert bundled.decode(bundled.encode(text).ids) == text


@pytest.mark.parametrize(
    "word", ["strawberry", "unbelievable", "tokenization", "attention", "transformers", "Headlight", "xyzzy", "3.14159"]
)
def test_the_bundled_pieces_are_the_most_probable_of_all(bundled, bundled_scores, word):
    totals = {
        tuple(cut): math.fsum(bundled_scores[piece] for piece in cut)
        for cut in segmentations("▁" + word)
        if all(piece in bundled_scores for piece in cut)
    }
    assert len(totals) > 1
    assert tuple(bundled.encode(word).tokens) == max(totals, key=totals.__getitem__)


def test_the_bundled_tokenizer_shows_what_it_does_not_know(bundled):
    encoding = bundled.encode("café 🙂")
    unknown = [offsets for number, offsets in zip(encoding.ids, encoding.offsets, strict=True) if number == 0]
    assert unknown == [(3, 4), (5, 6)]


@pytest.mark.slow
@pytest.mark.skipif(not WORDNET.is_dir(), reason="WordNet is not installed (apt install wordnet-base)")
def test_training_gives_the_bundled_tokenizer_again(bundled_scores):
    data = split(read_passages(WORDNET))
    again = dict(vocabulary(train(data.train))[len(SPECIAL) :])
    shared = again.keys() & bundled_scores.keys()
    assert len(shared) > 0.99 * len(bundled_scores)
    assert max(abs(again[piece] - bundled_scores[piece]) for piece in shared) < 0.1
