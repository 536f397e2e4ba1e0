"""What becomes of a quantity when each head, each MLP or each layer is switched off: exactly, one run for each."""

from collections.abc import Generator, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from jaxtyping import Float

from models.attention.trace import AttentionTrace, TraceRequest
from models.engine import Engine, Stepwise
from models.heads.changed_runs import ChangedRuns
from models.heads.measured_quantity import MeasuredQuantity, Quantity
from models.heads.parts_of_model import Part, Place, places_of
from models.heads.switched_off_values import ZERO, Off, off_values


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
        """One effect. Raises ValueError for a layer, IndexError for a head that is not there."""
        return float(self.effects[self.layers.index(place.layer), place.head])


@dataclass(frozen=True, eq=False)
class Effects:
    """The effects of all parts of a model on a quantity of a text, or as far as they are computed.

    maps: one for each kind of attention, of MLPs and layers one for each stack ("encoder", "decoder").
    done, of: how many parts are computed. note: what has to be said of how parts were switched off; "" for most.
    """

    measured: MeasuredQuantity
    part: Part
    maps: tuple[EffectMap, ...]
    done: int
    of: int
    note: str = ""

    def ranked(self) -> tuple[tuple[Place, float], ...]:
        """Every part that is computed with its effect, the largest first, whichever way it goes."""
        found = [
            (Place(each.kind, layer, head), float(effect))
            for each in self.maps
            for layer, row in zip(each.layers, each.effects, strict=True)
            for head, effect in enumerate(row)
            if not np.isnan(effect)
        ]
        return tuple(sorted(found, key=lambda pair: (-abs(pair[1]), pair[0])))


@dataclass(frozen=True)
class EffectsRequest(Stepwise[Effects, Effects]):
    """Each head (or MLP, or layer) switched off in a run of its own, rows of batches, the last layers first.

    Each step is `Effects` with more of the maps; the first one has nothing in it but says what is measured.
    trace: the text as it is; what is changed in it already stays so.
    """

    trace: TraceRequest
    quantity: Quantity
    part: Part = "heads"
    off: Off = ZERO

    def computed(self, engine: Engine) -> Generator[Effects, None, Effects]:
        """Raises what `TraceRequest` raises; QuantityError, OffError, EffectsError."""
        runs = ChangedRuns(engine, self.trace, self.quantity)
        with engine.forward(runs.loaded):
            places = places_of(runs.trace, self.part)
        found: dict[Place, float] = {}
        so_far = Effects(runs.measured, self.part, maps_of(places, found), 0, len(places))
        yield so_far
        off = off_values(engine, runs, self.part, self.off)
        # What runs last has the least to compute: all before it is replayed.
        for some, is_shown in runs.batches(backwards(runs.trace, places)):
            changes = [(off.change(place),) for place in some]
            # Kept one by one: whoever goes on after it was stopped has what was computed until then.
            values = engine.answers.get((self, tuple(some)), partial(runs.values, changes))
            found |= dict(zip(some, (values - runs.measured.value).tolist(), strict=True))
            if is_shown:
                so_far = replace(so_far, maps=maps_of(places, found), done=len(found), note=off.note)
                yield so_far
        return so_far

    def steps_of(self, answer: Effects) -> Iterable[Effects]:
        """The whole at once."""
        return (answer,)


def backwards(trace: AttentionTrace, places: tuple[Place, ...]) -> list[Place]:
    """The places from the layer that runs last to the one that runs first."""
    ran = {address: number for number, address in enumerate(trace.calls)}

    def when(place: Place) -> tuple[bool, int]:
        # A layer without attention runs after those with smaller numbers.
        before = [number for (kind, layer), number in ran.items() if kind == place.kind and layer <= place.layer]
        return place.kind != "encoder", max(before, default=-1)

    return sorted(places, key=lambda place: (*when(place), place.layer, -place.head), reverse=True)


def maps_of(places: tuple[Place, ...], found: Mapping[Place, float]) -> tuple[EffectMap, ...]:
    """What is found, as one map for each kind; NaN elsewhere."""
    maps = []
    for kind in dict.fromkeys(place.kind for place in places):
        own = [place for place in places if place.kind == kind]
        layers = tuple(dict.fromkeys(place.layer for place in own))
        effects = np.full((len(layers), 1 + max(place.head for place in own)), np.nan)
        for place in own:
            effects[layers.index(place.layer), place.head] = found.get(place, np.nan)
        maps.append(EffectMap(kind, layers, effects))
    return tuple(maps)
