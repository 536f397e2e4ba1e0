"""The norms of a model, by layer: seen by what they do, and when they run."""

from dataclasses import dataclass

import torch
from torch import nn

from models.heads.layer_and_mlp_modules import seen_blocks
from models.loaded import LoadedModel, once_per_model
from models.model_facts.layer_parts import norms_of
from models.model_facts.watched_forward import Event, watch

BEFORE_LAYERS = -1


@dataclass(frozen=True, eq=False)
class NormRun:
    """One norm, as it ran.

    kind: of the stack, "encoder" or "decoder". layer: BEFORE_LAYERS for one before the first, the number of layers for
        one after the last. number: among those of the layer, in the order in which they run.
    is_inner: whether it norms something narrower than the stream, as queries and keys.
    name: as the library calls it. module, run: of the shared model, and which of its runs it is.
    is_last: whether it runs after all layers of all stacks, so that no layer sees what it does.
    """

    kind: str
    layer: int
    number: int
    norm: str
    name: str
    is_inner: bool
    module: nn.Module
    run: int
    is_last: bool


@once_per_model
def seen_norms(loaded: LoadedModel) -> tuple[NormRun, ...]:
    """Every norm that runs; the first time it runs a forward over three tokens. None where layers cannot be seen.

    Takes the device: call it while holding its lock. Raises NothingRecordedError.
    """
    blocks = seen_blocks(loaded)
    if not blocks:
        return ()
    kinds = norms_of(loaded.model)
    names = {module: path.rpartition(".")[2] for path, module in loaded.model.named_modules()}
    events = sorted(watch(loaded).events, key=lambda each: each.began)
    runs: dict[nn.Module, list[Event]] = {}
    for each in events:
        runs.setdefault(each.module, []).append(each)
    around = [(block, runs[block.block][block.run]) for block in blocks]
    counts: dict[tuple[str, int], int] = {}
    found = []
    for event in (each for each in events if each.module in kinds):
        inside = next((block for block, own in around if own.began < event.began and event.ended < own.ended), None)
        if inside is not None:
            kind, layer, is_last = inside.kind, inside.layer, False
        else:
            kind, layer, is_last = _outside(event, [(block.kind, block.layer, own) for block, own in around])
        number = counts.get((kind, layer), 0)
        counts[kind, layer] = number + 1
        found.append(
            NormRun(
                kind=kind,
                layer=layer,
                number=number,
                norm=kinds[event.module],
                name=names.get(event.module, ""),
                is_inner=inside is not None and _is_narrow(event, around[0][1]),
                module=event.module,
                run=runs[event.module].index(event),
                is_last=is_last,
            )
        )
    return tuple(found)


def _is_narrow(event: Event, block: Event) -> bool:
    one, other = event.output, block.output
    return one is None or other is None or one.dim() != other.dim() or one.shape[-1] != other.shape[-1]


def _outside(event: Event, around: list[tuple[str, int, Event]]) -> tuple[str, int, bool]:
    """Stack and layer of a norm outside of all layers, and whether none runs after it."""
    before = [each for each in around if each[2].ended < event.began]
    after = [each for each in around if each[2].began > event.ended]
    if not after:
        kind = max(before, key=lambda each: each[2].ended)[0]
        return kind, 1 + max(layer for other, layer, _ in around if other == kind), True
    last = max(before, key=lambda each: each[2].ended, default=None)
    is_of_last = last is not None and _same(event.given, last[2].output)
    kind = last[0] if last is not None and is_of_last else min(after, key=lambda each: each[2].began)[0]
    return kind, 1 + max(layer for other, layer, _ in around if other == kind) if is_of_last else BEFORE_LAYERS, False


def _same(one: torch.Tensor | None, other: torch.Tensor | None) -> bool:
    return one is not None and other is not None and one.shape == other.shape and torch.equal(one, other)
