"""The header of a GGUF file: its counts, lengths and sizes, checked before a library walks through it."""

import os
import struct
from dataclasses import dataclass

from models.loading.refusals import ModelRefusedError

_LARGEST_HEADER = 128_000_000
_MOST_FIELDS, _MOST_TENSORS = 2_000, 50_000
# Of all arrays together; gguf's own reader takes 12 microseconds and 700 bytes for each entry.
_MOST_ENTRIES = 2**21
# Longer arrays are a tokenizer's: its pieces, their scores and types, its merges. The others have an entry per layer.
_LONGEST_KEPT, _MOST_KEPT_ENTRIES = 1_024, 2**14
_LONGEST_NAME, _LONGEST_TEXT = 256, 2_000_000
# Merges that a file leaves out are made of every way to part a piece: long pieces would take for ever.
_LONGEST_ENTRY, _LARGEST_ARRAY = 1_024, 16_000_000
_MOST_DIMENSIONS, _MOST_ELEMENTS = 4, 2**42
_PIECES = "tokenizer.ggml.tokens"
_STRING, _ARRAY, _UINT32 = 8, 9, 4
_WIDTHS = {0: 1, 1: 1, 7: 1, 2: 2, 3: 2, 4: 4, 5: 4, 6: 4, 10: 8, 11: 8, 12: 8}
_VERSIONS = (2, 3)
_ALIGNMENT, _LARGEST_ALIGNMENT = 32, 2**16
_PIECE = 2**20
_TOO_MUCH = "This GGUF file names more than any model has; get it anew, or choose another."
_DAMAGED = "This GGUF file could not be read: its header is damaged, or not one of versions 2 and 3; get it anew."


@dataclass(frozen=True)
class GgufHeader:
    """What a GGUF file says it holds.

    whole: its bytes. lean: the same without the long arrays, which are a tokenizer's; the tensors begin behind either.
        data_bytes: from there to the end of the last one. vocabulary: how many pieces the tokenizer has,
        0 without one. elements: of all tensors, once they are expanded.
    """

    whole: bytes
    lean: bytes
    data_bytes: int
    vocabulary: int
    elements: int


def header_of(descriptor: int) -> GgufHeader:
    """Read and check the header of an open file; every tensor lies inside the file, and none on another.

    Raises ModelRefusedError, OSError.
    """
    try:
        return _header(_Cursor(descriptor))
    except (struct.error, UnicodeDecodeError, OverflowError) as error:
        raise ModelRefusedError(_DAMAGED) from error


class _Cursor:
    """The bytes from the beginning on, read as far as they are asked for."""

    def __init__(self, descriptor: int) -> None:
        self.size = os.fstat(descriptor).st_size
        self.place = 0
        self.read = bytearray()
        self._descriptor = descriptor

    def take(self, count: int) -> bytes:
        end = self.place + count
        if end > min(self.size, _LARGEST_HEADER):
            raise ModelRefusedError(_DAMAGED)
        while len(self.read) < end:
            piece = os.pread(self._descriptor, max(_PIECE, end - len(self.read)), len(self.read))
            if not piece:
                raise ModelRefusedError(_DAMAGED)
            self.read += piece
        taken = bytes(self.read[self.place : end])
        self.place = end
        return taken

    def number(self, form: str) -> int:
        return int(struct.unpack(f"<{form}", self.take(struct.calcsize(form)))[0])

    def at_most(self, form: str, most: int) -> int:
        found = self.number(form)
        if found > most:
            raise ModelRefusedError(_TOO_MUCH)
        return found

    def text(self, longest: int) -> str:
        return self.take(self.at_most("Q", longest)).decode("utf-8")


