"""Which of WordNet's examples are taken, and how a parsed sentence is written down."""

from types import SimpleNamespace

import pytest

from models.heads import treebank
from training.grammar_bank import as_conllu, examples
from training.unigram import TrainingTextError

GLOSSES = (
    'a lamp; "the keeper of the lighthouse lit the lamp"; "it was lit"',
    'a word; "the keeper of the lighthouse lit the lamp"',
    'odd; "they called it `a lamp\' and nothing more"; "he went...and came back home that night"',
)


def test_examples_are_plain_long_enough_and_each_there_once():
    assert examples(GLOSSES) == ["the keeper of the lighthouse lit the lamp"]


def test_which_ones_come_first_does_not_depend_on_their_order():
    glosses = [f'"the keeper number {place} lit the lamp again"' for place in range(9)]
    assert examples(glosses) == examples(reversed(glosses)) != [each.strip('"') for each in glosses]


def test_a_parsed_sentence_is_written_as_a_treebank():
    words = [
        SimpleNamespace(text=each, whitespace_=" ", i=place) for place, each in enumerate(("Cats", "do", "n't", "bark"))
    ]
    words[1].whitespace_ = words[3].whitespace_ = ""
    for word, head, relation in zip(words, (3, 3, 3, 3), ("nsubj", "aux", "neg", "ROOT"), strict=True):
        word.head, word.dep_ = words[head], relation

    class Parsed(list):
        text = "Cats don't bark"

    read = treebank(as_conllu(Parsed(words)).encode()).sentences[0]
    assert (read.text, read.heads) == ("Cats don't bark", (3, 3, 3, -1))
    assert read.relations == ("nsubj", "aux", "neg", "root")


def test_without_its_parser_it_says_how_to_get_it():
    from training.grammar_bank import parsed

    with pytest.raises(TrainingTextError, match="is not installed here"):
        next(parsed(["a text"]))
