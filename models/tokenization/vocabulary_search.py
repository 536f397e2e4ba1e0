"""Pieces of a vocabulary by what they are and what is in them, and what a merge has to do with one."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Bool, Int32

from models.engine import Engine
from models.errors import HeadlightError
from models.tokenization.glitch_pieces import GLITCH_PIECES
from models.tokenization.loaded_tokenizer import LoadedTokenizer
from models.tokenization.pattern_search import found_by_pattern
from models.tokenization.sandboxed import answered
from models.tokenization.unreachable_pieces import Reachability, ReachabilityRequest
from models.tokenization.vocabulary import BYTE, PART, SPECIAL, UNUSED, Vocabulary, VocabularyRequest

SearchBy = Literal["text", "pattern", "bytes"]
KINDS = ("all", "special", "byte", "part", "unused", "unreachable", "otherwise", "glitch")
_BITS = {"special": SPECIAL, "byte": BYTE, "part": PART, "unused": UNUSED}
# What stands for what has no shape, in the list: it can be typed as it is seen there.
_AS_SEEN = str.maketrans({"␣": " ", "⏎": "\n", "⇥": "\t"})
_MOST_RELATED = 60


class SearchError(HeadlightError):
    """What cannot be searched for."""


@dataclass(frozen=True, eq=False)
class FoundPieces:
    """The places, in the vocabulary, of the pieces that were found, in the order of their ids."""

    places: Int32[np.ndarray, " found"]


@dataclass(frozen=True)
class SearchRequest:
    """The pieces of a tokenizer of this kind (one of KINDS), with this in them.

    sought: a part of the piece's text, a regular expression that is found in it, or a part of its bytes in hexadecimal;
        "" is in every piece. script: one of the vocabulary's, or "" for all. shortest, longest: in characters.
    """

    tokenizer: str
    sought: str = ""
    by: SearchBy = "text"
    kind: str = "all"
    script: str = ""
    shortest: int = 0
    longest: int | None = None

    def answer(self, engine: Engine) -> FoundPieces:
        """Raises NoVocabularyError, SearchError, PatternError, SandboxError."""
        known = engine.run(VocabularyRequest(self.tokenizer))
        found = self._of_kind(engine, known) & (known.lengths >= self.shortest)
        if self.longest is not None:
            found &= known.lengths <= self.longest
        if self.script:
            found &= known.script == (known.scripts.index(self.script) if self.script in known.scripts else -1)
        if self.sought:
            found &= self._with_it(known)
        return FoundPieces(np.flatnonzero(found).astype(np.int32))

    def _of_kind(self, engine: Engine, known: Vocabulary) -> Bool[np.ndarray, " piece"]:
        if self.kind in _BITS:
            return known.has(_BITS[self.kind])
        if self.kind == "glitch":
            return np.array([text in GLITCH_PIECES for text in known.texts], dtype=np.bool_)
        if self.kind in ("unreachable", "otherwise"):
            reachability: Reachability = engine.run(ReachabilityRequest(self.tokenizer))
            if self.kind == "unreachable":
                return reachability.is_unreachable.copy()
            return reachability.is_asked & ~reachability.comes_alone & ~known.has(PART)
        return np.ones(len(known.ids), dtype=np.bool_)

    def _with_it(self, known: Vocabulary) -> Bool[np.ndarray, " piece"]:
        found = np.zeros(len(known.ids), dtype=np.bool_)
        if self.by == "pattern":
            found[found_by_pattern(known.packed_texts, self.sought)] = True
        elif self.by == "bytes":
            sought = bytes_of_hexadecimal(self.sought).decode("latin-1")
            found[:] = [sought in data for data in known.data_as_letters]
        else:
            sought = self.sought.translate(_AS_SEEN)
            found[:] = [sought in text for text in known.texts]
        return found


def bytes_of_hexadecimal(text: str) -> bytes:
    """The bytes that a person wrote as F0 9F, f09f or ⟨F0 9F⟩. Raises SearchError."""
    try:
        return bytes.fromhex(text.strip("⟨⟩ ").removeprefix("0x"))
    except ValueError as error:
        raise SearchError("Bytes are written in hexadecimal, two signs each, as in F0 9F.") from error


@dataclass(frozen=True)
class Kinship:
    """What merges a piece comes from and goes into, as ids.

    made_by: of each merge that makes it its rank, left and right, the first one first. makes: of merges that it is a
        part of rank, left, right and result, the first sixty. makes_count: how many there are.
    """

    made_by: tuple[tuple[int, int, int], ...]
    makes: tuple[tuple[int, int, int, int], ...]
    makes_count: int


def kinship(loaded: LoadedTokenizer, piece: int) -> Kinship:
    """The merges round a piece; none for an algorithm that has no merges."""
    table = loaded.merges
    if table is None:
        return Kinship((), (), 0)
    left, right = table.pairs >> 32, table.pairs & 0xFFFFFFFF
    order = np.argsort(table.ranks[makers := np.flatnonzero(table.results == piece)])
    made_by = tuple((int(table.ranks[at]), int(left[at]), int(right[at])) for at in makers[order])
    users = np.flatnonzero((left == piece) | (right == piece))
    first = users[np.argsort(table.ranks[users])][:_MOST_RELATED]
    makes = tuple((int(table.ranks[at]), int(left[at]), int(right[at]), int(table.results[at])) for at in first)
    return Kinship(made_by, makes, len(users))


@dataclass(frozen=True)
class KinshipRequest:
    """The merges round the piece with this id."""

    tokenizer: str
    piece: int

    def answer(self, engine: Engine) -> Kinship:
        """Raises what `engine.tokenizer` raises."""
        return answered(engine.tokenizer(self.tokenizer), kinship, self.piece)
