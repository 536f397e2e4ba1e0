"""The atlas of a model: every role of every head of one kind of attention, over a bank."""

from collections.abc import Generator
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from models.engine import Engine, HowFar, Stepwise
from models.heads.bank import Bank
from models.heads.roles import Role, RoleScores


@dataclass(frozen=True)
class Name:
    """A name that a head has earned, with the numbers that stand beside it.

    text: as people read it, with what the head makes of it ("looks 3 tokens back" for an offset).
    """

    role: Role
    text: str
    score: float
    low: float
    high: float
    baseline: float
    cases: int
    strength: float


@dataclass(frozen=True, eq=False)
class Atlas:
    """What every head does. Layers without maps have NaN everywhere.

    kind: of attention. layers: those with maps. heads: how many heads each layer has, 0 for one without maps.
    roles: the scores, in the order of the roles: position, content, grammar (most cases first).
    offsets, by_offset: the mean weight of each head over the bank at each offset of the key from the query in tokens
        (-12 to 12), where there is such a key. best_offset: of each head the offset at which that is largest.
    on_first, on_special: the mean weight of each head on the first token, on special tokens and delimiters.
    sentences, sequences: how many sentences of the bank and of random tokens it rests on.
    note: what was left out, in sentences for people; "" where nothing was.
    """

    model: str
    kind: str
    bank: str
    layers: tuple[int, ...]
    heads: tuple[int, ...]
    roles: tuple[RoleScores, ...]
    offsets: Int[np.ndarray, " offset"]
    by_offset: Float[np.ndarray, "layer head offset"]
    best_offset: Int[np.ndarray, "layer head"]
    on_first: Float[np.ndarray, "layer head"]
    on_special: Float[np.ndarray, "layer head"]
    sentences: int
    sequences: int
    note: str = ""

    def names(self, layer: int, head: int) -> tuple[Name, ...]:
        """The names that this head has earned, the strongest first; of an unnamed head none."""
        raise NotImplementedError

    def scores_of(self, layer: int, head: int) -> tuple[Name, ...]:
        """The same of every role that was measured, whether earned or not, the strongest first."""
        raise NotImplementedError

    def role(self, key: str) -> RoleScores:
        """The scores of the role with this key. Raises NoSuchRoleError."""
        raise NotImplementedError


@dataclass(frozen=True)
class AtlasRequest(Stepwise[HowFar, Atlas]):
    """The atlas of one model and kind ("encoder", "decoder", "cross"): bundled, kept on disk, or computed now.

    A job yields `HowFar` (forwards done, of how many).
    """

    model: str
    kind: str
    bank: Bank
    seed: int = 0

    def computed(self, engine: Engine) -> Generator[HowFar, None, Atlas]:
        """Raises what `load_model` raises; AtlasError for a kind that the model has not, a bank that its tokenizer
        cannot read, a model of too many heads.
        """
        raise NotImplementedError
        yield HowFar(0, 1)
