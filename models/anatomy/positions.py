"""How a model tells places apart, from what it does: rows that are added, turns by an angle, biases, or nothing."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Literal

import numpy as np
from jaxtyping import Float
from torch import Tensor, nn

from models.anatomy.layer_inputs import giving, streams
from models.anatomy.position_sources import (
    PositionSource,
    given_by_modules,
    order_hooks,
    position_sources,
    probe_inputs,
)
from models.attention.score_biases import added_to_scores
from models.engine import Engine
from models.forward.capture import Call
from models.forward.inputs import Inputs
from models.forward.recorded_run import recorded_forward, to_numpy
from models.heads.changed_runs import Address
from models.loaded import LoadedModel, once_per_model

MOST_PLACES = 64
_FEW_TOKENS = 5
# Of the largest number.
_NEAR = 2e-3


@dataclass(frozen=True, eq=False)
class PlaceRows:
    """Rows that are added to the tokens' vectors, one for each place.

    kind: "sinusoids" where each column is a sine of the place, "learned rows" where they are none.
    stack: "encoder" or "decoder". rows: how many the table has, 0 where there is none and they are computed.
    cosines: of each two of the first rows. lengths: of these rows, L2. wavelengths: of the columns of sinusoids, in
        places; empty for learned rows.
    chance: the mean size of a cosine of two random vectors of this width, sqrt(2 / (pi width)).
    """

    kind: Literal["learned rows", "sinusoids"]
    stack: str
    rows: int
    width: int
    cosines: Float[np.ndarray, "place place"]
    lengths: Float[np.ndarray, " place"]
    wavelengths: Float[np.ndarray, " column"]
    chance: float


@dataclass(frozen=True, eq=False)
class Turns:
    """Angles by which pairs of numbers of queries and keys are turned at each place (Su et al. 2021, arXiv 2104.09864).

    angles: in radians, less those of the first place. size: what turned numbers are multiplied with besides, mostly 1.
    wavelengths: after how many places a pair has turned once.
    """

    angles: Float[np.ndarray, "place pair"]
    size: float
    wavelengths: Float[np.ndarray, " pair"]


@dataclass(frozen=True, eq=False)
class DistanceBias:
    """What a layer adds to the scores for the distance of two tokens.

    kind: "ALiBi" where it grows evenly with the distance (Press et al. 2021, arXiv 2108.12409), else "relative bias"
        (Shaw et al. 2018; Raffel et al. 2020). stack: kind of attention; layers: those with this same bias.
    distances: key less query. biases: NaN where no query may look so far. slopes: of ALiBi, per place; else empty.
    """

    kind: Literal["ALiBi", "relative bias"]
    stack: str
    layers: tuple[int, ...]
    distances: tuple[int, ...]
    biases: Float[np.ndarray, "head distance"]
    slopes: Float[np.ndarray, " _"]


@dataclass(frozen=True, eq=False)
class PositionWays:
    """All that a model has.

    otherwise: the layers, by stack and number, in which something else than these and the mask of the past tells the
        order of what comes before (a window, a convolution, a recurrence); layer -1 for what the first one is given.
        None where layers could not be seen.
    sees_past_only: whether a mask lets no token look ahead, so that the order is not lost with the positions.
    """

    rows: tuple[PlaceRows, ...]
    turns: tuple[Turns, ...]
    biases: tuple[DistanceBias, ...]
    otherwise: tuple[Address, ...] | None
    sees_past_only: bool

    @property
    def kinds(self) -> tuple[str, ...]:
        """In words; ("none",) where nothing was seen."""
        found = [each.kind for each in self.rows] + ["rotary"] * bool(self.turns) + [each.kind for each in self.biases]
        return tuple(dict.fromkeys(found)) or ("none",)


@dataclass(frozen=True)
class PositionsRequest:
    """How a model tells places apart; a few forwards, the first time."""

    model: str

    def answer(self, engine: Engine) -> PositionWays:
        """Raises what `load_model` raises."""
        loaded = engine.model(self.model)
        with engine.forward(loaded):
            return position_ways(loaded)


@once_per_model
def position_ways(loaded: LoadedModel) -> PositionWays:
    """What it does, seen in forwards over tokens that mean nothing special.

    Takes the device: call it while holding its lock.
    """
    places = min(MOST_PLACES, loaded.positions or MOST_PLACES)
    inputs = probe_inputs(loaded, places, places)
    sources = position_sources(loaded)
    given = given_by_modules(loaded, inputs, [each.module for each in sources])
    run, _, _ = recorded_forward(loaded, inputs, ((),), last_only=True, base=None)
    rows, turns = [], []
    for source in sources:
        for gave in given[source.module]:
            if (found := _turns(source, gave)) is not None:
                if not any(np.array_equal(found.angles, each.angles) for each in turns):
                    turns.append(found)
            elif (own := _rows(loaded, source, gave)) is not None:
                rows.append(own)
    return PositionWays(
        rows=tuple(rows),
        turns=tuple(turns),
        biases=tuple(_biases(run.calls)),
        otherwise=_otherwise(loaded),
        sees_past_only=any(kind == "decoder" for kind, _ in run.calls),
    )


def _otherwise(loaded: LoadedModel) -> tuple[Address, ...] | None:
    """Each layer is given, with positions off, the vectors that it is given anyway, those before the last in another
    order: what it makes of the last one is the same where nothing but the mask tells their order.
    """
    one = probe_inputs(loaded, _FEW_TOKENS, _FEW_TOKENS)
    order = [*range(len(one.ids) - 2, -1, -1), len(one.ids) - 1]
    other = Inputs(
        tuple(one.ids[each] for each in order),
        (),
        tuple(one.target_ids[each] for each in order[: len(one.target_ids)]),
        (),
    )
    off = partial(order_hooks, loaded, "off")
    first = streams(loaded, one, hooks=off())
    if not first:
        return None
    instead = {address: given[:, order] for address, (given, _) in first.items()}
    kinds = dict.fromkeys(kind for kind, _ in first)
    begins = {kind: min(layer for other, layer in first if other == kind) for kind in kinds}
    second = streams(loaded, other, hooks=off(), before=giving(loaded, instead))
    plain = streams(loaded, other, hooks=off())
    found = [(kind, -1) for kind, layer in begins.items() if _apart(plain[kind, layer][0], instead[kind, layer])]
    found += [address for address in first if _apart(second[address][1][:, -1], first[address][1][:, -1])]
    return tuple(found)


def _apart(one: Tensor, other: Tensor) -> bool:
    return float((one - other).abs().max()) > _NEAR * float(other.abs().max())


def _turns(source: PositionSource, gave: tuple[Tensor, ...]) -> Turns | None:
    """What two tensors are if cosines and sines of the same angles, or one tensor if complex numbers of one size."""
    if len(gave) == 1 and gave[0].is_complex():
        parts = gave[0].real, gave[0].imag
    elif len(gave) == 2 and gave[0].shape == gave[1].shape:
        parts = gave
    else:
        return None
    if any(axes != (-2,) for axes in source.axes):
        return None
    cosines, sines = (to_numpy(each.reshape(-1, *each.shape[-2:])[0]).astype(np.float64) for each in parts)
    sizes = np.hypot(cosines, sines)
    if sizes.min() <= 0 or np.ptp(sizes) > _NEAR * sizes.max():
        return None
    angles = _once(np.arctan2(sines, cosines))
    angles = np.unwrap(angles, axis=0) if len(angles) > 1 else angles
    # A pair that turns by more than half a turn from place to place is not told from one that turns the other way.
    angles = angles - angles[:1]
    steps = angles[1] if len(angles) > 1 else np.zeros(angles.shape[1])
    with np.errstate(divide="ignore"):
        wavelengths = 2 * np.pi / np.abs(steps)
    return Turns(angles, float(sizes.mean()), wavelengths)


def _once(angles: Float[np.ndarray, "place number"]) -> Float[np.ndarray, "place pair"]:
    """Each pair's angle once: libraries write it twice, one half after the other or side by side."""
    half = angles.shape[1] // 2
    if 2 * half == angles.shape[1] and half:
        if np.array_equal(angles[:, :half], angles[:, half:]):
            return angles[:, :half]
        if np.array_equal(angles[:, 0::2], angles[:, 1::2]):
            return angles[:, 0::2]
    return angles


