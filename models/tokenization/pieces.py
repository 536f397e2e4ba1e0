"""From ids to pieces that can be shown without lying about their bytes."""

import json
import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal, NamedTuple

import msgspec

from models.errors import HeadlightError


class TextError(HeadlightError):
    """A text that holds what is not text."""


# No dataclass: a text of 100 kB has 30,000 of them, these are made four times as fast, and the garbage collector need
# not look through them.
class Piece(msgspec.Struct, frozen=True, gc=False):
    """One token.

    text: as shown: spaces and control characters made visible, half a character as its bytes in hexadecimal.
    data: the bytes it stands for; of a normalising tokenizer, those of the normalised text; of an unknown piece, those
        of the text that it stands for, as far as that is known.
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


@dataclass(frozen=True)
class TextPieces:
    """The pieces of a text, column by column.

    pieces: as shown. spans: in the text, in code points; (0, 0) for what is not in it.
    """

    ids: tuple[int, ...]
    pieces: tuple[str, ...]
    is_special: tuple[bool, ...]
    spans: tuple[tuple[int, int], ...]


def columns_of(pieces: Sequence[Piece]) -> dict[str, tuple[Any, ...]]:
    """What `TextPieces` has of these pieces."""
    columns = {"ids": "id", "pieces": "text", "is_special": "is_special", "spans": "span"}
    return {column: tuple(getattr(piece, name) for piece in pieces) for column, name in columns.items()}


@dataclass(frozen=True)
class Notation:
    """How a tokenizer writes its pieces in its vocabulary.

    kind: "bytes" (Ġ: each byte is a printable character), "metaspace" (▁ is a space, as `written` says), "plain".
    prefix: what stands before a piece that goes on with a word (##). suffix: what stands behind one that ends a word.
    byte_fallback: whether <0xNN> is a byte.
    written: where kind is "metaspace", what is written for what: ▁ for a space, or whatever the tokenizer takes.
    """

    kind: Literal["bytes", "metaspace", "plain"]
    prefix: str = ""
    suffix: str = ""
    byte_fallback: bool = False
    written: tuple[tuple[str, str], ...] = (("▁", " "),)

    def bytes_of(self, token: str) -> bytes:
        """The bytes that a piece of the vocabulary stands for."""
        if self.is_byte(token):
            return bytes.fromhex(token[3:5])
        if self.continues(token):
            token = token.removeprefix(self.prefix)
        if self.suffix and len(token) > len(self.suffix):
            token = token.removesuffix(self.suffix)
        return self.bytes_of_word(token)

    def bytes_of_word(self, word: str) -> bytes:
        """The bytes of a text as the algorithm is given it: written like a piece, without prefix and suffix."""
        if self.kind == "bytes":
            table = _byte_of_character()
            return b"".join(bytes([table[each]]) if each in table else each.encode() for each in word)
        for sign, meaning in self.written if self.kind == "metaspace" else ():
            word = word.replace(sign, meaning)
        return word.encode("utf-8", "replace")

    def is_byte(self, token: str) -> bool:
        """Whether this piece of the vocabulary is a byte of a character that is no piece: <0xF0>."""
        return self.byte_fallback and re.fullmatch("<0x[0-9A-Fa-f]{2}>", token) is not None

    def continues(self, token: str) -> bool:
        """Whether this piece of the vocabulary goes on with a word: ##ing; ## alone is two signs."""
        return bool(self.prefix) and token.startswith(self.prefix) and len(token) > len(self.prefix)

    def shown(self, token: str) -> str:
        """How people see a piece of the vocabulary."""
        return (self.prefix if self.continues(token) else "") + readable_bytes(self.bytes_of(token))


class Look(NamedTuple):
    """What is known of a piece whatever the text; the fields are those of `Piece`. token: as the vocabulary has it."""

    text: str
    data: bytes
    is_special: bool
    is_unknown: bool
    token: str


class Looks(dict[int, Look]):
    """The look of each piece of a vocabulary by id, worked out when it is first met."""

    def __init__(
        self,
        token_of: Callable[[int], str | None],
        notation: Notation,
        special: Iterable[int] = (),
        added: Iterable[int] = (),
        unknown: int | None = None,
    ) -> None:
        super().__init__()
        self.notation = notation
        self._token_of = token_of
        self._special = frozenset(special)
        self._added = frozenset(added)
        self.unknown = unknown
        # Taken as they stand, so that nothing of the text around them belongs to them.
        self.whole = self._added - {unknown}

    def __missing__(self, number: int) -> Look:
        token = self._token_of(number)
        token = str(number) if token is None else token
        is_unknown = number == self.unknown
        is_whole = number in self._added or is_unknown
        look = self[number] = Look(
            text=readable_text(token) if is_whole else self.notation.shown(token),
            data=token.encode("utf-8", "replace") if is_whole else self.notation.bytes_of(token),
            is_special=number in self._special and not is_unknown,
            is_unknown=is_unknown,
            token=token,
        )
        return look

    def pieces(
        self, ids: Sequence[int], spans: Sequence[tuple[int, int]] | None = None, text: str | None = None
    ) -> tuple[Piece, ...]:
        """The pieces with these ids; an unknown one has the bytes of its span in `text`, where there is one."""
        # zip is given no strict=: the two come from one encoding, and this line is what a long text waits for.
        pieces = tuple(
            Piece(number, shown, data, span, is_special, is_unknown)
            for number, (shown, data, is_special, is_unknown, _), span in zip(  # noqa: B905
                ids, map(self.__getitem__, ids), [(0, 0)] * len(ids) if spans is None else spans
            )
        )
        if text is None or self.unknown is None or self.unknown not in ids:
            return pieces
        return tuple(
            msgspec.structs.replace(piece, data=text[slice(*piece.span)].encode()) if piece.is_unknown else piece
            for piece in pieces
        )


def check_is_text(text: str) -> None:
    """Raise TextError for a text that holds half of a surrogate pair."""
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise TextError(
            f"Character {error.start} of the text is half of a surrogate pair, which is not text; "
            "delete it and try again."
        ) from error


def encode(tokenizer: Any, text: str) -> Tokenization:
    """Cut `text` with a transformers tokenizer, with its special tokens, without padding or truncation.

    A fast tokenizer is called through `tokenizers` itself with its settings left alone: that is safe when it is shared.

    Raises TextError for a text that holds half of a surrogate pair or a NUL, which models cannot be asked about.
    """
    check_is_text(text)
    if "\0" in text:
        raise TextError(
            f"Character {text.index(chr(0))} of the text is a NUL, which is not text; delete it and try again."
        )
    backend = getattr(tokenizer, "backend_tokenizer", None)
    if backend is None:
        ids: Sequence[int] = tokenizer(text)["input_ids"]
        spans: Sequence[tuple[int, int]] = [(0, 0)] * len(ids)
    else:
        encoding = backend.encode(text)
        ids, spans = encoding.ids, encoding.offsets
    return Tokenization(text, tuple(ids), looks_of(tokenizer).pieces(ids, spans, text))


def pieces_of_ids(
    tokenizer: Any, ids: Sequence[int], spans: Sequence[tuple[int, int]] | None = None
) -> tuple[Piece, ...]:
    """The pieces with these ids; without a tokenizer (None) each shows its number."""
    if tokenizer is None:
        return tuple(Piece(number, str(number), b"", (0, 0), is_special=False, is_unknown=False) for number in ids)
    return looks_of(tokenizer).pieces([int(number) for number in ids], spans)


def looks_of(tokenizer: Any) -> Looks:
    """The looks of the pieces of a transformers tokenizer, or of one that works in the sandbox, which has them."""
    if isinstance(known := getattr(tokenizer, "looks", None), Looks):
        return known
    backend = getattr(tokenizer, "backend_tokenizer", None)
    notation = Notation("metaspace", byte_fallback=True)
    if backend is not None:
        names = ("normalizer", "pre_tokenizer", "decoder")
        parts = {name: getattr(backend, name) for name in names}
        model = {
            name: getattr(backend.model, name, None)
            for name in ("continuing_subword_prefix", "end_of_word_suffix", "byte_fallback")
        }
        state = {name: None if part is None else json.loads(part.__getstate__()) for name, part in parts.items()}
        notation = notation_of(state | {"model": model})
    return Looks(
        lambda number: tokenizer.convert_ids_to_tokens([number])[0],
        notation,
        special=tokenizer.all_special_ids,
        added=tokenizer.added_tokens_decoder,
        # Where pieces are bytes nothing is unknown, although the tokenizer may name its end of text as that (GPT-2).
        unknown=None if notation.kind == "bytes" else getattr(tokenizer, "unk_token_id", None),
    )


def notation_of(state: Mapping[str, Any]) -> Notation:
    """How a tokenizer writes its pieces, from a parsed tokenizer.json.

    What stands before or behind pieces is the model's to say, whatever the decoder takes off; how a space is written
    is seen in the parts that write it or take it back, as a tokenizer need not have a decoder.
    """
    model = state["model"]
    before, after = (
        [*steps_of(state.get("normalizer")), *steps_of(state.get("pre_tokenizer"))],
        steps_of(state.get("decoder")),
    )
    read = [pair for step in after for pair in _replaced(step, is_decoder=True)]
    written = [pair for step in before for pair in _replaced(step, is_decoder=False)]
    # A space is one wherever it is said; of others only what is written and read again is a notation.
    pairs = [pair for pair in (*written, *read) if pair[1] == " " or (pair in read and pair in written)]
    pairs = list(dict.fromkeys(pair for pair in pairs if pair[0] != " "))
    kind: Literal["bytes", "metaspace", "plain"] = "metaspace" if pairs else "plain"
    # A decoder alone writes nothing: the letters of the text are what they are.
    if any(step["type"] == "ByteLevel" for step in before):
        kind = "bytes"
    is_fallback = bool(model.get("byte_fallback")) or any(step["type"] == "ByteFallback" for step in after)
    return Notation(
        kind,
        prefix=model.get("continuing_subword_prefix") or "",
        suffix=model.get("end_of_word_suffix") or "",
        byte_fallback=kind != "bytes" and is_fallback,
        written=tuple(pairs) or Notation.written,
    )


def _replaced(step: Mapping[str, Any], *, is_decoder: bool) -> list[tuple[str, str]]:
    """What a step writes for what, as (sign, meaning)."""
    kind = step["type"]
    if kind in ("Metaspace", "CTC"):
        return [(step["replacement"] if kind == "Metaspace" else step["word_delimiter_token"], " ")]
    if kind != "Replace":
        return []
    pattern, content = step["pattern"], step["content"]
    whole = pattern.get("String") or (" " if pattern.get("Regex") in _SPACES else "")
    sign, meaning = (whole, content) if is_decoder else (content, whole)
    return [(sign, meaning)] if sign and meaning else []


# Patterns that a space fits.
_SPACES = (" ", "[ ]", r"\ ", r"\s", " +", r"\s+")


def steps_of(part: Mapping[str, Any] | None) -> list[Mapping[str, Any]]:
    """The parts of a tokenizer.json's normalizer, pre_tokenizer, post_processor or decoder, in order."""
    if part is None:
        return []
    if part["type"] != "Sequence":
        return [part]
    inner = next(
        (part[name] for name in ("normalizers", "pretokenizers", "processors", "decoders") if name in part), []
    )
    return [step for each in inner for step in steps_of(each)]


@cache
def character_of_byte() -> tuple[str, ...]:
    """How byte-level vocabularies write each of the 256 bytes: what prints as itself, the others from U+0100 on.

    GPT-2's table, `transformers.convert_slow_tokenizer.bytes_to_unicode`, made here so that a page which only cuts text
    does not wait for transformers.
    """
    prints = {*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)}
    others = iter(range(0x100, 0x200))
    return tuple(chr(byte) if byte in prints else chr(next(others)) for byte in range(256))


@cache
def _byte_of_character() -> dict[str, int]:
    return {character: byte for byte, character in enumerate(character_of_byte())}


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


# Controls, formats, surrogates, what is private or not assigned, and separators: their categories in Unicode.
_SHAPELESS = frozenset(("Cc", "Cf", "Cs", "Co", "Cn", "Zs", "Zl", "Zp"))


def _readable(character: str) -> str:
    if character in " \n\t":
        return {" ": "␣", "\n": "⏎", "\t": "⇥"}[character]
    code = ord(character)
    if code < 0x20:
        return chr(0x2400 + code)
    if "\ufe00" <= character <= "\ufe0f" or unicodedata.category(character) in _SHAPELESS:
        return f"⟨U+{code:04X}⟩"
    return character
