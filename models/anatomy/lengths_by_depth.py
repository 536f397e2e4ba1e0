"""How long activations and gradients are at each depth, with and without residual connections or norms."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from models.anatomy.norms import seen_norms
from models.anatomy.part_switches import OffPart, SwitchError, switches
from models.anatomy.residual_connections import seen_residuals
from models.attention.outputs import written_ids
from models.attention.trace import AttentionTrace, TraceRequest
from models.engine import Engine
from models.forward.cached_block_outputs import Hook
from models.forward.capture import Run, recording
from models.forward.recorded_run import output_of, to_numpy
from models.forward.shadow_modules import shadow_of
from models.heads.changed_runs import first_of, watching_hooks, with_first
from models.heads.layer_and_mlp_modules import seen_blocks

Without = Literal["nothing", "residuals", "norms"]

MOST_TOKENS = 256


@dataclass(frozen=True, eq=False)
class StackDepth:
    """One stack of layers.

    layers: the number of each row but the first, which is what the first layer is given.
    activations: the length (L2 norm) of each token's vector there; gradients: of the gradient along it.
    """

    kind: str
    layers: tuple[int, ...]
    activations: Float[np.ndarray, "depth token"]
    gradients: Float[np.ndarray, "depth token"]


@dataclass(frozen=True, eq=False)
class Depth:
    """Lengths in one forward and one backward pass.

    of: what the gradient is of, in words. value: that number, not finite where the numbers outgrew their type.
    off: how many parts are off.
    """

    stacks: tuple[StackDepth, ...]
    of: str
    value: float
    off: int


@dataclass(frozen=True)
class DepthRequest:
    """The lengths of a text, with all residual connections, all norms or nothing off; norms inside of parts stay on.

    What the gradient is of: of a decoder the loss that it is trained with, the mean over the text of - log p of the
    token that comes next, in nats; of one token alone, that of the likeliest to come. Of a seq2seq model the same of
    what is written. Of an encoder the sum of its output times numbers drawn from a normal distribution with `seed`,
    which stands for any loss: a number of `torch.randn` with a generator of that seed, [token, width], over the root of
    their count.
    """

    trace: TraceRequest
    without: Without = "nothing"
    seed: int = 0

    def answer(self, engine: Engine) -> Depth:
        """Raises what `TraceRequest` raises; SwitchError for a model whose layers, residual connections or norms could
        not be seen, and a text that is too long.
        """
        trace = engine.run(self.trace)
        tokens = max(len(trace.inputs.ids), len(trace.inputs.target_ids))
        if tokens > MOST_TOKENS:
            raise SwitchError(
                f"A backward pass keeps all numbers of a text, and this one has {tokens:,} tokens; take one of at most "
                f"{MOST_TOKENS}."
            )
        with engine.forward(trace.loaded):
            off = _off(trace, self.without)
            return _lengths(trace, off, *_loss(trace, self.trace, self.seed))


def _off(trace: AttentionTrace, without: Without) -> tuple[OffPart, ...]:
    loaded = trace.loaded
    if not seen_blocks(loaded):
        raise SwitchError(
            f"The layers of {loaded.card.title} hand no stream of one vector for each token on, so that no length at a "
            "depth can be told; choose another model."
        )
    if without == "nothing":
        return ()
    found = (
        [OffPart("residuals", each.kind, each.layer, each.number) for each in seen_residuals(loaded)]
        if without == "residuals"
        else [OffPart("norms", each.kind, each.layer, each.number) for each in seen_norms(loaded) if not each.is_inner]
    )
    if not found:
        what = "residual connections" if without == "residuals" else "norms"
        raise SwitchError(f"No {what} could be seen in {loaded.card.title}, so that none is switched off.")
    return tuple(found)


def _loss(trace: AttentionTrace, request: TraceRequest, seed: int) -> tuple[str, Callable[[Tensor], Tensor]]:
    """What the gradient is of: in words, and of the output [1, position, output]."""
    if trace.target_pieces:
        ids = list(written_ids(trace.loaded, request.target)) or [int(trace.last_output.argmax())]
        words = "the loss over what is written (mean of - log p)"
    elif trace.kinds == ("decoder",):
        ids = list(trace.inputs.ids[1:])
        words = "the loss over this text (mean of - log p of each next token)"
        if not ids:
            ids, words = [int(trace.last_output.argmax())], "- log p of the likeliest next token"
    else:
        shape = trace.outputs.shape
        drawn = torch.randn(shape, generator=torch.Generator().manual_seed(seed)) / np.sqrt(np.prod(shape))
        words = "the output times numbers drawn at random (this model has no loss of its own)"
        return words, lambda output: (output[0].float() * drawn.to(output.device)).sum()
    target = torch.tensor(ids)
    return words, lambda output: torch.nn.functional.cross_entropy(
        output[0, : len(ids)].float(), target.to(output.device)
    )


def _lengths(trace: AttentionTrace, off: tuple[OffPart, ...], of: str, loss: Callable[[Tensor], Tensor]) -> Depth:
    loaded = trace.loaded
    found = switches(loaded, (off,), trace.interventions)
    blocks = seen_blocks(loaded)
    kinds = tuple(dict.fromkeys(each.kind for each in blocks))
    firsts = {kind: min(each.layer for each in blocks if each.kind == kind) for kind in kinds}
    tapped: dict[tuple[str, int], Tensor] = {}

    def tap(address: tuple[str, int], tensor: Tensor) -> Tensor:
        # The first one is where the graph begins.
        own = tensor if tensor.requires_grad else tensor.detach().requires_grad_()
        tapped[address] = own
        # What is written into it afterwards is none of this one's.
        return own.clone()

    model: Any = loaded.model
    copies = shadow_of(model)
    for copy in copies.values():
        for name, parameter in copy._parameters.items():
            # torch takes a tensor where it expects a parameter; the module says otherwise of itself.
            copy.__dict__["_parameters"][name] = None if parameter is None else parameter.detach()
    for each in blocks:
        if each.layer == firsts[each.kind]:
            copies[each.block].register_forward_pre_hook(_first(each.kind, each.layer, tap), with_kwargs=True)
    _register(copies, found.hooks)
    for module, before in found.before.items():
        copies[module].register_forward_pre_hook(before, with_kwargs=True)
    _register(copies, watching_hooks(loaded, "layers", lambda address, _, output: tap(address, output)))
    interventions = found.interventions if any(found.interventions) else ()
    run = Run(interventions=interventions, is_seq2seq=loaded.is_seq2seq)
    arguments = trace.inputs.arguments(loaded, 1, last_only=False, rows=found.interventions)
    with torch.inference_mode(mode=False), torch.enable_grad(), recording(run), found.within:
        value = loss(output_of(copies[model](**arguments)))
        slopes = torch.autograd.grad(value, list(tapped.values()), allow_unused=True)
    along = dict(zip(tapped, slopes, strict=True))
    stacks = tuple(_stack(kind, tapped, along) for kind in kinds)
    return Depth(stacks, of, float(value.detach()), len(off))


def _register(copies: Mapping[nn.Module, nn.Module], hooks: Mapping[nn.Module, Hook]) -> None:
    for module, hook in hooks.items():
        copies[module].register_forward_hook(hook, with_kwargs=True)


def _first(kind: str, layer: int, tap: Callable[[tuple[str, int], Tensor], Tensor]) -> Any:
    """What the first layer of a stack is given, once: a module that runs again is given what it gave."""
    seen: list[bool] = []

    def before(_: nn.Module, given: tuple[Any, ...], named: dict[str, Any]) -> Any:
        if seen:
            return None
        seen.append(True)
        if given:
            return with_first(given, tap((kind, layer - 1), first_of(given))), named
        name = next(iter(named))
        return given, named | {name: tap((kind, layer - 1), named[name])}

    return before


def _stack(
    kind: str, tapped: Mapping[tuple[str, int], Tensor], along: Mapping[tuple[str, int], Tensor | None]
) -> StackDepth:
    layers = sorted(layer for other, layer in tapped if other == kind)
    activations, gradients = [], []
    for layer in layers:
        own, slope = tapped[kind, layer].detach(), along[kind, layer]
        activations.append(own[0].float().norm(dim=-1))
        gradients.append(torch.zeros_like(activations[-1]) if slope is None else slope[0].float().norm(dim=-1))
    return StackDepth(kind, tuple(layers[1:]), to_numpy(torch.stack(activations)), to_numpy(torch.stack(gradients)))
