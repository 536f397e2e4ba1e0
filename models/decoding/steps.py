"""One token at a time: what a step of the loop tells."""

from dataclasses import dataclass
from typing import Literal

from models.decoding.sampling import Stage
from models.kv_cache import CacheMeasurement, CacheNorms
from models.tokenization import Piece

Ending = Literal["end token", "length", "positions"]


@dataclass(frozen=True)
class GenerationStep:
    """One generated token.

    index: 0 for the first generated token.
    text: what it adds to the text; empty while a character is not whole yet and for special tokens.
    probability: the model's own, softmax of its logits before the temperature.
    piece: the token as it is shown.
    ends: why nothing follows in this row (the model's end token, `max_new_tokens` reached, no positions left), else
        None.
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
    ends: Ending | None = None
    cache: CacheMeasurement | None = None
    norms: CacheNorms | None = None
    stages: tuple[Stage, ...] = ()
