"""What the pages ask of tokenizers, and the answers: arrays and strings, only the slice that is shown."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Int32, UInt16

from models.engine import Engine
from models.tokenization.comparison import CutText, Disagreements, bytes_before, cut_text, disagreements
from models.tokenization.facts import TokenizerFacts
from models.tokenization.lattice import Lattice
from models.tokenization.loaded import LoadedTokenizer
from models.tokenization.longest_match import LongestMatch
from models.tokenization.origins import origins
from models.tokenization.own import OwnTokenizer
from models.tokenization.pieces import Look, Notation, check_is_text, readable_bytes
from models.tokenization.pipeline import Stages, Word, stages
from models.tokenization.sandboxed import answered

# Characters of a text that are shown at a time; four columns of 1,000 tokens of English fit.
WINDOW = 6_000
_MOST_DISAGREEMENTS = 12
_MOST_LOOKED_THROUGH = 1_000
_DIFFERENCE = 24


@dataclass(frozen=True)
class FactsRequest:
    """What a tokenizer's own file says of it; None for a baseline, which has none."""

    tokenizer: str

    def answer(self, engine: Engine) -> TokenizerFacts | None:
        """Raises what `engine.tokenizer` raises."""
        return engine.tokenizer(self.tokenizer).facts


@dataclass(frozen=True)
class TimedCut:
    """A text as it was cut, how long that took, and where it and what its ids give back part, if they do."""

    cut: CutText
    seconds: float
    difference: "Difference | None"

    @property
    def nbytes(self) -> int:
        """Bytes that it holds."""
        return self.cut.nbytes


@dataclass(frozen=True)
class CutTextRequest:
    """Where all the pieces of a text are."""

    tokenizer: str
    text: str
    split_special_tokens: bool

    def answer(self, engine: Engine) -> TimedCut:
        """Raises TextError."""
        check_is_text(self.text)
        return answered(engine.tokenizer(self.tokenizer), timed_cut, self.text, self.split_special_tokens)


def timed_cut(loaded: LoadedTokenizer, text: str, split_special_tokens: bool) -> TimedCut:
    """A whole text as it is cut, timed. Raises TextError."""
    start = time.perf_counter()
    cut = cut_text(loaded, text, split_special_tokens=split_special_tokens)
    seconds = time.perf_counter() - start
    decoded = _decoded(loaded, cut.ids.tolist(), text)
    return TimedCut(cut, seconds, None if decoded == text else _difference(text, decoded))


@dataclass(frozen=True)
class Difference:
    """Where a text and what its ids give back part for the first time, with what stands before."""

    before: str
    text: str
    decoded: str


@dataclass(frozen=True)
class Counts:
    """What a whole text costs with one tokenizer; special tokens that a template adds are not counted.

    words: what stands between white space. difference: None where the ids give back the text exactly.
    context: the longest text in tokens of a model that reads it, if there is one.
    """

    tokens: int
    unknown: int
    words: int
    characters: int
    bytes: int
    seconds: float
    difference: Difference | None
    context: int | None


@dataclass(frozen=True)
class CountsRequest:
    """Counts over the whole text."""

    tokenizer: str
    text: str
    split_special_tokens: bool

    def answer(self, engine: Engine) -> Counts:
        """Raises TextError."""
        loaded = engine.tokenizer(self.tokenizer)
        timed = engine.run(CutTextRequest(self.tokenizer, self.text, self.split_special_tokens))
        ids = timed.cut.ids
        unknown = None if loaded.facts is None else loaded.facts.unknown
        return Counts(
            tokens=len(ids),
            unknown=0 if unknown is None else int((ids == unknown).sum()),
            words=len(self.text.split()),
            characters=len(self.text),
            bytes=len(self.text.encode()),
            seconds=timed.seconds,
            difference=timed.difference,
            context=loaded.card.context,
        )


def _decoded(loaded: LoadedTokenizer, ids: list[int], text: str) -> str:
    if loaded.backend_tokenizer is None:
        return loaded.decode(loaded.tokenize(text))
    return loaded.decode_ids(ids)


