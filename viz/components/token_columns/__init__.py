"""One text, cut by several tokenizers: a ruler of bytes above, and a column of coloured pieces for each."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from models.tokenization import Column, Comparison, readable_text
from viz.components.scaffold import component, fields_of, numbers, pack_picture

_PARTS = """\
<div class="ruler" tabindex="0" role="application"><div class="room"><canvas></canvas></div></div>
<div class="foot jumps"></div>
<div class="columns"></div>
<p class="caption"></p>
"""
_mount = component("token_columns", _PARTS)

SPECIAL, UNKNOWN = 1, 2


@dataclass(frozen=True)
class ColumnHead:
    """What stands above a column: the tokenizer's name, how many tokens the whole text has, and figures in a line."""

    name: str
    title: str
    tokens: int
    figures: str


@dataclass(frozen=True)
class ColumnsPicture:
    """The content of the picture.

    heads: one for each column of `comparison`. pinned: start and end in characters of the whole text, or None.
    caption: what is shown of the text, and what the colours mean.
    """

    comparison: Comparison
    heads: tuple[ColumnHead, ...]
    pinned: tuple[int, int] | None
    caption: str

    def __post_init__(self) -> None:
        if len(self.heads) != len(self.comparison.columns):
            raise ValueError(
                f"expected a head for each of {len(self.comparison.columns)} columns, found {len(self.heads)}"
            )


def token_columns(picture: ColumnsPicture, *, key: str, on_stretch: Callable[[int, int], None]) -> None:
    """Show the picture; `on_stretch(start, end)`, in characters of the whole text, is called for a selected stretch."""
    told = {"stretch": (numbers(2), lambda stretch: on_stretch(*stretch))}
    _mount(key=key, data=packed(picture), told=told)


def packed(picture: ColumnsPicture) -> bytes:
    """The message to the browser: a header, then for each column its pieces as numbers."""
    comparison = picture.comparison
    header = {
        "text": comparison.text,
        "start": comparison.start,
        "columns": [
            fields_of(head) | {"shown": [each.text for each in column.looks], "pieces": len(column.look)}
            for head, column in zip(picture.heads, comparison.columns, strict=True)
        ],
        "stretches": len(comparison.disagreements),
        "jumps": [
            {"start": each.start, "end": each.end, "text": readable_text(each.text[:24]), "counts": each.counts}
            for each in comparison.largest
        ],
        "count": comparison.count,
        "pinned": picture.pinned,
        "caption": picture.caption,
    }
    arrays = [comparison.disagreements.astype(np.uint16)]
    for column in comparison.columns:
        arrays += _numbers(column)
    return pack_picture(header, arrays)


def _numbers(column: Column) -> list[np.ndarray]:
    flags = [SPECIAL * each.is_special + UNKNOWN * each.is_unknown for each in column.looks]
    data = [each.data for each in column.looks]
    return [
        np.array(column.ids, dtype=np.uint32),
        np.array(column.ranks, dtype=np.int32),
        np.array(flags, dtype=np.uint8),
        np.array([len(each) for each in data], dtype=np.uint16),
        np.frombuffer(b"".join(data), dtype=np.uint8),
        column.look,
        # A window has at most 6,000 characters, of 4 bytes at most; a piece may reach beyond it.
        np.clip(column.starts, 0, 0xFFFF).astype(np.uint16),
        np.clip(column.ends, 0, 0xFFFF).astype(np.uint16),
    ]
