"""Effects as one backward pass guesses them: the slope of the quantity, drawn out to where a part is off.

Attribution patching (Nanda 2023; Syed, Rager and Conmy 2023, arXiv 2310.10348): the gradient at the run as it is, times
how far what the part gives would move.
"""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float

from models.attention.trace import TraceRequest
from models.engine import Engine
from models.heads.changed_runs import ChangedRuns
from models.heads.effects import Effects, maps_of
from models.heads.gradients import Slope, slopes_of
from models.heads.measured_quantity import Quantity
from models.heads.parts_of_model import Part, Place, places_of
from models.heads.rank_correlation import rank_correlation
from models.heads.switched_off_values import ZERO, Off, OffValues, off_values


@dataclass(frozen=True)
class EstimateRequest:
    """The estimate of what `EffectsRequest` computes; it is there after one forward and one backward pass."""

    trace: TraceRequest
    quantity: Quantity
    part: Part = "heads"
    off: Off = ZERO

    def answer(self, engine: Engine) -> Effects:
        """Raises what `EffectsRequest` raises; QuantityError for a vector, whose cosine has no slope."""
        runs = ChangedRuns(engine, self.trace, self.quantity)
        with engine.forward(runs.loaded):
            places = places_of(runs.trace, self.part)
        off = off_values(engine, runs, self.part, self.off)
        with engine.forward(runs.loaded):
            slopes = slopes_of(runs, self.part)
        found: dict[Place, float] = {}
        for (kind, layer), calls in slopes.found.items():
            effects = np.sum([_drawn_out(each, off, (kind, layer)) for each in calls], axis=0)
            found |= {Place(kind, layer, head): float(effect) for head, effect in enumerate(effects)}
        return Effects(runs.measured, self.part, maps_of(places, found), len(found), len(places), off.note)


def _drawn_out(slope: Slope, off: OffValues, address: tuple[str, int]) -> Float[np.ndarray, " part"]:
    given = slope.given.double()
    moved = -given
    if off.target is not None:
        moved = torch.zeros_like(given)
        at = slice(None) if off.places is None else list(off.places[address])
        moved[at] = torch.from_numpy(off.target[address]).to(given) - given[at]
    return (moved * slope.slope.double()).sum((0, 2)).cpu().numpy()


@dataclass(frozen=True)
class Agreement:
    """How far an estimate and the exact effects agree, over the parts that both have.

    spearman: the rank correlation of the effects with their signs; NaN for fewer than three parts, or where all effects
        of one are equal.
    common, most: how many of the `most` largest, by size, are the same.
    signs: the share of the `most` largest exact effects of which the estimate has the sign.
    """

    spearman: float
    common: int
    most: int
    signs: float


def agreement(exact: Effects, estimate: Effects, most: int = 10) -> Agreement:
    """How far the two agree; `most` is lowered to the number of parts there are."""
    one, other = dict(exact.ranked()), dict(estimate.ranked())
    both = sorted(one.keys() & other.keys())
    largest = [place for place in one if place in other][:most]
    guessed = [place for place in other if place in one][:most]
    return Agreement(
        spearman=rank_correlation(np.array([one[each] for each in both]), np.array([other[each] for each in both])),
        common=len(set(largest) & set(guessed)),
        most=len(largest),
        signs=float(np.mean([one[each] * other[each] > 0 for each in largest])) if largest else float("nan"),
    )
