"""Queries and keys of one head before and after they are turned by their places, and what that does to q·k."""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int

from models.anatomy.layer_inputs import giving, streams
from models.anatomy.part_switches import SwitchError
from models.anatomy.position_sources import order_hooks
from models.anatomy.positions import MOST_PLACES, Turns, position_ways
from models.attention.trace import AttentionTrace, NoSuchMapError, OfHead
from models.engine import Engine
from models.forward.recorded_run import recorded_forward, to_numpy
from models.heads.layer_and_mlp_modules import seen_blocks

MOST_TOKENS = 256
# Of the largest number: how far apart what is computed twice may be.
_NEAR = 2e-3


@dataclass(frozen=True, eq=False)
class Turned:
    """One head of one layer.

    tokens: of the text. before, after: the dot products of each query with each key, without and with the turn; nothing
        else is changed: the layer is given what it is given in the text as it is. Not scaled.
    is_turned: whether they differ.
    even: q·k of two equal vectors, all pairs as long as each other, at each distance from 0 on, over its value at 0.
    by_pair: the same of each pair alone, a cosine. own: that of the chosen query with itself. live: the chosen query
        with the chosen key, before the turn, had they stood at each distance, in the unit of `before`. Empty where
        pairs could not be told. wavelengths: of the pairs.
    energies: of each pair, its share of the chosen query's squared length; empty as `own`.
    """

    tokens: tuple[str, ...]
    before: Float[np.ndarray, "query key"]
    after: Float[np.ndarray, "query key"]
    is_turned: bool
    even: Float[np.ndarray, " distance"]
    by_pair: Float[np.ndarray, "pair distance"]
    own: Float[np.ndarray, " _"]
    live: Float[np.ndarray, " _"]
    wavelengths: Float[np.ndarray, " pair"]
    energies: Float[np.ndarray, " _"]


@dataclass(frozen=True)
class TurnedRequest(OfHead):
    """The turn in one head: two forwards. query, key: places of the two tokens that are followed."""

    query: int
    key: int

    def answer(self, engine: Engine) -> Turned:
        """Raises what `TraceRequest` raises; NoSuchMapError for a head or a token that is not there, SwitchError where
        nothing is turned or the layer cannot be seen.
        """
        trace = engine.run(self.trace)
        queries = trace.queries(self.kind, self.layer)
        if not 0 <= self.head < len(queries):
            raise NoSuchMapError(f"There is no head {self.head}: this layer has heads 0 to {len(queries) - 1}.")
        count = queries.shape[1]
        if count > MOST_TOKENS:
            raise SwitchError(f"This text has {count:,} tokens; the turn is shown for at most {MOST_TOKENS}.")
        if not (0 <= self.query < count and 0 <= self.key < count):
            raise NoSuchMapError(f"There is no such token here: they go from 0 to {count - 1}.")
        with engine.forward(trace.loaded), torch.inference_mode():
            ways = position_ways(trace.loaded)
            if self.kind == "cross" or not ways.turns:
                raise SwitchError(
                    f"Nothing turns queries and keys of {trace.loaded.card.title} by their places, so that there is "
                    "no before and after."
                )
            unturned = _unturned(trace, self.kind, self.layer)
        one = _Pairs(*(each[self.head].astype(np.float64) for each in unturned))
        other = _Pairs(queries[self.head].astype(np.float64), trace.keys(self.kind, self.layer)[self.head])
        before, after = one.queries @ one.keys.T, other.queries @ other.keys.T
        apart = np.abs(other.queries - one.queries).max()
        is_turned = bool(apart > _NEAR * np.abs(other.queries).max())
        turns, layout = _layout(ways.turns, one.queries, other.queries) if is_turned else (ways.turns[0], None)
        by_pair = np.cos(turns.angles).T
        own, live, energies = np.empty(0), np.empty(0), np.empty(0)
        if layout is not None:
            query, key = one.queries[self.query], one.keys[self.key]
            energies = _sizes(query, layout) / max(float(query @ query), 1e-30)
            own = _at_distances(query, query, turns, layout) / max(float(query @ query), 1e-30)
            live = _at_distances(query, key, turns, layout)
        return Turned(
            tokens=trace.tokens if self.kind == "encoder" or not trace.target_tokens else trace.target_tokens,
            before=before.astype(np.float32),
            after=after.astype(np.float32),
            is_turned=is_turned,
            even=by_pair.mean(0),
            by_pair=by_pair,
            own=own,
            live=live,
            wavelengths=turns.wavelengths,
            energies=energies,
        )


