"""A picture as a vision transformer sees it, and where the heads of one layer look from each of its patches."""

import json
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Float, UInt8

from viz.components.picture_state import digest_of, picture_state
from viz.components.scaffold import component, fields_of, numbers, pack
from viz.palette import for_browser

# So many weights of a layer come with its picture; of more, those of the chosen queries alone.
MOST_WEIGHTS = 1_000_000
PARTS = _PARTS = """\
<div class="body"><canvas class="stage" tabindex="0" role="application"></canvas><div class="heads"></div></div>
<div class="firsts"></div>
<div class="foot"></div>
<p class="caption"></p>
"""
_mount = component("patch_view", _PARTS)


@dataclass(frozen=True, eq=False)
class PatchLooks:
    """Where the heads of a layer look on a picture.

    name: of the picture and the model, in files and for screen readers. picture: a PNG or JPEG of what the model sees.
    size: of it, width and height. rows, columns: of its patches. firsts: the names of the tokens before the patches.
    cells: of each weight its step, from 0 to `steps`; the weight is `most * (step / steps) ** 2`. most: of each row.
    known: the queries that the weights are of; None for all of them. caption: model, scale, and what is hidden.
    """

    name: str
    picture: bytes
    size: tuple[int, int]
    rows: int
    columns: int
    firsts: tuple[str, ...]
    layer: int
    cells: UInt8[np.ndarray, "head query key"]
    most: Float[np.ndarray, "head query"]
    steps: int
    caption: str
    known: tuple[int, ...] | None = None

    @property
    def queries(self) -> tuple[int, ...]:
        """Of which tokens there are weights."""
        return tuple(range(self.cells.shape[1])) if self.known is None else self.known

    def __post_init__(self) -> None:
        tokens = len(self.firsts) + self.rows * self.columns
        expected = (len(self.most), len(self.queries), tokens)
        if self.cells.shape != expected or self.most.shape != expected[:2]:
            raise ValueError(f"expected weights {expected}, found {self.cells.shape} and {self.most.shape}")


@dataclass(frozen=True)
class PatchState:
    """What is chosen in it.

    queries: tokens whose looks are shown side by side; the last one is the chosen one. head: of the layer.
    way: "lit", the picture as bright as each patch is looked at; "map", the weights alone; "outlines", of all heads.
    rows: weights exactly as they were computed, by (head, query). note: said below, beside the caption.
    """

    queries: tuple[int, ...]
    head: int
    way: str = "lit"
    rows: Mapping[tuple[int, int], Float[np.ndarray, " key"]] = field(default_factory=dict)
    note: str = ""


def patch_view(
    looks: PatchLooks, state: PatchState, *, key: str, on_chosen: Callable[[int, Sequence[int]], None]
) -> None:
    """Show the picture; `on_chosen(head, queries)` is called when other ones are chosen in it."""
    data, of = packed(looks, key)

    def chosen(told: tuple[int, ...]) -> None:
        if told:
            on_chosen(told[0], told[1:])

    _mount(key=key, data=data, told={"chosen": (numbers(), chosen)})
    picture_state(key, of, state_of(state))


def state_of(state: PatchState) -> dict[str, object]:
    """What is told apart from the picture."""
    rows = {
        f"{head}-{query}": [float(f"{each:.9g}") for each in row.tolist()] for (head, query), row in state.rows.items()
    }
    return {"queries": list(state.queries), "head": state.head, "way": state.way, "rows": rows, "note": state.note}


def packed(looks: PatchLooks, key: str = "patch_view", state: PatchState | None = None) -> tuple[bytes, str]:
    """The message to the browser, and the digest by which a state names it. state: of a file, where it goes along."""
    cells = zlib.compress(np.ascontiguousarray(looks.cells).tobytes(), 6)
    most = looks.most.astype("<f4")
    header = fields_of(looks, "known", "picture") | {
        "key": key,
        "heads": len(most),
        "tokens": looks.cells.shape[2],
        "known": looks.queries,
        "pictureBytes": len(looks.picture),
        "packedBytes": len(cells),
        "palette": for_browser("heads"),
    }
    if state is not None:
        header["state"] = state_of(state)
    of = digest_of(json.dumps(header, ensure_ascii=False).encode(), looks.picture, most.tobytes(), cells)
    parts = [np.frombuffer(each, dtype=np.uint8) for each in (looks.picture, cells)]
    return pack({**header, "of": of}, [most, *parts]), of


def steps_of(weights: Float[np.ndarray, "head query key"], steps: int) -> tuple[np.ndarray, np.ndarray]:
    """Weights as `PatchLooks` has them: the step of each, and the largest of each row."""
    most = weights.max(axis=-1, initial=0)
    parts = weights / np.maximum(most, 1e-30)[..., None]
    return np.round(steps * np.sqrt(parts)).astype(np.uint8), most
