"""What a head can be: the roles, and what earns a head the name of one."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Literal

import numpy as np
from jaxtyping import Bool, Float, Int

from models.heads.relation_names import relation_in_words
from models.heads.role_sums import RoleSums
from models.tokenization import Piece

Group = Literal["position", "content", "grammar"]
MeasuredOn = Literal["random", "bank", "weights"]

# Gu et al. 2025 call a token a sink from this mean weight on; it holds for every role that is a mean weight.
LEAST_WEIGHT = 0.3
LEAST_BREADTH = 0.9
LEAST_COPIED = 0.9
# How far above the ordinary head of its model a head stands that is called broad.
BROADER = 0.2
# Two equal shares differ by rounding.
ROUNDING = 1e-3
# Of all intervals of an atlas at once.
CONFIDENCE = 0.95


@dataclass(frozen=True)
class Role:
    """One role, with the words in which it stands on a page.

    key: how it is called in links and files: "previous", "next", "offset", "first", "delimiter", "same", "duplicate",
        "induction", "broad", "copying"; of grammar "dobj>head" (from the dependent to its head) and "head>dobj".
    name: short, as on a picture ("previous token", "direct object → its head"). group: "position" (previous, next,
        offset, first, delimiter), "content" (same, duplicate, induction, broad, copying) or "grammar".
    definition: what is measured, a sentence. source: the paper that it goes back to. threshold: what earns the name,
        a sentence. measured_on: "random" (random tokens, repeated), "bank" (its sentences) or "weights".
    least: the score that the interval must lie above, whatever chance gives.
    is_rest: whether it says where a head's weight rests rather than what it finds: such names stand last.
    """

    key: str
    name: str
    group: Group
    definition: str
    source: str
    threshold: str
    measured_on: MeasuredOn
    least: float = 0.0
    is_rest: bool = False

    def bar(self, baseline: Float[np.ndarray, " head"] | float) -> Float[np.ndarray, "..."]:
        """What the low end of the interval must lie above, where chance gives this."""
        bar = np.maximum(baseline, self.least)
        return np.asarray(np.maximum(bar, baseline + BROADER) if self.key == "broad" else bar)


@dataclass(frozen=True, eq=False)
class RoleScores:
    """How much each head has of one role; NaN where a layer has no maps or no such head, or nothing was measured.

    scores: parts of 1. low, high: the interval of each, which holds for all heads and roles of the atlas at once.
    baselines: what chance gives, or of grammar the best fixed place; for each head, since some depend on the head.
    cases: on how many cases (queries, words, tokens) the score of each head rests.
    is_named: whether the head has earned the name.
    detail: of "offset", the offset of each head; else 0. best_place: of grammar, what the best fixed place is, in words
        ("the word 2 places before"); else "".
    """

    role: Role
    scores: Float[np.ndarray, "layer head"]
    low: Float[np.ndarray, "layer head"]
    high: Float[np.ndarray, "layer head"]
    baselines: Float[np.ndarray, "layer head"]
    cases: int
    is_named: Bool[np.ndarray, "layer head"]
    detail: Int[np.ndarray, "layer head"]
    best_place: str = ""

    @property
    def strengths(self) -> Float[np.ndarray, "layer head"]:
        """How far each score stands above its baseline, as a part of what is possible: 0 to 1."""
        room = np.maximum(1 - self.baselines, 1e-6)
        return np.clip((self.scores - self.baselines) / room, 0, 1)


def _weight(key: str, name: str, where: str, source: str, **more: bool) -> Role:
    return Role(
        *(key, name, "position", f"The mean weight on {where}, over random tokens that are repeated.", source),
        f"Earned where the interval lies above {100 * LEAST_WEIGHT:.0f} % and above what even weights give.",
        *("random", LEAST_WEIGHT),
        **more,
    )


def _content(key: str, name: str, where: str, source: str) -> Role:
    return Role(
        *(key, name, "content", f"The mean weight on {where}, over random tokens that are repeated.", source),
        f"Earned where the interval lies above {100 * LEAST_WEIGHT:.0f} % and above what even weights give"
        + (", and above the weight on the token itself." if key == "duplicate" else "."),
        *("random", LEAST_WEIGHT),
    )


_DETECTOR = "TransformerLens, head_detector"
_OLSSON = "Olsson et al. 2022, In-context Learning and Induction Heads"
_CLARK = "Clark et al. 2019, What Does BERT Look At?"
ROLES: tuple[Role, ...] = (
    _weight("previous", "previous token", "the token before", _DETECTOR),
    _weight("next", "next token", "the next token", "Voita et al. 2019, Analyzing Multi-Head Self-Attention"),
    _weight(
        *("offset", "fixed offset", "the token at the head's best offset, of 2 to 8 tokens before or after"),
        "Voita et al. 2019, Analyzing Multi-Head Self-Attention",
    ),
    _weight(
        *("first", "first token (sink)", "the first token"),
        "Gu et al. 2025, When Attention Sink Emerges in Language Models",
        is_rest=True,
    ),
    Role(
        *("delimiter", "delimiter", "position"),
        "The mean weight on special tokens other than the first, full stops and commas, over the bank.",
        *(_CLARK, f"Earned where the interval lies above {100 * LEAST_WEIGHT:.0f} % and above what even weights give."),
        *("bank", LEAST_WEIGHT),
        is_rest=True,
    ),
    _content("same", "same token", "all places of the token that looks, its own among them", _DETECTOR),
    _content("duplicate", "duplicate token", "the other places of the token that looks", _DETECTOR),
    _content("induction", "induction", "what followed the token that looks at its other place", _OLSSON),
    Role(
        *("broad", "broad", "content"),
        "The entropy of a token's weights, as a part of what it is where all are equal, over random tokens.",
        _CLARK,
        f"Earned where the interval lies above {100 * LEAST_BREADTH:.0f} %, and {100 * BROADER:.0f} % above the "
        "median of the model's heads: where most spread their weight, it is no name.",
        *("random", LEAST_BREADTH),
        is_rest=True,
    ),
    Role(
        *("copying", "copying", "content"),
        "How often a token that the head looks at is raised by it above other tokens, read by the model's own head.",
        "Elhage et al. 2021, A Mathematical Framework for Transformer Circuits",
        f"Earned where the interval lies above {100 * LEAST_COPIED:.0f} %; chance gives half.",
        *("weights", LEAST_COPIED),
    ),
)
_BY_KEY = {role.key: role for role in ROLES}


def role_of(key: str) -> Role:
    """The role with this key, of grammar too."""
    if key in _BY_KEY:
        return _BY_KEY[key]
    start, _, end = key.partition(">")
    relation = end if start == "head" else start
    words = relation_in_words(relation)
    name = f"{words} → its head" if end == "head" else f"head → its {words}"
    way = f"from a word to its {words}" if start == "head" else f"from a {words} to the word that it depends on"
    return Role(
        *(key, name, "grammar"),
        f"How often the head's largest weight {way} ({relation}) goes there: sums over the pieces of the word that "
        "is looked at, means over those of the word that looks, special tokens and the word itself left out.",
        _CLARK,
        "Earned where the interval lies above what the best fixed place gives.",
        "bank",
    )


def judged(measured: Sequence[RoleSums], seed: int) -> list[tuple[RoleSums, np.ndarray, np.ndarray, np.ndarray]]:
    """Of each thing measured the low and high ends of its interval and which heads have earned the name, by head.

    An interval is the score plus and minus so many bootstrap deviations that all of them together hold with
    `CONFIDENCE` (Bonferroni): of a thousand heads and roles some stand far from chance by chance.
    """
    tests = max(1, sum(np.isfinite(each.scores).sum() for each in measured))
    reach = NormalDist().inv_cdf(1 - (1 - CONFIDENCE) / (2 * tests))
    found = []
    for place, each in enumerate(measured):
        scores, off = each.scores, reach * each.deviations(seed + place)
        low, high = np.clip(scores - off, 0, 1), np.clip(scores + off, 0, 1)
        found.append((each, low, high, low > role_of(each.key).bar(each.baselines) + ROUNDING))
    return found


def is_delimiter(pieces: Sequence[Piece]) -> Bool[np.ndarray, " token"]:
    """Special tokens but for one that stands first, full stops and commas (Clark et al. 2019, section 3.2)."""
    found = np.array([piece.is_special or piece.data in (b".", b",") for piece in pieces])
    found[0] = False
    return found
