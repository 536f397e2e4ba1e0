"""How many heads are enough: only the k most important ones kept, the others off.

Faithfulness and its areas as in MIB (Mueller et al. 2025, arXiv 2504.13151): (what is left - what no head leaves) /
(what all leave - what no head leaves), over the share of heads that are kept.
"""

from collections.abc import Collection, Generator, Iterable
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from jaxtyping import Float, Int64

from models.attention.trace import TraceRequest
from models.engine import Engine, HowFar, Stepwise
from models.heads.changed_runs import Change, ChangedRuns
from models.heads.effects import Effects, EffectsRequest
from models.heads.estimated_effects import EstimateRequest
from models.heads.measured_quantity import MeasuredQuantity, Quantity
from models.heads.parts_of_model import EffectsError, Place
from models.heads.switched_off_values import ZERO, Off, OffValues, off_values

RankedBy = Literal["exact", "estimate"]
Sided = Literal["both", "helping", "hindering"]

MOST_DRAWS = 20
MOST_POINTS = 64
# Of the quantity's unit: what all heads together must change, to be divided by.
_SMALLEST_CHANGE = 1e-4


@dataclass(frozen=True, eq=False)
class Faithfulness:
    """The curve over k, and the smallest set.

    order: the heads, most important first. counts: k, from 0 (all off) to all heads.
    kept: the quantity with only the first k on, in its unit; NaN where it is not computed yet. The last one is the
        run as it is.
    drawn: the same with k heads drawn at random, one row for each draw; NaN where it is not computed yet.
    smallest: the heads found greedily with which `faithful` is at least `enough`, most important first; None where that
        is not searched yet. smallest_value: the quantity with these alone on, in a run of its own; else NaN.
    done, of: runs of the curves; the search for the smallest set comes after them.
    """

    measured: MeasuredQuantity
    order: tuple[Place, ...]
    counts: Int64[np.ndarray, " count"]
    kept: Float[np.ndarray, " count"]
    drawn: Float[np.ndarray, "draw count"]
    smallest: tuple[Place, ...] | None
    smallest_value: float
    enough: float
    done: int
    of: int
    note: str = ""

    def share(self, value: Float[np.ndarray, "..."] | float) -> Float[np.ndarray, "..."]:
        """A value as a share of the way from no head (0) to all (1)."""
        return np.asarray((value - self.kept[0]) / (self.kept[-1] - self.kept[0]))

    @property
    def faithful(self) -> Float[np.ndarray, " count"]:
        """`kept` as shares."""
        return self.share(self.kept)

    @property
    def area(self) -> float:
        """MIB's CPR: the mean of `faithful` over the share of heads kept; NaN before all is computed."""
        return self._mean_over_shares(self.faithful)

    @property
    def distance(self) -> float:
        """MIB's CMD: the mean distance of `faithful` from 1."""
        return self._mean_over_shares(np.abs(1 - self.faithful))

    @property
    def drawn_areas(self) -> Float[np.ndarray, " draw"]:
        """The area of each draw."""
        return np.array([self._mean_over_shares(each) for each in self.share(self.drawn)])

    def _mean_over_shares(self, values: Float[np.ndarray, " count"]) -> float:
        return float(np.trapezoid(values, self.counts / self.counts[-1]))


