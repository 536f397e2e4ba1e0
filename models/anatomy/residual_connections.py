"""The residual connections of a model: where its layers add what a part gives to what went past it.

A sum is no module. It is seen as it is computed, by a mode of torch that is told of every addition of this thread.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from models.forward.cached_block_outputs import BeforeHook
from models.forward.recorded_run import short_run
from models.forward.shadow_modules import shadow_of
from models.heads.changed_runs import first_of
from models.heads.layer_and_mlp_modules import SeenBlock, seen_blocks
from models.loaded import LoadedModel, once_per_model
from models.model_facts.layer_parts import norms_of

_ADDITIONS = (torch.Tensor.add, torch.add, torch.Tensor.add_)
_PARTS = {"encoder": "attention", "decoder": "attention", "cross": "cross-attention"}


@dataclass(frozen=True, eq=False)
class SeenResidual:
    """One residual connection of one layer.

    kind, layer: of the layer, as in `SeenBlock`; block, run: its module and which of the module's runs it is.
    number: among those of the layer, from 0. around: which parts it goes around, in words.
    sum, side: which of the layer's sums of two tensors as large as the stream it is, and on which side the stream is.
    """

    kind: str
    layer: int
    number: int
    around: str
    block: nn.Module
    run: int
    sum: int
    side: int


class SumsWithin(TorchFunctionMode):
    """Told of each sum of two tensors as large as the stream, while a layer runs; may put something in its place.

    told: block, run of it, which sum, and its two sides; what it returns, unless None, takes the sum's place.
    """

    def __init__(self, told: Callable[[nn.Module, int, int, tuple[Tensor, Tensor]], Tensor | None]) -> None:
        super().__init__()
        self._told = told
        self._runs: dict[nn.Module, int] = {}
        self._block: nn.Module | None = None
        self._stream = torch.Size()
        self._sums = 0

    def began(self, block: nn.Module) -> BeforeHook:
        """What has to be hooked before this layer, a module of the shared model."""

        def before(_: nn.Module, given: tuple[Any, ...], named: dict[str, Any]) -> None:
            self._runs[block] = self._runs.get(block, -1) + 1
            self._block, self._sums = block, 0
            self._stream = first_of(given or tuple(named.values())).shape

        return before

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        """As torch calls it for each of its functions."""
        named = kwargs or {}
        sides = (*args, *(named[each] for each in ("input", "other") if each in named))[:2]
        if self._block is None or func not in _ADDITIONS or not all(self._is_stream(each) for each in sides):
            return func(*args, **named)
        number = self._sums
        self._sums += 1
        kept = sides if func is not torch.Tensor.add_ else (sides[0].clone(), sides[1])
        result = func(*args, **named)
        instead = self._told(self._block, self._runs[self._block], number, kept)
        return result if instead is None else instead.to(result.dtype)

    def _is_stream(self, value: object) -> bool:
        # Some layers put all tokens of all rows one below the other.
        flat = torch.Size([math.prod(self._stream[:-1]), *self._stream[-1:]])
        return isinstance(value, Tensor) and value.shape in (self._stream, flat) and value.is_floating_point()


class _Watched:
    """What flows past the parts of the layer that runs, and what has run since the last sum with it."""

    def __init__(self) -> None:
        self.stream: list[Tensor] = []
        self.parts: list[str] = []
        self.found: dict[tuple[nn.Module, int], list[tuple[int, int, str]]] = {}
        self.whole: set[tuple[nn.Module, int]] = set()
        self._runs: dict[nn.Module, int] = {}

    def ends(self, block: nn.Module, output: Tensor) -> None:
        """A layer that hands on something else than the last sum, or its norm, has sums that were not seen."""
        run = self._runs[block] = self._runs.get(block, -1) + 1
        if self._is_stream(output):
            self.whole.add((block, run))

    def begins(self, given: Tensor) -> None:
        self.stream, self.parts = [given.clone()], []

    def normed(self, given: Tensor, output: Tensor) -> None:
        # After each sum, what goes past the next part is the norm of the sum.
        if self._is_stream(given):
            self.stream.append(output.clone())

    def added(self, block: nn.Module, run: int, number: int, sides: tuple[Tensor, Tensor]) -> None:
        known = [self._is_stream(each) for each in sides]
        if known.count(True) != 1:
            return
        around = " and ".join(dict.fromkeys(self.parts)) or "a part"
        self.found.setdefault((block, run), []).append((number, known.index(True), around))
        self.stream.append(sides[0] + sides[1])
        self.parts = []

    def _is_stream(self, value: Tensor) -> bool:
        flat = value.float().reshape(-1)
        return any(torch.equal(each.float().reshape(-1), flat) for each in self.stream if each.numel() == flat.numel())


@once_per_model
def seen_residuals(loaded: LoadedModel) -> tuple[SeenResidual, ...]:
    """Every residual connection of layers that hand a stream on; the first time it runs a forward over three tokens.

    Where a layer multiplies or mixes what goes past a part before it adds, that is no residual connection that could
    be switched off; a layer of which not all are seen has none.

    Takes the device: call it while holding its lock. Raises NothingRecordedError.
    """
    blocks = seen_blocks(loaded)
    if not blocks:
        return ()
    model: Any = loaded.model
    copies = shadow_of(model)
    watched = _Watched()
    sums = SumsWithin(watched.added)
    for block in {each.block for each in blocks}:
        copies[block].register_forward_pre_hook(sums.began(block), with_kwargs=True)
        copies[block].register_forward_pre_hook(
            lambda _, given, named: watched.begins(first_of(given or tuple(named.values()))), with_kwargs=True
        )
        copies[block].register_forward_hook(lambda *told, block=block: watched.ends(block, first_of(told[-1])))
    for norm in norms_of(model):
        copies[norm].register_forward_hook(
            lambda _, given, named, output: watched.normed(first_of(given or tuple(named.values())), first_of(output)),
            with_kwargs=True,
        )
    for mlp in {each.mlp for each in blocks if each.mlp is not None}:
        copies[mlp].register_forward_hook(lambda *_: watched.parts.append("MLP"))
    with sums:
        short_run(loaded, copies[model], lambda kind, *_: watched.parts.append(_PARTS[kind]))
    return tuple(
        each
        for block in blocks
        if (address := (block.block, block.run)) in watched.whole
        for each in _of_block(block, watched.found.get(address, []))
    )


def _of_block(block: SeenBlock, found: list[tuple[int, int, str]]) -> list[SeenResidual]:
    return [
        SeenResidual(block.kind, block.layer, number, around, block.block, block.run, which, side)
        for number, (which, side, around) in enumerate(found)
    ]
