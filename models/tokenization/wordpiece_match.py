"""WordPiece: how a word is cut by taking the longest piece that fits, again and again."""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class MatchStep:
    """One step: from `start` (in characters of the word) the pieces tried, longest first; the last one fits.

    Where none fits, the word is unknown as a whole.
    """

    start: int
    tried: tuple[str, ...]
    fits: bool

    @property
    def piece(self) -> str | None:
        """The piece that fits, as the vocabulary has it, or None."""
        return self.tried[-1] if self.fits and self.tried else None


@dataclass(frozen=True)
class LongestMatch:
    """How a word was cut. is_too_long: whether it is unknown because it has too many characters, untried."""

    word: str
    matches: tuple[MatchStep, ...]
    is_too_long: bool = False

    @property
    def pieces(self) -> tuple[str, ...] | None:
        """The pieces as the vocabulary has them, or None where the word is unknown."""
        found = [match.piece for match in self.matches if match.piece is not None]
        return tuple(found) if len(found) == len(self.matches) and not self.is_too_long else None


def longest_match(
    word: str,
    has: Callable[[str], bool],
    *,
    prefix: str = "##",
    longest_word: int = 100,
    start: int = 0,
    end: int | None = None,
) -> LongestMatch:
    """Cut `word` from the left, each time by the longest piece of the vocabulary (`has`) that fits.

    prefix: what stands before pieces that go on with a word. longest_word: words of more characters are unknown.
    start, end: of the part of the word that is cut; pieces must end there, so that it is cut as in the whole.
    `tokenizers::models::wordpiece`; Song et al. 2021 (arXiv 2012.15524) for the algorithm's name and a faster way.
    """
    if len(word) > longest_word:
        return LongestMatch(word, (), is_too_long=True)
    matches = []
    last = len(word) if end is None else end
    while start < last:
        tried = []
        beyond = last
        for beyond in range(last, start, -1):
            tried.append((prefix if start else "") + word[start:beyond])
            if has(tried[-1]):
                break
        fits = has(tried[-1])
        matches.append(MatchStep(start, tuple(tried), fits))
        if not fits:
            break
        start = beyond
    return LongestMatch(word, tuple(matches))
