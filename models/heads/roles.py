"""What a head can be: the roles, and what earns a head the name of one."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Bool, Float, Int

Group = Literal["position", "content", "grammar"]


@dataclass(frozen=True)
class Role:
    """One role, with the words in which it stands on a page.

    key: how it is called in links and files: "previous", "next", "offset", "first", "delimiter", "same", "duplicate",
        "induction", "broad", "copying"; of grammar "dobj>head" (from the dependent to its head) and "head>dobj".
    name: short, as on a picture ("previous token", "dobj → its head"). group: "position" (previous, next, offset,
        first, delimiter), "content" (same, duplicate, induction, broad, copying) or "grammar".
    definition: what is measured, a sentence. source: the paper that it goes back to. threshold: what earns the name,
        a sentence. measured_on: "random" (random tokens, repeated), "bank" (its sentences) or "weights".
    """

    key: str
    name: str
    group: Group
    definition: str
    source: str
    threshold: str
    measured_on: Literal["random", "bank", "weights"]


@dataclass(frozen=True, eq=False)
class RoleScores:
    """How much each head has of one role; NaN where a layer has no maps or no such head, or nothing was measured.

    scores: parts of 1. low, high: the interval of each, which holds for all heads and roles of the atlas at once.
    baselines: what chance gives, or of grammar the best fixed place; for each head, since some depend on the head.
    cases: on how many cases (queries, words, tokens) the score of each head rests.
    is_named: whether the head has earned the name.
    detail: of "offset", the offset of each head; else 0. best_place: of grammar, what the best fixed place is, in words
        ("the next word but one"); else "".
    """

    role: Role
    scores: Float[np.ndarray, "layer head"]
    low: Float[np.ndarray, "layer head"]
    high: Float[np.ndarray, "layer head"]
    baselines: Float[np.ndarray, "layer head"]
    cases: Int[np.ndarray, "layer head"]
    is_named: Bool[np.ndarray, "layer head"]
    detail: Int[np.ndarray, "layer head"]
    best_place: str = ""

    @property
    def strengths(self) -> Float[np.ndarray, "layer head"]:
        """How far each score stands above its baseline, as a part of what is possible: 0 to 1."""
        room = np.maximum(1 - self.baselines, 1e-6)
        return np.clip((self.scores - self.baselines) / room, 0, 1)
