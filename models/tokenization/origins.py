"""How the pieces of a stretch of text came about: merges, longest match or lattice, from the tokenizer's own data."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from models.errors import HeadlightError
from models.tokenization.lattice import Lattice, lattice
from models.tokenization.loaded import LoadedTokenizer
from models.tokenization.longest_match import LongestMatch, longest_match
from models.tokenization.merges import MergeReplay, replay_merges
from models.tokenization.pieces import Piece
from models.tokenization.pipeline import Word, words_of

# Longer words are replayed only where the stretch is: without a pre-tokenizer a word is a whole text.
_LONGEST_WORD = 64
MOST_WORDS = 8


class NoOriginError(HeadlightError):
    """A stretch or a tokenizer of which there is nothing to tell."""


@dataclass(frozen=True)
class Origin:
    """How one word was cut: exactly one of the three, or none where it is an added token, taken as it stands."""

    word: Word
    merges: MergeReplay | None = None
    match: LongestMatch | None = None
    lattice: Lattice | None = None


def origins(
    loaded: LoadedTokenizer, text: str, stretch: tuple[int, int], *, split_special_tokens: bool = False
) -> tuple[Origin, ...]:
    """How each word in `stretch` (start and end in code points) was cut, at most the first few of them.

    Raises TextError, NoOriginError.
    """
    if loaded.backend_tokenizer is None or loaded.facts is None:
        raise NoOriginError(f"{loaded.card.title} is a baseline: it has learnt nothing, so there is nothing to replay.")
    pieces = loaded.tokenize(text, split_special_tokens=split_special_tokens).pieces
    start, end = stretch
    found = []
    for word in words_of(loaded, text, pieces):
        low, high = word.span
        if (low < end and start < high) or low == high == start:
            found.append(word)
        if low >= end or len(found) == MOST_WORDS:
            break
    if not found:
        raise NoOriginError("This stretch of the text is not among what this tokenizer cuts; choose another piece.")
    made = []
    for word in found:
        inside = _pieces_inside(loaded, word, pieces, stretch)
        if inside is not None:
            shown = "".join(piece.text for piece in inside)
            word = Word(shown, shown, (inside[0].span[0], inside[-1].span[1]))
        made.append(_origin(loaded, word, inside))
    return tuple(made)


def _origin(loaded: LoadedTokenizer, word: Word, inside: Sequence[Piece] | None) -> Origin:
    facts = loaded.facts
    if word.is_added or facts is None:
        return Origin(word)
    if loaded.merges is not None:
        return Origin(word, merges=merges_of_word(loaded, word.text, inside))
    if facts.algorithm == "WordPiece":
        return Origin(word, match=match_of_word(loaded, word.text))
    if facts.algorithm == "Unigram":
        return Origin(word, lattice=lattice_of_word(loaded, word.text))
    raise NoOriginError(f"{loaded.card.title} looks each word up as a whole: there is nothing to replay.")


def _pieces_inside(
    loaded: LoadedTokenizer, word: Word, pieces: Sequence[Piece], stretch: tuple[int, int]
) -> Sequence[Piece] | None:
    """The pieces of a very long word in the stretch, which come about alone as they do in the whole; else None."""
    if (
        len(word.text) <= _LONGEST_WORD
        or word.is_added
        or loaded.facts is None
        or loaded.facts.algorithm == "WordPiece"
    ):
        return None
    inside = [piece for piece in pieces if piece.span[0] < stretch[1] and stretch[0] < piece.span[1]]
    return inside[:_LONGEST_WORD] or None


def merges_of_word(loaded: LoadedTokenizer, word: str, pieces: Sequence[Piece] | None = None) -> MergeReplay:
    """The merges that BPE does in a word, which is written as the vocabulary writes it; in some of its pieces only,
    where they are given.
    """
    backend, table, facts, looks = loaded.backend_tokenizer, loaded.merges, loaded.facts, loaded.looks
    if backend is None or table is None or facts is None or looks is None:
        raise NoOriginError(f"{loaded.card.title} has no merges.")
    if pieces is not None:
        start = [number for piece in pieces for number in _symbols_of_piece(loaded, piece)]
        return replay_merges(table, start)
    replay = replay_merges(table, _symbols(loaded, word))
    whole = backend.token_to_id(word) if facts.takes_whole else None
    # Most pieces that are taken whole come about by their merges as well, which tell more.
    return replay if whole is None or replay.pieces == (whole,) else replace(replay, whole=whole)


def _symbols_of_piece(loaded: LoadedTokenizer, piece: Piece) -> list[int]:
    looks = loaded.looks
    token = "" if looks is None else looks[piece.id].token
    is_byte = loaded.facts is not None and loaded.facts.notation.kind != "bytes" and len(piece.data) == 1 != len(token)
    return [piece.id] if piece.is_unknown or is_byte else _symbols(loaded, token)


def _symbols(loaded: LoadedTokenizer, word: str) -> list[int]:
    """The ids that BPE begins with: of each character, or of its bytes, or what is unknown."""
    backend, facts = loaded.backend_tokenizer, loaded.facts
    if backend is None or facts is None:
        return []
    symbols: list[int] = []
    for place, character in enumerate(word):
        ending = facts.notation.suffix if place == len(word) - 1 else ""
        number = backend.token_to_id(character + ending)
        fallback = [] if number is not None else _bytes_as_ids(loaded, character)
        if number is not None or fallback:
            symbols += fallback if number is None else [number]
        elif facts.unknown is not None and not (facts.joins_unknown and symbols[-1:] == [facts.unknown]):
            symbols.append(facts.unknown)
    return symbols


def _bytes_as_ids(loaded: LoadedTokenizer, character: str) -> list[int]:
    backend, facts = loaded.backend_tokenizer, loaded.facts
    if backend is None or facts is None or not facts.notation.byte_fallback:
        return []
    numbers = [backend.token_to_id(f"<0x{byte:02X}>") for byte in character.encode()]
    return [number for number in numbers if number is not None] if None not in numbers else []


def match_of_word(loaded: LoadedTokenizer, word: str) -> LongestMatch:
    """How WordPiece cuts a word."""
    backend, facts = loaded.backend_tokenizer, loaded.facts
    if backend is None or facts is None:
        raise NoOriginError(f"{loaded.card.title} has no pieces to match.")
    return longest_match(
        word,
        lambda piece: backend.token_to_id(piece) is not None,
        prefix=facts.notation.prefix or "##",
        longest_word=facts.longest_word or 100,
    )


def lattice_of_word(loaded: LoadedTokenizer, word: str, *, count: int = 5) -> Lattice:
    """The ways in which Unigram can cut a word, the likeliest first."""
    return lattice(word, _scores(loaded), count=count)


# A handful of tokenizers at a time; one of 250,000 pieces takes 30 MB here.
@lru_cache(maxsize=4)
def _scores(loaded: LoadedTokenizer) -> dict[str, float]:
    if loaded.backend_tokenizer is None or loaded.facts is None:
        return {}
    return dict(json.loads(loaded.backend_tokenizer.to_str())["model"]["vocab"])
