"""What an effect stands beside: that of other heads of the same layers, and that of the same heads on other texts."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from models.attention.trace import TraceRequest
from models.engine import Engine
from models.heads.off import ZERO, Off
from models.heads.places import Place
from models.heads.quantity import Measured, Quantity

MOST_DRAWS = 200
MOST_TEXTS = 100


@dataclass(frozen=True, eq=False)
class Controls:
    """The effect of switching heads off together, and what it is compared with; each in the quantity's unit.

    chosen: the quantity without all of these heads, less that with them.
    drawn: the same for as many heads of the same layers, drawn at random (without those chosen, where a layer has as
        many others); draws: which heads these were. Equal draws are not taken twice, so there may be fewer than asked.
    exceeded_by: the share of draws whose effect is at least as large, by size, as the chosen one.
    elsewhere: the effect of the chosen heads on each other text, on that text's own quantity. texts: these texts,
        without those of which the quantity cannot be measured.
    """

    measured: Measured
    chosen: float
    drawn: Float[np.ndarray, " draw"]
    draws: tuple[tuple[Place, ...], ...]
    exceeded_by: float
    elsewhere: Float[np.ndarray, " text"]
    texts: tuple[str, ...]


@dataclass(frozen=True)
class ControlsRequest:
    """Some heads switched off together, beside random heads of their layers, and beside themselves on other texts.

    draws: how many sets are drawn, with `seed`. texts: other texts, at most MOST_TEXTS; empty for none.
    """

    trace: TraceRequest
    quantity: Quantity
    heads: tuple[Place, ...]
    off: Off = ZERO
    draws: int = 20
    seed: int = 0
    texts: tuple[str, ...] = ()

    def answer(self, engine: Engine) -> Controls:
        """Raises what `EffectsRequest` raises; EffectsError for heads that are not there, or none."""
        raise NotImplementedError
