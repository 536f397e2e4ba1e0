"""Where the cost of a file sits: by kind of piece, by piece and by word."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from jaxtyping import Int64

from models.engine import Engine
from models.tokenization.file_tally import CountFileRequest, TokenizerTally
from models.tokenization.loaded_tokenizer import LoadedTokenizer
from models.tokenization.pieces import Look
from models.tokenization.sandboxed import answered
from models.tokenization.scripts import SIGNS, SPACE, script_of
from models.tokenization.text_file import FileKind
from models.tokenization.text_window import looked_up

BREAKS, INDENTS, QUOTES, PARTS, SPECIAL, UNKNOWN = (
    *("line breaks", "indentation and spaces alone", "quotes and brackets"),
    *("parts of characters", "special tokens", "unknown"),
)
_QUOTES = frozenset("\"'`{}[]()<>“”‘’«»")
# What makes each kind of file dear.
DEAR: Mapping[FileKind, tuple[str, ...]] = {
    "code": (INDENTS, BREAKS, QUOTES, SIGNS),
    "JSON": (QUOTES, SIGNS, "digits", INDENTS, BREAKS),
    "JSON lines": (QUOTES, SIGNS, "digits"),
    "CSV": ("digits", SIGNS, QUOTES),
    "text": (),
}
_MOST_PIECES = 20
_MOST_WORDS = 2_000
_SHOWN_WORDS = 15


class KindCost(NamedTuple):
    """Pieces of one kind: how many there are, and of how many characters (0 for parts of characters)."""

    kind: str
    tokens: int
    characters: int


class PieceCost(NamedTuple):
    """One piece of the vocabulary, as it is shown, and how often it came."""

    id: int
    text: str
    times: int


class WordCost(NamedTuple):
    """One word of the sampled blocks: how often it came, and its tokens with a space before it."""

    word: str
    times: int
    tokens: int

    @property
    def cost(self) -> int:
        """Tokens of all of them."""
        return self.times * self.tokens


@dataclass(frozen=True)
class FileFigures:
    """kinds: dearest first. pieces: most frequent first. words: those that cost most. used: pieces of the vocabulary
    that came, of so many. longest_cut: the longest word that is more than one piece, None where none is.
    """

    kinds: tuple[KindCost, ...]
    pieces: tuple[PieceCost, ...]
    words: tuple[WordCost, ...]
    used: int
    vocabulary: int
    unknown: int
    longest_cut: WordCost | None


@dataclass(frozen=True)
class FileFiguresRequest:
    """Of one tokenizer, of so many bytes of a file that is known by its digest.

    counts: of each id, words: of the sampled blocks; both follow from the rest.
    """

    digest: str
    tokenizer: str
    done: int
    split_special_tokens: bool
    counts: Int64[np.ndarray, " id"] = field(compare=False, repr=False)
    words: tuple[tuple[str, int], ...] = field(compare=False, repr=False)

    def answer(self, engine: Engine) -> FileFigures:
        """Raises what the sandbox raises of somebody's own tokenizer."""
        loaded = engine.tokenizer(self.tokenizer)
        ids = np.flatnonzero(self.counts)
        times = self.counts[ids]
        looks = answered(loaded, looked_up, ids.tolist()).looks
        order = np.argsort(-times, kind="stable")[:_MOST_PIECES].tolist()
        words = self._words(loaded)
        cut = [each for each in words if each.tokens > 1]
        return FileFigures(
            kinds=kinds_of(looks, times),
            pieces=tuple(PieceCost(int(ids[at]), looks[at].text, int(times[at])) for at in order),
            words=tuple(sorted(words, key=lambda each: (-each.cost, each.word))[:_SHOWN_WORDS]),
            used=len(ids),
            vocabulary=loaded.facts.vocabulary,
            unknown=int(sum(count for look, count in zip(looks, times.tolist(), strict=True) if look.is_unknown)),
            longest_cut=max(cut, key=lambda each: (len(each.word), each.tokens), default=None),
        )

    def _words(self, loaded: LoadedTokenizer) -> list[WordCost]:
        words = [word for word, _ in self.words]
        tokens = answered(loaded, tokens_of_words, words)
        return [WordCost(word, times, count) for (word, times), count in zip(self.words, tokens, strict=True)]


def figures_request(asked: CountFileRequest, of: TokenizerTally) -> FileFiguresRequest:
    """What is asked of a tally as it is now."""
    tally = asked.tally
    words = tuple(tally.words.most_common(_MOST_WORDS))
    return FileFiguresRequest(
        tally.file.digest, of.tokenizer, tally.done, asked.split_special_tokens, of.counts.copy(), words
    )


def tokens_of_words(loaded: LoadedTokenizer, words: Sequence[str]) -> tuple[int, ...]:
    """How many pieces each word is with a space before it, as it stands in a text."""
    return tuple(len(loaded.encode(f" {word}").ids) for word in words)


def kinds_of(looks: Sequence[Look], times: Int64[np.ndarray, " piece"]) -> tuple[KindCost, ...]:
    """Pieces by kind, the kind with most tokens first."""
    tokens: dict[str, int] = {}
    characters: dict[str, int] = {}
    for look, count in zip(looks, times.tolist(), strict=True):
        kind, length = kind_of_piece(look)
        tokens[kind] = tokens.get(kind, 0) + count
        characters[kind] = characters.get(kind, 0) + count * length
    made = (KindCost(kind, count, characters[kind]) for kind, count in tokens.items())
    return tuple(sorted(made, key=lambda each: (-each.tokens, each.kind)))


def kind_of_piece(look: Look) -> tuple[str, int]:
    """The kind of a piece, which is its script where it has letters; and how many characters it has."""
    if look.is_unknown:
        return UNKNOWN, 0
    if look.is_special:
        return SPECIAL, len(look.data.decode("utf-8", "replace"))
    try:
        text = look.data.decode()
    except UnicodeDecodeError:
        return PARTS, 0
    kind = script_of(text)
    if kind == SPACE:
        return BREAKS if "\n" in text or "\r" in text else INDENTS, len(text)
    if kind == SIGNS and not _QUOTES.isdisjoint(text):
        return QUOTES, len(text)
    return kind, len(text)
