"""What an effect stands beside: that of other heads of the same layers, and that of the same heads on other texts."""

from collections import Counter
from collections.abc import Generator, Iterable
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float

from models.attention.trace import TraceRequest
from models.engine import Engine, Stepwise
from models.forward.inputs import InputError
from models.heads.changed_runs import ChangedRuns
from models.heads.measured_quantity import MeasuredQuantity, Quantity, QuantityError
from models.heads.parts_of_model import EffectsError, Place, places_of
from models.heads.switched_off_values import ZERO, Off, off_values

MOST_DRAWS = 200
MOST_TEXTS = 100


@dataclass(frozen=True, eq=False)
class Controls:
    """The effect of switching heads off together, and what it is compared with; each in the quantity's unit.

    chosen: the quantity without all of these heads, less that with them.
    drawn: the same for as many heads of the same layers, drawn at random (without those chosen, where a layer has as
        many others), as far as it is computed; draws: which heads these were. Equal draws are not taken twice, so there
        may be fewer than asked.
    elsewhere: the effect of the chosen heads on each other text, on that text's own quantity. texts: these texts,
        without those of which the quantity cannot be measured.
    done, of: runs.
    """

    measured: MeasuredQuantity
    chosen: float
    drawn: Float[np.ndarray, " draw"]
    draws: tuple[tuple[Place, ...], ...]
    elsewhere: Float[np.ndarray, " text"]
    texts: tuple[str | tuple[int, ...], ...]
    done: int
    of: int
    note: str = ""

    @property
    def exceeded_by(self) -> float:
        """The share of draws whose effect is at least as large, by size, as the chosen one; NaN without a draw."""
        return float(np.mean(np.abs(self.drawn) >= abs(self.chosen))) if len(self.drawn) else float("nan")


@dataclass(frozen=True)
class ControlsRequest(Stepwise[Controls, Controls]):
    """Some heads switched off together, beside random heads of their layers, and beside themselves on other texts.

    draws: how many sets are drawn, with `seed`. texts: other texts, at most MOST_TEXTS; empty for none.
    """

    trace: TraceRequest
    quantity: Quantity
    heads: tuple[Place, ...]
    off: Off = ZERO
    draws: int = 20
    seed: int = 0
    texts: tuple[str | tuple[int, ...], ...] = ()

    def computed(self, engine: Engine) -> Generator[Controls, None, Controls]:
        """Raises what `EffectsRequest` raises; EffectsError for heads that are not there, or none, and too many draws
        or texts.
        """
        if self.draws > MOST_DRAWS or len(self.texts) > MOST_TEXTS:
            raise EffectsError(f"At most {MOST_DRAWS} sets are drawn, and at most {MOST_TEXTS} other texts are read.")
        runs = ChangedRuns(engine, self.trace, self.quantity)
        with engine.forward(runs.loaded):
            places = places_of(runs.trace, "heads")
        missing = next((each for each in self.heads if each not in places), None)
        if missing is not None or not self.heads:
            raise EffectsError(
                "No head is chosen; choose one to compare."
                if missing is None
                else f"There is no {missing.kind} head L{missing.layer} H{missing.head} in this model."
            )
        off = off_values(engine, runs, "heads", self.off)
        heads = tuple(dict.fromkeys(self.heads))
        draws = drawn_sets(places, heads, self.draws, self.seed)
        rows = [tuple(off.change(place) for place in some) for some in (heads, *draws)]
        effects: list[float] = []
        so_far = None
        for start in range(0, len(rows), runs.rows_at_once):
            some = runs.values(rows[start : start + runs.rows_at_once])
            effects += (some - runs.measured.value).tolist()
            so_far = Controls(
                measured=runs.measured,
                chosen=effects[0],
                drawn=np.array(effects[1:]),
                draws=draws[: len(effects) - 1],
                elsewhere=np.empty(0),
                texts=(),
                done=len(effects),
                of=len(rows) + len(self.texts),
                note=off.note,
            )
            yield so_far
        assert so_far is not None
        for text in self.texts:
            effect = self._elsewhere(engine, text, heads)
            so_far = replace(so_far, done=so_far.done + 1)
            if effect is not None:
                elsewhere = np.append(so_far.elsewhere, effect)
                so_far = replace(so_far, elsewhere=elsewhere, texts=(*so_far.texts, text))
            yield so_far
        return so_far

    def steps_of(self, answer: Controls) -> Iterable[Controls]:
        """The whole at once."""
        return (answer,)

    def _elsewhere(self, engine: Engine, text: str | tuple[int, ...], heads: tuple[Place, ...]) -> float | None:
        """The effect on another text; None where it cannot be measured."""
        try:
            runs = ChangedRuns(engine, replace(self.trace, text=text), self.quantity)
            off = off_values(engine, runs, "heads", self.off)
        except (EffectsError, InputError, QuantityError):
            return None
        return float(runs.values([tuple(off.change(place) for place in heads)])[0]) - runs.measured.value


def drawn_sets(
    places: tuple[Place, ...], heads: tuple[Place, ...], count: int, seed: int
) -> tuple[tuple[Place, ...], ...]:
    """Different sets of as many heads of the same layers, drawn with a seed; never the heads themselves."""
    draw = np.random.default_rng(seed)
    pools = []
    for (kind, layer), number in Counter((each.kind, each.layer) for each in heads).items():
        own = [each for each in places if (each.kind, each.layer) == (kind, layer)]
        others = [each for each in own if each not in heads]
        pools.append((others if len(others) >= number else own, number))
    found: dict[tuple[Place, ...], None] = {}
    # Of few heads there are few sets, and most draws repeat one.
    for _ in range(20 * count):
        if len(found) == count:
            break
        picked = [pool[each] for pool, number in pools for each in draw.choice(len(pool), number, replace=False)]
        if set(picked) != set(heads):
            found[tuple(sorted(picked))] = None
    return tuple(found)