def _rows(loaded: LoadedModel, source: PositionSource, gave: tuple[Tensor, ...]) -> PlaceRows | None:
    if len(gave) != 1 or source.axes != ((-2,),) or gave[0].is_complex():
        return None
    rows = to_numpy(gave[0].reshape(-1, *gave[0].shape[-2:])[0]).astype(np.float64)
    lengths = np.linalg.norm(rows, axis=1)
    weight = next((each for each in source.module.parameters() if each.dim() == 2), None)
    width = rows.shape[1]
    wavelengths = _wavelengths(rows)
    return PlaceRows(
        kind="learned rows" if wavelengths is None else "sinusoids",
        stack=_stack_of(loaded, source.module),
        rows=0 if weight is None else len(weight),
        width=width,
        cosines=(rows / np.maximum(lengths, 1e-12)[:, None]) @ (rows / np.maximum(lengths, 1e-12)[:, None]).T,
        lengths=lengths,
        wavelengths=np.empty(0) if wavelengths is None else wavelengths,
        chance=float(np.sqrt(2 / (np.pi * width))),
    )


def _stack_of(loaded: LoadedModel, module: nn.Module) -> str:
    """Which stack it belongs to, by which of an encoder-decoder's two halves holds it."""
    if not loaded.is_seq2seq:
        return "encoder" if not loaded.model.can_generate() else "decoder"
    encoder = loaded.model.get_encoder()
    return "encoder" if module in set(encoder.modules()) else "decoder"


