"""A recorded call computed once more by the module's own eager function, which hands out the weights."""

from dataclasses import replace
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from models.forward.capture import Call, additive, allowed_keys, eager_function, full_mask
from models.loading.placing import computing_device, with_own_weights


def of_queries(call: Call, queries: slice) -> Call:
    """The call as if only these queries had been asked; its mask says what causality did."""
    size = (call.query.shape[2], call.key.shape[2])

    def own(value: Any) -> Any:
        # Masks and position biases have a row for each query, or one for all of them.
        has_rows = isinstance(value, Tensor) and value.dim() >= 3 and value.shape[-2:] == size
        return value[..., queries, :] if has_rows else value

    return replace(
        call,
        query=call.query[:, :, queries],
        mask=own(full_mask(call)),
        arguments={name: own(value) for name, value in call.arguments.items()},
        is_causal=False,
    )


def attended(
    call: Call, device: torch.device
) -> tuple[Float[Tensor, "query heads value_dim"], Float[Tensor, "heads query key"]]:
    """What each head returns for the queries of this call, and its weights; 0 where a query may look nowhere.

    device: where modules without weights of their own compute. The call's mask says what causality did.
    """
    device = computing_device(call.module, device)

    def moved(value: Any) -> Any:
        return value.to(device) if isinstance(value, Tensor) else value

    mask = moved(call.mask)
    with torch.inference_mode():
        output, weights = eager_function(call.module)(
            with_own_weights(call.module),
            moved(call.query),
            moved(call.key),
            moved(call.value),
            additive(mask, call.query.dtype),
            **{name: moved(value) for name, value in call.arguments.items()},
        )
        if mask is not None:
            blank = ~allowed_keys(mask).any(dim=-1, keepdim=True)
            if blank.any():
                output, weights = output.masked_fill(blank.transpose(1, 2), 0), weights.masked_fill(blank, 0)
    return output[0], weights[0]
