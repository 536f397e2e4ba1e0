"""The next token through every stage: the stages in a row, the whole vocabulary as a curve, the likeliest as bars."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float, Int64

from viz.components.scaffold import fields_of, large_component, number, pack_picture, text

if TYPE_CHECKING:
    from models.decoding import TokenTrajectory

_PARTS = """\
<ol class="stages" aria-label="Stages from the model's probabilities to the draw"></ol>
<div class="foot order"><span class="badge"></span><button type="button" class="press restore">Restore it</button></div>
<div class="pictures">
  <figure class="curve" aria-label="Probability over rank, both logarithmic"><div><svg></svg></div></figure>
  <div class="tokens" role="listbox" aria-label="The likeliest tokens"></div>
</div>
<p class="caption"><span class="says"></span> <button type="button" class="save">SVG</button></p>
"""
next_token_library, _mount = large_component("next_token", _PARTS)


@dataclass(frozen=True)
class StageChip:
    """One stage in the row.

    name: its own. value: what its knob is set to, as text. hint: what it does, a sentence.
    row: its row in the curves; None where it does nothing (switched off, or set to a value that changes nothing).
    is_on: whether its switch is on. is_fixed: neither switched nor moved.
    survivors: tokens that may still come after it. kept: their probability before it, together. entropy: after it, in
        nats. first, last: the ranks between which the survivors lie.
    """

    name: str
    value: str
    hint: str
    row: int | None
    is_on: bool
    is_fixed: bool
    survivors: int = 0
    kept: float | int = 1
    entropy: float | int = 0
    first: int = 0
    last: int = 0


@dataclass(frozen=True)
class LiveStages:
    """What the picture needs, beside the scores, to follow the knobs of some stages by itself.

    of: the mark of the scores with which these stages begin (`step_scores`). values: what every one of them is set to,
    by its name; off: those that are switched off. order: as in `DecodingSettings`.
    number: which the seed has for this step. is_drawn: whether the token that comes here is drawn with it.
    """

    of: str
    values: dict[str, float | int]
    off: tuple[str, ...]
    order: tuple[str, ...]
    number: float
    is_drawn: bool


@dataclass(frozen=True, eq=False)
class NextTokenPicture:
    """The content of the picture.

    stages: in the order in which they are applied. is_library_order: whether that is transformers' own.
    top: the likeliest tokens, best first. followed: one more that is shown with them, or None.
    selected: the id of the selected token; drawn: of the one that came here; None for none.
    stage: the name of the stage whose result is shown; None for the last.
    is_greedy: whether the likeliest one is taken, and none drawn. caption: what is said after that.
    live: for following the knobs; None where the picture waits for the server.
    ranks, pieces, curves: places along the vocabulary, the tokens there and their probabilities after each row.
    """

    stages: tuple[StageChip, ...]
    is_library_order: bool
    top: "tuple[TokenTrajectory, ...]"
    followed: "TokenTrajectory | None"
    selected: int | None
    drawn: int | None
    stage: str | None
    ranks: Int64[np.ndarray, " point"]
    pieces: tuple[str, ...]
    curves: Float[np.ndarray, "row point"]
    vocabulary: int
    is_greedy: bool
    caption: str
    live: LiveStages | None

    def __post_init__(self) -> None:
        if not len(self.ranks) == len(self.pieces) == self.curves.shape[1]:
            raise ValueError(
                f"expected a rank, a piece and a column for each point, found {len(self.ranks)}, {len(self.pieces)} "
                f"and {self.curves.shape[1]}"
            )


def next_token(
    picture: NextTokenPicture,
    *,
    key: str,
    on_stage: Callable[[str], None],
    on_switch: Callable[[str], None],
    on_order: Callable[[tuple[str, ...]], None],
    on_token: Callable[[int], None],
) -> None:
    """Show the picture.

    `on_stage(name)` is called for a stage that was selected, `on_switch(name)` for one that was switched,
    `on_order(names)` for another order of the stages that are not fixed (() for the library's), `on_token(id)` for a
    token that was selected.
    """
    told = {"stage": (text, on_stage), "switch": (text, on_switch), "order": (_names, on_order)}
    _mount(key=key, data=packed(picture), told={**told, "token": (number, on_token)})


def _names(value: object) -> tuple[str, ...] | None:
    is_list = isinstance(value, list | tuple) and all(isinstance(each, str) for each in value)
    return tuple(map(str, value)) if is_list else None


def packed(picture: NextTokenPicture) -> bytes:
    """The message to the browser."""
    rows = np.ascontiguousarray(picture.curves, dtype="<f4")
    header = fields_of(picture) | {
        "stages": [fields_of(each) for each in picture.stages],
        "top": [_token(each) for each in picture.top],
        "followed": None if picture.followed is None else _token(picture.followed),
        "live": None if picture.live is None else fields_of(picture.live),
        "rowCount": len(rows),
    }
    return pack_picture(header, [picture.ranks.astype("<u4"), rows])


def _token(token: "TokenTrajectory") -> list[object]:
    # Seven digits are what a float32 has.
    shares = [float(f"{share:.7g}") for share in token.probabilities]
    return [token.id, token.text, token.rank, shares, token.cut_by]
