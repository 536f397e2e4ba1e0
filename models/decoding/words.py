"""Words that a person types, as the token ids that a knob or a picture needs."""

from dataclasses import dataclass
from typing import Any

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
