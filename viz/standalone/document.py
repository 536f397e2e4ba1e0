"""The file: a document that holds every head of every layer, draws them with the page's own script, and asks nobody.

Its policy names its script and its style by their hashes and lets nothing be fetched. Tokens stand in it packed, among
the numbers, and reach the document as text only.
"""

import base64
import hashlib
import html
import re
import zlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from functools import cache
from pathlib import Path

import numpy as np
from jaxtyping import Float

from viz.components.attention_view import Frame, Heads, Matrix, Model, Panel, Products, captions, message
from viz.components.scaffold import pack, skeleton
from viz.components.scaffold.bundling import COMPONENTS, bare_sheet, bundle, parts_of, style_of
from viz.palette import DARK, LIGHT, Palette
from viz.standalone import packed_maps as coding
from viz.standalone.seven_bits import seven_bits
from viz.standalone.size_limit import check_weight_count

_HERE = Path(__file__).parent
_KEY = "attention_view"
_LONGEST_TITLE = 120


@dataclass(frozen=True)
class KindMaps:
    """All maps of one kind of attention.

    frame: tokens and marks, as on the page; its selected query is the one that is looked at when the file is opened.
    label: how people call the kind. layers: the number of each. weights: of each layer, from 0 to 1, NaN where a query
        may not look. says, note: what the caption says behind the name of a map, and at its end.
    second: where the second of two sentences begins.
    """

    frame: Frame
    label: str
    layers: tuple[int, ...]
    weights: tuple[Float[np.ndarray, "_ query key"], ...]
    says: str = captions.ROWS_AND_COLUMNS
    note: str = ""
    second: int | None = None


@dataclass(frozen=True)
class Opening:
    """What the file opens on.

    view: "matrix", "heads", "model" or "qk". layer, head: None for the mean. beside: the heads whose lines or maps are
        drawn, none for `head` alone. pinned: a key. zoom: as in a frame.
    """

    view: str
    kind: str
    layer: int | None
    head: int | None
    beside: tuple[int, ...] = ()
    pinned: int | None = None
    zoom: tuple[int, ...] = ()
    sentences: str = "all"


@dataclass(frozen=True)
class AttentionFile:
    """A document that opens by double click and shows itself in a notebook."""

    title: str
    html: str

    def save(self, path: str | Path) -> Path:
        """Write the file; returns where it is."""
        # As bytes: some systems would change what ends a line.
        Path(path).write_bytes(self.html.encode())
        return Path(path)

    def _repr_html_(self) -> str:
        """In a frame of an origin of its own: it may run its script, and can reach nothing of the notebook."""
        return (
            f'<iframe title="{html.escape(self.title)}" sandbox="allow-scripts allow-downloads" '
            'style="border: 0; width: 100%; height: 760px" '
            f'srcdoc="{html.escape(self.html)}"></iframe>'
        )

    def __repr__(self) -> str:
        return f"<AttentionFile “{self.title}”: {len(self.html.encode()):,} bytes>"


def attention_file(
    title: str, model: str, kinds: Sequence[KindMaps], opening: Opening, products: tuple[Frame, Products] | None = None
) -> AttentionFile:
    """All maps of a text as one document.

    model: as the captions name it, empty where nobody knows. products: q·k of one query in one head, if it goes along.

    Raises:
        TooManyNumbersError: more than `MOST_NUMBERS` weights.
    """
    check_weight_count(sum(each.size for kind in kinds for each in kind.weights))
    title = " ".join(title.split()) or "Attention"
    title = title if len(title) <= _LONGEST_TITLE else f"{title[: _LONGEST_TITLE - 1]}…"
    parts = [_kind(model, each) for each in kinds]
    header: dict[str, object] = {
        "key": _KEY,
        "coder": _coder(),
        "kinds": [about for about, _ in parts],
        "opening": asdict(opening),
        "products": None,
    }
    arrays = [each for _, some in parts for each in some]
    if products:
        about, data = _products(*products)
        header["products"] = about
        arrays.append(data)
    return AttentionFile(title, _document(title, pack(header, arrays)))


def _kind(model: str, kind: KindMaps) -> tuple[dict[str, object], list[np.ndarray]]:
    """What the file says of a kind (see page_in_file.js), and its numbers."""
    packed = coding.packed_maps(np.concatenate(kind.weights))
    arrays = [packed.masks, packed.mask_of, packed.factors, packed.frequencies, packed.words]
    _, rows, columns = kind.weights[0].shape
    of = f"{model}, " if model else ""
    about = {
        "kind": kind.frame.kind,
        "label": kind.label,
        "rows": rows,
        "columns": columns,
        "layers": kind.layers,
        "heads": [len(each) for each in kind.weights],
        "sizes": {
            "masks": packed.masks.size,
            "factors": packed.factors.size,
            "frequencies": packed.frequencies.size,
            "words": packed.words.size,
        },
        "selected": kind.frame.selected,
        "second": kind.second,
        "note": kind.note,
        "headers": _headers(kind),
        "captions": {
            "matrix": (of, kind.says),
            "heads": (of, captions.LINES + captions.faintest()),
            "model": (model or "All heads", captions.THUMBNAILS),
        },
    }
    return about, arrays


