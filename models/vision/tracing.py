"""One recorded forward of one picture, which the other requests slice."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import UInt8

from models.engine import Engine


@dataclass(frozen=True)
class PictureTraceRequest:
    """One recorded forward of a picture. Its answer stays on the engine's side; the other requests slice it.

    picture: "example:NAME" for one of `EXAMPLES`, or the name that `keep_picture` gave.
    side: the shorter side in pixels as the model gets it; None for what its own processor makes. A whole number of
        patches is taken of it.
    is_whole: the whole picture, its sides as they are to each other, instead of the processor's crop.
    hidden: places (tokens, counted from 0, those before the patches among them) at which no other may look in any
        layer.
    """

    model: str
    picture: str
    side: int | None = None
    is_whole: bool = False
    hidden: tuple[int, ...] = ()


@dataclass(frozen=True, eq=False)
class CutPicture:
    """A picture as the model sees it, and the maps that there are of it.

    pixels: what the model is given, as colours. rows, columns: of patches. patch: the side of one, in these pixels.
    specials: the tokens before the patches: "CLS" and "R0", "R1", ... for registers; place = len(specials) + row *
        columns + column for a patch.
    box: what part of the upright picture that is: left, top, right, bottom, as shares of its width and height.
    layers: those with maps; heads: how many each has. width: of a vector.
    """

    pixels: UInt8[np.ndarray, "height width 3"]
    rows: int
    columns: int
    patch: int
    specials: tuple[str, ...]
    box: tuple[float, float, float, float]
    layers: tuple[int, ...]
    heads: int
    width: int

    @property
    def places(self) -> int:
        """How many tokens there are."""
        return len(self.specials) + self.rows * self.columns

    def place_name(self, place: int) -> str:
        """As people read it: "CLS", "R2", or row and column of a patch, from 0: "3, 11"."""
        first = len(self.specials)
        if place < first:
            return self.specials[place]
        row, column = divmod(place - first, self.columns)
        return f"{row}, {column}"


@dataclass(frozen=True)
class CutPictureRequest:
    """What the model sees of a picture."""

    trace: PictureTraceRequest

    def answer(self, engine: Engine) -> CutPicture:
        """Raises PictureError, and what `load_model` raises."""
        raise NotImplementedError
