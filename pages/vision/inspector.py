"""Beside the picture: what the chosen head sees from the chosen token, in numbers."""

from typing import TYPE_CHECKING

import numpy as np
import streamlit as st
from jaxtyping import Float

from pages.vision.choices import Places
from pages.vision.selection import head_name, place_name
from viz.inspector import Share, heading, line, shares
from viz.number_format import counted, part_text
from viz.tables import sentences

if TYPE_CHECKING:
    from models.vision import CutPicture

LINE = "Where it looks; hide the patch and see."
_MOST_LINES = 5
_HALF = 0.5


def inspect(row: Float[np.ndarray, " key"], cut: "CutPicture", layer: int, head: int, places: Places) -> None:
    """The chosen token's row of weights."""
    first = len(cut.specials)
    patches, on_patches = row[first:], float(row[first:].sum())
    best = np.argsort(-patches, kind="stable")[:_MOST_LINES]
    who, name = place_name(cut, places[-1]), head_name(layer, head)
    counts = fewest(patches, _HALF)
    said = [
        f"From {who}: half of what {name} has on patches lies on {counts:,} of {len(patches):,}.",
        LINE,
    ]
    st.html(
        sentences(said)
        + heading("Row, column of a patch")
        + shares([Share(cut.place_name(first + int(each)), float(patches[each])) for each in best])
        + line(f"The {len(best)} largest weights; spread evenly, each token had {part_text(1 / len(row))}.")
    )
    if first:
        others = [Share(place_name(cut, each), float(row[each])) for each in range(first)]
        st.html(heading("Not on the picture") + shares(others) + line(_of_others(on_patches, first)))
    st.html(line(_centre(patches, cut)))


def fewest(weights: Float[np.ndarray, " patch"], part: float) -> int:
    """How few of them hold this part of their sum."""
    ordered = np.sort(weights)[::-1].cumsum()
    return int(np.searchsorted(ordered, part * ordered[-1])) + 1 if len(ordered) and ordered[-1] > 0 else 0


def _of_others(on_patches: float, count: int) -> str:
    what = counted(count, "token")
    return f"{part_text(on_patches)} of the weight is on patches, the rest on {what} without a place in the picture."


def _centre(patches: Float[np.ndarray, " patch"], cut: "CutPicture") -> str:
    whole = max(float(patches.sum()), 1e-12)
    rows, columns = np.divmod(np.arange(len(patches)), cut.columns)
    row, column = (float((patches * each).sum()) / whole for each in (rows, columns))
    return f"The middle of what it looks at: row {row:.1f}, column {column:.1f}; counted from 0, from the top left."
