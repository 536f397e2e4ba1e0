"""Where a model's forward learns which place a token stands at: seen by what its modules give, never told by a name."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor, nn

from models.forward.cached_block_outputs import Hook
from models.forward.capture import Run, recording
from models.forward.inputs import Inputs, plain_ids
from models.forward.shadow_modules import shadow_of
from models.loaded import LoadedModel, once_per_model

Order = Literal["off", "shuffled", "reversed"]

# What the two probe texts have: tokens of a source, and of what is written.
_LENGTHS, _OTHER_LENGTHS = (5, 7), (6, 9)
_FEWEST = 3


@dataclass(frozen=True, eq=False)
class PositionSource:
    """A module that gives numbers for each place, whatever the tokens: rows of a table, angles, a bias for a distance.

    module: of the shared model. axes: of each tensor in what it gives, in order, those that count places.
    """

    module: nn.Module
    axes: tuple[tuple[int, ...], ...]


@dataclass(frozen=True, eq=False)
class _Given:
    """What the calls of a module took and gave in one forward: tensors of numbers alone."""

    taken: tuple[tuple[Tensor, ...], ...]
    gave: tuple[tuple[Tensor, ...], ...]


@once_per_model
def position_sources(loaded: LoadedModel) -> tuple[PositionSource, ...]:
    """The modules that tell this model's places apart; empty where none does, or no module does it.

    What such a module gives is the same for other tokens, differs from place to place, and is as long as the text is.
    It takes nothing of this sort itself. The first time it runs three forwards over a few tokens.

    Takes the device: call it while holding its lock.
    """
    limit = loaded.positions
    if limit is not None and limit < max(_OTHER_LENGTHS):
        return ()
    one = probe_inputs(loaded, *_LENGTHS)
    reverse = Inputs(one.ids[::-1], (), one.target_ids[::-1], ())
    first, turned, longer = (_watched(loaded, each) for each in (one, reverse, probe_inputs(loaded, *_OTHER_LENGTHS)))
    found = {
        module: axes
        for module in first
        if module in turned and module in longer and (axes := _axes(first[module], turned[module], longer[module]))
    }
    known = [tensor for module in found for call in first[module].gave for tensor in call]
    return tuple(
        PositionSource(module, axes)
        for module, axes in found.items()
        if not any(_is_among(taken, known) for call in first[module].taken for taken in call)
        and not any(other in found for other in module.modules() if other is not module)
    )


def order_hooks(loaded: LoadedModel, order: Order, seed: int = 0) -> dict[nn.Module, Hook]:
    """Hooks for one forward of the whole model in which its places are others: see `places_in`.

    Takes the device: call it while holding its lock.
    """
    return {each.module: _ordering(each, order, seed) for each in position_sources(loaded)}


def places_in(order: Order, length: int, seed: int = 0) -> tuple[int, ...]:
    """Which place each token of a text of this length is given: the first one of all, or each another one.

    A model that is given these as position ids gives the same.
    """
    if order == "off":
        return (0,) * length
    if order == "reversed":
        return tuple(range(length))[::-1]
    return tuple(int(each) for each in np.random.default_rng(seed).permutation(length))


def probe_inputs(loaded: LoadedModel, source: int, target: int) -> Inputs:
    """So many tokens that mean nothing special; of an encoder-decoder also some that are written."""
    return Inputs(plain_ids(loaded, source), (), plain_ids(loaded, target) if loaded.is_seq2seq else (), ())


def given_by_modules(
    loaded: LoadedModel, inputs: Inputs, modules: Sequence[nn.Module]
) -> dict[nn.Module, tuple[tuple[Tensor, ...], ...]]:
    """What each call of these modules gives in one forward: its tensors of numbers.

    Takes the device: call it while holding its lock.
    """
    return {module: each.gave for module, each in _watched(loaded, inputs, modules).items()}


def _watched(
    loaded: LoadedModel, inputs: Inputs, modules: Sequence[nn.Module] | None = None
) -> dict[nn.Module, _Given]:
    model: Any = loaded.model
    copies = shadow_of(model)
    taken: dict[nn.Module, list[tuple[Tensor, ...]]] = {}
    gave: dict[nn.Module, list[tuple[Tensor, ...]]] = {}

    def passed(original: nn.Module) -> Hook:
        def hook(_: nn.Module, given: tuple[Any, ...], named: dict[str, Any], output: Any) -> None:
            taken.setdefault(original, []).append(tuple(_numbers((*given, *named.values()))))
            gave.setdefault(original, []).append(tuple(_numbers(output)))

        return hook

    for original, copy in copies.items():
        if modules is None or original in modules:
            copy.register_forward_hook(passed(original), with_kwargs=True)
    run = Run(is_seq2seq=loaded.is_seq2seq)
    with torch.inference_mode(), recording(run):
        copies[model](**inputs.arguments(loaded, 1, last_only=True))
    return {each: _Given(tuple(taken[each]), tuple(gave[each])) for each in gave}


def _numbers(value: Any) -> Iterator[Tensor]:
    if isinstance(value, Tensor):
        if value.is_floating_point() or value.is_complex():
            yield value
    elif isinstance(value, tuple | list):
        for each in value:
            yield from _numbers(each)


def _axes(one: _Given, turned: _Given, longer: _Given) -> tuple[tuple[int, ...], ...]:
    """The axes that count places, of each tensor of a source; empty where it is none."""
    found: set[tuple[tuple[int, ...], ...]] = set()
    for first, other, long in zip(one.gave, turned.gave, longer.gave, strict=False):
        if not first or len(first) != len(other) or len(first) != len(long):
            return ()
        axes = []
        for a, b, c in zip(first, other, long, strict=True):
            if a.shape != b.shape or a.dim() != c.dim() or not torch.equal(a, b):
                return ()
            own = tuple(axis - a.dim() for axis, (x, y) in enumerate(zip(a.shape, c.shape, strict=True)) if x != y)
            if not own or len(own) > 2 or all(torch.equal(a, _at_first(a, axis)) for axis in own):
                return ()
            axes.append(own)
        found.add(tuple(axes))
    return found.pop() if len(found) == 1 else ()


def _at_first(tensor: Tensor, axis: int) -> Tensor:
    return tensor.narrow(axis, 0, 1).expand_as(tensor)


def _is_among(tensor: Tensor, others: Sequence[Tensor]) -> bool:
    return any(each.shape == tensor.shape and torch.equal(each, tensor) for each in others)


def _ordering(source: PositionSource, order: Order, seed: int) -> Hook:
    def hook(_: nn.Module, __: tuple[Any, ...], ___: dict[str, Any], output: Any) -> Any:
        axes = iter(source.axes)

        def moved(tensor: Tensor) -> Tensor:
            for axis in next(axes):
                places = torch.tensor(places_in(order, tensor.shape[axis], seed), device=tensor.device)
                tensor = tensor.index_select(axis, places)
            return tensor

        return _mapped(output, moved)

    return hook


def _mapped(value: Any, change: Callable[[Tensor], Tensor]) -> Any:
    if isinstance(value, Tensor):
        return change(value) if value.is_floating_point() or value.is_complex() else value
    return type(value)(_mapped(each, change) for each in value) if type(value) in (tuple, list) else value
