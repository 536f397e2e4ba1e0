"""How large the parts of a tokenizer's file may be, looked at before anything is built of them."""

from collections.abc import Iterable, Mapping
from typing import Any

from models.tokenization.pieces import steps_of
from models.tokenization.vocabulary_conversion import TokenizerFileError, check_lengths

# The largest vocabularies that are known have 262,144 pieces, and some 6,500 added tokens.
MOST_PIECES = 1_000_000
MOST_ADDED = 50_000
_MOST_STEPS = 100
# A character is at most some 18 others (its decomposed form, NFKD), each in bytes; whatever is put round the text.
_MOST_PIECES_PER_BYTE = 20
_MOST_PIECES_AROUND = 1_000
_LONGEST_WORD = 1_000


def check_state(state: Mapping[str, Any]) -> None:
    """Raise TokenizerFileError where a parsed tokenizer.json holds more than a tokenizer has.

    What is not of the right type is for `tokenizers` to refuse.
    """
    model = state["model"]
    vocabulary = model["vocab"]
    check_count("pieces", len(vocabulary), MOST_PIECES)
    check_lengths(_texts(each[0] if isinstance(each, list) and each else each for each in vocabulary))
    added = state.get("added_tokens")
    if isinstance(added, list):
        check_count("added tokens", len(added), MOST_ADDED)
        check_lengths(_texts(each.get("content") for each in added if isinstance(each, dict)))
    longest = model.get("max_input_chars_per_word")
    if isinstance(longest, int | float):
        check_count("characters in a word", longest, _LONGEST_WORD)
    for name in ("normalizer", "pre_tokenizer", "post_processor", "decoder"):
        steps = _steps(state.get(name))
        check_count(f"steps in its {name}", len(steps), _MOST_STEPS)
        for step in steps:
            check_count(f"tokens that its {name} adds", _count(step.get("single")), _MOST_STEPS)
            check_count(f"tokens that its {name} adds", _count(step.get("pair")), _MOST_STEPS)


def check_count(what: str, count: float | int, most: int) -> None:
    """Raise TokenizerFileError where a file has more of something than a tokenizer has."""
    if not count <= most:
        raise TokenizerFileError(
            f"This file asks for {count:,} {what}, and at most {most:,} can be opened; open another file."
        )


def are_too_many(pieces: int, text: str) -> bool:
    """Whether a text was cut into far more pieces than it can have."""
    return pieces > _MOST_PIECES_PER_BYTE * len(text.encode()) + _MOST_PIECES_AROUND


def _texts(some: Iterable[Any]) -> Iterable[str]:
    return (each for each in some if isinstance(each, str))


def _steps(part: Any) -> list[Mapping[str, Any]]:
    try:
        return [step for step in steps_of(part) if isinstance(step, dict)]
    except (KeyError, TypeError):
        return []


def _count(part: Any) -> int:
    return len(part) if isinstance(part, list) else 0
