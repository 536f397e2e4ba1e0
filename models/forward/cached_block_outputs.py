"""Caching what a model's blocks return in one run, so that a run with an intervention starts at the first block that it
changes: the blocks before are replayed.
"""

from collections import deque
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import takewhile, zip_longest
from typing import Any

import torch
from torch import Tensor, nn

from models.forward.capture import Run
from models.forward.interventions import HideToken, Intervention
from models.forward.shadow_modules import outermost_lists, shadow_of, shallow

# All that is kept of one run, and of how many blocks of a stack: a changed run may begin a few blocks too early, but no
# run has to ask for much memory.
_MOST_BYTES = 64 * 2**20
_MOST_BLOCKS = 6
_PLAIN = (Tensor, bool, int, float, str, type(None))

# As torch's forward hooks that are given keywords: module, arguments, keywords, output; what it returns, unless None,
# takes the place of the output.
Hook = Callable[[nn.Module, tuple[Any, ...], dict[str, Any], Any], Any]
# As torch's forward pre-hooks that are given keywords: module, arguments, keywords; arguments and keywords that it
# returns, unless None, take their place.
BeforeHook = Callable[[nn.Module, tuple[Any, ...], dict[str, Any]], tuple[tuple[Any, ...], dict[str, Any]] | None]


@dataclass(frozen=True, eq=False)
class CachedOutput:
    """What one call of a block returned, kept from one run for the next.

    block: the module; stack: the outermost list of modules that it is a member of.
    is_kept: whether the output is; of a long stack only every so many, and the last.
    output: a tensor, or tuples and lists of them with None, off the device.
    devices: where its tensors were, in order.
    calls: kind and layer of each attention inside it.
    """

    block: nn.Module
    stack: nn.ModuleList
    output: Any
    devices: tuple[torch.device, ...]
    calls: tuple[tuple[str, int], ...]
    is_kept: bool

    @property
    def tensors(self) -> tuple[Tensor, ...]:
        """Those of the output; blocks that hand one on, such as T5's position bias, have it in common."""
        return tuple(_tensors(self.output))

    @property
    def has_rows(self) -> bool:
        """Whether each tensor can only be one row of a batch: [1, position, width] and the like."""
        return all(each.dim() >= 3 and each.shape[0] == 1 for each in self.tensors)

    def replay(self, batch: int, *, is_used: bool) -> Any:
        """The output on the device that it was on, repeated for each of `batch` rows.

        is_used: whether anything reads it, and may write into it: then it is a copy. What a cached block hands to
            another cached one of its stack is not read.
        """
        devices = iter(self.devices)

        def copy(tensor: Tensor) -> Tensor:
            rows = tensor if batch == 1 else tensor.expand(batch, *tensor.shape[1:])
            return rows.to(next(devices), copy=True) if is_used else rows

        return _mapped(self.output, copy)


