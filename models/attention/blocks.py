"""What a model's blocks said in one run, so that another run with a change further up begins there."""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import takewhile
from typing import Any

from torch import Tensor, nn

from models.attention.capture import Run
from models.attention.interventions import HideToken, Intervention
from models.shadow import shadow_of, shallow

# All that is kept of one run: every block of 900 tokens in a model 576 wide with 30 of them.
_MOST_BYTES = 64 * 2**20


@dataclass(frozen=True, eq=False)
class Said:
    """What one call of a block returned.

    block: the module, a member of one of the model's outermost lists of modules.
    output: a tensor, or tuples and lists of them with None; a copy, off the device.
    devices: where its tensors were, in order.
    calls: kind and layer of each attention inside it.
    """

    block: nn.Module
    output: Any
    devices: tuple[Any, ...]
    calls: tuple[tuple[str, int], ...]

    @property
    def nbytes(self) -> int:
        """Bytes that the copy holds."""
        return sum(each.nbytes for each in _tensors(self.output))

    def again(self, batch: int) -> Any:
        """The same once more, a copy on the device, each of `batch` rows equal."""
        devices = iter(self.devices)

        def copy(tensor: Tensor) -> Tensor:
            is_row = tensor.dim() > 1 and tensor.shape[0] == 1
            rows = tensor.expand(batch, *tensor.shape[1:]) if is_row else tensor
            return rows.to(next(devices), copy=True)

        return _mapped(self.output, copy)


class Blocks:
    """The blocks of one run: those that are known answer at once, and what the others say is kept, if it is wanted.

    Blocks are kept in the order in which they ran, from the first one on, as far as each is a function of tensors and
    plain values: what a block that is handed a dictionary or a cache leaves behind in it is not in its output.
    """

    def __init__(self, run: Run, known: Sequence[Said], batch: int, *, keeps: bool) -> None:
        self.said: list[Said] = []
        self._run = run
        self._known = known
        self._batch = batch
        self._keeps = keeps
        self._room = _MOST_BYTES

    def of(self, model: nn.Module) -> nn.Module:
        """A shadow of `model` with these blocks, sharing all weights; the model itself where nothing is to be done."""
        if not self._known and not self._keeps:
            return model
        return shadow_of(model, {each: self._stand_in(each) for each in _outermost(model)})[model]

    def _stand_in(self, block: nn.Module) -> nn.Module:
        stand_in = shallow(block)
        compute = stand_in.forward
        # A block that runs several times (ALBERT's one group of layers) has said as many things.
        known = deque(each for each in self._known if each.block is block)

        def forward(*arguments: Any, **keywords: Any) -> Any:
            if known:
                return known.popleft().again(self._batch)
            before = len(self._run.calls)
            output = compute(*arguments, **keywords)
            if self._keeps:
                self._keep(block, [*arguments, *keywords.values()], output, before)
            return output

        # An attribute of the instance comes before the method of its class.
        stand_in.__dict__["forward"] = forward
        return stand_in

    def _keep(self, block: nn.Module, given: list[Any], output: Any, before: int) -> None:
        # Attention outside of all blocks would run again, and be counted a second time.
        is_next = before == sum(len(each.calls) for each in self.said)
        self._keeps = is_next and all(map(_is_plain, given)) and _is_made_of_tensors(output)
        if not self._keeps:
            return
        devices = tuple(each.device for each in _tensors(output))
        self._room -= sum(each.nbytes for each in _tensors(output))
        self._keeps = self._room >= 0
        if self._keeps:
            copy = _mapped(output, lambda tensor: tensor.detach().to("cpu", copy=True))
            self.said.append(Said(block, copy, devices, tuple(self._run.calls)[before:]))


def unchanged(said: Sequence[Said], changes: Sequence[Intervention], *, is_seq2seq: bool) -> tuple[Said, ...]:
    """Those that ran before the first attention which one of the `changes` has to do with."""

    def is_untouched(each: Said) -> bool:
        return not any(_touches(change, *call, is_seq2seq=is_seq2seq) for change in changes for call in each.calls)

    return tuple(takewhile(is_untouched, said))


def _touches(change: Intervention, kind: str, layer: int, *, is_seq2seq: bool) -> bool:
    if isinstance(change, HideToken):
        return change.in_target == (is_seq2seq and kind == "decoder")
    return (change.kind, change.layer) == (kind, layer)


def _outermost(module: nn.Module) -> Iterator[nn.Module]:
    """The members of each list of modules that is in no other list."""
    for child in module.children():
        yield from child if isinstance(child, nn.ModuleList) else _outermost(child)


def _is_plain(value: Any) -> bool:
    if isinstance(value, tuple | list):
        return all(map(_is_plain, value))
    return value is None or isinstance(value, Tensor | bool | int | float | str)


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


def _mapped(value: Any, change: Callable[[Tensor], Tensor]) -> Any:
    if isinstance(value, Tensor):
        return change(value)
    return None if value is None else type(value)(_mapped(each, change) for each in value)