@dataclass(frozen=True)
class FaithfulnessRequest(Stepwise[HowFar | Faithfulness, Faithfulness]):
    """Keep only the k most important heads, for some k; then look for the smallest set that is enough.

    Steps are `HowFar` while the heads are ranked by their exact effects, then the curve as far as it is computed.
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

    def computed(self, engine: Engine) -> Generator[HowFar | Faithfulness, None, Faithfulness]:
        """Raises what `EffectsRequest` raises; EffectsError where all heads off leave the quantity as it is."""
        if not (0 <= self.draws <= MOST_DRAWS and 2 <= self.points <= MOST_POINTS and 0 < self.enough <= 1):
            raise EffectsError(
                f"A curve has 2 to {MOST_POINTS} points and at most {MOST_DRAWS} draws beside it, and what is enough "
                "is a share above 0 and up to 1."
            )
        if self.ranked_by == "exact":
            ranking = EffectsRequest(self.trace, self.quantity, "heads", self.off)
            for step in ranking.steps(engine):
                yield HowFar(step.done, step.of)
        else:
            ranking = EstimateRequest(self.trace, self.quantity, "heads", self.off)
        order = _ordered(engine.run(ranking), self.sided)
        runs = ChangedRuns(engine, self.trace, self.quantity)
        kept = _KeptRuns(runs, off_values(engine, runs, "heads", self.off), order)
        counts = np.unique(np.rint(np.expm1(np.linspace(0, np.log1p(len(order)), self.points))).astype(np.int64))
        draw = np.random.default_rng(self.seed)
        orders = [tuple(order[each] for each in draw.permutation(len(order))) for _ in range(self.draws)]
        # The ends first, of which all else is a share; they are the same whatever the order.
        asked = [(0, 0), (0, len(counts) - 1)]
        asked += [(line, point) for line in range(1 + self.draws) for point in range(1, len(counts) - 1)]
        values = np.full((1 + self.draws, len(counts)), np.nan)
        so_far = Faithfulness(
            measured=runs.measured,
            order=order,
            counts=counts,
            kept=values[0],
            drawn=values[1:],
            smallest=None,
            smallest_value=float("nan"),
            enough=self.enough,
            done=0,
            of=len(asked),
            note=kept.note,
        )
        for start in range(0, len(asked), runs.rows_at_once):
            some = asked[start : start + runs.rows_at_once]
            rows = [(order, *orders)[line][: counts[point]] for line, point in some]
            values = values.copy()
            values[tuple(zip(*some, strict=True))] = kept.values(rows)
            values[1:, [0, -1]] = values[0, [0, -1]]
            if abs(values[0, -1] - values[0, 0]) < _SMALLEST_CHANGE:
                raise EffectsError(
                    "With every head off this quantity is what it is with all of them on, so that there is nothing of "
                    "which a part could be kept; take another quantity."
                )
            so_far = replace(so_far, kept=values[0], drawn=values[1:], done=start + len(some))
            yield so_far
        smallest = yield from self._smallest(so_far, kept)
        alone = kept.values([smallest], from_start=True)
        so_far = replace(so_far, smallest=smallest, smallest_value=float(alone[0]))
        yield so_far
        return so_far

    def steps_of(self, answer: Faithfulness) -> Iterable[Faithfulness]:
        """The whole at once."""
        return (answer,)

    def _smallest(self, curve: Faithfulness, kept: "_KeptRuns") -> Generator[Faithfulness, None, tuple[Place, ...]]:
        """The shortest beginning of the order that is enough, less whatever of it can be left out, the least important
        first; larger parts are tried before smaller ones.
        """
        reached = int(np.argmax(curve.faithful >= self.enough))
        first, last = int(curve.counts[max(0, reached - 1)]), int(curve.counts[reached])
        found = curve.order[:last]
        while last - first > 1:
            # As far as the curve rises: it need not, and then this is one beginning that is enough.
            middle = (first + last) // 2
            yield curve
            if curve.share(kept.values([curve.order[:middle]])[0]) >= self.enough:
                last, found = middle, curve.order[:middle]
            else:
                first = middle
        parts = [found]
        while parts:
            part = parts.pop()
            rest = tuple(each for each in found if each not in set(part))
            yield curve
            if rest and curve.share(kept.values([rest])[0]) >= self.enough:
                found = rest
            elif len(part) > 1:
                parts += [part[: len(part) // 2], part[len(part) // 2 :]]
        return found


class _KeptRuns:
    """Runs in which some heads are on and all others off."""

    def __init__(self, runs: ChangedRuns, off: OffValues, places: tuple[Place, ...]) -> None:
        self._runs = runs
        self._changes: dict[Place, Change] = {place: off.change(place) for place in places}
        self.note = off.note

    def values(self, rows: list[tuple[Place, ...]], *, from_start: bool = False) -> Float[np.ndarray, " row"]:
        """The quantity with only these on, for each row."""
        return self._runs.values([self._without_others(set(row)) for row in rows], from_start=from_start)

    def _without_others(self, on: Collection[Place]) -> list[Change]:
        return [change for place, change in self._changes.items() if place not in on]


def _ordered(effects: Effects, sided: Sided) -> tuple[Place, ...]:
    ranked = effects.ranked()
    if sided != "both":
        sign = 1 if sided == "helping" else -1
        ranked = tuple(sorted(ranked, key=lambda pair: (sign * pair[1], pair[0])))
    return tuple(place for place, _ in ranked)
