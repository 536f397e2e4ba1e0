"""From a text or from ids to pieces that can be shown without lying about their bytes."""

import json
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from transformers.convert_slow_tokenizer import bytes_to_unicode

from models.errors import HeadlightError


class TextError(HeadlightError):
    """A text that holds what is not text."""


@dataclass(frozen=True)
class Piece:
    """One token.

    text: as shown: spaces and control characters made visible, half a character as its bytes in hexadecimal.
    data: the bytes it stands for; of a normalising tokenizer, those of the normalised text.
    span: start and end in the text, in code points; (0, 0) for a piece that is not in the text. Spans of
        byte-level pieces overlap when a character is cut.
    """

    id: int
    text: str
    data: bytes
    span: tuple[int, int]
    is_special: bool
    is_unknown: bool


@dataclass(frozen=True)
class Tokenization:
    """A text and what a tokenizer made of it, special tokens included."""

    text: str
    ids: tuple[int, ...]
    pieces: tuple[Piece, ...]


def encode(tokenizer: Any, text: str) -> Tokenization:
    """Cut `text` with a transformers tokenizer, with its special tokens, without padding or truncation.

    A fast tokenizer is called through `tokenizers` itself with its settings left alone: that is safe when it is shared.

    Raises TextError for a text that holds half of a surrogate pair or a NUL.
    """
    for place, character in enumerate(text):
        if "\ud800" <= character <= "\udfff" or character == "\0":
            what = "a NUL" if character == "\0" else "half of a surrogate pair"
            raise TextError(f"Character {place} of the text is {what}, which is not text; delete it and try again.")
    backend = getattr(tokenizer, "backend_tokenizer", None)
    if backend is None:
        ids: Sequence[int] = tokenizer(text)["input_ids"]
        spans: Sequence[tuple[int, int]] = [(0, 0)] * len(ids)
    else:
        encoding = backend.encode(text)
        ids, spans = encoding.ids, encoding.offsets
    return Tokenization(text, tuple(ids), pieces_of_ids(tokenizer, ids, spans))


def pieces_of_ids(
    tokenizer: Any, ids: Sequence[int], spans: Sequence[tuple[int, int]] | None = None
) -> tuple[Piece, ...]:
    """The pieces with these ids; without a tokenizer (None) each shows its number."""
    if tokenizer is None:
        return tuple(Piece(number, str(number), b"", (0, 0), is_special=False, is_unknown=False) for number in ids)
    special = frozenset(tokenizer.all_special_ids)
    added = frozenset(tokenizer.added_tokens_decoder)
    unknown = getattr(tokenizer, "unk_token_id", None)
    # Where pieces are bytes nothing is unknown, although the tokenizer may name its end of text as that (GPT-2).
    notation = _notation(tokenizer)
    pieces = []
    for place, (number, token) in enumerate(zip(ids, tokenizer.convert_ids_to_tokens(list(ids)), strict=True)):
        if token is None:
            token = str(number)
        is_unknown = number == unknown and notation != "bytes"
        data = token.encode() if number in added else _bytes_of(token, notation)
        shown = token if number in added else _shown(token, data, notation)
        pieces.append(
            Piece(
                id=int(number),
                text=readable_text(shown) if number in added else shown,
                data=data,
                span=(0, 0) if spans is None else (spans[place][0], spans[place][1]),
                is_special=number in special and not is_unknown,
                is_unknown=is_unknown,
            )
        )
    return tuple(pieces)


def _notation(tokenizer: Any) -> str:
    """How this tokenizer writes its pieces: "bytes" (Ġ), "wordpiece" (##), "metaspace" (▁, <0xNN>) or "plain"."""
    backend = getattr(tokenizer, "backend_tokenizer", None)
    if backend is None:
        return "metaspace"
    if backend.decoder is None:
        return "plain"
    state = json.loads(backend.decoder.__getstate__())
    kinds = {state["type"]} | {each["type"] for each in state.get("decoders", ())}
    if "ByteLevel" in kinds:
        return "bytes"
    if "WordPiece" in kinds:
        return "wordpiece"
    return "metaspace" if kinds & {"Metaspace", "Replace", "ByteFallback"} else "plain"


@cache
def _byte_of_character() -> dict[str, int]:
    """The inverse of GPT-2's table from bytes to printable characters (`bytes_to_unicode`)."""
    return {character: byte for byte, character in bytes_to_unicode().items()}


def _bytes_of(token: str, notation: str) -> bytes:
    if notation == "bytes":
        table = _byte_of_character()
        return b"".join(bytes([table[each]]) if each in table else each.encode() for each in token)
    if notation == "wordpiece":
        return token.removeprefix("##").encode()
    if notation == "metaspace":
        if len(token) == 6 and token.startswith("<0x") and token.endswith(">"):
            return bytes.fromhex(token[3:5])
        return token.replace("▁", " ").encode()
    return token.encode()


def _shown(token: str, data: bytes, notation: str) -> str:
    continues = notation == "wordpiece" and token.startswith("##") and len(token) > 2
    return ("##" if continues else "") + readable_bytes(data)


def readable_bytes(data: bytes) -> str:
    """The text of these bytes, made visible; bytes that are no whole characters in hexadecimal, as in ⟨F0 9F⟩."""
    try:
        return readable_text(data.decode())
    except UnicodeDecodeError:
        return f"⟨{data.hex(' ').upper()}⟩"


def readable_text(text: str) -> str:
    """The text with everything that has no shape of its own made visible.

    A space becomes ␣, a line break ⏎, a tab ⇥, other control characters their control picture, characters without
    a shape (joiners, direction marks, variation selectors) their code point as in ⟨U+200D⟩; a combining mark at the
    start gets ◌ to sit on.
    """
    shown = "".join(_readable(character) for character in text)
    return "◌" + shown if shown and unicodedata.category(shown[0]).startswith("M") else shown


def _readable(character: str) -> str:
    if character in " \n\t":
        return {" ": "␣", "\n": "⏎", "\t": "⇥"}[character]
    code = ord(character)
    if code < 0x20:
        return chr(0x2400 + code)
    if "\ufe00" <= character <= "\ufe0f" or unicodedata.category(character) in {
        "Cc",
        "Cf",
        "Zs",
        "Zl",
        "Zp",
        "Cs",
        "Co",
        "Cn",
    }:
        return f"⟨U+{code:04X}⟩"
    return character
