"""A sentence with arcs: above it its grammar, below it where one head looks from each word, there or in a text."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from viz.components.scaffold import component, fields_of, pack_picture

_PARTS = """\
<div class="scroll"><div class="sheet">
  <div class="arcs above"></div>
  <div class="words" role="listbox" aria-label="Words"></div>
  <div class="arcs below"></div>
  <div class="others" role="list" aria-label="What is looked at" hidden></div>
</div></div>
<p class="caption"></p>
"""
_mount = component("sentence_arcs", _PARTS)


@dataclass(frozen=True, eq=False)
class SentenceArcs:
    """The content of the picture.

    words: of the sentence. heads, relations: for each word the one that it depends on (-1 for the root), and what it is
        to it; empty where no grammar is known. meant: pairs (from, to) that are set off: what a role says is looked at.
    weights: of the head, from word to word. caption: what it is, and what is left out.
    others: the words that are looked at, where they are those of another text (cross-attention); the weights' columns.
    """

    words: Sequence[str]
    heads: Sequence[int]
    relations: Sequence[str]
    meant: Sequence[tuple[int, int]]
    weights: Float[np.ndarray, "word other"]
    caption: str
    others: Sequence[str] = ()

    def __post_init__(self) -> None:
        count = len(self.words)
        if self.weights.shape != (count, len(self.others) or count):
            raise ValueError(f"expected weights between {count} words, found {self.weights.shape}")
        if {len(self.heads), len(self.relations)} - {0, count}:
            raise ValueError(f"expected the grammar of {count} words or none, found {len(self.heads)} heads")


def sentence_arcs(picture: SentenceArcs, *, key: str) -> None:
    """Show the picture."""
    _mount(key=key, data=packed(picture))


def packed(picture: SentenceArcs) -> bytes:
    """The message to the browser."""
    # Each is read as a number, and is the one that stands elsewhere.
    return pack_picture(fields_of(picture), [picture.weights.astype("<f4")])
