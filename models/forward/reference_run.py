"""What transformers itself computes for a model that is loaded: eager attention, with all that it hands out."""

import copy
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from transformers import PreTrainedConfig

from models.forward.inputs import Inputs
from models.forward.map_axes import Kind, map_size
from models.forward.recorded_run import output_of
from models.forward.shadow_modules import shadow_of
from models.loaded import LoadedModel

_ATTENTIONS: dict[Kind, str] = {
    "encoder": "encoder_attentions",
    "decoder": "decoder_attentions",
    "cross": "cross_attentions",
}


@dataclass(frozen=True, eq=False)
class Reference:
    """One forward of transformers' own code.

    attentions: per kind the weights of each layer that has any, [heads, query, key]; of a layer that attends otherwise
        None. output: logits, or the last hidden state of a model without a head, [position, output].
    hidden_states: of the stack whose last one the head reads, [position, width]; () where transformers gives none.
    """

    attentions: dict[Kind, tuple[Tensor | None, ...]]
    output: Tensor
    hidden_states: tuple[Tensor, ...]


def reference(
    loaded: LoadedModel,
    inputs: Inputs,
    implementation: str = "eager",
    hidden: int | None = None,
    *,
    is_nudged: bool = False,
) -> Reference:
    """Run a shadow of the model with one of transformers' own attention functions; the shared model stays as it is.

    hidden: a position of the text whose `attention_mask` is 0. is_nudged: the vectors of all tables are moved by as
        much as their own rounding, up and down in turn: what comes of that is no more than rounding.

    Takes the device. Raises what the model's own code raises.
    """
    shadow = _shadow_with(loaded.model, implementation)
    if is_nudged:
        for each in shadow.modules():
            if isinstance(each, nn.Embedding):
                each.register_forward_hook(_nudged)
    arguments = inputs.arguments(loaded, 1, last_only=False)
    if hidden is not None:
        mask = torch.ones(1, len(inputs.ids), dtype=torch.long, device=loaded.device)
        arguments.setdefault("attention_mask", mask)[0, hidden] = 0
    if implementation == "eager" and hidden is None:
        arguments |= {"output_attentions": True, "output_hidden_states": True}
    with torch.inference_mode():
        result = shadow(**arguments)
    is_seq2seq = bool(inputs.target_ids)
    states = result.get("decoder_hidden_states" if is_seq2seq else "hidden_states") or ()
    return Reference(
        attentions=_attentions(result, len(inputs.ids), len(inputs.target_ids)),
        output=output_of(result)[0],
        hidden_states=tuple(each[0] for each in states if isinstance(each, Tensor) and each.dim() == 3),
    )


def masked_outputs(loaded: LoadedModel, inputs: Inputs, hidden: int, other: int) -> tuple[Tensor, Tensor]:
    """The last outputs of two rows in which the `attention_mask` of a position is 0: of the text, and of the text with
    another token in that position, [output] each.

    Takes the device. Raises what the model's own code raises.
    """
    arguments = inputs.arguments(loaded, 2, last_only=False)
    arguments["attention_mask"][:, hidden] = 0
    arguments["input_ids"][1, hidden] = other
    with torch.inference_mode():
        rows = output_of(_shadow_with(loaded.model, "eager")(**arguments))
    return rows[0, -1], rows[1, -1]


def _nudged(_: nn.Module, __: Any, vectors: Tensor) -> Tensor:
    up_and_down = 1 - 2 * (torch.arange(vectors.numel(), device=vectors.device) % 2).reshape(vectors.shape)
    return vectors * (1 + up_and_down * 2 * torch.finfo(vectors.dtype).eps).to(vectors.dtype)


def _shadow_with(model: nn.Module, implementation: str) -> nn.Module:
    """A shadow whose modules read a copy of their config, which names another attention function."""
    shadows = shadow_of(model)
    memo: dict[int, Any] = {}
    for module in shadows.values():
        for name, value in module.__dict__.items():
            if isinstance(value, PreTrainedConfig):
                module.__dict__[name] = own = copy.deepcopy(value, memo)
                own._attn_implementation = implementation
    return shadows[model]


def _attentions(result: Any, source: int, target: int) -> dict[Kind, tuple[Tensor | None, ...]]:
    if target:
        found = {
            kind: _layers(result.get(name) or (), map_size(kind, source, target)) for kind, name in _ATTENTIONS.items()
        }
        return {kind: layers for kind, layers in found.items() if layers}
    layers = _layers(result.get("attentions") or (), (source, source))
    if not layers:
        return {}
    ahead = any(bool(each.triu(1).abs().max() > 0) for each in layers if each is not None)
    return {"encoder" if ahead else "decoder": layers}


def _layers(given: Any, size: tuple[int, int]) -> tuple[Tensor | None, ...]:
    """The maps of one row, None for what is no map of this size; a module in two layers is listened to twice."""
    found: list[Tensor | None] = []
    before = None
    for each in given:
        if each is None or each is not before:
            is_map = isinstance(each, Tensor) and each.dim() == 4 and each.shape[2:] == size
            found.append(each[0] if is_map else None)
        before = each
    maps = tuple(found)
    return maps if any(each is not None for each in maps) else ()