def _difference(text: str, decoded: str) -> Difference:
    pairs = enumerate(zip(text, decoded, strict=False))
    same = next((place for place, (one, other) in pairs if one != other), min(len(text), len(decoded)))
    before = text[max(0, same - _DIFFERENCE // 2) : same]
    return Difference(before, text[same : same + _DIFFERENCE], decoded[same : same + _DIFFERENCE])


@dataclass(frozen=True, eq=False)
class Column:
    """One tokenizer's pieces in a window.

    looks: for each distinct piece its id, what is shown, its bytes, its rank among the merges (-1: none), and whether
        it is special, unknown, or goes on with a word. look: for each piece the place among these.
    starts, ends: in bytes from the window's start.
    """

    ids: tuple[int, ...]
    shown: tuple[str, ...]
    data: tuple[bytes, ...]
    ranks: tuple[int, ...]
    special: tuple[bool, ...]
    unknown: tuple[bool, ...]
    look: UInt16[np.ndarray, " piece"]
    starts: Int32[np.ndarray, " piece"]
    ends: Int32[np.ndarray, " piece"]


@dataclass(frozen=True)
class Stretch:
    """A stretch on which tokenizers disagree: in characters of the whole text, with the number of pieces of each."""

    start: int
    end: int
    text: str
    counts: tuple[int, ...]


@dataclass(frozen=True, eq=False)
class Comparison:
    """A window on a text, in several columns.

    start, end: of the window in characters; text: what stands in it.
    disagreements: starts and ends of the stretches in the window on which the columns disagree, in its bytes.
    largest: of the whole text, those on equal stretches once. count: how many there are in it.
    """

    start: int
    end: int
    text: str
    columns: tuple[Column, ...]
    disagreements: Int32[np.ndarray, "stretch 2"]
    largest: tuple[Stretch, ...]
    count: int


@dataclass(frozen=True)
class ComparisonRequest:
    """A window of at most `WINDOW` characters from `start` on."""

    tokenizers: tuple[str, ...]
    text: str
    split_special_tokens: bool
    start: int

    def answer(self, engine: Engine) -> Comparison:
        """Raises TextError."""
        places = bytes_before(self.text)
        cuts = [engine.run(CutTextRequest(name, self.text, self.split_special_tokens)).cut for name in self.tokenizers]
        found: Disagreements = engine.run(_DisagreementsRequest(self.tokenizers, self.text, self.split_special_tokens))
        whole = self.text.encode()
        start = min(self.start, max(0, len(self.text) - 1))
        end = min(start + WINDOW, len(self.text))
        low, high = int(places[start]), int(places[end])
        inside = (found.starts < high) & (found.ends > low)
        spans = np.stack((found.starts[inside], found.ends[inside]), axis=1)
        return Comparison(
            start=start,
            end=end,
            text=self.text[start:end],
            columns=tuple(
                _column(engine.tokenizer(name), cut, whole, low, high)
                for name, cut in zip(self.tokenizers, cuts, strict=True)
            ),
            disagreements=(np.clip(spans, low, high) - low).astype(np.int32),
            largest=_largest(self.text, places, found),
            count=len(found.starts),
        )


@dataclass(frozen=True)
class _DisagreementsRequest:
    tokenizers: tuple[str, ...]
    text: str
    split_special_tokens: bool

    def answer(self, engine: Engine) -> Disagreements:
        cuts = [engine.run(CutTextRequest(name, self.text, self.split_special_tokens)).cut for name in self.tokenizers]
        return disagreements(cuts, len(self.text.encode()))


def _largest(text: str, places: np.ndarray, found: Disagreements) -> tuple[Stretch, ...]:
    """The largest disagreements; of those on equal stretches of text only the first."""
    distinct: dict[str, Stretch] = {}
    for place in found.largest(_MOST_LOOKED_THROUGH):
        stretch = _stretch(text, places, found, place)
        distinct.setdefault(stretch.text, stretch)
        if len(distinct) == _MOST_DISAGREEMENTS:
            break
    return tuple(distinct.values())


def _stretch(text: str, places: np.ndarray, found: Disagreements, place: int) -> Stretch:
    # A stretch may begin or end inside a character; people see whole ones.
    start = int(np.searchsorted(places, found.starts[place], side="right")) - 1
    end = int(np.searchsorted(places, found.ends[place], side="left"))
    return Stretch(start, end, text[start:end], tuple(found.counts[:, place].tolist()))


def _column(loaded: LoadedTokenizer | OwnTokenizer, cut: CutText, whole: bytes, low: int, high: int) -> Column:
    inside = np.flatnonzero((cut.ends > low) & (cut.starts < high))
    numbers, first, look = np.unique(cut.ids[inside], return_index=True, return_inverse=True)
    if loaded.facts is None:
        stretches = zip(cut.starts[inside][first].tolist(), cut.ends[inside][first].tolist(), strict=True)
        data = [whole[start:end] for start, end in stretches]
        looks = [Look(readable_bytes(each), each, is_special=False, is_unknown=False, token="") for each in data]
        ranks = [-1] * len(looks)
    else:
        known = answered(loaded, looked_up, numbers.tolist())
        looks, ranks = known.looks, known.ranks
    return Column(
        ids=tuple(numbers.tolist()),
        shown=tuple(each.text for each in looks),
        data=tuple(each.data for each in looks),
        ranks=tuple(ranks),
        special=tuple(each.is_special for each in looks),
        unknown=tuple(each.is_unknown for each in looks),
        look=look.astype(np.uint16),
        starts=(cut.starts[inside] - low).astype(np.int32),
        ends=(cut.ends[inside] - low).astype(np.int32),
    )


@dataclass(frozen=True)
class LookedUp:
    """How pieces look, and their ranks among the merges (-1: none)."""

    looks: tuple[Look, ...]
    ranks: tuple[int, ...]


def looked_up(loaded: LoadedTokenizer, ids: Sequence[int]) -> LookedUp:
    """What is known of the pieces with these ids."""
    ranks = [None if loaded.merges is None else loaded.merges.rank_of(number) for number in ids]
    return LookedUp(tuple(map(loaded.look, ids)), tuple(-1 if rank is None else rank for rank in ranks))


@dataclass(frozen=True)
class StagesRequest:
    """Each stage of a text, for one tokenizer."""

    tokenizer: str
    text: str
    split_special_tokens: bool

    def answer(self, engine: Engine) -> Stages:
        """Raises TextError."""
        check_is_text(self.text)
        return answered(engine.tokenizer(self.tokenizer), stages, self.text, self.split_special_tokens)


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


@dataclass(frozen=True)
class OriginsRequest:
    """How the words of a stretch (start and end in characters) were cut by one tokenizer."""

    tokenizer: str
    text: str
    stretch: tuple[int, int]
    split_special_tokens: bool

    def answer(self, engine: Engine) -> tuple[ShownOrigin, ...]:
        """Raises TextError, NoOriginError."""
        check_is_text(self.text)
        loaded = engine.tokenizer(self.tokenizer)
        return answered(loaded, shown_origins, self.text, self.stretch, self.split_special_tokens)


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
