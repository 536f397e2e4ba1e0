"""How far what a model says is from what the dictionary allows."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from training.pronunciations import Sounds, Spelling


@dataclass(frozen=True)
class Errors:
    """Shares from 0 to 1 (a phoneme error rate may exceed 1).

    word: spellings said in none of the listed ways. phoneme: substitutions, insertions and deletions to the nearest
    listed pronunciation, over its length (Yolchuyeva et al. 2019, section 4). Both ignore stress marks, as the
    published figures do; `word_with_stress` does not.
    """

    count: int
    word: float
    phoneme: float
    word_with_stress: float


def score(pairs: Iterable[tuple[Spelling, Sounds]]) -> Errors:
    """The errors of what was said for each example. Raises ValueError without any."""
    count = wrong = wrong_with_stress = edits = length = 0
    for example, said in pairs:
        count += 1
        plain = without_stress(said)
        distance, of_length = min(
            (edit_distance(plain, without_stress(right)), len(right)) for right in example.pronunciations
        )
        wrong += distance > 0
        wrong_with_stress += said not in example.pronunciations
        edits += distance
        length += of_length
    if not count:
        raise ValueError("There is nothing to score.")
    return Errors(count, wrong / count, edits / length, wrong_with_stress / count)


def without_stress(sounds: Sounds) -> Sounds:
    """AY1 becomes AY."""
    return tuple(sound.rstrip("012") for sound in sounds)


def edit_distance(one: Sequence[str], other: Sequence[str]) -> int:
    """The fewest substitutions, insertions and deletions that turn one into the other (Levenshtein)."""
    row = list(range(len(other) + 1))
    for place, mine in enumerate(one, 1):
        previous, row[0] = row[0], place
        for column, theirs in enumerate(other, 1):
            previous, row[column] = row[column], min(row[column] + 1, row[column - 1] + 1, previous + (mine != theirs))
    return row[-1]
