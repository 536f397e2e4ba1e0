"""A tokenizer's file, whatever it is: recognised by what is in it, bounded, built, and tried once.

What is here runs in the sandbox (`models.sandbox`) wherever a stranger brought the file.
"""

import base64
import binascii
import codecs
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from tokenizers import Tokenizer

from models.catalog import TokenizerFormat
from models.catalog.tokenizers import GPT2_PATTERN, LLAMA3_PATTERN, O200K_PATTERN, QWEN_PATTERN
from models.tokenization.loaded_tokenizer import cut_by_text_alone, is_failure, lacks_unknown
from models.tokenization.sentence_piece import sentencepiece
from models.tokenization.tokenizer_file_limits import MOST_ADDED, MOST_PIECES, check_count, check_state
from models.tokenization.vocabulary_conversion import (
    TokenizerFileError,
    byte_level_bpe,
    tekken,
    tiktoken_ranks,
    wordpiece,
)

PATTERNS = {"GPT-2": GPT2_PATTERN, "Llama 3": LLAMA3_PATTERN, "Qwen": QWEN_PATTERN, "o200k": O200K_PATTERN}
# Everything that a tokenizer may trip over shows on a text with a bit of all.
_PROBE = "A probe: naïve 123\n\tсловo สวัสดี 🍓 <s>"
_EXPECTED = "open a tokenizer.json, tekken.json, .tiktoken, SentencePiece .model or vocab.txt"
_BOTH_HALVES = "open tokenizer.json from the same folder, which holds both"
DO_NOT_FIT = f"This file is no tokenizer that can be opened here: its parts do not fit together; {_EXPECTED}."

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


def open_here(data: bytes, pattern: str) -> OpenedFile:
    """What `open_tokenizer_file` gives, opened in this process.

    pattern: for a .tiktoken, which does not say how a text is cut before the merges: one of PATTERNS.

    Raises TokenizerFileError.
    """
    data = data.removeprefix(codecs.BOM_UTF8)
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise TokenizerFileError("This file is text in UTF-16; save it as UTF-8 and open it again.")
    if not data.strip():
        raise TokenizerFileError(f"This file is empty; {_EXPECTED}.")
    state = _json_in(data)
    if state is not None:
        return _open_json(data, state)
    lines = data.split(b"\n")
    if _are_ranks(lines):
        note = f"A .tiktoken file does not say how a text is cut before the merges; {pattern}'s pattern is used."
        tokenizer = guarded(lambda: byte_level_bpe(tiktoken_ranks(data), PATTERNS[pattern]))
        return _opened(tokenizer, "tiktoken", (note,))
    if b"[UNK]" in map(bytes.strip, lines):
        return _opened(guarded(lambda: wordpiece(data)), "vocab.txt")
    if _is_text(data):
        raise TokenizerFileError(f"This file seems to be {_what_text_is(lines)}.")
    tokenizer, notes = guarded(lambda: sentencepiece(data))
    return _opened(tokenizer, "sentencepiece", notes)


def _json_in(data: bytes) -> Any:
    """What the JSON in a file says; None where it is none, as a vocab.txt that begins with [PAD]."""
    if not data.lstrip().startswith((b"{", b"[")):
        return None
    try:
        return json.loads(data)
    except (ValueError, RecursionError) as error:
        if data.lstrip().startswith(b"["):
            return None
        raise TokenizerFileError("This file begins like JSON but is not; open a whole tokenizer.json.") from error


def _are_ranks(lines: Sequence[bytes]) -> bool:
    """Whether at least half of the first lines are a piece in base64 and its rank, beginning with the first one."""
    first = [line.split() for line in lines[:100] if line.strip() and not line.startswith(b"#")][:20]
    fit = [len(each) == 2 and each[1].isdigit() and _is_base64(each[0]) for each in first]
    return bool(fit) and fit[0] and 2 * sum(fit) >= len(fit)


def _is_base64(piece: bytes) -> bool:
    try:
        return bool(base64.b64decode(piece, validate=True))
    except binascii.Error:
        return False


def _is_text(data: bytes) -> bool:
    try:
        return all(character.isprintable() or character.isspace() for character in data[:10_000].decode())
    except UnicodeDecodeError as error:
        # The last character of what was looked at may be cut.
        return error.start > min(len(data), 10_000) - 4 and len(data) > 10_000


