"""A recorded call computed once more by the module's own eager function, which hands out the weights."""

from dataclasses import replace
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from models.forward.capture import Call, additive, allowed_keys, eager_function, full_mask
from models.forward.shadow_modules import shallow
from models.loading.placement import computing_device, with_own_weights

_SAME = 1e-6


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


def head_alone(call: Call, head: int, queries: slice, device: torch.device) -> Call | None:
    """The call as if this head were the only one, with the key head that it uses; None where its weights are others
    then, as where a function has numbers of its own for each head. queries: a few that tell.
    """
    heads, key_head = call.query.shape[1], head // (call.query.shape[1] // call.key.shape[1])

    def own(value: Any) -> Any:
        has_heads = isinstance(value, Tensor) and value.dim() == 4 and value.shape[1] == heads
        return value[:, head : head + 1] if has_heads else value

    module: Any = shallow(call.module)
    module.num_key_value_groups = 1
    alone = replace(
        call,
        module=module,
        query=call.query[:, head : head + 1],
        key=call.key[:, key_head : key_head + 1],
        value=call.value[:, key_head : key_head + 1],
        mask=own(call.mask),
        arguments={name: own(value) for name, value in call.arguments.items()},
    )
    _, expected = attended(of_queries(call, queries), device)
    try:
        _, found = attended(of_queries(alone, queries), device)
    except (RuntimeError, IndexError, TypeError, ValueError):
        return None
    is_same = found.shape[0] == 1 and torch.allclose(found[0], expected[head], rtol=0, atol=_SAME)
    return alone if is_same else None


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
