"""What an MLP is made of: its neurons, their curve and the matrix that writes them into the stream, as it ran.

A neuron is one number of what the last matrix of an MLP is given, and writes one vector (its column) times that number
into the stream: the key-value memories of Geva et al. 2021 (arXiv 2012.14913).
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from models.anatomy.frozen_norms import is_curve
from models.errors import HeadlightError
from models.heads.layer_and_mlp_modules import SeenBlock, seen_blocks
from models.loaded import LoadedModel, once_per_model
from models.loading.placement import computing_device
from models.model_facts.watched_forward import Event, watch

# Rows of the last matrix that are asked for at once.
_ROWS_AT_ONCE = 512
_NEAR = 1e-3


class NeuronError(HeadlightError):
    """A layer without neurons that could be seen, or a neuron that is not there."""


@dataclass(frozen=True, eq=False)
class SeenMlp:
    """The MLP of one layer.

    kind, layer, run: as in `SeenBlock` (of its MLP). neurons: how many.
    last: the module that is given the neurons and writes the MLP's vector. curve: the module that bends what goes into
        them, None where no module of its own does. is_gated: whether what it gives is multiplied with a second
        projection before `last` takes it.
    why_not: why it has no neurons to look at, a sentence; then there is no `last`.
    """

    kind: str
    layer: int
    run: int
    neurons: int
    last: nn.Module | None
    curve: nn.Module | None
    is_gated: bool
    why_not: str = ""


@once_per_model
def seen_mlps(loaded: LoadedModel) -> dict[tuple[str, int], SeenMlp]:
    """The MLP of each layer in which one is seen, by kind and layer; the first time it runs forwards over three tokens.

    Takes the device: call it while holding its lock. Raises NothingRecordedError.
    """
    blocks = seen_blocks(loaded)
    watched = watch(loaded)
    attention = {inner for stack in watched.stacks for call in stack.calls.values() for inner in call.module.modules()}
    found = {}
    for each in blocks:
        if each.mlp is None:
            continue
        runs = [event for event in watched.events if event.module is each.block]
        own = sorted(runs, key=lambda event: event.began)[each.run]
        inside = [
            event
            for event in watched.events
            if own.began < event.began and event.ended < own.ended and event.module not in attention
        ]
        found[each.kind, each.layer] = _seen(each, inside)
    return found


def mlp_of(loaded: LoadedModel, kind: str, layer: int) -> SeenMlp:
    """The MLP of one layer that has neurons to look at.

    Takes the device: call it while holding its lock. Raises NeuronError with the reason where there is none.
    """
    mlps = seen_mlps(loaded)
    found = mlps.get((kind, layer))
    if found is None:
        there = sorted(number for own, number in mlps if own == kind)
        if not there:
            raise NeuronError(
                f"It cannot be seen which modules are the MLPs of {loaded.card.title}; choose another model."
            )
        raise NeuronError(
            f"There is no MLP in layer {layer} of {loaded.card.title} that could be seen; there are those of layers "
            f"{there[0]} to {there[-1]}."
        )
    return found


def neurons_of(loaded: LoadedModel, kind: str, layer: int) -> SeenMlp:
    """The same, of an MLP whose neurons are seen. Raises NeuronError."""
    found = mlp_of(loaded, kind, layer)
    if found.last is None:
        raise NeuronError(found.why_not)
    return found


def check_neuron(mlp: SeenMlp, neuron: int) -> None:
    """Raise NeuronError for a neuron that is not there."""
    if not 0 <= neuron < mlp.neurons:
        raise NeuronError(
            f"There is no neuron {neuron:,} in layer {mlp.layer}: its MLP has those from 0 to {mlp.neurons - 1:,}."
        )


def written_by(mlp: SeenMlp, neurons: tuple[int, ...]) -> Float[Tensor, "neuron width"]:
    """The vector that each of these neurons writes into the stream where it is 1: its column of the last matrix."""
    assert mlp.last is not None
    parameter = next(mlp.last.parameters())
    device = computing_device(mlp.last, parameter.device)
    dtype = parameter.dtype if parameter.is_floating_point() else torch.float32
    rows = []
    with torch.inference_mode():
        nothing = mlp.last(torch.zeros(1, 1, mlp.neurons, device=device, dtype=dtype))[0]
        for start in range(0, len(neurons), _ROWS_AT_ONCE):
            some = list(neurons[start : start + _ROWS_AT_ONCE])
            ones = torch.zeros(1, len(some), mlp.neurons, device=device, dtype=dtype)
            ones[0, range(len(some)), some] = 1
            rows.append((mlp.last(ones)[0] - nothing).float())
    return torch.cat(rows)


def lengths_written(mlp: SeenMlp) -> Float[np.ndarray, " neuron"]:
    """How long the vector of each neuron is, read off the matrix where these are its rows or columns."""
    assert mlp.last is not None
    few = tuple(sorted({0, mlp.neurons // 2, mlp.neurons - 1}))
    wanted = written_by(mlp, few)
    for parameter in mlp.last.parameters():
        if parameter.dim() != 2 or not parameter.is_floating_point():
            continue
        for matrix in (parameter.detach(), parameter.detach().T):
            if matrix.shape == (mlp.neurons, wanted.shape[1]) and torch.allclose(
                matrix[list(few)].float().to(wanted.device), wanted, rtol=_NEAR, atol=_NEAR * float(wanted.abs().max())
            ):
                return matrix.float().norm(dim=-1).cpu().numpy()
    return written_by(mlp, tuple(range(mlp.neurons))).norm(dim=-1).cpu().numpy()


def curve_values(mlp: SeenMlp, x: Float[np.ndarray, " point"]) -> Float[np.ndarray, " point"]:
    """What the curve's module makes of these numbers, float32. Raises NeuronError where it has no such module."""
    if mlp.curve is None:
        raise NeuronError("No module of its own bends the numbers of this MLP, so that no curve can be drawn.")
    with torch.inference_mode():
        return mlp.curve(torch.from_numpy(np.ascontiguousarray(x, dtype=np.float32))).float().cpu().numpy()


