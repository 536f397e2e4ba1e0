"""How a model wrote its output, step by step, and what one head looked at for each step."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from viz.components.scaffold import component, fields_of, number, pack_picture
from viz.number_format import part_text

_PARTS = """\
<div class="stage">
  <canvas class="lines"></canvas>
  <div class="chips sources" role="listbox"></div>
  <div class="chips results" role="listbox" aria-label="What was written"></div>
</div>
<div class="player">
  <button type="button" class="press back" aria-label="Previous step">‹</button>
  <input type="range" class="slider" aria-label="Step">
  <button type="button" class="press onward" aria-label="Next step">›</button>
  <button type="button" class="press play">Play</button>
  <div class="says"><span class="counter"></span> <span class="hint" dir="auto"></span></div>
</div>
<p class="text" dir="auto"><span class="before"></span><span></span><span class="newest"></span></p>
<div class="legend"><span>weight 0</span><span class="bar"></span><span class="most"></span></div>
<p class="caption"></p>
"""
_mount = component("written_steps", _PARTS)


@dataclass(frozen=True)
class StepsPicture:
    """The content of the picture.

    name: as people read it, "L2 H1"; map: as programs read it (`data-map` on the root), "cross-2-1".
    keys: what can be looked at. With `written_from` None they are a source of their own; otherwise they are the text
        itself, of which the first `written_from` are the prompt and the others what was written (the last may be left
        out: no step looks at it).
    outputs, hints, probabilities: one for each step; a hint is what hovering says, "AY1, as in t-i-me, 98.3 %".
    weights: 0 to 1, NaN where a step may not look; what is not written yet is never shown.
    selected: the step shown first.
    most: the weight that gets the darkest colour.
    special, unknown: places among the keys that are marked; special_outputs: the same among the outputs.
    text_before, texts: what stood before the first step, and what each step adds to it.
    caption: model, scale, and what is hidden or rescaled; that lines are left out for want of room is added.
    """

    name: str
    map: str
    keys: tuple[str, ...]
    outputs: tuple[str, ...]
    hints: tuple[str, ...]
    probabilities: tuple[float, ...]
    weights: Float[np.ndarray, "step key"]
    selected: int
    most: float
    written_from: int | None
    special: tuple[int, ...]
    unknown: tuple[int, ...]
    special_outputs: tuple[int, ...]
    text_before: str
    texts: tuple[str, ...]
    caption: str

    def __post_init__(self) -> None:
        steps = len(self.outputs)
        if not steps:
            raise ValueError("expected at least one output")
        for name in ("hints", "probabilities", "texts"):
            found = len(getattr(self, name))
            if found != steps:
                raise ValueError(f"expected {steps} {name}, one for each output, found {found}")
        if self.weights.shape != (steps, len(self.keys)):
            raise ValueError(f"expected weights of {steps} steps x {len(self.keys)} keys, found {self.weights.shape}")
        if not 0 <= self.selected < steps:
            raise ValueError(f"expected a selected step from 0 to {steps - 1}, found {self.selected}")
        if self.written_from is not None and len(self.keys) - self.written_from not in (steps, steps - 1):
            raise ValueError(
                f"expected {steps} written keys, or {steps - 1} without the last, after a prompt of "
                f"{self.written_from}, found {len(self.keys) - self.written_from}"
            )


def written_steps(picture: StepsPicture, *, key: str, on_step: Callable[[int], None]) -> None:
    """Show the picture; `on_step(step)` is called when another step is selected."""
    _mount(key=key, data=packed(picture), told={"step": (number, on_step)})


def packed(picture: StepsPicture) -> bytes:
    """The message to the browser: a header and the weights as they are."""
    header = fields_of(picture, "probabilities") | {
        "shares": [part_text(probability) for probability in picture.probabilities],
        "most": picture.most,
    }
    return pack_picture(header, (picture.weights.astype(np.float32),))
