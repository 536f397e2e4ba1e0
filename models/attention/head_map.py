"""One head's map, or the mean over heads, at full resolution; with columns taken out, or weighted by values."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

from models.attention.trace import AttentionTrace, TraceRequest
from models.attention.without_sink import LeftOut, left_out_columns, without_columns
from models.engine import Engine


@dataclass(frozen=True)
class HeadMap:
    """One head's map, or the mean over the heads of a layer, at full resolution.

    weights: what is shown; where the sink is taken out, rescaled.
    visible: where the queries may look at all (for a mean, where any head may).
    seen: for each query, the share of its weight that is shown; all 1 unless the sink is taken out.
    """

    weights: Float[np.ndarray, "query key"]
    visible: Bool[np.ndarray, "query key"]
    seen: Float[np.ndarray, " query"]


@dataclass(frozen=True)
class HeadMapRequest:
    """One map. `head` None is the mean over the layer's heads, `layer` None the mean over the heads of all layers.

    left_out: columns that are taken out, the rows rescaled: see `left_out_columns`.
    by_value: each weight times the length of its key's value vector: see `weighted_by_value`.
    """

    trace: TraceRequest
    kind: str
    layer: int | None
    head: int | None
    left_out: LeftOut = ""
    by_value: bool = False

    def answer(self, engine: Engine) -> HeadMap:
        """Raises what `TraceRequest` raises, and NoSuchMapError."""
        trace = engine.run(self.trace)
        layers = trace.layers(self.kind) if self.layer is None else (self.layer,)
        head = None if self.layer is None else self.head
        maps = []
        for layer in layers:
            with engine.forward(trace.loaded):
                maps.append(_one_map(trace, self.kind, layer, head, by_value=self.by_value))
        weights = np.mean([each for each, _ in maps], axis=0) if len(maps) > 1 else maps[0][0]
        visible = np.any([each for _, each in maps], axis=0)
        if not self.left_out:
            return HeadMap(weights, visible, np.ones(len(weights), dtype=np.float32))
        rescaled, seen = without_columns(weights, left_out_columns(trace, self.kind, self.left_out))
        return HeadMap(rescaled, visible, seen)


def _one_map(
    trace: AttentionTrace, kind: str, layer: int, head: int | None, *, by_value: bool
) -> tuple[Float[np.ndarray, "query key"], Bool[np.ndarray, "query key"]]:
    """The weights of a head, or the mean over the layer's heads, and where any of them may look."""
    weights = trace.weights(kind, layer, head)
    if by_value:
        weights = weighted_by_value(trace, kind, layer, weights, head)
    if head is not None:
        return weights, trace.visible(kind, layer, head)
    return weights.mean(axis=0), np.any(visible_by_head(trace, kind, layer), axis=0)


def weighted_by_value(
    trace: AttentionTrace,
    kind: str,
    layer: int,
    weights: Float[np.ndarray, "*heads query key"],
    head: int | None = None,
) -> Float[np.ndarray, "*heads query key"]:
    """Each weight times the length of its key's value vector, which says how much is really moved.

    weights: of all heads of the layer, or of `head`. The products are no shares of a whole any more.

    Kobayashi et al. 2020, Attention is Not Only a Weight, section 3.
    """
    lengths = np.linalg.norm(trace.values(kind, layer), axis=-1)
    return weights * (lengths[:, None] if head is None else lengths[head])


def visible_by_head(trace: AttentionTrace, kind: str, layer: int) -> Bool[np.ndarray, "heads query key"]:
    """Where each query of each head of a layer may look."""
    return np.stack([trace.visible(kind, layer, head) for head in range(trace.heads(kind, layer))])
