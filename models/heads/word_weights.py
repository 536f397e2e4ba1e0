"""From the weights between tokens to those between words."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Bool, Float

from models.heads.sentence_bank import Sentence
from models.tokenization import Piece

Span = tuple[int, int]


def pieces_in_words(spans: Sequence[Span], pieces: Sequence[Piece]) -> Float[np.ndarray, "word token"] | None:
    """1 where a token is a piece of a word: of the one that it shares most characters with ("cannot" may be one token
    of two words, of which the other has none). None where most words have no piece, as where a tokenizer does not tell
    where its pieces stand. spans: of the words, in code points.
    """
    starts, ends = (np.array(each)[:, None] for each in zip(*spans, strict=True))
    of_pieces = [(0, 0) if each.is_special else each.span for each in pieces]
    begin, end = (np.array(each)[None] for each in zip(*of_pieces, strict=True))
    shared = np.minimum(ends, end) - np.maximum(starts, begin)
    inside = np.zeros(shared.shape, dtype=np.float32)
    found = shared.max(axis=0) > 0
    inside[shared.argmax(axis=0)[found], np.flatnonzero(found)] = 1
    return inside if 2 * inside.any(axis=1).sum() > len(inside) else None


def word_weights(
    weights: Float[np.ndarray, "head token token"], inside: Float[np.ndarray, "word token"]
) -> Float[np.ndarray, "head word word"]:
    """How much each head looks from word to word: sums over the pieces of the word that is looked at, means over those
    of the word that looks (Clark et al. 2019, section 4.1). Special tokens are left out, so that rows add up to less
    than 1. A word without a piece of its own looks nowhere and is not looked at.
    """
    means = inside / np.maximum(inside.sum(axis=1, keepdims=True), 1)
    return np.matmul(means, np.matmul(weights, inside.T))


def most_looked_at(words: Float[np.ndarray, "head word word"]) -> np.ndarray:
    """Of each head and word, the index of the word that it looks at most, itself left out: int [head, word]."""
    others = words.copy()
    places = np.arange(words.shape[-1])
    others[:, places, places] = -1
    return others.argmax(axis=-1)


def visible_words(
    visible: Bool[np.ndarray, "token token"], inside: Float[np.ndarray, "word token"]
) -> Bool[np.ndarray, "word word"]:
    """Whether any piece of the one word may look at any of the other."""
    return np.matmul(inside, np.matmul(visible, inside.T)) > 0


def grammar_pairs(sentence: Sentence) -> list[tuple[int, int, str]]:
    """Each pair of words that hang together: from, to, and the key of the role that looks that way ("dobj>head" from
    the dependent to its head, "head>dobj" back). The root hangs on nothing.
    """
    pairs = []
    for word, (head, relation) in enumerate(zip(sentence.heads, sentence.relations, strict=True)):
        if head >= 0:
            pairs += [(word, head, f"{relation}>head"), (head, word, f"head>{relation}")]
    return pairs
