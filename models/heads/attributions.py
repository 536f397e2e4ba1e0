"""Which tokens counted for another, in five ways of asking: four that look at weights, and one that hides the token."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from models.attention.trace import TraceRequest
from models.engine import Engine
from models.heads.quantity import Measured, Quantity


@dataclass(frozen=True, eq=False)
class Attribution:
    """One way of asking.

    name: "attention", "rollout", "value norm", "gradient" or "hidden".
    scores: one for each token of the text, in a unit of its own; NaN where a way does not fit.
    agreement: Spearman's rank correlation of the scores with how much the quantity changes when the token is hidden (by
        size); NaN for the truth itself and where it cannot be computed.
    """

    name: str
    scores: Float[np.ndarray, " token"]
    agreement: float
    note: str = ""


@dataclass(frozen=True, eq=False)
class Attributions:
    """How much each token of a text counted for what is at a place, in each of the five ways.

    tokens: of the text; of a decoder those up to the place. place: whose look it is; of a seq2seq model the step of
        the output. ways: in the order attention, rollout, value norm, gradient, hidden.
    """

    measured: Measured
    tokens: tuple[str, ...]
    place: int
    ways: tuple[Attribution, ...]

    def way(self, name: str) -> Attribution:
        """One of them. Raises KeyError."""
        return {each.name: each for each in self.ways}[name]


@dataclass(frozen=True)
class AttributionsRequest:
    """What counted for one token of a text.

    place: from 0; of a decoder the text ends there, and what it then finds likeliest is measured; of an encoder its
        vector is; of a seq2seq model the step of the output that is written there. None for the last.
    """

    trace: TraceRequest
    quantity: Quantity
    place: int | None = None

    def answer(self, engine: Engine) -> Attributions:
        """Raises what `EffectsRequest` raises; EffectsError for a text of one token, or too many of them."""
        raise NotImplementedError
