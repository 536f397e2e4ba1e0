"""Small pictures for a list of pages, as escaped HTML: one glance each, nothing to click."""

import html
from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

from viz.inspector import Share, shares
from viz.palette import Palette, between

_MOST_TOKENS = 40
_MOST_DOTS = 200
# Up to this part of the ramp the ink can be read on it, from there on the ground.
_READABLE_IN_INK = 0.55


def strip(
    tokens: Sequence[str], weights: Float[np.ndarray, " token"], selected: int | None, label: str, palette: Palette
) -> str:
    """Tokens in a row, each as dark as its weight beside the largest; the selected one framed. NaN: not seen."""
    known = np.nan_to_num(weights)
    most = max(float(known.max(initial=0.0)), 1e-9)
    cells = ""
    for place, (token, weight) in enumerate(zip(tokens[:_MOST_TOKENS], known.tolist(), strict=False)):
        ink = palette.ground if weight / most > _READABLE_IN_INK else palette.ink
        frame = f"outline:2px solid {palette.accent}" if place == selected else ""
        style = f"background:{between(palette.amount, weight / most)};color:{ink};{frame}"
        cells += f'<span style="{style}"><bdi>{html.escape(token)}</bdi></span>'
    return _picture("strip", cells, label)


def pieces(tokens: Sequence[str], label: str, palette: Palette) -> str:
    """Tokens in a row; equal ones have equal grounds."""
    grounds = {piece: place for place, piece in enumerate(dict.fromkeys(tokens))}
    cells = "".join(
        f'<span style="background:{palette.identity[grounds[token] % len(palette.identity)]};color:{palette.ink}">'
        f"<bdi>{html.escape(token)}</bdi></span>"
        for token in tokens[:_MOST_TOKENS]
    )
    return _picture("strip", cells, label)


def cells(values: Float[np.ndarray, "row column"], label: str, palette: Palette) -> str:
    """A grid, each cell as dark as its value beside the largest of its row; NaN: nothing there."""
    most = np.nanmax(np.where(np.isfinite(values), values, 0), axis=1, keepdims=True, initial=1e-9)
    rows = "".join(
        "<div>"
        + "".join(
            f'<i style="background:{between(palette.amount, each) if np.isfinite(each) else "transparent"}"></i>'
            for each in row.tolist()
        )
        + "</div>"
        for row in values / most
    )
    return _picture("cells", rows, label)


def coloured(rows: Sequence[Sequence[str]], label: str, palette: Palette) -> str:
    """A grid of cells of these colours, "" for nothing there."""
    cells = "".join(
        "<div>" + "".join(f'<i style="background:{each or palette.ground}"></i>' for each in row) + "</div>"
        for row in rows
    )
    return _picture("cells", cells, label)


def dots(points: Float[np.ndarray, "point 2"], marked: Sequence[bool], label: str, palette: Palette) -> str:
    """Points on a plane, both axes on one scale; the marked ones in the accent's colour, before the others."""
    shown = points[:_MOST_DOTS]
    size = max(float(np.ptp(shown, axis=0).max(initial=0)), 1e-9)
    middle = (shown.max(axis=0) + shown.min(axis=0)) / 2
    places = 50 + 92 * (shown - middle) / size * (0.5, -1)
    order = sorted(range(len(shown)), key=lambda place: marked[place])
    spots = "".join(
        f'<i style="left:{places[each, 0]:.1f}%;top:{places[each, 1]:.1f}%;'
        f'background:{palette.accent if marked[each] else palette.quiet}"></i>'
        for each in order
    )
    return _picture("dots", spots, label)


def bars(lines: Sequence[Share], label: str) -> str:
    """A bar for each token that may come next."""
    return _picture("bars", shares(lines), label)


def _picture(kind: str, inner: str, label: str) -> str:
    return f'<div class="headlight-preview {kind}" role="img" aria-label="{html.escape(label)}">{inner}</div>'
