"""What every head does with random tokens that are repeated."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

from models.attention.trace import AttentionTrace
from models.heads.random_tokens import RepeatedTokens
from models.heads.role_sums import RoleSums, heads_of_layers, stacked_weights

# Offsets that are a role of their own, "offset": previous and next token are others, and so is the token itself.
OFFSETS = (*range(-8, -1), *range(2, 9))
# What a duplicate is compared with.
ITSELF = "itself"
# Of fewer keys it cannot be told whether weight is spread over them.
_FEWEST_KEYS = 4


def role_masks(
    tokens: tuple[int, ...], first: int, rows: int, columns: int
) -> dict[str, Bool[np.ndarray, "query key"]]:
    """For each role the keys that a query of it looks at, for random `tokens` of which the first stands at `first`.

    Queries without such a key are no cases. After TransformerLens' `head_detector`: the subdiagonal, the other places
    of the same token, and those shifted by one.
    """
    places = np.arange(first, first + len(tokens))
    numbers = np.array(tokens)
    apart = places[None] - places[:, None]
    is_same = numbers[None] == numbers[:, None]
    is_other = is_same & (apart != 0)
    after = np.zeros_like(is_other)
    after[:, 1:] = is_other[:, :-1]
    inner = {
        "previous": apart == -1,
        "next": apart == 1,
        "same": is_same,
        "duplicate": is_other,
        "induction": after & (apart != 0),
        ITSELF: apart == 0,
        **{f"offset {each}": apart == each for each in OFFSETS},
    }
    whole = {}
    for key, mask in inner.items():
        whole[key] = np.zeros((rows, columns), dtype=bool)
        whole[key][first : first + len(tokens), first : first + len(tokens)] = mask
    whole["first"] = np.zeros((rows, columns), dtype=bool)
    # The first token itself has nothing else to look at, where none may look ahead.
    whole["first"][max(first, 1) : first + len(tokens), 0] = True
    return whole


@dataclass(frozen=True, eq=False)
class _CountedMaps:
    """What is counted in the maps of one kind: the masks, the queries that are cases, and what chance gives."""

    keys: tuple[str, ...]
    masks: Float[np.ndarray, "mask cell"]
    cases: Float[np.ndarray, " mask"]
    chance: Float[np.ndarray, "head mask"]
    visible: Float[np.ndarray, "head query"]
    rows: Bool[np.ndarray, " query"]


class OnRandom:
    """Sums over sequences, one after the other: `add` each, then ask for what was `measured`."""

    def __init__(self, kind: str) -> None:
        self._kind = kind
        self._sums: list[np.ndarray] = []
        self._breadths: list[np.ndarray] = []
        self._seen: list[_CountedMaps] = []

    def add(self, trace: AttentionTrace, sequence: RepeatedTokens) -> None:
        """Count one sequence in."""
        weights = stacked_weights(trace, self._kind)
        heads, queries, keys = weights.shape
        if not self._seen or self._seen[0].masks.shape[1] != queries * keys:
            self._seen.append(self._look(trace, sequence, queries, keys))
        seen = self._seen[-1]
        self._sums.append(weights.reshape(heads, -1) @ seen.masks.T)
        self._breadths.append(_breadth(weights, seen))

    def measured(self) -> list[RoleSums]:
        """Of each role. A mask that no query has a key in is none."""
        seen = self._seen[0]
        sums = np.stack(self._sums)
        cases = np.array([seen.cases for _ in self._sums])
        itself = seen.keys.index(ITSELF) if ITSELF in seen.keys else None
        found = []
        for place, key in enumerate(seen.keys):
            if not seen.cases[place] or key == ITSELF or key.startswith("offset "):
                continue
            baselines = seen.chance[:, place]
            if key == "duplicate" and itself is not None:
                baselines = np.maximum(baselines, sums[:, :, itself].sum(0) / cases[:, itself].sum())
            found.append(RoleSums(key, sums[:, :, place], cases[:, place], baselines))
        offsets = [
            (place, int(key.split()[1]))
            for place, key in enumerate(seen.keys)
            if key.startswith("offset ") and seen.cases[place]
        ]
        if offsets:
            places = np.array([place for place, _ in offsets])
            best = (sums[:, :, places].sum(0) / cases[:, places].sum(0)).argmax(-1)
            heads = np.arange(sums.shape[1])
            # Each head has an offset of its own and with it other cases: as means over the same number of queries.
            means = sums[:, heads, places[best]] / seen.cases[places[best]] * seen.cases[places].max()
            found.append(
                RoleSums(
                    *("offset", means, np.full(len(sums), seen.cases[places].max())),
                    seen.chance[heads, places[best]],
                    detail=np.array([offset for _, offset in offsets])[best],
                )
            )
        breadths = np.stack(self._breadths)
        ordinary = float(np.nanmedian(breadths.mean(0)))
        queries = np.full(len(breadths), float(seen.rows.sum()))
        found.append(
            RoleSums("broad", breadths * seen.rows.sum(), queries, np.full(breadths.shape[1], ordinary, np.float32))
        )
        return found

    def _look(self, trace: AttentionTrace, sequence: RepeatedTokens, queries: int, keys: int) -> _CountedMaps:
        if self._kind == "cross":
            masks = {"first": np.zeros((queries, keys), dtype=bool)}
            masks["first"][1:, 0] = True
        else:
            first = 1 if trace.axes(self._kind).rows_are_target else sequence.first
            masks = role_masks(sequence.tokens, first, queries, keys)
        by_layer = [trace.visible(self._kind, layer) for layer in trace.layers(self._kind)]
        anywhere = np.any(by_layer, axis=0)
        if ITSELF in masks:
            masks[ITSELF] &= (masks["duplicate"] & anywhere).any(axis=1, keepdims=True)
        names = tuple(masks)
        stacked = np.stack([masks[name] & anywhere for name in names])
        of_role = stacked.any(axis=2)
        chance, visible = [], []
        for each in by_layer:
            counts = each.sum(axis=1)
            shares = (stacked & each).sum(axis=2) / np.maximum(counts, 1)
            chance.append((shares * of_role).sum(axis=1) / np.maximum(of_role.sum(axis=1), 1))
            visible.append(counts)
        heads = heads_of_layers(trace, self._kind)
        rows = np.min(visible, axis=0) >= _FEWEST_KEYS
        rows[: sequence.first] = False
        return _CountedMaps(
            keys=names,
            masks=stacked.reshape(len(names), -1).astype(np.float32),
            cases=of_role.sum(axis=1).astype(np.float32),
            chance=np.repeat(np.array(chance, dtype=np.float32), heads, axis=0),
            visible=np.repeat(np.array(visible, dtype=np.float32), heads, axis=0),
            rows=rows,
        )


def _breadth(weights: Float[np.ndarray, "head query key"], seen: _CountedMaps) -> Float[np.ndarray, " head"]:
    """The mean entropy of the rows, as a part of what it is where all weight is spread evenly."""
    rows = weights[:, seen.rows]
    entropy = -(rows * np.log(np.maximum(rows, np.float32(1e-12)))).sum(axis=-1)
    return (entropy / np.log(seen.visible[:, seen.rows])).mean(axis=1)
