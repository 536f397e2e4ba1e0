"""Pictures that models are shown: examples, and people's own, kept for this process only."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import UInt8

from models.engine import Engine

LARGEST_FILE = 40_000_000
MOST_PIXELS = 20_000_000

# Shown by name in links: "example:flower". Those of scikit-learn first, whose objects light up.
EXAMPLES = {"flower": "Flower", "china": "Pagoda"}


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
    raise NotImplementedError


@dataclass(frozen=True)
class PictureRequest:
    """A picture by its name."""

    name: str

    def answer(self, engine: Engine) -> Picture:
        """Raises PictureError for one that is not kept (any more)."""
        raise NotImplementedError
