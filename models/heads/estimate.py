"""Effects as one backward pass guesses them: the slope of the quantity, drawn out to where a part is off.

Attribution patching (Nanda 2023; Syed, Rager and Conmy 2023, arXiv 2310.10348): the gradient at the run as it is, times
how far what the part gives would move.
"""

from dataclasses import dataclass

from models.attention.trace import TraceRequest
from models.engine import Engine
from models.heads.effects import Effects
from models.heads.off import ZERO, Off
from models.heads.places import Part
from models.heads.quantity import Quantity


@dataclass(frozen=True)
class EstimateRequest:
    """The estimate of what `EffectsRequest` computes; it is there after one forward and one backward pass."""

    trace: TraceRequest
    quantity: Quantity
    part: Part = "heads"
    off: Off = ZERO

    def answer(self, engine: Engine) -> Effects:
        """Raises what `EffectsRequest` raises; QuantityError for a vector, whose cosine has no slope."""
        raise NotImplementedError


@dataclass(frozen=True)
class Agreement:
    """How far an estimate and the exact effects agree, over the parts that both have.

    spearman: the rank correlation of the effects with their signs; NaN for fewer than three parts.
    common, most: how many of the `most` largest, by size, are the same.
    signs: the share of the `most` largest exact effects of which the estimate has the sign.
    """

    spearman: float
    common: int
    most: int
    signs: float


def agreement(exact: Effects, estimate: Effects, most: int = 10) -> Agreement:
    """How far the two agree; `most` is lowered to the number of parts there are."""
    raise NotImplementedError
