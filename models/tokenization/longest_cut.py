"""The longest word of a text that a tokenizer cuts."""

from dataclasses import dataclass

from models.engine import Engine
from models.tokenization.file_figures import WordCost, tokens_of_words
from models.tokenization.pieces import check_is_text
from models.tokenization.sandboxed import answered
from models.tokenization.words_of_text import words_of

_MOST_WORDS = 1_000
_LONGEST_WORD = 60


@dataclass(frozen=True)
class LongestCutRequest:
    """Among the words (`words_of`) of at most 60 characters, the longest ones first."""

    tokenizer: str
    text: str

    def answer(self, engine: Engine) -> WordCost | None:
        """None where every word is one piece, or the tokenizer is a baseline. Raises TextError."""
        check_is_text(self.text)
        loaded = engine.tokenizer(self.tokenizer)
        if loaded.facts is None:
            return None
        found = words_of(self.text)
        words = sorted({word for word in found if len(word) <= _LONGEST_WORD}, key=lambda word: (-len(word), word))
        words = words[:_MOST_WORDS]
        counts = answered(loaded, tokens_of_words, words)
        cut = next(((word, count) for word, count in zip(words, counts, strict=True) if count > 1), None)
        return None if cut is None else WordCost(cut[0], found.count(cut[0]), cut[1])