def _header(cursor: _Cursor) -> GgufHeader:
    if cursor.take(4) != b"GGUF" or cursor.number("I") not in _VERSIONS:
        raise ModelRefusedError(_DAMAGED)
    tensors, fields = cursor.at_most("Q", _MOST_TENSORS), cursor.at_most("Q", _MOST_FIELDS)
    alignment, names, kept, left, left_kept, vocabulary = _ALIGNMENT, set(), [], _MOST_ENTRIES, _MOST_KEPT_ENTRIES, 0
    for _ in range(fields):
        start, entries = cursor.place, 0
        name = cursor.text(_LONGEST_NAME)
        kind = cursor.number("I")
        if name == "general.alignment":
            alignment = cursor.number("I") if kind == _UINT32 else 0
        else:
            entries = _value(cursor, kind, left)
        left -= entries
        if name == _PIECES:
            vocabulary = entries
        if entries <= _LONGEST_KEPT:
            kept.append(bytes(cursor.read[start : cursor.place]))
            left_kept -= entries
        names.add(name)
    if left_kept < 0:
        raise ModelRefusedError(_TOO_MUCH)
    end_of_fields = cursor.place
    if len(names) < fields or not 0 < alignment <= _LARGEST_ALIGNMENT or alignment & (alignment - 1):
        raise ModelRefusedError(_DAMAGED)
    places = [_tensor(cursor, alignment) for _ in range(tensors)]
    tensor_infos = bytes(cursor.read[end_of_fields : cursor.place])
    begin = -(-cursor.place // alignment) * alignment
    end = 0
    for start, length, _ in sorted((start, length, name) for name, start, length, _ in places):
        if start < end or begin + start + length > cursor.size:
            raise ModelRefusedError("This GGUF file is cut off or damaged: a tensor lies outside of it; get it anew.")
        end = start + length
    if not places or len({name for name, *_ in places}) < tensors or cursor.size - begin - end > _LARGEST_ALIGNMENT:
        raise ModelRefusedError(_DAMAGED)
    cursor.take(begin - cursor.place)
    lean = bytes(cursor.read[:16]) + struct.pack("<Q", len(kept)) + b"".join(kept)
    lean += tensor_infos
    return GgufHeader(
        bytes(cursor.read[:begin]),
        lean + bytes(-len(lean) % alignment),
        end,
        vocabulary,
        sum(elements for *_, elements in places),
    )


def _value(cursor: _Cursor, kind: int, most_entries: int) -> int:
    """Pass one value. How many entries it has where it is an array, else 0."""
    count = 0
    if kind in _WIDTHS:
        cursor.take(_WIDTHS[kind])
    elif kind == _STRING:
        cursor.text(_LONGEST_TEXT)
    elif kind == _ARRAY:
        inner, count = cursor.number("I"), cursor.at_most("Q", most_entries)
        if inner in _WIDTHS:
            cursor.take(_WIDTHS[inner] * count)
        elif inner == _STRING:
            end = cursor.place + _LARGEST_ARRAY
            for _ in range(count):
                cursor.text(_LONGEST_ENTRY)
                if cursor.place > end:
                    raise ModelRefusedError(_TOO_MUCH)
        else:
            raise ModelRefusedError(_DAMAGED)
    else:
        raise ModelRefusedError(_DAMAGED)
    return count


def _tensor(cursor: _Cursor, alignment: int) -> tuple[str, int, int, int]:
    """A tensor's name, where it begins after the header, its length in bytes and how many elements it has."""
    from gguf import GGML_QUANT_SIZES

    name = cursor.text(_LONGEST_NAME)
    shape = [cursor.at_most("Q", _MOST_ELEMENTS) for _ in range(cursor.at_most("I", _MOST_DIMENSIONS))]
    kind, start = cursor.number("I"), cursor.number("Q")
    elements = 1
    for each in shape:
        elements *= each
    block, length = {int(each): sizes for each, sizes in GGML_QUANT_SIZES.items()}.get(kind, (0, 0))
    if not block or not shape or not 0 < elements <= _MOST_ELEMENTS or start % alignment or shape[0] % block:
        raise ModelRefusedError(_DAMAGED)
    return name, start, elements // block * length, elements
