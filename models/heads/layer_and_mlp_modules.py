"""Which module is a layer's MLP and which the layer itself: seen in one forward, never told by a name."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import nn

from models.forward.capture import ADDRESSES
from models.loaded import LoadedModel, once_per_model
from models.model_facts.layer_parts import output_projections
from models.model_facts.watched_forward import Event, Watched, WatchedStack, watch

# Of the largest number; a few tokens are computed in another order.
_NEAR = 1e-4


@dataclass(frozen=True, eq=False)
class SeenBlock:
    """One layer of one stack, as it ran.

    kind: "encoder" or "decoder". layer: its number, that of its attention where it has any.
    block: the module, of the shared model, and `run`, which of its runs in one forward it is (ALBERT's layers are one
        module). It adds to a stream: it takes vectors and gives as many, which the next block takes as they are.
    mlp, mlp_run: likewise; None where it could not be seen.
    others: what else gives vectors that are added to the stream, without attention that is recorded, each with its run:
        linear attention, a second MLP beside the first.
    """

    kind: str
    layer: int
    block: nn.Module
    run: int
    mlp: nn.Module | None
    mlp_run: int
    others: tuple[tuple[nn.Module, int], ...] = ()


@once_per_model
def seen_blocks(loaded: LoadedModel) -> tuple[SeenBlock, ...]:
    """Every layer of every stack whose layers hand a stream on; the first time it runs one forward over three tokens.

    Takes the device: call it while holding its lock. Raises NothingRecordedError.
    """
    watched = watch(loaded)
    return tuple(each for stack in watched.stacks for each in _of_stack(watched, stack))


def _of_stack(watched: Watched, stack: WatchedStack) -> Iterator[SeenBlock]:
    runs = sorted((each for each in watched.events if each.module in set(stack.layers)), key=lambda each: each.began)
    numbers = _numbers(watched, stack, runs)
    if not numbers or not _is_a_stream(runs):
        return
    projections = set(output_projections(watched, stack))
    for place, (number, own) in enumerate(zip(numbers, runs, strict=True)):
        found = _beside_attention(watched, stack, own, projections)
        mlp = _mlp(watched, own, found)
        yield SeenBlock(
            kind=stack.name,
            layer=number,
            block=own.module,
            run=sum(each.module is own.module for each in runs[:place]),
            mlp=None if mlp is None else mlp.module,
            mlp_run=0 if mlp is None else _earlier_runs(watched, mlp),
            others=tuple((each.module, _earlier_runs(watched, each)) for each in found if each is not mlp),
        )


def _earlier_runs(watched: Watched, event: Event) -> int:
    return sum(each.module is event.module and each.began < event.began for each in watched.events)


def _numbers(watched: Watched, stack: WatchedStack, runs: list[Event]) -> tuple[int, ...]:
    """The number of each run of a block: its place among them, counted from where that of its attention says."""
    offsets = set()
    modules = {call.module for call in stack.calls.values()}
    for place, own in enumerate(runs):
        for each in watched.events:
            if each.module in modules and own.began < each.began and each.ended < own.ended:
                seen = each.module.__dict__.get(ADDRESSES, ())
                times = sum(other.module is each.module for other in watched.events)
                address = seen[_earlier_runs(watched, each) * len(seen) // times]
                offsets.add(address[1] - place)
    return tuple(range(first := offsets.pop(), first + len(runs))) if len(offsets) == 1 else ()


def _is_a_stream(runs: list[Event]) -> bool:
    """Whether each block takes vectors and gives as many, and the next takes them as they are."""
    return all(
        each.given is not None
        and each.output is not None
        and each.given.dim() == 3
        and each.given.shape == each.output.shape
        for each in runs
    ) and all(_same(one.output, other.given) for one, other in pairwise(runs))


def _beside_attention(
    watched: Watched, stack: WatchedStack, own: Event, projections: set[nn.Module]
) -> tuple[Event, ...]:
    """What runs in this run of a block outside of attention and gives vectors as wide as the stream: of the modules
    with matrices the outermost that do not hold the sum with the stream.
    """
    inside = [each for each in watched.events if own.began < each.began and each.ended < own.ended]
    attended = [each for each in inside if each.module in stack.attention(own.module)]
    attention = set().union(*(set(each.module.modules()) for each in attended))
    found: list[Event] = []
    for each in sorted(inside, key=lambda event: event.began):
        is_part = any(other.began < each.began and each.ended < other.ended for other in found)
        below = set(each.module.modules())
        if (
            not is_part
            and each.output is not None
            and own.output is not None
            and each.output.shape == own.output.shape
            and not below & projections
            and not below & attention
            and _matrices(each.module)
            and not _holds_sum(each, own, inside)
        ):
            found.append(each)
    return tuple(found)


def _mlp(watched: Watched, own: Event, found: tuple[Event, ...]) -> Event | None:
    """The run of the MLP among these: the one with the most weights; None where it looks at several tokens."""
    mlp = max(found, key=lambda event: _matrices(event.module), default=None)
    if mlp is None or not _is_token_by_token(mlp):
        return None
    runs = [each for each in watched.events if each.module is mlp.module]
    return mlp if sum(own.began < each.began and each.ended < own.ended for each in runs) == 1 else None


def _matrices(module: nn.Module) -> int:
    """How many numbers the matrices below it have."""
    return sum(each.numel() for each in module.parameters() if each.dim() > 1)


def _holds_sum(each: Event, own: Event, inside: list[Event]) -> bool:
    """Whether what a module gives is the stream already, or what it was given added to what something in it gave."""
    if _same(each.output, own.output):
        return True
    if each.given is None or each.output is None or each.given.shape != each.output.shape:
        return False
    added = each.output - each.given
    near = _NEAR * float(each.output.abs().max())
    return any(
        other.output is not None
        and other.output.shape == added.shape
        and float((other.output - added).abs().max()) <= near
        for other in inside
        if each.began < other.began and other.ended < each.ended
    )


def _is_token_by_token(mlp: Event) -> bool:
    """Whether each token's vector depends on its own alone: with the tokens in reverse it gives the same in reverse."""
    if mlp.given is None or mlp.output is None or mlp.given.dim() != 3:
        return False
    try:
        with torch.inference_mode():
            turned = mlp.module(mlp.given.flip(1))
    except (AttributeError, RuntimeError, TypeError, ValueError):
        return False
    turned = turned[0] if isinstance(turned, tuple) and turned else turned
    if not isinstance(turned, torch.Tensor) or turned.shape != mlp.output.shape:
        return False
    near = max(_NEAR, 8 * torch.finfo(turned.dtype).eps) * float(mlp.output.abs().max())
    return float((turned.flip(1) - mlp.output).abs().max()) <= near


def _same(one: torch.Tensor | None, other: torch.Tensor | None) -> bool:
    return one is not None and other is not None and one.shape == other.shape and torch.equal(one, other)
