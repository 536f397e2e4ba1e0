"""What becomes of a quantity when each head, each MLP or each layer is switched off: exactly, one run for each."""

from collections.abc import Generator, Iterable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Float

from models.attention.trace import TraceRequest
from models.engine import Engine, Stepwise
from models.errors import HeadlightError
from models.heads.off import ZERO, Off
from models.heads.quantity import Measured, Quantity

Part = Literal["heads", "mlps", "layers"]

MOST_TOKENS = 512
MOST_PARTS = 4_096


class EffectsError(HeadlightError):
    """A text or a model of which no effects are computed."""


@dataclass(frozen=True, order=True)
class Place:
    """One head: kind ("encoder", "decoder" or "cross"), layer and head, from 0. Of an MLP or a layer, head is 0."""

    kind: str
    layer: int
    head: int = 0


@dataclass(frozen=True, eq=False)
class EffectMap:
    """The effects of the parts of one kind.

    layers: the number of each row; layers without attention have no row in a map of heads.
    effects: the quantity without the part less the quantity with it, in the quantity's unit: what is below 0 helps.
        NaN where it is not computed yet, and beyond the last head of a layer that has fewer. One column for MLPs and
        layers.
    """

    kind: str
    layers: tuple[int, ...]
    effects: Float[np.ndarray, "layer head"]

    def of(self, place: Place) -> float:
        """One effect."""
        return float(self.effects[self.layers.index(place.layer), place.head])


@dataclass(frozen=True, eq=False)
class Effects:
    """The effects of all parts of a model on a quantity of a text, or as far as they are computed.

    maps: one for each kind of attention, of MLPs and layers one for each stack ("encoder", "decoder").
    done, of: how many parts are computed. note: what has to be said of how parts were switched off; "" for most.
    """

    measured: Measured
    part: Part
    maps: tuple[EffectMap, ...]
    done: int
    of: int
    note: str = ""

    @property
    def nbytes(self) -> int:
        """What the cache counts for it."""
        return 1_000 + sum(each.effects.nbytes for each in self.maps)

    def ranked(self) -> tuple[tuple[Place, float], ...]:
        """Every part that is computed with its effect, the largest first, whichever way it goes."""
        raise NotImplementedError


@dataclass(frozen=True)
class EffectsRequest(Stepwise[Effects, Effects]):
    """Each head (or MLP, or layer) switched off in a run of its own, rows of batches, the last layers first.

    Each step is `Effects` with more of the maps; the first one has nothing in it but says what is measured.
    trace: the text as it is; without interventions.
    """

    trace: TraceRequest
    quantity: Quantity
    part: Part = "heads"
    off: Off = ZERO

    def computed(self, engine: Engine) -> Generator[Effects, None, Effects]:
        """Raises what `TraceRequest` raises; QuantityError, OffError, EffectsError."""
        raise NotImplementedError

    def steps_of(self, answer: Effects) -> Iterable[Effects]:
        """The whole at once."""
        return (answer,)


@dataclass(frozen=True)
class PartsRequest:
    """Which parts of a model can be switched off: where its MLPs or layers cannot be seen, they are not among them."""

    model: str

    def answer(self, engine: Engine) -> tuple[Part, ...]:
        """Raises what `load_model` raises."""
        raise NotImplementedError
