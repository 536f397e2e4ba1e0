"""Patterns to give to a head instead of its own, to see what its looking is worth."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Bool

from models.attention.trace import OfHead, TooManyTokensError
from models.engine import Engine
from models.forward.interventions import ReplacePattern

PatternName = Literal["even", "itself", "previous", "first"]
MOST_TOKENS = 512


def pattern_rows(name: PatternName, visible: Bool[np.ndarray, "query key"]) -> tuple[tuple[float, ...], ...]:
    """Rows that add up to 1, as `ReplacePattern` takes them.

    name: "even", every key that the query may see gets as much; "itself" and "previous", one key at the query's own
        place or the one before; "first", the first key that it may see. A query that may not see its one key looks
        evenly; one that may see nothing has zeros.
    """
    counts = visible.sum(axis=1, keepdims=True)
    rows = np.divide(visible, counts, out=np.zeros(visible.shape), where=counts > 0)
    for query, seen in enumerate(visible):
        place = {"itself": query, "previous": query - 1, "first": int(seen.argmax())}.get(name, -1)
        if 0 <= place < len(seen) and seen[place]:
            rows[query] = 0
            rows[query, place] = 1
    return tuple(tuple(row) for row in rows.tolist())


@dataclass(frozen=True)
class PatternRequest(OfHead):
    """The intervention that gives one head a pattern instead of its own."""

    name: PatternName

    def answer(self, engine: Engine) -> ReplacePattern:
        """Raises what `TraceRequest` raises, NoSuchMapError, TooManyTokensError for more than MOST_TOKENS."""
        trace = engine.run(self.trace)
        visible = trace.visible(self.kind, self.layer, self.head)
        if max(visible.shape) > MOST_TOKENS:
            raise TooManyTokensError(
                f"Another pattern can be given to a head over at most {MOST_TOKENS} tokens, and this text has "
                f"{max(visible.shape):,}; take a shorter one."
            )
        return ReplacePattern(self.kind, self.layer, self.head, pattern_rows(self.name, visible))
