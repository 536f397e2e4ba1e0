"""A large text file in blocks, as it is read: where a block may end, what the file looks like, and what is no text."""

import csv
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from hashlib import sha256
from typing import Literal

from models.errors import HeadlightError

FileKind = Literal["text", "code", "JSON", "JSON lines", "CSV"]

# Of a block, which a tokenizer is given by itself; one cut inside of a line has as many at the most.
BLOCK_BYTES = 32_768
_LOOKED_AT = 65_536
# Of control characters, beyond which what can be decoded is no text all the same.
_MOST_CONTROLS = 0.02
_MOST_TRIED = 200
_SPACES = b" \t\r\n\v\f"
_CONTROLS = re.compile(rb"[\x01-\x08\x0e-\x1a\x1c-\x1f\x7f]")
_CODE = re.compile(
    r"^\s*(?:def |class |import |from \w+ import|#include|function\b|const |let |var |public |private |fn |package "
    r"|return\b|if ?\(|for ?\(|while ?\()|[{;]\s*$",
    re.MULTILINE,
)


class TextFileError(HeadlightError):
    """A file that is no text in UTF-8."""


@dataclass(frozen=True)
class TextFile:
    """A file as it was sent. name: what its sender calls it. digest: of its bytes, by which it is equal to another."""

    name: str
    digest: str
    data: bytes = field(compare=False, repr=False)

    @cached_property
    def start(self) -> int:
        """Where its text begins, behind a byte order mark."""
        return 3 if self.data.startswith(b"\xef\xbb\xbf") else 0

    @cached_property
    def kind(self) -> FileKind:
        """What it looks like, by its beginning, whatever it is called."""
        return kind_of(self.data[self.start : self.start + _LOOKED_AT], is_whole=len(self.data) <= _LOOKED_AT)


def text_file(name: str, data: bytes) -> TextFile:
    """A file to be counted. Raises TextFileError where its beginning is no text in UTF-8; what comes later is seen when
    it is read.
    """
    if not data:
        raise TextFileError("This file is empty; choose one that holds text.")
    begin = data[:_LOOKED_AT]
    if begin.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise TextFileError("This file is written in UTF-16; save it as UTF-8 and open it again.")
    if begin.count(0) * 4 > len(begin):
        raise TextFileError(
            "Many bytes of this file are empty, as in UTF-16, or it is no text; save it as UTF-8 and open it again."
        )
    if len(_CONTROLS.findall(begin)) + begin.count(0) > max(8, _MOST_CONTROLS * len(begin)):
        raise TextFileError("This file holds control characters as no text does; choose a text file.")
    file = TextFile(name, sha256(data).hexdigest(), data)
    next(blocks_from(file, file.start), None)
    return file


@dataclass(frozen=True)
class Block:
    """A part of a file. start, end: in its bytes. is_cut: whether it ends inside of a line."""

    start: int
    end: int
    text: str
    is_cut: bool


def blocks_from(file: TextFile, at: int, size: int = BLOCK_BYTES) -> Iterator[Block]:
    """The blocks of a file from this byte on, each of at most `size` bytes, ending at the end of a line where one ends
    in it, else behind white space, else between two characters.

    Raises TextFileError at the first byte that is no UTF-8.
    """
    data = file.data
    while at < len(data):
        end, is_cut = _end_of_block(data, at, size)
        try:
            text = data[at:end].decode()
        except UnicodeDecodeError as error:
            place = at + error.start
            raise TextFileError(
                f"Byte {place + 1:,} of this file is no text in UTF-8; save it as UTF-8 and open it again."
            ) from error
        yield Block(at, end, text, is_cut)
        at = end


def _end_of_block(data: bytes, at: int, size: int) -> tuple[int, bool]:
    if len(data) - at <= size:
        return len(data), False
    last = end = data.rfind(b"\n", at, at + size) + 1
    for _ in range(_MOST_TRIED):
        if end <= at + size // 2:
            break
        # Where no other white space touches the line's end, no piece of what is known reaches over it.
        if data[end] not in _SPACES and data[end - 2] not in _SPACES:
            return end, False
        end = data.rfind(b"\n", at, end - 1) + 1
    if last > at:
        return last, False
    end = data.rfind(b" ", at + 1, at + size)
    if end > at:
        return end, True
    end = at + size
    # The first byte of a character is none of those that go on with one.
    while end > at + size - 4 and data[end] & 0xC0 == 0x80:
        end -= 1
    return end, True


def kind_of(begin: bytes, *, is_whole: bool) -> FileKind:
    """What a file looks like by its first bytes. is_whole: whether these are all."""
    text = begin.decode("utf-8", "ignore").strip()
    lines = [line for line in text.splitlines() if line.strip()]
    lines = lines if is_whole else lines[:-1]
    if len(lines) > 1 and all(_is_json(line) for line in lines[:20]) and lines[0].lstrip()[:1] in "[{":
        return "JSON lines"
    if text[:1] in ("{", "[") and (_is_json(text) if is_whole else re.match(r'[\[{][\s\[{]*"[^"]*"\s*[:,]', text)):
        return "JSON"
    if _is_csv(lines[:50]):
        return "CSV"
    code = sum(_CODE.search(line) is not None for line in lines)
    indented = sum(line.startswith(("    ", "\t")) for line in lines)
    is_indented = indented * 2 >= len(lines) and code * 20 >= len(lines)
    return "code" if code >= 2 and (is_indented or code * 5 >= len(lines)) else "text"


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def _is_csv(lines: list[str]) -> bool:
    """Whether each line has as many columns, three or more."""
    if len(lines) < 3:
        return False
    for sign in (",", ";", "\t"):
        try:
            rows = list(csv.reader(lines, delimiter=sign))
        except csv.Error:
            continue
        # In prose there is a space behind a comma.
        cells = [cell for row in rows for cell in row[1:]]
        is_prose = sum(cell.startswith(" ") for cell in cells) * 2 > len(cells)
        if len({len(row) for row in rows}) == 1 and len(rows[0]) >= 3 and not is_prose:
            return True
    return False
