"""Pictures that models are shown, by name: examples, and people's own, kept for this process only."""

import hashlib
from dataclasses import dataclass

import numpy as np
from jaxtyping import UInt8

from models.engine import Engine
from models.pictures import EXAMPLES, Decoded, PictureError, example_picture, open_picture

EXAMPLE, OWN = "example:", "own:"
DEFAULT_PICTURE = f"{EXAMPLE}{next(iter(EXAMPLES))}"


@dataclass(frozen=True, eq=False)
class Picture:
    """An upright picture in colours, transparency laid on white, its longer side at most 1,600 pixels.

    name: for requests. size: width and height of what was given, upright. notes: what was done to it, sentences for
        people: reduced, first of several pictures, transparency.
    """

    name: str
    pixels: UInt8[np.ndarray, "height width 3"]
    size: tuple[int, int]
    notes: tuple[str, ...] = ()


def keep_picture(engine: Engine, data: bytes) -> Picture:
    """Open somebody's picture and have the engine know it by its name, as long as there is room; cheap when it is there
    already. A page calls it in each run, as long as it has the file.

    Raises PictureError.
    """
    name = OWN + hashlib.sha256(data).hexdigest()
    return engine.own_picture(name, lambda: _named(name, open_picture(data)))


def _named(name: str, found: Decoded) -> Picture:
    return Picture(name, found.pixels, found.size, found.notes)


@dataclass(frozen=True)
class PictureRequest:
    """A picture by its name."""

    name: str

    def answer(self, engine: Engine) -> Picture:
        """Raises PictureError for one that is not kept (any more)."""
        if self.name.startswith(EXAMPLE):
            return _named(self.name, example_picture(self.name.removeprefix(EXAMPLE)))

        def gone() -> Picture:
            raise PictureError("This picture is not kept here any more: choose it once more, or take an example.")

        return engine.own_picture(self.name, gone)
