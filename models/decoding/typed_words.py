"""Words that a person types, as the token ids that a knob or a picture needs."""

import math
from dataclasses import dataclass
from typing import Any

from models.decoding.settings import LARGEST_SHIFT
from models.engine import Engine
from models.errors import HeadlightError
from models.forward.inputs import check_in_table
from models.loaded import LoadedModel
from models.tokenization import encode


class WordError(HeadlightError):
    """What was typed has no token."""


@dataclass(frozen=True)
class WordTokens:
    """A word as the tokens in which it can come: as it stands, and with a space before it.

    ids, pieces: of each way; one way where both are the same or the tokenizer puts no space into tokens.
    """

    text: str
    ids: tuple[tuple[int, ...], ...]
    pieces: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class WordsRequest:
    """Words as tokens."""

    model: str
    words: tuple[str, ...]

    def answer(self, engine: Engine) -> tuple[WordTokens, ...]:
        """Raises WordError where a word has no token, TextError, InputError."""
        loaded = engine.model(self.model)
        return tuple(word_of(loaded, word) for word in self.words)


def word_of(loaded: LoadedModel, word: str) -> WordTokens:
    """A word in both ways; special tokens that a tokenizer would put round a text are not among its ids.

    Raises WordError, TextError, InputError for a piece that the model's table has no row for.
    """
    ways = {}
    for text in (word, f" {word}") if not word[:1].isspace() else (word,):
        pieces = [piece for piece in encode(loaded.target_tokenizer, text).pieces if not piece.is_special]
        check_in_table(loaded, pieces)
        if pieces:
            ways[tuple(piece.id for piece in pieces)] = tuple(piece.text for piece in pieces)
    if not ways:
        raise WordError(f"“{word}” is no token of {loaded.card.title}; type a word or a part of one.")
    return WordTokens(word, tuple(ways), tuple(ways.values()))


@dataclass(frozen=True)
class BiasedToken:
    """A word, the tokens that it is here, of which the first one is meant, and what is added to that one's logit."""

    word: str
    ids: tuple[int, ...]
    pieces: tuple[str, ...]
    bias: float


@dataclass(frozen=True)
class BiasRequest:
    """What is added to the logits of which tokens: a line for each, as in "Paris = -5".

    A word is taken as it comes in a text, with a space before it, and exactly as it stands after "=".
    """

    model: str
    lines: tuple[str, ...]

    def answer(self, engine: Engine) -> tuple[BiasedToken, ...]:
        """Raises WordError for a line that says no number, or the same token as another; what `word_of` raises."""
        loaded = engine.model(self.model)
        found: dict[int, BiasedToken] = {}
        for line in self.lines:
            each = _biased(loaded, line)
            other = found.setdefault(each.ids[0], each)
            if other is not each:
                raise WordError(
                    f"“{other.word}” and “{each.word}” begin with the same token here, “{each.pieces[0]}”; give it one "
                    "bias."
                )
        return tuple(found.values())


def _biased(loaded: LoadedModel, line: str) -> BiasedToken:
    typed, _, number = line.rpartition("=")
    is_exact = typed.startswith("=")
    text = typed.removeprefix("=").rstrip()
    try:
        bias = float(number)
    except ValueError:
        bias = math.nan
    if not text or not abs(bias) <= LARGEST_SHIFT:
        raise WordError(
            f"“{line.strip()}” is no bias: write a word, “=” and a number from -{LARGEST_SHIFT} to {LARGEST_SHIFT}, as "
            "in Paris = -5."
        )
    word = word_of(loaded, text)
    # The last way is the one with a space before it, where the tokenizer puts spaces into tokens.
    way = 0 if is_exact else -1
    return BiasedToken(text, word.ids[way], word.pieces[way], bias)


# The fields of a generation_config that are knobs of sampling, by their names here.
_KNOBS = (
    *("do_sample", "temperature", "top_k", "top_p", "min_p", "typical_p", "epsilon_cutoff", "eta_cutoff", "top_h"),
    *("repetition_penalty", "no_repeat_ngram_size", "min_new_tokens", "num_beams", "length_penalty", "early_stopping"),
)


@dataclass(frozen=True)
class OwnKnobsRequest:
    """What the checkpoint's `generation_config` says of knobs: names of transformers and values, as far as it does."""

    model: str

    def answer(self, engine: Engine) -> tuple[tuple[str, float | int | bool | str], ...]:
        """Raises what `load_model` raises."""
        config: Any = engine.model(self.model).model.generation_config
        given = {} if config is None else config.to_diff_dict()
        return tuple((name, given[name]) for name in _KNOBS if given.get(name) is not None)
