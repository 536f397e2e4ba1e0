"""All heads of a kind as thumbnails."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import UInt16

from models.attention.map_pooling import max_pooled
from models.attention.trace import TraceRequest
from models.attention.without_sink import LeftOut, left_out_columns, without_columns
from models.engine import Engine

THUMBNAIL_STEPS = 4095
_SIDE = 28


@dataclass(frozen=True)
class HeadGrid:
    """Every head of a kind as a thumbnail.

    thumbnails: 4,095 x the square root of the weight, so that faint patterns are seen; within 5e-4 of the weight.
    layers: the layer of each row of thumbnails.
    tokens: how many positions each side of a map had before pooling, queries and keys.
    """

    thumbnails: UInt16[np.ndarray, "layers heads rows columns"]
    layers: tuple[int, ...]
    tokens: tuple[int, int]


@dataclass(frozen=True)
class HeadGridRequest:
    """All layers and heads of a kind, each pooled (largest weight) to at most `side` rows and columns."""

    trace: TraceRequest
    kind: str
    left_out: LeftOut = ""
    side: int = _SIDE

    def answer(self, engine: Engine) -> HeadGrid:
        """Raises what `TraceRequest` raises, and NoSuchMapError."""
        trace = engine.run(self.trace)
        layers = trace.layers(self.kind)
        gone = left_out_columns(trace, self.kind, self.left_out)
        most = max(trace.heads(self.kind, layer) for layer in layers)
        rows = []
        for layer in layers:
            with engine.forward(trace.loaded):
                weights = trace.weights(self.kind, layer)
            shape = weights.shape[1:]
            if self.left_out:
                weights, _ = without_columns(weights, gone)
            shown = np.sqrt(np.clip(max_pooled(weights, self.side), 0, 1))
            steps = np.rint(THUMBNAIL_STEPS * shown).astype(np.uint16)
            rows.append(np.pad(steps, ((0, most - len(steps)), (0, 0), (0, 0))))
        return HeadGrid(np.stack(rows), layers, (shape[0], shape[1]))