class Blocks:
    """The blocks of one run: those with a cached output return it, and what the others return is cached, if wanted.

    hooks: what is told, and may change, what modules return in this run; before: what they are given. They are set on
        copies of the modules. What one outside of the blocks changes is nothing that is known of the blocks after it.

    Blocks are kept in the order in which they ran, from the first one on, as far as each is a function of tensors and
    plain values: what a block that is handed a dictionary or a cache leaves behind in it is not in its output.
    """

    def __init__(
        self,
        run: Run,
        known: Sequence[CachedOutput],
        batch: int,
        *,
        keeps: bool,
        hooks: Mapping[nn.Module, Hook] | None = None,
        before: Mapping[nn.Module, BeforeHook] | None = None,
    ) -> None:
        self._cached: list[CachedOutput] = []
        self._checksums: list[tuple[Tensor, Tensor]] = []
        self._run = run
        self._known = tuple(known)
        self._batch = batch
        self._keeps = keeps
        self._hooks = hooks or {}
        self._before_hooks = before or {}
        self._room = _MOST_BYTES
        self._stand_ins: list[nn.Module] = []
        self._before: list[tuple[Tensor, Tensor]] = []

    def cached(self) -> tuple[CachedOutput, ...]:
        """The outputs that were cached in this run; none where the model wrote into one of them afterwards."""
        if not all(torch.equal(_checksum(each), then) for each, then in self._checksums):
            return ()
        # What is not kept is of no use where it goes to another stack.
        ends = (
            place
            for place, (each, next_one) in enumerate(zip(self._cached, self._cached[1:], strict=False))
            if not each.is_kept and next_one.stack is not each.stack
        )
        return tuple(self._cached[: next(ends, None)])

    @contextmanager
    def of(self, model: nn.Module) -> Iterator[nn.Module]:
        """A shadow of `model` with these blocks, sharing all weights; the model itself where there is nothing to do."""
        if not self._known and not self._keeps and not self._hooks and not self._before_hooks:
            yield model
            return
        try:
            blocks = {block: self._stand_in(block, stack) for stack in outermost_lists(model) for block in stack}
            shadows = shadow_of(model, blocks)
            self._set_hooks({each: copy for each, copy in shadows.items() if each not in blocks})
            yield shadows[model]
        finally:
            # Each refers to itself, and would keep all that this run holds until the next collection.
            for each in self._stand_ins:
                del each.__dict__["forward"]
            self._stand_ins, self._before = [], []

    def _stand_in(self, block: nn.Module, stack: nn.ModuleList) -> nn.Module:
        is_hooked = any(each in self._hooks or each in self._before_hooks for each in block.modules())
        copies = shadow_of(block) if is_hooked else {block: shallow(block)}
        self._set_hooks(copies)
        stand_in = copies[block]
        compute = stand_in.forward
        # A block that runs several times (ALBERT's one group of layers) has as many outputs. What goes to another
        # cached block is not read: there the next output that is kept stands for it.
        known = deque(
            (
                next(other for other in self._known[place:] if other.is_kept),
                next_one is None or next_one.stack is not stack,
            )
            for place, (each, next_one) in enumerate(zip_longest(self._known, self._known[1:]))
            if each.block is block
        )

        def forward(*arguments: Any, **keywords: Any) -> Any:
            if known:
                cached, is_used = known.popleft()
                return cached.replay(self._batch, is_used=is_used)
            before = len(self._run.calls)
            output = compute(*arguments, **keywords)
            if self._keeps:
                self._keep((block, stack), [*arguments, *keywords.values()], output, before)
            return output

        # An attribute of the instance comes before the method of its class.
        stand_in.__dict__["forward"] = forward
        self._stand_ins.append(stand_in)
        return stand_in

    def _set_hooks(self, copies: Mapping[nn.Module, nn.Module]) -> None:
        for each, copy in copies.items():
            if each in self._before_hooks:
                copy.register_forward_pre_hook(self._before_hooks[each], with_kwargs=True)
            if each in self._hooks:
                copy.register_forward_hook(self._hooks[each], with_kwargs=True)

    def _keep(self, where: tuple[nn.Module, nn.ModuleList], given: list[Any], output: Any, before: int) -> None:
        # Attention outside of all blocks would run again, and be counted a second time.
        is_next = before == sum(len(each.calls) for each in self._cached)
        self._keeps = is_next and all(map(_is_plain, given)) and _is_made_of_tensors(output)
        if not self._keeps:
            return
        block, stack = where
        place, every = list(stack).index(block), -(-len(stack) // _MOST_BLOCKS)
        calls = tuple(self._run.calls)[before:]
        if place % every != every - 1 and place != len(stack) - 1:
            self._cached.append(CachedOutput(block, stack, None, (), calls, is_kept=False))
            return
        tensors = list(_tensors(output))
        # What the block before handed on is kept once.
        handed_on = [next((kept for each, kept in self._before if each is tensor), None) for tensor in tensors]
        self._room -= sum(each.nbytes for each, kept in zip(tensors, handed_on, strict=True) if kept is None)
        self._keeps = self._room >= 0
        if not self._keeps:
            return
        # A copy of each block's output would take as long as a fifth of the forward: they are kept as they are, and
        # their checksums tell whether somebody wrote into them. What comes from a GPU is a copy.
        copies = [
            each.detach().to("cpu") if kept is None else kept for each, kept in zip(tensors, handed_on, strict=True)
        ]
        self._checksums += [(each, _checksum(each)) for each in tensors if each.device.type == "cpu"]
        self._before = list(zip(tensors, copies, strict=True))
        in_order = iter(copies)
        copy = _mapped(output, lambda _: next(in_order))
        devices = tuple(each.device for each in tensors)
        self._cached.append(CachedOutput(block, stack, copy, devices, calls, is_kept=True))


def unchanged(
    cached: Sequence[CachedOutput],
    changes: Sequence[Intervention],
    *,
    is_seq2seq: bool,
    hooked: Collection[nn.Module] = (),
) -> tuple[CachedOutput, ...]:
    """The outputs of the blocks before the first attention that one of `changes` acts on, and before the first block
    with a module that is `hooked`; the last of them is kept.
    """

    def is_untouched(each: CachedOutput) -> bool:
        return not any(_touches(change, each.calls, is_seq2seq=is_seq2seq) for change in changes) and not (
            hooked and any(module in hooked for module in each.block.modules())
        )

    known = list(takewhile(is_untouched, cached))
    while known and not known[-1].is_kept:
        known.pop()
    return tuple(known)


def _touches(change: Intervention, calls: Sequence[tuple[str, int]], *, is_seq2seq: bool) -> bool:
    if isinstance(change, HideToken):
        # Blocks without attention read the mask as well; only an encoder's have nothing to do with the target.
        is_of_encoder = is_seq2seq and bool(calls) and all(kind == "encoder" for kind, _ in calls)
        return not (change.in_target and is_of_encoder)
    return (change.kind, change.layer) in calls


def _is_plain(value: Any) -> bool:
    # A list may be written into as a dictionary may.
    if isinstance(value, tuple):
        return all(map(_is_plain, value))
    return isinstance(value, _PLAIN)


def _is_made_of_tensors(value: Any) -> bool:
    # Not a subclass with names of its own, which would come back as a mere tuple.
    if type(value) in (tuple, list):
        return all(map(_is_made_of_tensors, value))
    return value is None or isinstance(value, Tensor)


def _tensors(value: Any) -> Iterator[Tensor]:
    if isinstance(value, Tensor):
        yield value
    elif value is not None:
        for each in value:
            yield from _tensors(each)


def _checksum(tensor: Tensor) -> Tensor:
    """The sum of some of its numbers, several of each row: another one after whatever is written into the rows."""
    return tensor.flatten()[::61].sum()


def _mapped(value: Any, change: Callable[[Tensor], Tensor]) -> Any:
    if isinstance(value, Tensor):
        return change(value)
    return None if value is None else type(value)(_mapped(each, change) for each in value)
