"""Which experts a layer's router takes for each token, and with which weights: seen by what goes into the experts.

A mixture of experts (Shazeer et al. 2017, arXiv 1701.06538): of many MLPs a router takes a few for each token.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn

from models.attention.trace import TraceRequest
from models.engine import Engine
from models.forward.cached_block_outputs import Hook
from models.forward.recorded_run import recorded_forward, to_numpy
from models.heads.layer_and_mlp_modules import seen_blocks
from models.heads.parts_of_model import EffectsError


@dataclass(frozen=True, eq=False)
class Experts:
    """What the router of one layer takes for each token of a text.

    taken: the numbers of the experts, the one with the most weight first; weights: by how much each is multiplied.
    count: how many there are, where it can be seen; else 0.
    """

    tokens: tuple[str, ...]
    taken: Int64[np.ndarray, "token expert"]
    weights: Float[np.ndarray, "token expert"]
    count: int

    @property
    def chance(self) -> float:
        """The share of tokens that each expert would get if all got as many; NaN where they cannot be counted."""
        return self.taken.shape[1] / self.count if self.count else float("nan")


@dataclass(frozen=True)
class ExpertsRequest:
    """Which experts one layer takes, of a model with a router; None of a layer without one."""

    trace: TraceRequest
    kind: str
    layer: int

    def answer(self, engine: Engine) -> Experts | None:
        """Raises what `TraceRequest` raises, and EffectsError for a layer that cannot be seen."""
        trace = engine.run(self.trace)
        loaded = trace.loaded
        found: list[tuple[Tensor, Tensor, int]] = []

        def told(_: nn.Module, given: tuple[Any, ...], named: dict[str, Any], output: Any) -> None:
            gives = output if isinstance(output, tuple | list) else ()
            choice = _choice(gives) or _choice((*given, *named.values()))
            if choice is not None:
                logits = [each for each in gives if isinstance(each, Tensor) and each.is_floating_point()]
                counts = [each.shape[-1] for each in logits if each.shape[-1] > choice[0].shape[-1]]
                found.append((*choice, min(counts, default=0)))

        with engine.forward(loaded), torch.inference_mode():
            blocks = {(each.kind, each.layer): each for each in seen_blocks(loaded)}
            block = blocks.get((self.kind, self.layer))
            if block is None:
                raise EffectsError(f"There is no layer {self.layer} in this model that could be seen.")
            hooks: dict[nn.Module, Hook] = {
                module: told for module in ([] if block.mlp is None else block.mlp.modules()) if module is not block.mlp
            }
            if not hooks:
                return None
            rows = (self.trace.interventions,)
            recorded_forward(loaded, trace.inputs, rows, last_only=True, base=trace, hooks=hooks)
        tokens = trace.target_tokens if trace.target_tokens and self.kind != "encoder" else trace.tokens
        fitting = [each for each in found if each[0].shape[0] == len(tokens)]
        if not fitting:
            return None
        numbers, weights, _ = fitting[0]
        order = torch.argsort(weights, dim=-1, descending=True)
        return Experts(
            tokens=tokens,
            taken=torch.gather(numbers, 1, order).cpu().numpy().astype(np.int64),
            weights=to_numpy(torch.gather(weights, 1, order)),
            count=max(count for _, __, count in fitting),
        )


def _choice(values: tuple[Any, ...] | list[Any]) -> tuple[Tensor, Tensor] | None:
    """Numbers of experts and as many weights, [token, expert], among what a module takes or gives."""
    tensors = [each for each in values if isinstance(each, Tensor) and each.dim() == 2]
    whole = [each for each in tensors if each.dtype in (torch.int64, torch.int32)]
    for numbers in whole:
        for weights in reversed(tensors):
            if weights.is_floating_point() and weights.shape == numbers.shape:
                return numbers.long(), weights.float()
    return None
