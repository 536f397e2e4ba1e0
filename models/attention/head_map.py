"""One head's map, or the mean over heads, at full resolution; with columns taken out, or weighted by values."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Bool, Float

from models.attention.pooling import without_columns
from models.attention.trace import AttentionTrace

LeftOut = Literal["", "special", "first", "sink"]


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


def head_map(
    trace: AttentionTrace,
    kind: str,
    layers: Sequence[int],
    head: int | None,
    *,
    gone: Bool[np.ndarray, " key"] | None,
    by_value: bool,
    lock: Callable[[], AbstractContextManager[None]],
) -> HeadMap:
    """The map of one head of a layer, or the mean over all heads (head None) of these layers.

    gone: columns that are taken out, the rows rescaled. by_value: see `weighted_by_value`. lock: holds the device for
        the maps of one layer.

    Raises NoSuchMapError.
    """
    maps = []
    for layer in layers:
        with lock():
            maps.append(_one_map(trace, kind, layer, head, by_value=by_value))
    weights = np.mean([each for each, _ in maps], axis=0) if len(maps) > 1 else maps[0][0]
    visible = np.any([each for _, each in maps], axis=0)
    if gone is None:
        return HeadMap(weights, visible, np.ones(len(weights), dtype=np.float32))
    rescaled, seen = without_columns(weights, gone)
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


def left_out_columns(trace: AttentionTrace, kind: str, what: LeftOut) -> Bool[np.ndarray, " key"]:
    """The keys that heads look at when they have nothing to look for.

    what: "special" for the special tokens, "first" for the first position, "sink" for both, "" for none. The first
        position of a seq2seq model's source is a word like any other, and stays.

    Source: Xiao et al. 2023, Efficient Streaming Language Models with Attention Sinks, section 3.1; Clark et al.
    2019, What Does BERT Look At?, section 3.2 (`[CLS]`, `[SEP]`).
    """
    axes = trace.axes(kind)
    first = what in ("first", "sink") and (axes.columns_are_target or not trace.target_pieces)
    special = what in ("special", "sink")
    return np.array(
        [(first and place == 0) or (special and piece.is_special) for place, piece in enumerate(axes.columns)]
    )