def _what_text_is(lines: Sequence[bytes]) -> str:
    """What a file of text that is no tokenizer seems to be, and what to do."""
    some = [line.split() for line in lines[:1_000] if line.strip()]
    if lines[0].startswith(b"#version") or (len(some) > 2 and all(len(each) == 2 for each in some)):
        return f"merges.txt, one half of a BPE; {_BOTH_HALVES}"
    if len(some) > 2 and all(len(each) == 1 for each in some):
        return "a vocab.txt without a line [UNK] for what is unknown; add one, or open another file"
    return f"plain text and no tokenizer; train one on it, or {_EXPECTED}"


def _open_json(data: bytes, state: Any) -> OpenedFile:
    if isinstance(state, list):
        raise TokenizerFileError(f"This JSON is a list, and a tokenizer.json is none; {_EXPECTED}.")
    if isinstance(state.get("config"), dict) and isinstance(state.get("vocab"), list):
        guarded(lambda: _check_tekken(state))
        return _opened(guarded(lambda: tekken(data)), "tekken")
    if len(state) > 2 and all(type(each) is int for each in state.values()):
        raise TokenizerFileError(f"This file seems to be vocab.json, one half of a BPE; {_BOTH_HALVES}.")
    if not isinstance(state.get("model"), dict):
        raise TokenizerFileError(
            "This JSON is not a tokenizer.json: it has no model. Open the file of that name from a model's folder."
        )
    if not state["model"].get("vocab"):
        raise TokenizerFileError("The model of this tokenizer.json has no vocabulary; open another file.")
    guarded(lambda: check_state(state))
    notes = [
        f"The file carries {name}, which would change counts; it is switched off."
        for name in ("truncation", "padding")
        if state.get(name)
    ]
    if state["model"].get("dropout"):
        notes.append(
            f"The file carries dropout ({state['model']['dropout']}): merges left out by chance, another cut of a text "
            "each time; it is switched off."
        )
    return _opened(guarded(lambda: Tokenizer.from_buffer(data)), "json", tuple(notes))


def _check_tekken(state: Any) -> None:
    config = state["config"]
    check_count("special tokens", config["default_num_special_tokens"], MOST_ADDED)
    check_count("special tokens", len(state.get("special_tokens") or ()), MOST_ADDED)
    check_count("pieces", config["default_vocab_size"], MOST_PIECES)
    check_count("pieces", len(state["vocab"]), MOST_PIECES)


def fault_of_tokenizer_json(data: bytes) -> str | None:
    """What keeps these bytes from being a tokenizer.json, as a clause that begins with the file's name, else None."""
    try:
        state = json.loads(data.removeprefix(codecs.BOM_UTF8))
    except (ValueError, RecursionError):
        return "tokenizer.json is cut off or damaged: it is not a whole JSON"
    if not isinstance(state, dict):
        return f"tokenizer.json is a JSON {_JSON_TYPES.get(type(state), 'value')} and not an object with a model"
    if not isinstance(state.get("model"), dict) or not state["model"].get("vocab"):
        return "tokenizer.json has no model with a vocabulary"
    try:
        guarded(lambda: Tokenizer.from_buffer(data))
    except TokenizerFileError:
        return "tokenizer.json has parts that do not fit together"
    return None


_JSON_TYPES = {list: "list", str: "text", int: "number", float: "number", bool: "truth value", type(None): "null"}


def _opened(tokenizer: Tokenizer, kind: TokenizerFormat, notes: tuple[str, ...] = ()) -> OpenedFile:
    """The tokenizer as it is kept, once it has cut a text and put it together again. Raises TokenizerFileError."""
    cut_by_text_alone(tokenizer)
    try:
        tokenizer.decode(tokenizer.encode(_PROBE).ids)
    except BaseException as error:
        if not is_failure(error):
            raise
        if not lacks_unknown(error):
            raise TokenizerFileError(DO_NOT_FIT) from error
        notes += ("It has no piece for what is unknown: only a text of which it knows every character can be cut.",)
    return OpenedFile(tokenizer.to_str().encode("utf-8", "replace"), kind, notes)


def guarded(make: Callable[[], Made]) -> Made:
    """What `make` makes, or TokenizerFileError where `tokenizers` fails at the file."""
    try:
        return make()
    except BaseException as error:
        if not is_failure(error):
            raise
        raise TokenizerFileError(DO_NOT_FIT) from error
