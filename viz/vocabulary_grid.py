"""Pieces of a vocabulary as rows of a grid."""

import numpy as np

from models.tokenization.vocabulary import ADDED, BYTE, PART, SPECIAL, UNKNOWN, UNUSED, Vocabulary
from viz.components.figure_grid import FigureGrid

_LONGEST = 40
_KINDS = (
    (SPECIAL, "special"),
    (ADDED, "added"),
    (UNKNOWN, "unknown"),
    (BYTE, "byte"),
    (PART, "part of a character"),
    (UNUSED, "unused"),
)


def kinds_text(kinds: int) -> str:
    """What a piece is, in words; the first two that hold."""
    return ", ".join([name for bit, name in _KINDS if kinds & bit][:2])


def piece_grid(known: Vocabulary, places: np.ndarray, *, selected: int | None) -> FigureGrid:
    """A row for each of these pieces: id, length, script, rank among the merges, and what it is."""
    at = places.tolist()
    names = [known.shown(place) for place in at]
    cells = [
        [
            f"{int(known.ids[place])}",
            f"{int(known.lengths[place]):,}",
            known.scripts[known.script[place]],
            f"{int(known.ranks[place]):,}" if known.ranks[place] >= 0 else "–",
            kinds_text(int(known.kinds[place])),
        ]
        for place in at
    ]
    columns = ("id", "characters", "script", "rank", "kind")
    shape = (len(at), len(columns))
    return FigureGrid(
        label="Pieces of the vocabulary",
        corner="piece",
        columns=columns,
        names=[name if len(name) <= _LONGEST else f"{name[: _LONGEST - 1]}…" for name in names],
        notes=[""] * len(at),
        cells=cells,
        amounts=np.zeros(shape),
        groups=(),
        measures=(),
        known=np.zeros((0, *shape), np.float32),
        selected=selected,
        caption="␣ is a space, ⏎ a line break; bytes that are no whole characters are in hexadecimal. Of these the "
        "length is in bytes.",
    )