def _headers(kind: KindMaps) -> dict[str, dict[str, object]]:
    """The messages of the three views, as the page's server would begin them; messages_from_maps.js puts a map in."""
    frame = replace(kind.frame, can_switch=False, part=None, caption="", note="")
    some = np.zeros((1, 1), dtype=np.float32)
    has_strip = frame.keys is None
    views = {
        "matrix": Matrix((Panel("", some, 1.0, (1, 1)),), some[0], has_strip=has_strip),
        "heads": Heads(some[None], (0,)),
        "model": Model(np.zeros((1, 1, 1, 1), dtype=np.uint16), (0,)),
    }
    return {name: {**message(frame, view, _KEY)[0], "isAlone": True} for name, view in views.items()}


def _products(frame: Frame, products: Products) -> tuple[dict[str, object], np.ndarray]:
    header, arrays = message(replace(frame, can_switch=False), products, _KEY)
    data = pack({**header, "isAlone": True, "of": "qk"}, arrays)
    about = {
        "kind": frame.kind,
        "layer": frame.layer,
        "head": frame.head,
        "query": frame.selected,
        "token": frame.queries[frame.selected],
        "size": len(data),
    }
    return about, np.frombuffer(data, dtype=np.uint8)


def _coder() -> dict[str, object]:
    """The numbers by which unpacked_maps.js unpacks what packed_maps.py packs."""
    return {
        "steps": coding.STEPS,
        "logarithms": coding.LOGARITHMS.tolist(),
        "octave": coding.OCTAVE,
        "fraction": coding.FRACTION,
        "sizes": coding.SIZES,
        "least": coding.LEAST,
        "spreads": coding.SPREADS,
        "neighbours": coding.NEIGHBOURS,
        "sure": coding.SURE,
        "above": coding.ABOVE,
        "beside": coding.BESIDE,
        "neutral": coding.NEUTRAL,
        "columnShifts": coding.COLUMN_SHIFTS,
        "earlierShifts": coding.EARLIER_SHIFTS,
        "plain": coding.PLAIN,
        "symbols": coding.SYMBOLS,
        "precision": coding.PRECISION,
        "cells": coding.CELLS,
    }


@cache
def _scripts() -> tuple[str, str]:
    """What stands in the file as it is, and what it unpacks."""
    return bundle(parts_of(_HERE / "unpack_and_begin.js")), bundle(parts_of(_HERE / "page_in_file.js"))


@cache
def _style() -> str:
    light, dark = _colours(LIGHT), _colours(DARK)
    return (
        f":root {{ {light} }}\n@media (prefers-color-scheme: dark) {{ :root {{ {dark} }} }}\n"
        f"{style_of(parts_of(COMPONENTS / _KEY / 'index.js'))}{bare_sheet(_HERE / 'style.css')}"
    )


def _colours(palette: Palette) -> str:
    """The names that Streamlit's themes have in the page, and the picture's own."""
    names = {"st-background-color": palette.ground, "st-text-color": palette.ink}
    names |= {f"headlight-{each}": getattr(palette, each) for each in ("ground", "ink", "quiet", "accent", "hatch")}
    return " ".join(f"--{name}: {colour};" for name, colour in names.items())


def _document(title: str, contents: bytes) -> str:
    begin, script = _scripts()
    whole = zlib.compress(pack_script(script) + contents, 9)
    packed = seven_bits(len(whole).to_bytes(4, "little") + whole)
    style = _style()
    policy = (
        f"default-src 'none'; script-src {_hash(begin)} blob:; style-src {_hash(style)}; img-src data: blob:; "
        "base-uri 'none'; form-action 'none'"
    )
    said = html.escape(re.sub(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]", "�", title))
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{said}</title>\n<style>{style}</style>\n</head>\n<body>\n<main>\n<h1><bdi>{said}</bdi></h1>\n"
        f'<div id="controls"></div>\n<p id="said" role="status"></p>\n<div id="picture">'
        f"{skeleton('attention_view', is_hidden=False)}"
        "</div>\n<p class=made>Made with Headlight. All that can be chosen here is in this file, within 0.0005 of the "
        "weight; it asks nobody for anything.</p>\n<noscript>This picture is drawn by a script, and scripts are "
        "switched off here.</noscript>\n</main>\n"
        f'<script type="text/plain" id="contents">{packed}</script>\n<script type="module">{begin}</script>\n'
        "</body>\n</html>\n"
    )


def pack_script(script: str) -> bytes:
    """The script's length, and the script, up to a multiple of 4 bytes."""
    text = script.encode()
    text += b"\n" * (-len(text) % 4)
    return len(text).to_bytes(4, "little") + text


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
