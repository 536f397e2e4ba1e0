"""A whole text cut and counted: how many pieces, how long it took, and whether its ids give it back."""

import re
import time
from dataclasses import dataclass

from models.tokenization.boundaries import CutText, cut_text
from models.tokenization.loaded_tokenizer import LoadedTokenizer
from models.tokenization.own_tokenizers import UserTokenizer
from models.tokenization.round_trip import Difference, round_trip

# Thai and Lao, Tibetan, Myanmar, Khmer, the Japanese syllables, and Chinese characters.
_WITHOUT_SPACES = re.compile(
    "[\u0e01-\u0eff\u0f00-\u0fff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\U00020000-\U0003134f]"
)


@dataclass(frozen=True)
class TimedCut:
    """A text as it was cut, how long that took, and where it and what its ids give back part, if they do."""

    cut: CutText
    seconds: float
    difference: Difference | None


def timed_cut(loaded: LoadedTokenizer, text: str, split_special_tokens: bool) -> TimedCut:
    """A whole text as it is cut, timed. Raises TextError."""
    start = time.perf_counter()
    cut = cut_text(loaded, text, split_special_tokens=split_special_tokens)
    seconds = time.perf_counter() - start
    return TimedCut(cut, seconds, round_trip(loaded, cut.ids.tolist(), text))


@dataclass(frozen=True)
class Counts:
    """What a whole text costs with one tokenizer; special tokens that a template adds are not counted.

    words: what stands between white space; 0 where most letters are of scripts that put none between words.
    difference: None where the ids give back the text exactly.
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


def is_without_spaces(text: str) -> bool:
    """Whether most letters are of scripts that write words without spaces: Chinese, Japanese, Thai and their like."""
    letters = sum(character.isalpha() for character in text)
    return 2 * len(_WITHOUT_SPACES.findall(text)) > letters


def counts(loaded: LoadedTokenizer | UserTokenizer, text: str, timed: TimedCut) -> Counts:
    """What a text costs that was cut with this tokenizer."""
    unknown = None if loaded.facts is None else loaded.facts.unknown
    return Counts(
        tokens=len(timed.cut.ids),
        unknown=0 if unknown is None else int((timed.cut.ids == unknown).sum()),
        words=0 if is_without_spaces(text) else len(text.split()),
        characters=len(text),
        bytes=len(text.encode()),
        seconds=timed.seconds,
        difference=timed.difference,
        context=loaded.card.context,
    )
