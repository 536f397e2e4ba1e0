"""How many parameters each part of a model has; a shared one counts once, where it is met first."""

from typing import Any

from torch import nn

from models.loaded import LoadedModel
from models.model_facts.layer_parts import output_projections
from models.model_facts.watched_forward import Watched, WatchedStack

EMBEDDINGS, ATTENTION, MLP, NORMS, HEAD, OTHER = "embeddings", "attention", "MLP", "norms", "head", "other"
PARTS = (EMBEDDINGS, ATTENTION, MLP, NORMS, HEAD, OTHER)


def parameters_by_part(loaded: LoadedModel, watched: Watched, norms: dict[nn.Module, str]) -> dict[str, int]:
    """Numbers for each of PARTS; their sum is `model.num_parameters()`.

    Biases go with the weights beside them, experts and their router with the MLP. Linear attention, which records
    nothing, is told by its class: what stands in a layer without maps and in no layer with them.
    """
    model: Any = loaded.model
    attention, layers = set(), set()
    for stack in watched.stacks:
        for layer in stack.layers:
            layers.update(layer.modules())
            for module in stack.attention(layer):
                attention.update(module.modules())
        attention.update(output_projections(watched, stack))
        attention.update(_mixers(stack))
    base = set(model.base_model.modules())
    counts = dict.fromkeys(PARTS, 0)
    seen = set()
    # The input table first: a head that is tied to it has nothing of its own.
    first, last = model.get_input_embeddings(), model.get_output_embeddings()
    for module in (first, *model.modules()):
        for parameter in module.parameters(recurse=False):
            if id(parameter) in seen:
                continue
            seen.add(id(parameter))
            if module in norms:
                part = NORMS
            elif module in attention:
                part = ATTENTION
            elif module in layers:
                part = MLP
            elif module is first or isinstance(module, nn.Embedding):
                part = EMBEDDINGS
            else:
                part = HEAD if module is last or module not in base else OTHER
            counts[part] += parameter.numel()
    return counts


def _mixers(stack: WatchedStack) -> set[nn.Module]:
    """Whatever stands for attention in layers that recorded none."""
    known = {type(child) for layer in stack.layers if stack.attention(layer) for child in layer.children()}
    found = set()
    for layer in stack.layers:
        if not stack.attention(layer):
            for child in layer.children():
                if type(child) not in known:
                    found.update(child.modules())
    return found
