"""Attention in four views that share their selection, colours and keys: matrix, heads, model, q·k."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float, UInt16

from viz.components.picture_state import digest_of, picture_state
from viz.components.scaffold import fields_of, large_component, numbers, pack, text, twelve_bits
from viz.palette import for_browser

if TYPE_CHECKING:
    from models.attention.query_key import QueryKey

attention_view_library, _mount = large_component("attention_view")

# So many weights go as they are. Of more, what is drawn is in half precision, and the selected row, whose numbers stand
# beside the picture too, comes apart.
_MOST_EXACT = 8_192


@dataclass(frozen=True)
class Frame:
    """What all views share.

    model: its name. name: as people read it, "L3 H1"; map: as programs read it (`data-map` on the root), "encoder-3-1".
    kind, layer, head: as in an intervention; layer and head None where it is a mean.
    queries, keys: what stands at rows and columns; keys None if they are the same tokens.
    selected: the query that is looked at; -1 for none, where maps of several texts are compared.
    special, unknown: places among the keys that are marked.
    unseen_means: what the hatching says, "the future" for instance.
    caption: model, scale, and what is hidden or rescaled; note: what of that changes with the selected query.
    part: the queries and keys that are asked for, from and to below, [q0, q1, k0, k1]; None for all.
    off: names of what is switched off: heads as "3-1" of this kind, places of hidden tokens among the keys.
    keys_are_target: whether the keys are tokens of a seq2seq model's output.
    can_switch: whether heads, tokens and links can be switched off here.
    heads: how many heads a layer has, at most.
    pinned: the key that is pinned beside the selected query. zoom: the part of a matrix that is in view, as `part` in
        hundredths of a token; empty for all of it.
    """

    name: str
    map: str
    kind: str
    layer: int | None
    head: int | None
    queries: tuple[str, ...]
    keys: tuple[str, ...] | None
    selected: int
    special: tuple[int, ...]
    unknown: tuple[int, ...]
    unseen_means: str
    caption: str
    note: str = ""
    part: tuple[int, int, int, int] | None = None
    off_heads: tuple[str, ...] = ()
    off_tokens: tuple[int, ...] = ()
    keys_are_target: bool = False
    can_switch: bool = False
    heads: int = 1
    model: str = ""
    pinned: int | None = None
    zoom: tuple[int, ...] = ()


@dataclass(frozen=True)
class Panel:
    """One map: the weights, 0 to 1, NaN where a query may not look: that is hatched, and is not a weight of 0.

    cells: there may be fewer rows and columns than queries and keys: a cell is then the largest weight, or the mean, of
        its block. most: what gets the strongest colour. is_difference: whether 0 is in the middle of the ramp.
    size: how many queries and keys it stands for.
    labels: what stands at its rows and columns, where it is of another text than the frame's.
    """

    title: str
    cells: Float[np.ndarray, "rows columns"]
    most: float
    size: tuple[int, int]
    is_difference: bool = False
    labels: tuple[tuple[str, ...], tuple[str, ...]] | None = None


@dataclass(frozen=True)
class Matrix:
    """Maps side by side, moved and enlarged together.

    row: the selected query's weights in full, NaN where it may not look, of the panel number `main`.
    window: where the cells begin, [query, key], where they are a part of the map at full resolution; else None.
    pooling: how a pooled cell came about, as people read it. base: which map a window is a part of.
    has_strip: whether the row is also shown as a strip over the sentence.
    unit: what a number is, as people read it.
    least: weights below it are drawn as nothing. is_log: darkness goes with the logarithm of the weight.
    """

    panels: tuple[Panel, ...]
    row: Float[np.ndarray, " key"]
    main: int = 0
    window: tuple[int, int] | None = None
    pooling: str = "largest weight"
    base: str = ""
    has_strip: bool = True
    unit: str = "weight"
    least: float | int = 0.0
    is_log: bool = False


@dataclass(frozen=True)
class Heads:
    """The heads of one layer as lines from queries (left) to keys (right) that begin at `first`.

    weights: NaN where a query may not look. shown: the heads whose lines are drawn. unit: as of a matrix.
    held: the side (0 queries, 1 keys) and the number of the token whose lines alone are drawn; None for all lines.
    """

    weights: Float[np.ndarray, "heads query key"]
    shown: tuple[int, ...]
    first: tuple[int, int] = (0, 0)
    least: float | int = 0.0
    unit: str = "weight"
    held: tuple[int, int] | None = None


@dataclass(frozen=True)
class Model:
    """Every head of every layer as a thumbnail.

    thumbnails: 4,095 x the square root of the weight. layers: the number of each row of thumbnails.
    names: what a head is known to do, by "layer-head", of those that have a name.
    """

    thumbnails: UInt16[np.ndarray, "layers heads rows columns"]
    layers: tuple[int, ...]
    names: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Products:
    """The q·k view: how one query's weights in one head came about; all numbers float32, as computed.

    places: which keys are shown.
    """

    places: tuple[int, ...]
    computed: "QueryKey"


AttentionPicture = Matrix | Heads | Model | Products


# How what a browser says is read, and what of it is handed on number by number.
_READ: dict[str, Callable[[object], Any]] = {
    "token": numbers(2),
    "switch": text,
    "view": text,
    "heads": numbers(),
    "held": numbers(),
    "head": numbers(2),
    "step": numbers(2),
    "window": numbers(4),
    "part": numbers(),
}
_SPREAD = ("token", "head", "step", "window")


def attention_view(
    frame: Frame, view: AttentionPicture, *, key: str, on: Mapping[str, Callable[..., None]] | None = None
) -> None:
    """Show the picture; `attention_view_library` must be mounted on the page.

    on: what the page does when something happens in the picture.
        token(place, key): another query, and the key that is pinned, -1 for none. head(layer, head): a head of the
        model view was opened. heads(numbers): others are shown. held(place): the side and the number of the token that
        is held, nothing for none. switch(what): "head:encoder-3-1", "token:5" or
        "link:encoder-3-1-11-2" is to be switched off, or on again. window(q0, q1, k0, k1): this part is looked at
        closely; part(zoom): this one is in view. step(layer, head): the keys for another layer or head; view(name):
        those for another view.
    """

    def act_on(name: str) -> Callable[[Any], None]:
        act = (on or {}).get(name, lambda *_: None)
        return (lambda value: act(*value)) if name in _SPREAD else act

    data, of = packed(frame, view, key)
    _mount(key=key, data=data, told={name: (read, act_on(name)) for name, read in _READ.items()})
    picture_state(key, of, state_of(frame, view))


def state_of(frame: Frame, view: AttentionPicture) -> dict[str, object]:
    """The state: what changes with a click, and the selected row where the cells do not hold it."""
    state: dict[str, object] = {"selected": frame.selected, "note": frame.note, "pinned": frame.pinned}
    if isinstance(view, Heads):
        state |= {"shown": list(view.shown), "held": view.held}
    if isinstance(view, Model):
        state |= {"layer": frame.layer, "head": frame.head, "offHeads": list(frame.off_heads)}
    if isinstance(view, Matrix):
        state["zoom"] = list(frame.zoom)
    if isinstance(view, Matrix) and frame.selected >= 0 and not _holds_row(view, frame):
        state["row"] = [None if np.isnan(each) else float(f"{each:.9g}") for each in view.row]
    return state


def _holds_row(view: Matrix, frame: Frame) -> bool:
    main = view.panels[view.main].cells
    return main.shape == (len(frame.queries), len(frame.keys or frame.queries)) and _bits(view.panels) == 32


def _bits(panels: Sequence[Panel]) -> int:
    return 32 if sum(each.cells.size for each in panels) <= _MOST_EXACT else 16


def packed(frame: Frame, view: AttentionPicture, key: str = "attention_view") -> tuple[bytes, str]:
    """The message to the browser, a header and the numbers, and the digest by which a state names it."""
    header, arrays = message(frame, view, key)
    marks = [json.dumps(header, ensure_ascii=False).encode("utf-8", "surrogatepass")]
    of = digest_of(*marks, *(np.ascontiguousarray(each).tobytes() for each in arrays))
    return pack({**header, "of": of}, arrays), of


def message(frame: Frame, view: AttentionPicture, key: str) -> tuple[dict[str, object], list[np.ndarray]]:
    """What such a message says, but for its digest, and its numbers."""
    header = fields_of(frame, "selected", "note", "layer", "head", "off_heads", "pinned", "zoom") | {
        "key": key,
        "palette": for_browser("difference", "heads"),
    }
    if not isinstance(view, Model):
        header |= {"layer": frame.layer, "head": frame.head, "offHeads": frame.off_heads}
    if isinstance(view, Matrix):
        more, arrays = _matrix(view, frame)
    elif isinstance(view, Heads):
        more, arrays = _heads(view)
    elif isinstance(view, Model):
        more, arrays = _model(view)
    else:
        more, arrays = _products(view)
    return header | more, arrays


def _matrix(view: Matrix, frame: Frame) -> tuple[dict[str, object], list[np.ndarray]]:
    caption = frame.caption
    rows, columns = view.panels[view.main].cells.shape
    size = view.panels[view.main].size
    if view.window is None and (rows, columns) != size:
        caption += (
            f" Pooled from {size[0]:,} × {size[1]:,} to {rows} × {columns} cells, each the {view.pooling} of its "
            "block; enlarge a part (+, or Ctrl and the wheel) to see every number of it. The strip is exact."
        )
    header = fields_of(view) | {
        "view": "matrix",
        "bits": _bits(view.panels),
        "panels": [
            fields_of(each, "labels")
            | {"rows": each.cells.shape[0], "columns": each.cells.shape[1], "most": each.most}
            | ({"queries": each.labels[0], "keys": each.labels[1]} if each.labels else {})
            for each in view.panels
        ],
        "caption": caption,
    }
    return header, [each.cells.astype(f"float{header['bits']}") for each in view.panels]


def _heads(view: Heads) -> tuple[dict[str, object], list[np.ndarray]]:
    bits = 32 if view.weights.size <= _MOST_EXACT else 16
    header = {"view": "heads", "bits": bits, **fields_of(view, "shown", "held"), "shape": view.weights.shape}
    return header, [view.weights.astype(f"float{bits}")]


def _model(view: Model) -> tuple[dict[str, object], list[np.ndarray]]:
    _, heads, rows, columns = view.thumbnails.shape
    header = {"view": "model", "layers": view.layers, "heads": heads, "rows": rows, "columns": columns}
    header["names"] = dict(view.names)
    return header, [twelve_bits(view.thumbnails)]


def _products(view: Products) -> tuple[dict[str, object], list[np.ndarray]]:
    found, places = view.computed, list(view.places)
    output = np.zeros(0) if found.output is None else found.output
    header = {
        "view": "qk",
        "places": view.places,
        "dim": len(found.query),
        "valueDim": len(found.head_output),
        "joined": len(found.concatenated),
        "width": len(output),
        "scaling": found.scaling,
        "hasBias": found.has_bias,
        "lines": found.between,
    }
    of_keys = (found.keys, found.dots, found.added, found.scores, found.weights, found.values)
    arrays = (found.query, *(each[places] for each in of_keys), found.head_output, found.concatenated, output)
    return header, [each.astype(np.float32) for each in arrays]
