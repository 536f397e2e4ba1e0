"""What becomes of the next token when one part is off or one neuron is turned, beside the same for others like it."""

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import torch
from jaxtyping import Float

from models.anatomy.mlp_weights import check_neuron, neurons_of, written_by
from models.anatomy.neurons import neuron_values
from models.attention.outputs import TokenProbability, likeliest, softmax
from models.attention.trace import TraceRequest
from models.engine import Engine
from models.forward.interventions import Vectors, ZeroHead
from models.forward.recorded_run import to_numpy
from models.heads.changed_runs import Change, ChangedRuns, Patch, given_by
from models.heads.measured_quantity import MeasuredQuantity, Quantity
from models.heads.parts_of_model import EffectsError, Place, places_of

OffPart = Literal["heads", "mlps"]

CONTROLS = 15
# A factor as large as this drowns all else.
MOST_FACTOR = 100.0
_SHOWN = 8


@dataclass(frozen=True, eq=False)
class OneChanged:
    """A text before and after one thing was changed in it.

    measured: the quantity and its value before; after: its value then.
    before, after_tokens: the likeliest tokens of both, the best of before first, then what is new among the best of
        after; the same tokens in both. Empty of a model that ends with vectors.
    controls: the quantity with the same done to others like it instead, and who they were, as they are called; none
        where they were not asked for.
    """

    measured: MeasuredQuantity
    after: float
    before_tokens: tuple[TokenProbability, ...]
    after_tokens: tuple[TokenProbability, ...]
    controls: Float[np.ndarray, " control"]
    control_names: tuple[str, ...]

    @property
    def effect(self) -> float:
        """By how much the quantity changed."""
        return self.after - self.measured.value

    @property
    def exceeded_by(self) -> float:
        """The share of the controls whose effect is at least as large, by size; NaN without any."""
        if not len(self.controls):
            return float("nan")
        return float(np.mean(np.abs(self.controls - self.measured.value) >= abs(self.effect)))


@dataclass(frozen=True)
class PartOffRequest:
    """One head or one MLP gives nothing, in a run of its own; beside others of its kind.

    The controls are other heads of the layer (of other layers too, where it has few), or the MLPs of other layers.
    with_controls: without them it is one run, and soon there.
    """

    trace: TraceRequest
    quantity: Quantity
    part: OffPart
    place: Place
    seed: int = 0
    with_controls: bool = True

    def answer(self, engine: Engine) -> OneChanged:
        """Raises what `TraceRequest` raises; QuantityError, EffectsError for a part that is not there."""
        runs = ChangedRuns(engine, self.trace, self.quantity)
        with engine.forward(runs.loaded):
            places = places_of(runs.trace, self.part)
        if self.place not in places:
            raise EffectsError(f"There is no {self.name(self.place)} in this model.")
        if not self.with_controls:
            return _changed(runs, self._off(self.place))
        others = _others(places, self.place, self.seed)
        alone = engine.run(replace(self, with_controls=False))
        return _beside(alone, runs, [self._off(each) for each in others], tuple(map(self.name, others)))

    def name(self, place: Place) -> str:
        """What a part is called: L3 H7, L3 MLP."""
        kind = "cross " if place.kind == "cross" else ""
        return f"{kind}L{place.layer} H{place.head}" if self.part == "heads" else f"L{place.layer} MLP"

    def _off(self, place: Place) -> Change:
        if self.part == "heads":
            return ZeroHead(place.kind, place.layer, place.head)
        return Patch("mlp", place.kind, place.layer, None)


@dataclass(frozen=True)
class NeuronTurnedRequest:
    """One neuron gives `factor` times what it gives (0: it is off), at every token, beside other neurons of its layer.

    kind: of the stack. The controls are drawn from all neurons of the layer with a seed. with_controls: as above.
    """

    trace: TraceRequest
    quantity: Quantity
    kind: str
    layer: int
    neuron: int
    factor: float = 0.0
    seed: int = 0
    with_controls: bool = True

    def answer(self, engine: Engine) -> OneChanged:
        """Raises what `TraceRequest` raises; QuantityError, EffectsError, NeuronError for one that is not there."""
        if not abs(self.factor) <= MOST_FACTOR:
            raise EffectsError(f"A neuron is turned by at most {MOST_FACTOR:g} times; take less.")
        runs = ChangedRuns(engine, self.trace, self.quantity)
        with engine.forward(runs.loaded), torch.inference_mode():
            mlp = neurons_of(runs.loaded, self.kind, self.layer)
            check_neuron(mlp, self.neuron)
            draw = np.random.default_rng(self.seed).permutation(mlp.neurons)[: CONTROLS + 1]
            others = tuple(int(each) for each in draw if each != self.neuron)[:CONTROLS]
            turned = others if self.with_controls else (self.neuron,)
            _, __, given = neuron_values(runs.loaded, runs.trace.inputs, mlp, self.trace.interventions, runs.trace)
            whole = given_by(runs.loaded, runs.trace.inputs, "mlps", self.trace.interventions)
            writes = to_numpy(written_by(mlp, turned))
        vectors = to_numpy(whole[self.kind, self.layer][:, 0])
        rows: list[Change] = []
        for neuron, written in zip(turned, writes, strict=True):
            more = (self.factor - 1) * given[:, neuron, None] * written
            rows.append(Patch("mlp", self.kind, self.layer, Vectors(vectors + more)))
        if not self.with_controls:
            return _changed(runs, rows[0])
        alone = engine.run(replace(self, with_controls=False))
        return _beside(alone, runs, rows, tuple(f"neuron {each:,}" for each in others))


def _others(places: tuple[Place, ...], place: Place, seed: int) -> tuple[Place, ...]:
    """Parts of the same kind to compare with: of the same layer where it has several, then of others."""
    draw = np.random.default_rng(seed)
    beside = [each for each in places if each != place and (each.kind, each.layer) == (place.kind, place.layer)]
    elsewhere = [each for each in places if each.kind == place.kind and each.layer != place.layer]
    found = [pool[int(each)] for pool in (beside, elsewhere) for each in draw.permutation(len(pool))]
    return tuple(found[: len(beside) if len(beside) > CONTROLS // 3 else CONTROLS][:CONTROLS])


def _changed(runs: ChangedRuns, change: Change) -> OneChanged:
    values, output = runs.values_and_first([(change,)])
    before, after = (), ()
    if runs.measured.quantity.of != "vector":
        where = runs.measured.position
        is_last = runs.measured.quantity.of in ("next token", "difference")
        one = softmax(runs.trace.last_output if is_last else runs.trace.outputs[where])
        other = softmax(output)
        best = [each for row in (one, other) for each in likeliest(row, _SHOWN)]
        followed = runs.measured.ids if is_last or len(runs.measured.ids) == 1 else runs.measured.ids[where : where + 1]
        ids = list(dict.fromkeys([*best[:_SHOWN], *followed, *best[_SHOWN:]]))
        pieces = runs.loaded.pieces(ids)
        before, after = (
            tuple(TokenProbability(each, piece.text, float(row[each])) for each, piece in zip(ids, pieces, strict=True))
            for row in (one, other)
        )
    return OneChanged(runs.measured, float(values[0]), before, after, np.empty(0), ())


def _beside(alone: OneChanged, runs: ChangedRuns, changes: list[Change], names: tuple[str, ...]) -> OneChanged:
    """With the quantity as it is with each of these changes instead."""
    values = [runs.values(some) for some, _ in runs.batches([(each,) for each in changes])]
    return replace(alone, controls=np.concatenate([np.empty(0), *values]), control_names=names)