def _wavelengths(rows: Float[np.ndarray, "place column"]) -> Float[np.ndarray, " column"] | None:
    """Of columns that are sines of the place; None where they are not.

    Of a sine, the two neighbours of a number add up to 2 cos(w) times it, with one w at every place.
    """
    if len(rows) < 8:
        return None
    middle, around = rows[1:-1], rows[2:] + rows[:-2]
    squares = (middle**2).sum(0)
    used = squares > 1e-9 * squares.max()
    factors = (middle * around).sum(0)[used] / squares[used]
    left = np.abs(around[:, used] - factors * middle[:, used]).max(0)
    if np.mean(left < _NEAR * np.abs(rows[:, used]).max(0)) < 0.95:
        return None
    steps = np.arccos(np.clip(factors / 2, -1, 1))
    with np.errstate(divide="ignore"):
        return 2 * np.pi / steps


def _biases(calls: dict[tuple[str, int], Call]) -> Iterator[DistanceBias]:
    """One for each bias that differs from that of the layer before."""
    found: dict[str, list[tuple[list[int], DistanceBias]]] = {}
    for (kind, layer), call in sorted(calls.items()):
        if kind == "cross" or (own := distance_bias(call, kind, layer)) is None:
            continue
        before = found.setdefault(kind, [])
        if before and np.array_equal(before[-1][1].biases, own.biases, equal_nan=True):
            before[-1][0].append(layer)
        else:
            before.append(([layer], own))
    for each in found.values():
        for layers, bias in each:
            yield DistanceBias(bias.kind, bias.stack, tuple(layers), bias.distances, bias.biases, bias.slopes)


def distance_bias(call: Call, kind: str, layer: int) -> DistanceBias | None:
    """What this call adds to its scores, where that depends on the distance alone and is not the same for all."""
    queries, keys = call.query.shape[2], call.key.shape[2]
    if queries != keys:
        return None
    added, allowed = added_to_scores(call)
    added = np.where(allowed, added, np.nan)
    distances = tuple(range(1 - queries, keys))
    along = [np.diagonal(added, distance, axis1=1, axis2=2) for distance in distances]
    seen = [np.where(np.isfinite(each), each, 0.0) for each in along]
    counts = [np.isfinite(each).sum(1) for each in along]
    with np.errstate(invalid="ignore"):
        biases = np.stack([each.sum(1) / count for each, count in zip(seen, counts, strict=True)], axis=1)
    largest = float(np.nanmax(np.abs(biases), initial=0.0))
    apart = max(float(np.nanmax(np.abs(each - biases[:, [at]]), initial=0.0)) for at, each in enumerate(along))
    if largest == 0 or apart > _NEAR * largest or float(np.nanmax(biases) - np.nanmin(biases)) < _NEAR * largest:
        return None
    slopes = _slopes(np.array(distances), biases)
    name = "relative bias" if slopes is None else "ALiBi"
    return DistanceBias(name, kind, (layer,), distances, biases, np.empty(0) if slopes is None else slopes)


def _slopes(distances: np.ndarray, biases: Float[np.ndarray, "head distance"]) -> Float[np.ndarray, " head"] | None:
    """Of each head, by how much it falls with each place further away; None where that is not even."""
    past = (distances <= 0) & np.isfinite(biases).all(0)
    if past.sum() < 3:
        return None
    x, y = -distances[past], biases[:, past] - biases[:, past][:, [-1]]
    slopes = (x * y).sum(1) / (x**2).sum()
    return slopes if np.abs(y - slopes[:, None] * x).max() <= _NEAR * np.abs(y).max() else None
