"""One token at a time: what a step of the loop tells."""

import math
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Literal

from models.decoding.sampling import Stage
from models.kv_cache import CacheMeasurement, CacheNorms
from models.tokenization import Piece

Ending = Literal["end token", "stop text", "length", "positions"]


@dataclass(frozen=True)
class GenerationStep:
    """One generated token.

    index: 0 for the first generated token.
    text: what it adds to the text; empty while a character is not whole yet and for special tokens.
    probability: the model's own, softmax of its logits before the temperature.
    piece: the token as it is shown.
    rank: of this token by the model's own probability, 0 for the likeliest (of equal ones the first comes first).
    drawn_probability: what the settings made of its probability, from which it was drawn.
    entropy: of the model's own distribution, in nats.
    ends: why nothing follows in this row (the model's end token, a text of `stop`, `max_new_tokens` reached, no
        positions left), else None.
    cache: what the cache held when this token was drawn, its own key and value not among it: prompt + index positions;
        over all rows of a batch. None where there is no cache.
    norms: of the keys and values that this step stored; None unless asked for.
    stages: how the distribution was cut, stage by stage; empty unless asked for.
    """

    index: int
    token_id: int
    text: str
    probability: float
    piece: Piece
    rank: int = 0
    drawn_probability: float = 1.0
    entropy: float = 0.0
    ends: Ending | None = None
    cache: CacheMeasurement | None = None
    norms: CacheNorms | None = None
    stages: tuple[Stage, ...] = ()

    @property
    def surprisal(self) -> float:
        """Of the model's own probability, in nats."""
        return -math.log(max(self.probability, sys.float_info.min))


def diverges_at(one: Sequence[int], other: Sequence[int]) -> int | None:
    """The first place at which the tokens of two texts differ, or one has none any more; None for the same text."""
    return next((at for at, pair in enumerate(zip_longest(one, other)) if pair[0] != pair[1]), None)


class TextEnd:
    """Finds the first of some texts in what is written piece by piece, also where it lies across two pieces."""

    def __init__(self, stop: Sequence[str], before: str = "") -> None:
        self._stop = stop
        self._reach = max(map(len, stop), default=1) - 1
        self._tail = before[-self._reach :] if self._reach else ""

    def comes_with(self, text: str) -> bool:
        """Whether one of them is whole with this piece."""
        seen = self._tail + text
        self._tail = seen[-self._reach :] if self._reach else ""
        return any(stop in seen for stop in self._stop)
