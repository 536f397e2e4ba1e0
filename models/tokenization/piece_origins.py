"""How the pieces of a stretch of text came about: merges, longest match or lattice, from the tokenizer's own data."""

import json
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from models.errors import HeadlightError
from models.tokenization.bpe_merges import MergeReplay, replay_merges
from models.tokenization.loaded_tokenizer import LoadedTokenizer
from models.tokenization.pieces import check_is_text
from models.tokenization.pipeline_stages import PreToken, pre_tokens
from models.tokenization.tokenizer_facts import TokenizerFacts
from models.tokenization.unigram_lattice import LIKELIEST, Lattice, lattice
from models.tokenization.wordpiece_match import LongestMatch, longest_match

# Longer words are replayed only where the stretch is: without a pre-tokenizer a word is a whole text.
_LONGEST_WORD = 64
# Characters that are unknown side by side are one piece, however many; as many tell all there is to tell.
_LONGEST_LATTICE = 2_048
MOST_WORDS = 8


class NoOriginError(HeadlightError):
    """A stretch or a tokenizer of which there is nothing to tell."""


@dataclass(frozen=True)
class WordOrigin:
    """How one word, or the part of a very long one that is in the stretch, was cut.

    ids: of its pieces, as the tokenizer cut the text. Exactly one of the three leads there; none where the word is an
    added token, taken as it stands.
    """

    word: PreToken
    ids: tuple[int, ...]
    merges: MergeReplay | None = None
    match: LongestMatch | None = None
    lattice: Lattice | None = None


def origins(
    loaded: LoadedTokenizer, text: str, stretch: tuple[int, int], *, split_special_tokens: bool = False
) -> tuple[WordOrigin, ...]:
    """How each word in `stretch` (start and end in code points) was cut, at most the first few of them.

    Raises TextError, NoOriginError, TokenizerFailedError.
    """
    _, facts = _learnt(loaded)
    check_is_text(text)
    encoding = loaded.encode(text, split_special_tokens=split_special_tokens)
    ids, spans = encoding.ids, loaded.spans_of(encoding, text)
    words = [-1 if number is None else number for number in encoding.word_ids]
    start, end = stretch
    made: list[WordOrigin] = []
    for number, word in enumerate(pre_tokens(loaded, text, split_special_tokens=split_special_tokens)):
        low, high = word.span
        if low >= end or len(made) == MOST_WORDS:
            break
        if not ((low < end and start < high) or low == high == start):
            continue
        first, beyond = bisect_left(words, number), bisect_right(words, number)
        made.append(_origin(loaded, facts.algorithm, word, ids[first:beyond], spans[first:beyond], stretch))
    if not made:
        raise NoOriginError("This stretch of the text is not among what this tokenizer cuts; choose another piece.")
    return tuple(made)


def _origin(
    loaded: LoadedTokenizer,
    algorithm: str,
    word: PreToken,
    ids: Sequence[int],
    spans: Sequence[tuple[int, int]],
    stretch: tuple[int, int],
) -> WordOrigin:
    if word.is_added:
        return WordOrigin(word, tuple(ids))
    if loaded.merges is None and algorithm not in ("WordPiece", "Unigram"):
        raise NoOriginError(f"{loaded.card.title} looks each word up as a whole: there is nothing to replay.")
    first, beyond = 0, len(ids)
    if len(word.text) > _LONGEST_WORD and ids:
        inside = [place for place, (low, high) in enumerate(spans) if low < stretch[1] and stretch[0] < high] or [0]
        first, beyond = inside[0], min(inside[-1], inside[0] + _LONGEST_WORD - 1) + 1
    is_whole = (first, beyond) == (0, len(ids))
    if loaded.merges is not None:
        merges = merges_of_word(loaded, word.text) if is_whole else _merges_of_part(loaded, ids, first, beyond)
        return WordOrigin(word, tuple(ids[first:beyond]), merges=merges)
    # Bytes of one character share its place in the word: all of them are in the part, or none.
    with loaded.in_words():
        tokens = _learnt(loaded)[0].tokenize(word.text)
    (low, _), (_, high) = (tokens[first].offsets, tokens[beyond - 1].offsets) if tokens else ((0, 0), (0, 0))
    part = tuple(token.id for token in tokens if low <= token.offsets[0] and token.offsets[1] <= high)
    data = word.text.encode()
    begin, until = (len(data[:place].decode()) for place in (low, high))
    if algorithm == "WordPiece":
        return WordOrigin(word, part, match=match_of_word(loaded, word.text, begin, until))
    return WordOrigin(
        word, part, lattice=lattice_of_word(loaded, word.text[begin : min(until, begin + _LONGEST_LATTICE)])
    )


def _learnt(loaded: LoadedTokenizer) -> tuple[Any, TokenizerFacts]:
    """The algorithm with its vocabulary, without the added tokens, which have nothing to do with how a word is cut; and
    what its file says of it. Raises NoOriginError for a baseline.
    """
    if loaded.backend_tokenizer is None or loaded.facts is None:
        raise NoOriginError(f"{loaded.card.title} is a baseline: it has learnt nothing, so there is nothing to replay.")
    return loaded.backend_tokenizer.model, loaded.facts