@dataclass(frozen=True, eq=False)
class _Pairs:
    queries: Float[np.ndarray, "token head_dim"]
    keys: Float[np.ndarray, "token head_dim"]


@dataclass(frozen=True, eq=False)
class _Layout:
    """Which two numbers of a vector are a pair, and the sign of the turn."""

    first: Int[np.ndarray, " pair"]
    second: Int[np.ndarray, " pair"]
    sign: int


def _unturned(
    trace: AttentionTrace, kind: str, layer: int
) -> tuple[Float[np.ndarray, "heads query head_dim"], Float[np.ndarray, "heads key head_dim"]]:
    """Queries and keys of a layer that is given what it is given in the text, while every place is the first."""
    loaded = trace.loaded
    if all((each.kind, each.layer) != (kind, layer) for each in seen_blocks(loaded)):
        raise SwitchError(
            f"It cannot be seen what {kind} layer {layer} of {loaded.card.title} is given, so that there is no before "
            "and after the turn."
        )
    rows = (trace.interventions,)
    before = giving(loaded, {(kind, layer): streams(loaded, trace.inputs, rows)[kind, layer][0]})
    order = order_hooks(loaded, "off")
    run, _, _ = recorded_forward(loaded, trace.inputs, rows, last_only=True, base=None, hooks=order, before=before)
    call = run.calls[kind, layer]
    keys = call.key[0].repeat_interleave(call.query.shape[1] // call.key.shape[1], dim=0)
    return to_numpy(call.query[0]), to_numpy(keys)


def _layout(
    turns: tuple[Turns, ...], before: Float[np.ndarray, "token head_dim"], after: Float[np.ndarray, "token head_dim"]
) -> tuple[Turns, _Layout | None]:
    """The angles and pairs with which the one becomes the other; no pairs where none of the known ways is it."""
    width, places = before.shape[1], min(len(before), MOST_PLACES)
    for each in turns:
        pairs = each.angles.shape[1]
        numbers = np.arange(pairs)
        angles = each.angles[:places]
        for start in {0, width - 2 * pairs}:
            for first, second in ((numbers, numbers + pairs), (2 * numbers, 2 * numbers + 1)):
                for sign in (1, -1):
                    layout = _Layout(start + first, start + second, sign)
                    if start >= 0 and _fits(layout, before[:places], after[:places], angles):
                        return each, layout
    return turns[0], None


def _fits(
    layout: _Layout,
    before: Float[np.ndarray, "token head_dim"],
    after: Float[np.ndarray, "token head_dim"],
    angles: Float[np.ndarray, "place pair"],
) -> bool:
    found = before.copy()
    angles = angles[: len(before)]
    a, b = before[:, layout.first], before[:, layout.second]
    found[:, layout.first] = a * np.cos(angles) - layout.sign * b * np.sin(angles)
    found[:, layout.second] = b * np.cos(angles) + layout.sign * a * np.sin(angles)
    return bool(np.abs(found - after).max() <= _NEAR * np.abs(after).max())


def _sizes(vector: Float[np.ndarray, " head_dim"], layout: _Layout) -> Float[np.ndarray, " pair"]:
    return vector[layout.first] ** 2 + vector[layout.second] ** 2


def _at_distances(
    query: Float[np.ndarray, " head_dim"], key: Float[np.ndarray, " head_dim"], turns: Turns, layout: _Layout
) -> Float[np.ndarray, " distance"]:
    """q·k where the key stands at each distance before the query; numbers that are in no pair count as they are."""
    a, b, c, d = query[layout.first], query[layout.second], key[layout.first], key[layout.second]
    angles = layout.sign * turns.angles
    turned = np.cos(angles) * (a * c + b * d) + np.sin(angles) * (a * d - b * c)
    rest = float(query @ key) - float((a * c + b * d).sum())
    return turned.sum(1) + rest
