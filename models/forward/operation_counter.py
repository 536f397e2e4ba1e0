"""How many operations a computation is made of."""

from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry, sdpa_flop

_FORMULAS = {torch.ops.aten._scaled_dot_product_flash_attention_for_cpu: sdpa_flop, **flop_registry}


class OperationCounter(TorchDispatchMode):
    """Counts the floating-point operations of matrix products, attention and convolutions in this thread.

    takes_apart: whether what has no formula is taken apart as far as it can be, which costs a hundred times the work.
        Without it not in inference mode, where linear layers arrive whole.

    The formulas are those of `torch.utils.flop_counter`; its own FlopCounterMode hangs hooks on every module of the
    process, which others would meet. An attention over n queries and m keys counts as 4 n m head_dim for each head, the
    hidden half of a causal mask included.
    """

    def __init__(self, *, takes_apart: bool = False) -> None:
        super().__init__()
        self.operations = 0
        self._takes_apart = takes_apart

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Torch calls this for each operation."""
        kwargs = kwargs or {}
        formula = _FORMULAS.get(func._overloadpacket)
        if formula is None and self._takes_apart:
            with self:
                parts = func.decompose(*args, **kwargs)
            if parts is not NotImplemented:
                return parts
        made = func(*args, **kwargs)
        if formula is not None:
            self.operations += formula(*args, **kwargs, out_val=made)
        return made
