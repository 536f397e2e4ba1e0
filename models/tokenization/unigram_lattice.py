"""Unigram: all the ways in which a word can be cut, and the likeliest of them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

# `tokenizers::models::unigram::K_UNK_PENALTY`: how much less likely than the least likely piece an unknown one is.
_UNKNOWN_PENALTY = 10.0
# So many of the likeliest cuts of a word are found.
LIKELIEST = 5


class LatticePiece(NamedTuple):
    """One piece that fits somewhere: word[start:end], with its natural log-probability; unknown where no piece fits."""

    start: int
    end: int
    text: str
    score: float
    is_unknown: bool


class Segmentation(NamedTuple):
    """One way to cut the word: places in `Lattice.pieces`, from left to right, and the sum of their scores."""

    pieces: tuple[int, ...]
    score: float


@dataclass(frozen=True)
class Lattice:
    """Every piece that fits, and the best segmentations, the likeliest first."""

    word: str
    pieces: tuple[LatticePiece, ...]
    best: tuple[Segmentation, ...]


def lattice(word: str, scores: Mapping[str, float], *, count: int = LIKELIEST) -> Lattice:
    """The lattice of `word` under a Unigram vocabulary (piece to natural log-probability), and its `count` best paths.

    A character that is no piece by itself stands there as unknown, as in `tokenizers::models::unigram`.
    Kudo 2018 (arXiv 1804.10959), sections 3.2 and 3.3.
    """
    longest = max(map(len, scores), default=1)
    unknown_score = min(scores.values(), default=0.0) - _UNKNOWN_PENALTY
    pieces = []
    for start in range(len(word)):
        for end in range(start + 1, min(start + longest, len(word)) + 1):
            text = word[start:end]
            if text in scores:
                pieces.append(LatticePiece(start, end, text, scores[text], is_unknown=False))
        if word[start] not in scores:
            pieces.append(LatticePiece(start, start + 1, word[start], unknown_score, is_unknown=True))
    best: list[list[Segmentation]] = [[Segmentation((), 0.0)]] + [[] for _ in word]
    for place, piece in sorted(enumerate(pieces), key=lambda each: (each[1].start, each[1].end)):
        best[piece.end] += [
            Segmentation((*before.pieces, place), before.score + piece.score) for before in best[piece.start]
        ]
        best[piece.end].sort(key=lambda each: -each.score)
        del best[piece.end][count:]
    return Lattice(word, tuple(pieces), tuple(best[len(word)]) if word else ())
