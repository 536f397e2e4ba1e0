"""A KV cache as it grows: layers from top to bottom, tokens from left to right, a cell for each key and value."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from viz.components.scaffold import component, fields_of, number, numbers, pack_picture

if TYPE_CHECKING:
    from models.kv_cache.shape import LayerShape

_PARTS = """\
<div class="field" tabindex="0" role="application"><div class="room"><canvas></canvas></div></div>
<div class="player">
  <button type="button" class="press back" aria-label="Previous token">‹</button>
  <input type="range" class="slider" aria-label="Step">
  <button type="button" class="press onward">Next token ›</button>
  <button type="button" class="press play">Play</button>
  <button type="button" class="press save" title="The whole picture as a PNG">PNG</button>
  <div class="says"><span class="counter"></span> <span class="hint" dir="auto"></span></div>
</div>
<p class="text" dir="auto"><span class="before"></span><span></span><span class="newest"></span></p>
<dl class="figures"></dl>
<p class="caption"></p>
"""
_mount = component("cache_growth", _PARTS)


@dataclass(frozen=True)
class Counted:
    """What the cache would take in another precision: bytes of each cache layer a position, and those that stay."""

    bits: int
    measured_bits: int
    per_position: tuple[float, ...]
    fixed: tuple[float, ...]


@dataclass(frozen=True)
class GrowthPicture:
    """The content of the picture; the steps themselves come by `cache_feed` under the name of the `run`.

    prompt: the pieces that are read at once, before the first token is drawn; hidden: how many before them are not
        drawn. source: of an encoder-decoder, the pieces of the source.
    layers: of the cache, self before cross.
    allocated: for how many positions a static cache has room; None for one that grows.
    most_steps: how many tokens will be drawn at most.
    selected: the step that is shown first (1: the first token is drawn); None follows the newest one.
    pinned: cache layer and position that are selected, or None.
    shade: which norm a cell's lightness is, "value" or "key".
    counted: where sizes are told in another precision than was measured; None: as measured.
    weight_bytes: of the whole model. text_before: what stands before the first generated token.
    caption: model, scale, and what is left out. focus: whether "Next token" has the focus when it opens.
    """

    run: str
    prompt: tuple[str, ...]
    hidden: int
    source: tuple[str, ...]
    layers: "tuple[LayerShape, ...]"
    allocated: int | None
    most_steps: int
    selected: int | None
    pinned: tuple[int, int] | None
    shade: str
    weight_bytes: int
    text_before: str
    caption: str
    counted: "Counted | None" = None
    focus: bool = False

    def __post_init__(self) -> None:
        if self.shade not in ("value", "key"):
            raise ValueError(f"expected a shade of value or key, found {self.shade}")


def cache_growth(
    picture: GrowthPicture,
    *,
    key: str,
    on_step: Callable[[int], None],
    on_cell: Callable[[int, int], None],
) -> None:
    """Show the picture; `on_step(step)` is called for another step, `on_cell(layer, position)` for a selected cell."""
    told = {"step": (number, on_step), "cell": (numbers(2), lambda cell: on_cell(*cell))}
    _mount(key=key, data=packed(picture), told=told)


def packed(picture: GrowthPicture) -> bytes:
    """The message to the browser."""
    counted = None if picture.counted is None else fields_of(picture.counted)
    columns = {
        "kinds": [each.kind for each in picture.layers],
        "layers": [each.layer for each in picture.layers],
        "heads": [each.heads for each in picture.layers],
        "keyWidths": [each.key_width for each in picture.layers],
        "valueWidths": [each.value_width for each in picture.layers],
    }
    return pack_picture(fields_of(picture, "layers") | columns | {"counted": counted})