def _seen(block: SeenBlock, inside: list[Event]) -> SeenMlp:
    assert block.mlp is not None
    runs = [each for each in inside if each.module is block.mlp]
    own = runs[0]
    last = max(_writing(own, inside), key=lambda each: each.began, default=None)
    if last is None or last.given is None:
        why = (
            f"The neurons of layer {block.layer} cannot be seen: no one matrix writes what its MLP gives, as where "
            "experts take turns."
        )
        return SeenMlp(block.kind, block.layer, block.mlp_run, 0, None, None, is_gated=False, why_not=why)
    neurons = int(last.given.shape[-1])
    curves = [
        each
        for each in inside
        if each.ended < last.began
        and each.output is not None
        and each.output.shape[-1] == neurons
        and not any(True for _ in each.module.children())
        and is_curve(each.module)
    ]
    curve = curves[-1] if curves else None
    is_gated = curve is not None and curve.output is not None and not _same(curve.output, last.given)
    bends = None if curve is None else curve.module
    return SeenMlp(block.kind, block.layer, block.mlp_run, neurons, last.module, bends, is_gated)


def _writing(own: Event, inside: list[Event]) -> Iterator[Event]:
    """The modules with a matrix whose output is what the MLP gives."""
    for each in inside:
        is_in_it = own.began <= each.began and each.ended <= own.ended
        if (
            is_in_it
            and not any(True for _ in each.module.children())
            and sum(parameter.dim() == 2 for parameter in each.module.parameters()) == 1
            and each.given is not None
            and _same(each.output, own.output)
        ):
            yield each


def _same(one: Tensor | None, other: Tensor | None) -> bool:
    return (
        one is not None
        and other is not None
        and one.numel() == other.numel()
        and torch.equal(one.reshape(other.shape), other)
    )
