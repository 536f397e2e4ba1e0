"""How words were cut, with pieces written as people read them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from models.tokenization.lattice import Lattice
from models.tokenization.loaded import LoadedTokenizer
from models.tokenization.longest_match import LongestMatch
from models.tokenization.origins import origins
from models.tokenization.pieces import Notation
from models.tokenization.pipeline import Word


@dataclass(frozen=True)
class ShownMerge:
    """One merge as people read it: all parts after it, the place of the new one among them, its rank."""

    parts: tuple[str, ...]
    place: int
    rank: int


@dataclass(frozen=True)
class ShownOrigin:
    """How one word was cut, as people read it; see `models.tokenization.origins.Origin`.

    start: what the merges begin with. whole: whether the word was taken whole although its merges lead elsewhere, or
        because it is an added token.
    pieces: what comes out, as in the columns. The pieces of `match` and `lattice` are written so as well.
    """

    word: Word
    pieces: tuple[str, ...]
    start: tuple[str, ...] = ()
    merges: tuple[ShownMerge, ...] = ()
    whole: bool = False
    match: LongestMatch | None = None
    lattice: Lattice | None = None


def shown_origins(
    loaded: LoadedTokenizer, text: str, stretch: Sequence[int], split_special_tokens: bool
) -> tuple[ShownOrigin, ...]:
    """How the words of a stretch were cut, as people read it. Raises TextError, NoOriginError."""
    start, end = stretch
    made = []
    for each in origins(loaded, text, (start, end), split_special_tokens=split_special_tokens):
        pieces = _shown(loaded, each.ids)
        if each.merges is not None:
            merges = tuple(
                ShownMerge(_shown(loaded, merge.parts), merge.place, merge.rank) for merge in each.merges.merges
            )
            whole = each.merges.whole is not None
            made.append(ShownOrigin(each.word, pieces, _shown(loaded, each.merges.start), merges, whole))
        else:
            made.append(
                ShownOrigin(
                    each.word,
                    pieces,
                    whole=each.word.is_added,
                    match=None if each.match is None else _shown_match(loaded, each.match),
                    lattice=None if each.lattice is None else _shown_lattice(loaded, each.lattice),
                )
            )
    return tuple(made)


def _shown(loaded: LoadedTokenizer, ids: Sequence[int]) -> tuple[str, ...]:
    return tuple(loaded.look(number).text for number in ids)


def _shown_match(loaded: LoadedTokenizer, match: LongestMatch) -> LongestMatch:
    """The same with each piece as the columns show it, and no longer as the vocabulary has it."""
    show = _notation(loaded).shown
    return replace(match, matches=tuple(replace(each, tried=tuple(map(show, each.tried))) for each in match.matches))


def _shown_lattice(loaded: LoadedTokenizer, found: Lattice) -> Lattice:
    show = _notation(loaded).shown
    return replace(found, pieces=tuple(replace(each, text=show(each.text)) for each in found.pieces))


def _notation(loaded: LoadedTokenizer) -> Notation:
    return Notation("plain") if loaded.facts is None else loaded.facts.notation
