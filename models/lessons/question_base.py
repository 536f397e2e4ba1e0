"""What all questions of a lesson have in common, and where their words stand in a text."""

import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, ClassVar

from models.attention.trace import AttentionTrace, TraceRequest
from models.decoding.requests import WriteRequest
from models.decoding.settings import DecodingSettings
from models.embeddings.occurrences import word_tokens
from models.engine import Engine
from models.lessons.readings import QuestionError, Readings, Unit

# A step waits for its truth: longer texts are refused with a sentence.
MOST_TOKENS = 256
_LONGEST_OUTPUT = 32


@dataclass(frozen=True)
class Question:
    """One question, asked of one model and one text.

    reads_text: whether the text matters, so that a learner's own may take the place of the lesson's. unit: of the
    answer.
    """

    model: str
    text: str
    reads_text: ClassVar[bool] = True
    unit: ClassVar[Unit] = "part"

    def answer(self, engine: Engine) -> Readings:
        """The truth. Raises QuestionError, and what the requests raise that it asks."""
        raise NotImplementedError


def trace_of(engine: Engine, model: str, text: str) -> AttentionTrace:
    """The text traced; of a seq2seq model with what it writes by itself. Raises QuestionError for a long text."""
    request = TraceRequest(model, text, written_by_itself(engine, model, text))
    trace = engine.run(request)
    if max(len(trace.tokens), len(trace.target_tokens)) > MOST_TOKENS:
        raise QuestionError(f"A step reads at most {MOST_TOKENS} tokens; take a shorter text.")
    return trace


def written_by_itself(engine: Engine, model: str, text: str) -> tuple[int, ...] | None:
    """What a seq2seq model writes, the likeliest token at each step; None for other models."""
    if not engine.model(model).is_seq2seq:
        return None
    steps = engine.run(WriteRequest(model, text, DecodingSettings(max_new_tokens=_LONGEST_OUTPUT)))
    return tuple(step.token_id for step in steps)


def tokens_of_word(trace: AttentionTrace, text: str, word: str) -> tuple[int, ...]:
    """The tokens of the word where it stands in the text, or the token that is shown so; "Z (2)" is the second "Z".

    Raises QuestionError.
    """
    word, number = _numbered(word)
    found = word_tokens(text, [piece.span for piece in trace.pieces], word)
    if len(found) >= number:
        return found[number - 1]
    return (_place(trace.tokens, word, number),)


def option_of_token(
    engine: Engine, model: str, text: str, options: Sequence[str], token: int | None, start: int | None = None
) -> int | None:
    """Which of the options names this token of the text, by its place among them; None for one that none names.

    start: at which character of the text it stands, where its number is not known.
    """
    trace = trace_of(engine, model, text)
    spans = [piece.span for piece in trace.pieces]
    if token is None and start is not None:
        token = next((place for place, (low, high) in enumerate(spans) if low <= start < high), None)
    for place, option in enumerate(options):
        with suppress(QuestionError):
            if token in tokens_of_word(trace, text, option):
                return place
    return None


def place_of(tokens: tuple[str, ...], shown: str) -> int:
    """The place of the token that is shown so, as in `tokens_of_word`. Raises QuestionError."""
    return _place(tokens, *_numbered(shown))


def _place(tokens: tuple[str, ...], shown: str, number: int) -> int:
    places = [place for place, token in enumerate(tokens) if token == shown]
    if len(places) < number:
        raise QuestionError(
            "This text does not hold a word that the step asks about; go back to the lesson's own text."
        )
    return places[number - 1]


def _numbered(word: str) -> tuple[str, int]:
    found = re.fullmatch(r"(.+) \((\d{1,3})\)", word, re.DOTALL)
    return (found[1], max(1, int(found[2]))) if found else (word, 1)


def check_kind(kinds: tuple[str, ...], kind: str) -> None:
    """Raise QuestionError for a kind of attention that the model has not."""
    if kind not in kinds:
        raise QuestionError(f"This model has no attention of this kind; it has {', '.join(kinds)}.")


def named(names: tuple[str, ...], what: tuple[Any, ...]) -> tuple[str, ...]:
    """The names of what is compared. Raises QuestionError where they are not as many."""
    if len(names) != len(what) or not names:
        raise QuestionError("Each thing that is compared needs a name; the lesson names more or fewer than there are.")
    return names
