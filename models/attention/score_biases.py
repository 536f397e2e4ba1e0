"""What is added to the scores of attention before the softmax."""

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor

from models.forward.capture import Call, allowed_keys, full_mask


def added_to_scores(
    call: Call,
) -> tuple[Float[np.ndarray, "heads query key"], Bool[np.ndarray, "heads query key"]]:
    """What this call adds to its scaled dot products, 0 where nothing is, float64; and where a query may look at all.

    `position_bias` is what transformers' own attention functions call a bias for the distance.
    """
    shape = (1, call.query.shape[1], call.query.shape[2], call.key.shape[2])

    def own(tensor: Tensor) -> np.ndarray:
        return tensor.expand(shape)[0].cpu().numpy()

    added, allowed = np.zeros(shape[1:]), np.ones(shape[1:], dtype=bool)
    bias, mask = call.arguments.get("position_bias"), full_mask(call)
    if isinstance(bias, Tensor):
        added += own(bias.double())
        # A bias may hold the mask too.
        allowed &= own(allowed_keys(bias))
    if mask is not None:
        if mask.dtype != torch.bool:
            added += own(mask.double())
        allowed &= own(allowed_keys(mask))
    return added, allowed
