"""Which pieces of a vocabulary no text gives, found by cutting texts made of the pieces themselves."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
from jaxtyping import Bool

from models.engine import Engine
from models.tokenization.loaded_tokenizer import LoadedTokenizer
from models.tokenization.sandboxed import answered
from models.tokenization.vocabulary import ADDED, PART, UNKNOWN, Vocabulary, VocabularyRequest, vocabulary_of

# What is put before or behind a piece that does not come out alone: letters, a digit, signs and white space, also of
# other scripts, so that what goes on with a word, or ends one, has a word.
_AROUND = ("\n", " ", "a", "1", ".", "'", "z", "Q", "é", "中", "я", "ا", "अ", "ก", "가", "の")
_ON_BOTH_SIDES = ("\n", " ", "a", ".")
# Before what goes on with a word: a letter with which it does not make another piece.
_LETTERS = "bcdefghijklmnopqrstuvwxy"
_AT_ONCE = 20_000
# The bytes that may begin a character in UTF-8, by how many it has.
_LEADS = {2: range(0xC2, 0xE0), 3: range(0xE0, 0xF0), 4: range(0xF0, 0xF5)}
_MOST_COMPLETIONS = 4_000


@dataclass(frozen=True, eq=False)
class Reachability:
    """Of each piece of a vocabulary, in its order.

    is_asked: whether it is one of the algorithm's own; the others are found in a text before anything is cut.
    comes_alone: whether its own text, cut by itself, is this one piece; False for parts of a character, which are no
        text.
    is_unreachable: whether it came out of none of the texts that were cut: its own, that between others, and, of a part
        of a character, characters that it is a part of.
    texts: how many were cut.
    """

    is_asked: Bool[np.ndarray, " piece"]
    comes_alone: Bool[np.ndarray, " piece"]
    is_unreachable: Bool[np.ndarray, " piece"]
    texts: int


def reachability_of(loaded: LoadedTokenizer) -> Reachability:
    """Which pieces no text gives. Raises NoVocabularyError for a baseline."""
    return reached(loaded, vocabulary_of(loaded))


def reached(loaded: LoadedTokenizer, vocabulary: Vocabulary) -> Reachability:
    """The same, of pieces that are known."""
    count = len(vocabulary.ids)
    is_asked = ~(vocabulary.has(ADDED) | vocabulary.has(UNKNOWN))
    comes_alone = np.zeros(count, dtype=np.bool_)
    is_reached = np.zeros(int(vocabulary.ids[-1]) + 1 if count else 0, dtype=np.bool_)
    texts = 0

    def cut(some: Sequence[str]) -> list[list[int]]:
        nonlocal texts
        texts += len(some)
        found = loaded.ids_of(some)
        is_reached[np.fromiter((each for ids in found for each in ids), np.int64)] = True
        return found

    def left() -> list[int]:
        return np.flatnonzero(is_asked & ~is_reached[vocabulary.ids]).tolist()

    whole = np.flatnonzero(is_asked & ~vocabulary.has(PART)).tolist()
    for start in range(0, count, _AT_ONCE):
        some = [place for place in whole if start <= place < start + _AT_ONCE]
        for place, ids in zip(some, cut([vocabulary.texts[place] for place in some]), strict=True):
            comes_alone[place] = ids == [vocabulary.ids[place]]
    # Where a text gets a space in front, a piece that begins with one comes of what stands behind it.
    cut([vocabulary.texts[place][1:] for place in left() if vocabulary.texts[place][:1] == " "])
    for before, after in _contexts(loaded):
        some = [place for place in left() if vocabulary.texts[place]]
        cut([before + vocabulary.texts[place] + after for place in some])
    for place in left():
        for some in _batches(completions(vocabulary.data[place])) if not vocabulary.texts[place] else ():
            cut(some)
            if is_reached[vocabulary.ids[place]]:
                break
    is_unreachable = is_asked & ~is_reached[vocabulary.ids]
    return Reachability(is_asked, comes_alone, is_unreachable, texts)


def _contexts(loaded: LoadedTokenizer) -> Iterator[tuple[str, str]]:
    yield from ((each, "") for each in _AROUND)
    yield from (("", each) for each in _AROUND)
    yield from product(_ON_BOTH_SIDES, _ON_BOTH_SIDES)
    if loaded.facts is not None and loaded.facts.notation.prefix:
        yield from ((letter, "") for letter in _LETTERS)


def completions(data: bytes) -> Iterator[str]:
    """Texts of whole characters that these bytes are a part of: every way to begin the first one with every way to end
    the last one, or 4,000 of these pairs, in which all beginnings and all ends come up.
    """
    missing = 0
    while missing < min(3, len(data)) and data[missing] & 0xC0 == 0x80:
        missing += 1
    heads = [bytes(head) for head in _heads(missing)] if missing else [b""]
    tails = _tails(data)
    pairs: Iterable[tuple[bytes, bytes]] = product(heads, tails)
    if len(heads) * len(tails) > _MOST_COMPLETIONS:
        numbers = range(_MOST_COMPLETIONS)
        pairs = ((heads[each % len(heads)], tails[(7 * each + each // len(heads)) % len(tails)]) for each in numbers)
    for head, tail in pairs:
        try:
            yield (head + data + tail).decode()
        except UnicodeDecodeError:
            continue


def _heads(missing: int) -> Iterator[tuple[int, ...]]:
    """What may stand before so many bytes that go on with a character."""
    for size, leads in _LEADS.items():
        inner = size - 1 - missing
        if inner >= 0:
            yield from product(leads, *[range(0x80, 0xC0, 8 if inner > 1 else 1)] * inner)


def _tails(data: bytes) -> list[bytes]:
    """What may stand behind bytes whose last character is not whole."""
    place = max((at for at, byte in enumerate(data) if byte & 0xC0 != 0x80), default=0)
    size = next((size for size, leads in _LEADS.items() if data[place] in leads), 1)
    missing = size - (len(data) - place)
    if missing <= 0:
        return [b""]
    return [bytes(tail) for tail in product(*[range(0x80, 0xC0, 1 if missing == 1 else 4)] * missing)]


def _batches(texts: Iterable[str]) -> Iterator[list[str]]:
    some: list[str] = []
    for text in texts:
        some.append(text)
        if len(some) == 200:
            yield some
            some = []
    if some:
        yield some


@dataclass(frozen=True)
class ReachabilityRequest:
    """Which pieces of a tokenizer no text gives."""

    tokenizer: str

    def answer(self, engine: Engine) -> Reachability:
        """Raises NoVocabularyError, and what `engine.tokenizer` raises."""
        loaded = engine.tokenizer(self.tokenizer)
        if isinstance(loaded, LoadedTokenizer):
            return reached(loaded, engine.run(VocabularyRequest(self.tokenizer)))
        return answered(loaded, reachability_of)
