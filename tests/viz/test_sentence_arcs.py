"""What the picture of a sentence with arcs is sent."""

import numpy as np
import pytest

from tests.viz.wire import unpack
from viz.components.sentence_arcs import SentenceArcs, packed

WORDS = ("The", "committee", "that", "the", "minister", "appointed", "rejected", "every", "proposal")
HEADS = (1, 6, 5, 4, 5, 1, -1, 8, 6)
RELATIONS = ("det", "nsubj", "dobj", "det", "nsubj", "relcl", "ROOT", "det", "dobj")


def sentence(count=9, *, has_grammar=True):
    """The first words of a sentence, again and again, and a head that looks at what each word depends on."""
    words = tuple(WORDS[place % 9] for place in range(count))
    heads = tuple(HEADS[place % 9] if HEADS[place % 9] < count else -1 for place in range(count))
    weights = np.zeros((count, count), dtype=np.float32)
    for place, head in enumerate(heads):
        weights[place, max(head, 0)] = 0.2 + 0.08 * (place % 9)
    grammar = (heads, tuple(RELATIONS[place % 9] for place in range(count))) if has_grammar else ((), ())
    meant = ((8, 6),) if has_grammar and count > 8 else ()
    return SentenceArcs(words, *grammar, meant, weights, "SmolLM2, L10 H1.")


def test_it_is_sent_with_its_grammar():
    shown = sentence()
    header, (weights,) = unpack(packed(shown), ("<f4", (9, 9)))
    assert header["heads"] == list(HEADS)
    assert header["meant"] == [[8, 6]]
    np.testing.assert_array_equal(weights, shown.weights, "they are read as numbers")


def across(rows=3, columns=5):
    """A head that looks from one text at another."""
    weights = np.random.default_rng(0).dirichlet(np.ones(max(columns, 1)), rows).astype(np.float32)
    others = tuple(f"o{each}" for each in range(columns))
    return SentenceArcs(WORDS[:rows], (), (), (), weights, "Cross-attention.", others)


def test_another_text_is_sent_with_what_is_looked_at():
    shown = across()
    header, (weights,) = unpack(packed(shown), ("<f4", (3, 5)))
    assert header["others"] == list(shown.others)
    np.testing.assert_array_equal(weights, shown.weights)


def test_what_does_not_fit_together_is_refused():
    with pytest.raises(ValueError, match="weights between 2 words"):
        SentenceArcs(("a", "b"), (), (), (), np.zeros((1, 1), np.float32), "")
    with pytest.raises(ValueError, match="weights between 2 words"):
        SentenceArcs(("a", "b"), (), (), (), np.zeros((2, 2), np.float32), "", ("c",))
    with pytest.raises(ValueError, match="grammar of 2 words"):
        SentenceArcs(("a", "b"), (1,), ("det",), (), np.zeros((2, 2), np.float32), "")
