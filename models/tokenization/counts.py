"""A whole text cut and counted: how many pieces, how long it took, and whether its ids give it back."""

import time
from dataclasses import dataclass

from models.tokenization.comparison import CutText, cut_text
from models.tokenization.loaded import LoadedTokenizer
from models.tokenization.own_tokenizers import UserTokenizer

_DIFFERENCE = 24


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
class Difference:
    """Where a text and what its ids give back part for the first time, with what stands before."""

    before: str
    text: str
    decoded: str


def timed_cut(loaded: LoadedTokenizer, text: str, split_special_tokens: bool) -> TimedCut:
    """A whole text as it is cut, timed. Raises TextError."""
    start = time.perf_counter()
    cut = cut_text(loaded, text, split_special_tokens=split_special_tokens)
    seconds = time.perf_counter() - start
    decoded = _decoded(loaded, cut.ids.tolist(), text)
    return TimedCut(cut, seconds, None if decoded == text else _difference(text, decoded))


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


def counts(loaded: LoadedTokenizer | UserTokenizer, text: str, timed: TimedCut) -> Counts:
    """What a text costs that was cut with this tokenizer."""
    unknown = None if loaded.facts is None else loaded.facts.unknown
    return Counts(
        tokens=len(timed.cut.ids),
        unknown=0 if unknown is None else int((timed.cut.ids == unknown).sum()),
        words=len(text.split()),
        characters=len(text),
        bytes=len(text.encode()),
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
