"""Maps without the columns that heads look at when they have nothing to look for."""

from typing import Literal

import numpy as np
from jaxtyping import Bool, Float

from models.attention.trace import AttentionTrace

LeftOut = Literal["", "special", "first", "sink"]


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


def without_columns(
    weights: Float[np.ndarray, "*maps query key"], gone: Bool[np.ndarray, " key"]
) -> tuple[Float[np.ndarray, "*maps query key"], Float[np.ndarray, "*maps query"]]:
    """The weights without the columns of `gone`, each row rescaled to add up to what it added up to before.

    Returns the new weights and, for each row, the share of its weight that is still seen (0 to 1). A row whose whole
    weight lay in those columns becomes zeros.
    """
    left = np.where(gone, 0, weights)
    before, after = weights.sum(axis=-1), left.sum(axis=-1)
    seen = np.divide(after, before, out=np.zeros_like(after), where=before > 0)
    rescaled = np.divide(left, seen[..., None], out=np.zeros_like(left), where=seen[..., None] > 0)
    return rescaled, seen
