"""How many heads are enough: only the k most important ones kept, the others off.

Faithfulness and its areas as in MIB (Mueller et al. 2025, arXiv 2504.13151): (what is left - what no head leaves) /
(what all leave - what no head leaves), over the share of heads that are kept.
"""

from collections.abc import Generator, Iterable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Float, Int64

from models.attention.trace import TraceRequest
from models.engine import Engine, Stepwise
from models.heads.off import ZERO, Off
from models.heads.places import Place
from models.heads.quantity import Measured, Quantity

RankedBy = Literal["exact", "estimate"]
Sided = Literal["both", "helping", "hindering"]

MOST_DRAWS = 20


@dataclass(frozen=True, eq=False)
class Faithfulness:
    """The curve over k, and the smallest set.

    order: the heads, most important first. counts: k, from 0 (all off) to all heads.
    kept: the quantity with only the first k on, in its unit; NaN where it is not computed yet. The last one is the
        run as it is.
    drawn: the same with k heads drawn at random, one row for each draw; NaN for a draw that is not computed yet.
    faithful: `kept` as a share of the way from no head (0) to all (1).
    area: of `faithful` over the share of heads kept (MIB's CPR); drawn_area: the mean of that of the draws.
    distance: the area between `faithful` and 1 (MIB's CMD).
    smallest: the heads found greedily with which `faithful` is at least `enough`; None where that is not searched yet.
    smallest_value: the quantity with these alone on, in a run of its own.
    done, of: forwards, as far as they can be counted beforehand.
    """

    measured: Measured
    order: tuple[Place, ...]
    counts: Int64[np.ndarray, " count"]
    kept: Float[np.ndarray, " count"]
    drawn: Float[np.ndarray, "draw count"]
    faithful: Float[np.ndarray, " count"]
    area: float
    drawn_area: float
    distance: float
    smallest: tuple[Place, ...] | None
    smallest_value: float
    enough: float
    done: int
    of: int
    note: str = ""


@dataclass(frozen=True)
class FaithfulnessRequest(Stepwise[Faithfulness, Faithfulness]):
    """Keep only the k most important heads, for some k; then look for the smallest set that is enough.

    ranked_by: whose effects say what is important. sided: by the size of the effect, helping heads first and by how
        much they help, or hindering ones first. enough: the share of the way that the smallest set must reach.
    draws: how many random orders stand beside, with `seed`. points: how many k, spread evenly over log(1 + k).
    """

    trace: TraceRequest
    quantity: Quantity
    off: Off = ZERO
    ranked_by: RankedBy = "exact"
    sided: Sided = "both"
    enough: float = 0.8
    draws: int = 5
    seed: int = 0
    points: int = 16

    def computed(self, engine: Engine) -> Generator[Faithfulness, None, Faithfulness]:
        """Raises what `EffectsRequest` raises; EffectsError where all heads off leave the quantity as it is."""
        raise NotImplementedError

    def steps_of(self, answer: Faithfulness) -> Iterable[Faithfulness]:
        """The whole at once."""
        return (answer,)
