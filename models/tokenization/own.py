"""Tokenizers that somebody brings along: recognised by what is in the file, checked, and kept for that person only."""

import json
import uuid
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from tokenizers import Tokenizer

from models.catalog import TokenizerCard, TokenizerFormat
from models.catalog.tokenizers import GPT2_PATTERN, LLAMA3_PATTERN, O200K_PATTERN, QWEN_PATTERN
from models.engine import Engine
from models.tokenization.conversion import (
    TokenizerFileError,
    byte_level_bpe,
    sentencepiece,
    tekken,
    tiktoken_ranks,
    wordpiece,
)
from models.tokenization.loaded import is_failure
from models.tokenization.shelf import loaded_from_json

LARGEST_FILE = 40_000_000
PATTERNS = {"GPT-2": GPT2_PATTERN, "Llama 3": LLAMA3_PATTERN, "Qwen": QWEN_PATTERN, "o200k": O200K_PATTERN}
_OWN = "own:"
# Everything that a tokenizer may trip over shows on a text with a bit of all.
_PROBE = "A probe: naïve 123\n\tсловo สวัสดี 🍓 <s>"

Made = TypeVar("Made")


@dataclass(frozen=True)
class OpenedFile:
    """A file that turned out to be a tokenizer.

    tokenizer_json: as it is kept, whatever the file was. format: what it was. notes: what was changed on opening it,
        in sentences.
    """

    tokenizer_json: bytes
    format: TokenizerFormat
    notes: tuple[str, ...]


def is_own(name: str) -> bool:
    """Whether this is the name of somebody's own tokenizer and not of one on the shelf."""
    return name.startswith(_OWN)


def new_own_name() -> str:
    """A name that nobody else can guess."""
    return _OWN + uuid.uuid4().hex


def open_tokenizer_file(data: bytes, pattern: str = "GPT-2") -> OpenedFile:
    """Open a tokenizer.json, tekken.json, .tiktoken, SentencePiece .model or vocab.txt, whatever it is called.

    pattern: for a .tiktoken, which does not say how a text is cut before the merges: one of PATTERNS.

    Raises TokenizerFileError.
    """
    if len(data) > LARGEST_FILE:
        raise TokenizerFileError(
            f"This file has {len(data) / 1e6:,.0f} MB; one of at most {LARGEST_FILE // 1_000_000} MB can be opened."
        )
    if not data.strip():
        raise TokenizerFileError("This file is empty; open a tokenizer.json, .tiktoken, .model or vocab.txt.")
    if data.lstrip().startswith(b"{"):
        return _open_json(data)
    first = data.split(b"\n", 1)[0].split()
    if len(first) == 2 and first[1].isdigit():
        note = f"A .tiktoken file does not say how a text is cut before the merges; {pattern}'s pattern is used."
        tokenizer = _guarded(lambda: byte_level_bpe(tiktoken_ranks(data), PATTERNS[pattern]))
        return OpenedFile(_json_of(tokenizer), "tiktoken", (note,))
    if b"[UNK]" in data.split():
        return OpenedFile(_json_of(_guarded(lambda: wordpiece(data))), "vocab.txt", ())
    return OpenedFile(_json_of(_guarded(lambda: sentencepiece(data))), "sentencepiece", ())


def _open_json(data: bytes) -> OpenedFile:
    try:
        state = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise TokenizerFileError("This file begins like JSON but is not; open a whole tokenizer.json.") from error
    if isinstance(state, dict) and isinstance(state.get("config"), dict) and isinstance(state.get("vocab"), list):
        return OpenedFile(_json_of(_guarded(lambda: tekken(data))), "tekken", ())
    if not isinstance(state, dict) or not isinstance(state.get("model"), dict):
        raise TokenizerFileError(
            "This JSON is not a tokenizer.json: it has no model. Open the file of that name from a model's folder."
        )
    if not state["model"].get("vocab"):
        raise TokenizerFileError("The model of this tokenizer.json has no vocabulary; open another file.")
    notes = tuple(
        f"The file carries {name}, which would change counts; it is switched off."
        for name in ("truncation", "padding")
        if state.get(name)
    )
    tokenizer = _guarded(lambda: Tokenizer.from_buffer(data))
    return OpenedFile(_json_of(tokenizer), "json", notes)


def _json_of(tokenizer: Tokenizer) -> bytes:
    tokenizer.no_padding()
    tokenizer.no_truncation()
    _guarded(lambda: tokenizer.decode(tokenizer.encode(_PROBE).ids))
    return tokenizer.to_str().encode("utf-8", "replace")


def _guarded(make: Callable[[], Made]) -> Made:
    """What `make` makes, or TokenizerFileError where `tokenizers` fails at the file."""
    try:
        return make()
    except BaseException as error:
        if not is_failure(error):
            raise
        raise TokenizerFileError(
            "This file is no tokenizer that can be opened here: its parts do not fit together. "
            "Open a tokenizer.json, .tiktoken, SentencePiece .model or vocab.txt."
        ) from error


def keep_own(engine: Engine, name: str, tokenizer_json: bytes, title: str, kind: TokenizerFormat) -> TokenizerCard:
    """Have the engine know a tokenizer of somebody's own by `name`, as long as there is room; returns its card.

    Raises TokenizerFileError.
    """
    card = TokenizerCard(
        name=name, title=title, family="BPE", format=kind, vocabulary=0, licence="", source="your own file"
    )
    loaded = engine.own_tokenizer(name, lambda: _guarded(lambda: loaded_from_json(card, tokenizer_json)))
    facts: Any = loaded.facts
    return replace(card, family=facts.algorithm, vocabulary=facts.vocabulary)
