"""Tokens as points, layer after layer: where each lies, how it moves, and what is really near it."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from viz.components.picture_state import digest_of, picture_state
from viz.components.scaffold import component, fields_of, number, pack_picture

_PARTS = """\
<div class="stage"><canvas class="main" tabindex="0" role="application"></canvas></div>
<div class="player">
  <button type="button" class="press back" aria-label="Layer before">‹</button>
  <input type="range" class="slider" aria-label="Layer" min="0">
  <button type="button" class="press onward" aria-label="Next layer">›</button>
  <button type="button" class="press play">Play</button>
  <span class="says"></span>
  <button type="button" class="press save" title="The picture as a PNG">PNG</button>
</div>
<div class="thumbs" role="listbox" aria-label="Layers"></div>
<p class="means"></p>
<p class="caption"></p>
"""
_mount = component("vector_map", _PARTS)

# Beyond these a place is sent in one byte instead of two; the picture has fewer pixels than either can tell apart.
_MOST_FINE = 30_000
_FINE, _COARSE = 65_535, 255


@dataclass(frozen=True)
class MapPoint:
    """One token: how it is shown, in which text (from 0), whether it is one of those that are compared, and its group.

    group: the index of its sense among `VectorMap.groups`; -1 for none.
    """

    piece: str
    text: int
    is_marked: bool
    group: int = -1


@dataclass(frozen=True, eq=False)
class VectorMap:
    """The content of the picture.

    points: one for each token. places: where each lies in each layer, all layers with one scale. names: of the layers.
    notes: a line for each layer. tags, scales: a word for each layer, under its small picture: what was found, and how
        large a length in it is. means: what these are, in a sentence. groups: names of the senses.
    layer, point: that are shown; point None for none. near: the neighbours of that point in the original space, nearest
        first. texts: the whole texts, for the tooltip. caption: model, scale, what is left out.
    """

    points: Sequence[MapPoint]
    places: Float[np.ndarray, "layer point dimension"]
    names: Sequence[str]
    notes: Sequence[str]
    tags: Sequence[str]
    scales: Sequence[str]
    means: str
    groups: Sequence[str]
    layer: int
    point: int | None
    near: Sequence[int]
    texts: Sequence[str]
    caption: str

    def __post_init__(self) -> None:
        layers, points, dimensions = self.places.shape
        told = {len(each) for each in (self.names, self.notes, self.tags, self.scales)}
        if points != len(self.points) or told != {layers} or dimensions not in (2, 3):
            raise ValueError(
                f"expected places [layer, point, 2 or 3] for {len(self.names)} layers and {len(self.points)} points, "
                f"found {self.places.shape}"
            )


def vector_map(
    picture: VectorMap, *, key: str, on_layer: Callable[[int], None], on_point: Callable[[int], None]
) -> None:
    """Show the picture; `on_layer(layer)` is called for another layer, `on_point(point)` for a selected point."""
    data, of = packed(picture)
    _mount(key=key, data=data, told={"layer": (number, on_layer), "point": (number, on_point)})
    picture_state(key, of, state_of(picture))


def state_of(picture: VectorMap) -> dict[str, object]:
    """The state: what changes with a click."""
    return {"layer": picture.layer, "point": picture.point, "near": list(picture.near)}


def packed(picture: VectorMap) -> tuple[bytes, str]:
    """The message to the browser, places as whole numbers within one box for all layers, and its digest."""
    places = picture.places.astype(np.float64)
    low = places.min(axis=(0, 1)) if places.size else np.zeros(places.shape[2])
    # One scale for all axes, so that a distance is a distance.
    size = float((places.max(axis=(0, 1)) - low).max()) if places.size else 1.0
    most = _FINE if places.size <= _MOST_FINE else _COARSE
    whole = np.rint((places - low) / (size or 1.0) * most).astype("<u2" if most == _FINE else "u1")
    header = fields_of(picture, "layer", "point", "near") | {
        "points": [[each.piece, each.text, int(each.is_marked), each.group] for each in picture.points],
        "dimensions": places.shape[2],
        "most": most,
        "extent": ((places.max(axis=(0, 1)) - low) / (size or 1.0)).tolist() if places.size else [],
    }
    of = digest_of(json.dumps(header, ensure_ascii=False).encode("utf-8", "surrogatepass"), whole.tobytes())
    return pack_picture({**header, "of": of}, [whole]), of
