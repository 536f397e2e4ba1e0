"""Running a model for the shapes alone, on torch's meta device."""

from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

_VALUES = {torch.ops.aten._local_scalar_dense.default, torch.ops.aten.item.default, torch.ops.aten.is_nonzero.default}
_Described = tuple[Any, ...]


class ShapesOnly(TorchDispatchMode):
    """Answers each operation on meta tensors with an empty result of the right shape, in this thread.

    Who asks for a value gets 0, and nothing is found that is not 0: no shape in a cache depends on a value; what does
    is which experts are taken, and whether a mask is needed. What was asked before is answered from memory: torch takes
    65 µs to say what shape a product has, and the layers of a model ask the same again and again.
    """

    def __init__(self) -> None:
        super().__init__()
        self._known: dict[_Described, Any] = {}

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Torch calls this for each operation."""
        kwargs = kwargs or {}
        if func in _VALUES and args[0].is_meta:
            return torch.zeros((), dtype=args[0].dtype, device="cpu").item()
        if func is torch.ops.aten.nonzero.default and args[0].is_meta:
            return torch.empty((0, args[0].dim()), dtype=torch.long, device="meta")
        if func._schema.is_mutable:
            return func(*args, **kwargs)
        asked = (func, _described(args), _described(list(kwargs.items())))
        if asked not in self._known:
            result = func(*args, **kwargs)
            if not (isinstance(result, Tensor) and result.is_meta):
                return result
            self._known[asked] = (result.shape, result.stride(), result.dtype)
            return result
        shape, stride, dtype = self._known[asked]
        return torch.empty_strided(shape, stride, dtype=dtype, device="meta")


def _described(value: Any) -> _Described:
    """What the shape of a result can depend on; True, 1 and 1.0 are three."""
    if isinstance(value, Tensor):
        return (value.shape, value.stride(), value.dtype, value.device)
    if isinstance(value, list | tuple):
        return tuple(map(_described, value))
    return (type(value), value)