def merges_of_word(loaded: LoadedTokenizer, word: str) -> MergeReplay:
    """The merges that BPE does in a word, which is written as the vocabulary writes it."""
    model, facts = _learnt(loaded)
    table: Any = loaded.merges
    replay = replay_merges(table, _symbols(loaded, word))
    whole = model.token_to_id(word) if facts.takes_whole else None
    # Most pieces that are taken whole come about by their merges as well, which tell more.
    return replay if whole is None or replay.pieces == (whole,) else replace(replay, whole=whole)


def _merges_of_part(loaded: LoadedTokenizer, ids: Sequence[int], first: int, beyond: int) -> MergeReplay:
    """The merges in some of the pieces of a word, which come about alone as they do in the whole."""
    model, facts = _learnt(loaded)
    start: list[int] = []
    for place in range(first, beyond):
        token = model.id_to_token(ids[place]) or ""
        is_first, is_last = place == 0, place == len(ids) - 1
        if ids[place] == facts.unknown or facts.notation.is_byte(token):
            start.append(ids[place])
            continue
        if not is_first:
            token = token.removeprefix(facts.notation.prefix)
        if is_last:
            token = token.removesuffix(facts.notation.suffix)
        start += _symbols(loaded, token, is_first=is_first, is_last=is_last)
    table: Any = loaded.merges
    return replay_merges(table, start)


def _symbols(loaded: LoadedTokenizer, word: str, *, is_first: bool = True, is_last: bool = True) -> list[int]:
    """The ids that BPE begins with: of each character, or of its bytes, or what is unknown.

    is_first, is_last: whether a word begins and ends with these characters. `tokenizers::models::bpe::merge_word`.
    """
    model, facts = _learnt(loaded)
    symbols: list[int] = []
    # What is unknown waits for the next character that is known: bytes in between come before it.
    waiting: list[int] = []
    for place, character in enumerate(word):
        before = "" if is_first and place == 0 else facts.notation.prefix
        behind = facts.notation.suffix if is_last and place == len(word) - 1 else ""
        symbol = before + character + behind
        number = model.token_to_id(symbol)
        if number is not None:
            symbols += [*waiting, number]
            waiting = []
        elif fallback := _bytes_as_ids(loaded, symbol):
            symbols += fallback
        elif facts.unknown is not None:
            if waiting and not facts.joins_unknown:
                symbols += waiting
            waiting = [facts.unknown]
    return [*symbols, *waiting]


def _bytes_as_ids(loaded: LoadedTokenizer, symbol: str) -> list[int]:
    model, facts = _learnt(loaded)
    if not facts.notation.byte_fallback:
        return []
    numbers = [model.token_to_id(f"<0x{byte:02X}>") for byte in symbol.encode()]
    return [number for number in numbers if number is not None] if None not in numbers else []


def match_of_word(loaded: LoadedTokenizer, word: str, start: int = 0, end: int | None = None) -> LongestMatch:
    """How WordPiece cuts a word, from `start` to `end`, where pieces of it end."""
    model, facts = _learnt(loaded)
    return longest_match(
        word,
        lambda piece: model.token_to_id(piece) is not None,
        prefix=facts.notation.prefix,
        longest_word=facts.longest_word,
        start=start,
        end=end,
    )


def lattice_of_word(loaded: LoadedTokenizer, word: str, *, count: int = LIKELIEST) -> Lattice:
    """The ways in which Unigram can cut a word, the likeliest first."""
    return lattice(word, _scores(loaded), count=count)


# A handful of tokenizers at a time; one of 250,000 pieces takes 30 MB here.
@lru_cache(maxsize=4)
def _scores(loaded: LoadedTokenizer) -> dict[str, float]:
    backend: Any = loaded.backend_tokenizer
    return dict(json.loads(backend.to_str())["model"]["vocab"])


@dataclass(frozen=True)
class ShownMerge:
    """One merge as people read it: all parts after it, the place of the new one among them, its rank."""

    parts: tuple[str, ...]
    place: int
    rank: int


@dataclass(frozen=True)
class ShownOrigin:
    """How one word was cut, as people read it; see `WordOrigin`.

    start: what the merges begin with. whole: whether the word was taken whole although its merges lead elsewhere, or
        because it is an added token.
    pieces: what comes out, as in the columns. The pieces of `match` and `lattice` are written so as well.
    """

    word: PreToken
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
    show = _learnt(loaded)[1].notation.shown
    return replace(match, matches=tuple(replace(each, tried=tuple(map(show, each.tried))) for each in match.matches))


def _shown_lattice(loaded: LoadedTokenizer, found: Lattice) -> Lattice:
    show = _learnt(loaded)[1].notation.shown
    return replace(found, pieces=tuple(each._replace(text=show(each.text)) for each in found.pieces))
