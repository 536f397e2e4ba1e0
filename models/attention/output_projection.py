"""What receives what the heads of a layer return: found by watching one forward, never by name."""

from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from models.forward.capture import ADDRESSES
from models.forward.recorded_run import short_run
from models.forward.shadow_modules import shadow_of
from models.loaded import LoadedModel, once_per_model


@dataclass(frozen=True, eq=False)
class Receiver:
    """What becomes of what the heads of one layer return.

    modules: of the shared model, in the order in which the heads' outputs, side by side, pass them: the output
        projection, in some models a norm before it. Empty where no module receives them as they are.
    is_linear: whether what the modules make of a sum is the sum of what they make of its parts, a bias aside.
    has_rotary: whether this layer turns its queries by their position: they differ from one position to the next
        though every position was given the same vector.
    """

    modules: tuple[nn.Module, ...]
    is_linear: bool
    has_rotary: bool


class _WatchedPaths:
    """Follows what the attention function returns through the modules that run after it."""

    def __init__(self) -> None:
        self.joined: dict[tuple[str, int], Tensor] = {}
        self.paths: dict[tuple[str, int], list[nn.Module]] = {}
        self._path: list[nn.Module] = []
        self._followed: Tensor | None = None

    def returned(self, kind: str, layer: int, output: Tensor) -> None:
        self._followed = self.joined[kind, layer] = output.flatten(2).clone()
        self._path = self.paths[kind, layer] = []
        if not output.any():
            # Any other zeros would be taken for these.
            self._followed = None

    def passed(self, module: nn.Module, given: tuple[Any, ...], named: dict[str, Any], output: Any) -> None:
        first = next((each for each in (*given, *named.values()) if isinstance(each, Tensor)), None)
        # A dropout hands on what it was given.
        if not _are_equal(first, self._followed) or _are_equal(output, self._followed):
            return
        self._path.append(module)
        self._followed = output if isinstance(output, Tensor) and not _has_matrix(module) else None


def received(receiver: Receiver, joined: Float[Tensor, "row joined"]) -> Float[Tensor, "row width"]:
    """What the modules of a receiver make of the heads' outputs, side by side, on the device that these are on."""
    passing = joined[None]
    with torch.inference_mode():
        for module in receiver.modules:
            passing = module(passing)
    return passing[0]


@once_per_model
def receivers_of(loaded: LoadedModel) -> dict[tuple[str, int], Receiver]:
    """What receives the heads of each layer, by kind and layer; the first time it runs one forward over three tokens.

    Takes the device: call it while holding its lock. The hooks are set on a shadow of the model and go with it.
    """
    model: Any = loaded.model
    shadows = shadow_of(model)
    originals = {copy: original for original, copy in shadows.items()}
    watch = _WatchedPaths()
    for copy in originals:
        if not any(True for _ in copy.children()):
            copy.register_forward_hook(watch.passed, with_kwargs=True)
        if ADDRESSES in copy.__dict__:
            copy.register_forward_pre_hook(_alike_everywhere, with_kwargs=True)
    run = short_run(loaded, shadows[model], watch.returned)
    found = {}
    for address, call in run.calls.items():
        path = watch.paths[address]
        modules = tuple(originals[each] for each in path) if path and _has_matrix(path[-1]) else ()
        found[address] = Receiver(modules, _is_linear(modules, watch.joined[address][0]), _is_turned(call.query))
    return found


def _alike_everywhere(_: nn.Module, given: tuple[Any, ...], named: dict[str, Any]) -> tuple[tuple, dict[str, Any]]:
    """Give the attention the first position's vector at every position."""

    def is_vectors(each: object) -> bool:
        return isinstance(each, Tensor) and each.dim() == 3 and each.is_floating_point()

    def alike(each: Tensor) -> Tensor:
        return each[:, :1].expand_as(each).contiguous()

    place = next((place for place, each in enumerate(given) if is_vectors(each)), None)
    if place is not None:
        return (*given[:place], alike(given[place]), *given[place + 1 :]), named
    name = next((name for name, each in named.items() if is_vectors(each)), None)
    return given, named if name is None else named | {name: alike(named[name])}


def _are_equal(one: object, other: Tensor | None) -> bool:
    return (
        isinstance(one, Tensor)
        and other is not None
        and (one.numel(), one.shape[-1:], one.dtype, one.device)
        == (other.numel(), other.shape[-1:], other.dtype, other.device)
        and torch.equal(one.reshape(other.shape), other)
    )


def _has_matrix(module: nn.Module) -> bool:
    return any(each.dim() > 1 for each in (*module.parameters(), *module.buffers()))


def _is_linear(modules: tuple[nn.Module, ...], joined: Float[Tensor, "token joined"]) -> bool:
    row = joined[0]
    part = row.clone()
    part[::2] = 0
    rows = torch.stack([row, part, row - part, torch.zeros_like(row)])
    whole, one, other, nothing = received(Receiver(modules, is_linear=False, has_rotary=False), rows).float()
    apart = float((whole + nothing - one - other).abs().max())
    return bool(modules) and apart <= _near(row) * float((whole - nothing).abs().max())


def _is_turned(query: Float[Tensor, "1 heads query head_dim"]) -> bool:
    apart = (query - query[:, :, :1]).abs().max()
    return float(apart) > _near(query) * float(query.abs().max())


def _near(tensor: Tensor) -> float:
    """How far apart two numbers of this type may be by rounding alone, as a share of the largest."""
    return max(1e-3, 8 * torch.finfo(tensor.dtype).eps)
