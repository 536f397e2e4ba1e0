"""The slope of a quantity along what each part gives: one forward and one backward pass over a shadow of the model."""

from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from models.forward.capture import Call, Run, recording
from models.forward.recorded_run import output_of
from models.forward.shadow_modules import shadow_of, without_parameters
from models.heads.changed_runs import Address, ChangedRuns, watching_hooks
from models.heads.measured_quantity import QuantityError, Reading, reads_all
from models.heads.parts_of_model import Part


@dataclass(frozen=True, eq=False)
class Slope:
    """What the parts of one layer gave in one call, and how the quantity changes along it."""

    given: Float[Tensor, "position part width"]
    slope: Float[Tensor, "position part width"]


@dataclass(frozen=True, eq=False)
class Slopes:
    """By kind and layer: one for each call of the attention function, one for each MLP or layer.

    calls: what was recorded.
    """

    found: dict[Address, tuple[Slope, ...]]
    calls: dict[Address, Call]


def slopes_of(runs: ChangedRuns, part: Part) -> Slopes:
    """The gradient of the quantity at the run as it is, with respect to what each part gives.

    No parameter asks for a gradient: those of the shadow share their numbers with the model's and are none themselves,
    so that nothing is left on the model and two people do not meet.

    Takes the device: call it while holding its lock. Raises QuantityError for a quantity without a slope.
    """
    if not runs.measured.has_slope:
        raise QuantityError(
            "The cosine of a vector with itself is at its top, where every slope is 0, so that there is no estimate of "
            "it: wait for the exact effects."
        )
    return slopes_along(runs, part, runs.reading)


def slopes_along(runs: ChangedRuns, part: Part, number: Reading) -> Slopes:
    """The same for any number that is read of the output.

    Takes the device: call it while holding its lock.
    """
    tapped: list[tuple[Address, Tensor, Tensor]] = []

    def returned(kind: str, layer: int, output: Tensor) -> None:
        # The first one is where the graph begins.
        slopes = output if output.requires_grad else output.requires_grad_()
        tapped.append(((kind, layer), slopes, output))

    def passed(address: Address, given: Tensor, output: Tensor) -> Tensor:
        slopes = output if output.requires_grad else output.detach().requires_grad_()
        tapped.append((address, slopes, output - given if part == "layers" else output))
        # What is written into it afterwards is none of this one's.
        return slopes.clone()

    loaded, inputs = runs.loaded, runs.trace.inputs
    model: Any = loaded.model
    copies = shadow_of(model)
    without_parameters(copies.values())
    for module, hook in ({} if part == "heads" else watching_hooks(loaded, part, passed)).items():
        copies[module].register_forward_hook(hook, with_kwargs=True)
    rows = (runs.request.interventions,)
    run = Run(
        interventions=rows if any(rows) else (),
        is_seq2seq=loaded.is_seq2seq,
        returned=returned if part == "heads" else None,
    )
    arguments = inputs.arguments(loaded, 1, last_only=not reads_all(runs.measured), rows=rows)
    with torch.inference_mode(mode=False), torch.enable_grad(), recording(run):
        value = number(output_of(copies[model](**arguments)))[0]
        slopes = torch.autograd.grad(value, [each for _, each, _ in tapped], allow_unused=True)
    found: dict[Address, tuple[Slope, ...]] = {}
    for (address, _, given), slope in zip(tapped, slopes, strict=True):
        there, along = given.detach()[0], torch.zeros_like(given[0]) if slope is None else slope[0]
        if part != "heads":
            there, along = there[:, None], along[:, None]
        found[address] = (*found.get(address, ()), Slope(there, along))
    return Slopes(found, run.calls)
