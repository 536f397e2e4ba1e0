"""What each layer is given in one forward, and a forward in which layers are given something else."""

from collections import defaultdict
from collections.abc import Mapping
from itertools import count
from typing import Any

from torch import Tensor, nn

from models.forward.cached_block_outputs import BeforeHook, Hook
from models.forward.inputs import Inputs
from models.forward.interventions import Rows
from models.forward.recorded_run import recorded_forward
from models.heads.changed_runs import Address, watching_hooks, with_first
from models.heads.layer_and_mlp_modules import seen_blocks
from models.loaded import LoadedModel


def streams(
    loaded: LoadedModel,
    inputs: Inputs,
    rows: Rows = ((),),
    hooks: Mapping[nn.Module, Hook] | None = None,
    before: Mapping[nn.Module, BeforeHook] | None = None,
) -> dict[Address, tuple[Tensor, Tensor]]:
    """What each layer is given and what it hands on, [row, position, width], by stack and layer.

    hooks, before: what is changed in this forward; not on the layers themselves.

    Takes the device: call it while holding its lock.
    """
    found: dict[Address, tuple[Tensor, Tensor]] = {}

    def told(address: Address, given: Tensor, output: Tensor) -> None:
        found[address] = (given.clone(), output.clone())

    every = {**(hooks or {}), **watching_hooks(loaded, "layers", told)}
    recorded_forward(loaded, inputs, rows, last_only=True, base=None, hooks=every, before=before)
    return found


def giving(loaded: LoadedModel, instead: Mapping[Address, Tensor]) -> dict[nn.Module, BeforeHook]:
    """Hooks for one forward that give these layers these vectors, whatever the layers before hand on."""
    by_module: dict[nn.Module, dict[int, Tensor]] = defaultdict(dict)
    for each in seen_blocks(loaded):
        if (each.kind, each.layer) in instead:
            by_module[each.block][each.run] = instead[each.kind, each.layer]
    return {module: _giving(runs) for module, runs in by_module.items()}


def _giving(runs: Mapping[int, Tensor]) -> BeforeHook:
    numbers = count()

    def before(_: nn.Module, given: tuple[Any, ...], named: dict[str, Any]) -> Any:
        stream = runs.get(next(numbers))
        if stream is None:
            return None
        return (with_first(given, stream), named) if given else (given, named | {next(iter(named)): stream})

    return before
