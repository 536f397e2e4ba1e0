"""The atlas of a model: every role of every head of one kind of attention, over a bank."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Int

from models.errors import HeadlightError
from models.heads.role_sums import RoleSums
from models.heads.roles import Role, RoleScores, role_of
from models.heads.roles_on_sentences import OFFSETS, Habits


class AtlasError(HeadlightError):
    """A model, kind or bank of which no atlas can be made, or a role that is not in one."""


@dataclass(frozen=True)
class Name:
    """A role of one head, with the numbers that stand beside it.

    text: as people read it, with what the head makes of it ("looks 3 tokens back" for an offset).
    is_earned: whether the head has the name, or merely a score.
    """

    role: Role
    text: str
    score: float
    low: float
    high: float
    baseline: float
    best_place: str
    cases: int
    strength: float
    is_earned: bool


@dataclass(frozen=True, eq=False)
class Atlas(Habits):
    """What every head does. Layers without maps have NaN everywhere.

    kind: of attention. layers: those with maps. heads: how many heads each layer has, 0 for one without maps.
    roles: the scores, in the order of the roles: position, content, grammar (most cases first).
    offsets: of the key from the query in tokens (-12 to 12). best_offset: of each head the one at which `by_offset` is
        largest.
    sentences, sequences: how many sentences of the bank and of random tokens it rests on.
    note: what was left out, in sentences for people; "" where nothing was.
    """

    model: str
    kind: str
    bank: str
    layers: tuple[int, ...]
    heads: tuple[int, ...]
    roles: tuple[RoleScores, ...]
    sentences: int
    sequences: int
    note: str = ""

    @property
    def offsets(self) -> Int[np.ndarray, " offset"]:
        """Of the last axis of `by_offset`."""
        return OFFSETS

    @property
    def best_offset(self) -> Int[np.ndarray, "layer head"]:
        """Where each head looks most over the bank, in tokens from the query; 0 where nothing is known."""
        return OFFSETS[np.nan_to_num(self.by_offset, nan=-1).argmax(axis=-1)]

    def names(self, layer: int, head: int) -> tuple[Name, ...]:
        """The names that this head has earned, the strongest first; where it only rests its weight comes last."""
        return tuple(each for each in self.scores_of(layer, head) if each.is_earned)

    def scores_of(self, layer: int, head: int) -> tuple[Name, ...]:
        """The same of every role that was measured, whether earned or not."""
        found = [self._name(each, layer, head) for each in self.roles if np.isfinite(each.scores[layer, head])]
        return tuple(sorted(found, key=lambda each: (not each.is_earned, each.role.is_rest, -each.strength)))

    def role(self, key: str) -> RoleScores:
        """The scores of the role with this key. Raises AtlasError."""
        for each in self.roles:
            if each.role.key == key:
                return each
        raise AtlasError(f"{key!r} was not measured in this model: choose one of {', '.join(self.keys)}.")

    @property
    def keys(self) -> tuple[str, ...]:
        """The keys of the roles, in order."""
        return tuple(each.role.key for each in self.roles)

    def _name(self, scores: RoleScores, layer: int, head: int) -> Name:
        offset = int(scores.detail[layer, head])
        text = scores.role.name
        if offset:
            text = f"{abs(offset)} tokens {'back' if offset < 0 else 'ahead'}"
        return Name(
            role=scores.role,
            text=text,
            score=float(scores.scores[layer, head]),
            low=float(scores.low[layer, head]),
            high=float(scores.high[layer, head]),
            baseline=float(scores.baselines[layer, head]),
            best_place=scores.best_place,
            cases=scores.cases,
            strength=float(scores.strengths[layer, head]),
            is_earned=bool(scores.is_named[layer, head]),
        )


@dataclass(frozen=True)
class HeadLayout:
    """Where the heads of all layers, one after the other, stand in [layer, head]. heads: of each layer."""

    heads: tuple[int, ...]

    def placed(self, values: np.ndarray, empty: float | int = np.nan) -> np.ndarray:
        """Values by head, in the grid; `empty` where there is no head."""
        grid = np.full((len(self.heads), max(self.heads)), empty, dtype=values.dtype)
        grid[np.arange(max(self.heads))[None] < np.array(self.heads)[:, None]] = values
        return grid

    def scores(self, measured: RoleSums, low: np.ndarray, high: np.ndarray, is_named: np.ndarray) -> RoleScores:
        """What was judged of one role, in the grid."""
        detail = measured.detail if len(measured.detail) else np.zeros(len(low), dtype=np.int64)
        return RoleScores(
            role=role_of(measured.key),
            scores=self.placed(measured.scores.astype(np.float32)),
            low=self.placed(low.astype(np.float32)),
            high=self.placed(high.astype(np.float32)),
            baselines=self.placed(measured.baselines.astype(np.float32)),
            cases=round(float(measured.cases.sum())),
            is_named=self.placed(is_named, empty=False),
            detail=self.placed(detail, empty=0),
            best_place=measured.best_place,
        )
