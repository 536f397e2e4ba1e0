"""Sentences and treebanks that people bring: read as they are meant, or refused in a sentence."""

import pytest

from models.heads import BankError, Sentence, bundled_bank, plain_bank, treebank
from models.heads.sentence_bank import MOST_SENTENCES
from models.heads.treebank import MOST_BYTES


def lines(*rows):
    """CoNLL-U of (id, form, head, relation), or with what stands in the last column."""
    return "\n".join("\t".join([each[0], each[1], *"____", each[2], each[3], "_", (*each, "_")[4]]) for each in rows)


CATS = lines(("1", "Cats", "2", "nsubj"), ("2", "chase", "0", "root"), ("3", "mice", "2", "obj", "SpaceAfter=No"))
CATS += "\n" + lines(("4", ".", "2", "punct"))


def test_a_sentence_is_read():
    bank = treebank(f"# sent_id = 1\n# text = Cats chase mice.\n{CATS}\n\n".encode())
    assert bank.sentences == (
        Sentence(
            text="Cats chase mice.",
            words=("Cats", "chase", "mice", "."),
            spans=((0, 4), (5, 10), (11, 15), (15, 16)),
            heads=(1, -1, 1, 1),
            relations=("nsubj", "root", "obj", "punct"),
        ),
    )
    assert bank.has_grammar
    assert bank.note == ""


@pytest.mark.parametrize("text", [f"\ufeff{CATS}", CATS.replace("\n", "\r\n"), f"\n\n\n{CATS}\n\n\n\n# the end\n"])
def test_marks_of_windows_and_empty_lines_make_no_difference(text):
    assert treebank(text.encode()).digest == treebank(CATS.encode()).digest


def test_relations_lose_what_stands_behind_the_colon():
    assert treebank(CATS.replace("obj", "obj:tom").encode()).sentences[0].relations[2] == "obj"


def test_a_multiword_token_is_one_word_with_the_head_of_its_outermost_part():
    # "du" is "de le": "le" hangs on "chat", "de" on "parle", which stands outside.
    text = lines(
        ("1", "Il", "2", "nsubj"),
        ("2", "parle", "0", "root"),
        ("3-4", "du", "_", "_"),
        ("3", "de", "5", "case"),
        ("4", "le", "3", "det"),
        ("5", "chat", "2", "obl"),
        ("5.1", "gris", "_", "_"),
    )
    bank = treebank(text.encode())
    sentence = bank.sentences[0]
    assert sentence.words == ("Il", "parle", "du", "chat")
    assert sentence.heads == (1, -1, 3, 1)
    assert sentence.relations == ("nsubj", "root", "case", "obl")
    assert bank.note == "1 multiword tokens are one word each. 1 empty nodes are left out."


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "no sentence of 3 to 60 words"),
        ("\n\n\n", "no sentence of 3 to 60 words"),
        ("Just some text.", "Line 1 of this treebank has 1 columns"),
        (CATS.replace("\t_\t_\t_\t_", "\t_", 1), "Line 1 of this treebank has 7 columns"),
        (CATS.replace("chase\t_\t_\t_\t_\t0", "chase\t_\t_\t_\t_\t3"), r"in a circle \(2 → 3 → 2\)"),
        (CATS.replace("\t0\t", "\t2\t"), r"in a circle \(2 → 2\)"),
        (CATS.replace("\t0\t", "\t9\t"), "word 2 hangs on word 9, which is not there"),
        (CATS.replace("\t0\t", "\t_\t"), "word 2 hangs on word None"),
        (CATS.replace("\t0\t", "\tx\t"), "Sentence 1 of this treebank cannot be read"),
        (CATS.replace("\t0\t", f"\t{'9' * 5_000}\t"), "Sentence 1 of this treebank cannot be read"),
        (CATS.replace("2\tchase", "7\tchase"), "does not count its words 1, 2, 3"),
        (CATS.replace("2\tchase", "y\tchase"), "Sentence 1 of this treebank cannot be read"),
        (CATS.replace("4\t.", "4-9\tx\t_\t_\t_\t_\t_\t_\t_\t_\n4\t."), "beyond its last word"),
        (CATS.replace("nsubj", "n" * 41), "names a relation"),
        (CATS.replace("Cats", "C" * 201), "a word of 201 characters"),
        (CATS.replace("Cats", "C" * 20_001), "Line 1 of this treebank has 20,"),
        (CATS.replace("Cats", "C\0s"), "a NUL"),
    ],
)
def test_what_is_wrong_with_a_treebank_is_said(text, said):
    with pytest.raises(BankError, match=said):
        treebank(text.encode())


def test_a_treebank_of_another_code_or_of_50_megabytes_is_refused_at_once():
    with pytest.raises(BankError, match="not UTF-8"):
        treebank("é".encode("latin-1"))
    with pytest.raises(BankError, match="has 50 MB, and at most 8"):
        treebank(b"x" * 50_000_000)
    assert MOST_BYTES == 8_000_000


def test_of_a_large_treebank_so_many_sentences_are_read_and_long_ones_left_out():
    long = lines(*((str(n), "w", str(n - 1), "dep" if n > 1 else "root") for n in range(1, 62)))
    bank = treebank("\n\n".join([long, *[CATS] * (MOST_SENTENCES + 5)]).encode())
    assert len(bank.sentences) == MOST_SENTENCES
    assert bank.note == (
        f"1 shorter or longer sentences are left out. Of this treebank the first {MOST_SENTENCES} sentences are read."
    )


def test_plain_sentences_are_cut_into_words():
    bank = plain_bank("The dog's bone, isn't  it?\nToo short\n\n  Où est le chat ?  ")
    assert [each.words for each in bank.sentences] == [
        ("The", "dog's", "bone", ",", "isn't", "it", "?"),
        ("Où", "est", "le", "chat", "?"),
    ]
    assert [each.text for each in bank.sentences] == ["The dog's bone, isn't it?", "Où est le chat ?"]
    assert not bank.has_grammar
    assert bank.note == "Lines left out, as no sentence of 3 to 60 words: 1."
    for sentence in bank.sentences:
        assert tuple(sentence.text[start:end] for start, end in sentence.spans) == sentence.words


@pytest.mark.parametrize(
    ("text", "said"), [("", "no sentence yet"), ("one\ntwo", "None of these"), ("a " * 300_000, "at most")]
)
def test_no_sentences_are_refused(text, said):
    with pytest.raises(BankError, match=said):
        plain_bank(text)


def test_the_bundled_bank_is_whole():
    bank = bundled_bank()
    assert len(bank.sentences) == 400
    assert bank.note == ""
    for sentence in bank.sentences:
        assert tuple(sentence.text[start:end] for start, end in sentence.spans) == sentence.words
        assert sentence.heads.count(-1) == 1
        assert len(sentence.words) == len(sentence.heads) == len(sentence.relations)
