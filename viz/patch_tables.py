"""Tables whose rows and columns are named by patches of a picture, as escaped HTML."""

import base64
import html
import io
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, UInt8
from PIL import Image

from viz.number_format import level_text, part_text
from viz.palette import Palette, between


@dataclass(frozen=True, eq=False)
class PatchLabel:
    """A token of a picture. pixels: None for one that is no patch."""

    name: str
    pixels: UInt8[np.ndarray, "height width 3"] | None = None


@dataclass(frozen=True, eq=False)
class ProductRow:
    """A key beside one query: their products, number by number, what comes of them, and the weight."""

    key: PatchLabel
    products: Float[np.ndarray, " dim"]
    score: float
    weight: float


def products_table(rows: Sequence[ProductRow], palette: Palette) -> str:
    """A row for each key, the products as a strip, purple below 0 and green above, on one scale."""
    most = max((float(np.abs(row.products).max(initial=0)) for row in rows), default=0.0) or 1.0
    head = "<tr><th></th><th>key</th><th>query × key, number by number</th><th>score</th><th>weight</th></tr>"
    lines = "".join(
        f"<tr><td>{_thumbnail(row.key)}</td><th><bdi>{html.escape(row.key.name)}</bdi></th>"
        f"<td>{_strip(row.products / most, palette)}</td>"
        f'<td class="number">{level_text(row.score)}</td><td class="number">{part_text(row.weight)}</td></tr>'
        for row in rows
    )
    return f'<div class="headlight-wide"><table class="headlight-patches">{head}{lines}</table></div>'


def patch_matrix(labels: Sequence[PatchLabel], weights: Float[np.ndarray, "query key"], palette: Palette) -> str:
    """Rows look at columns; a darker cell (a lighter one on a dark screen) is a larger weight."""
    most = float(weights.max(initial=0.0)) or 1.0
    names = "".join(f"<th>{_thumbnail(each)}</th>" for each in labels)
    lines = "".join(
        f"<tr><th>{_thumbnail(label)}</th><td>{html.escape(label.name)}</td>"
        + "".join(
            f'<td class="cell" title="{html.escape(f"{label.name} → {key.name}: {part_text(weight)}")}"'
            f' style="background:{between(palette.amount, weight / most)}"></td>'
            for key, weight in zip(labels, row.tolist(), strict=True)
        )
        + "</tr>"
        for label, row in zip(labels, weights, strict=True)
    )
    return (
        f'<div class="headlight-wide"><table class="headlight-patches matrix"><tr><th></th><th></th>{names}</tr>'
        f"{lines}</table></div>"
    )


def _thumbnail(label: PatchLabel) -> str:
    name = html.escape(label.name)
    if label.pixels is None:
        return f'<span class="no-patch" title="{name}">{html.escape(_initials(label.name))}</span>'
    file = io.BytesIO()
    Image.fromarray(label.pixels).save(file, "PNG")
    data = base64.b64encode(file.getvalue()).decode()
    return f'<img src="data:image/png;base64,{data}" alt="{name}" title="{name}" width="28" height="28">'


def _initials(name: str) -> str:
    """class token is C, register 2 is R2."""
    return name[:1].upper() + "".join(each for each in name if each.isdigit())


def _strip(parts: Float[np.ndarray, " dim"], palette: Palette) -> str:
    cells = "".join(
        f'<i style="background:{between(palette.difference, (float(each) + 1) / 2)}"></i>' for each in parts
    )
    return f'<span class="strip" role="img" aria-label="products">{cells}</span>'
