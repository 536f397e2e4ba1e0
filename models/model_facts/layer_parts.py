"""What a layer is made of, told by what its modules do and not by what they are called."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import torch
from torch import nn
from torch.nn import functional

from models.loading.placement import computing_device
from models.model_facts.watched_forward import Event, Watched, WatchedStack

CURVES: dict[str, Callable[[torch.Tensor], torch.Tensor]] = {
    "GELU": functional.gelu,
    "GELU (tanh approximation)": partial(functional.gelu, approximate="tanh"),
    "SiLU": functional.silu,
    "ReLU": functional.relu,
    "squared ReLU": lambda x: functional.relu(x) ** 2,
    "GELU (sigmoid approximation)": lambda x: x * torch.sigmoid(1.702 * x),
    "tanh": torch.tanh,
}


def norm_kind(module: nn.Module) -> str:
    """ "LayerNorm" where a module without children is a norm that takes the mean away, "RMSNorm" where it does not, ""
    where it is none: what a norm gives is the same whatever its input is multiplied with.
    """
    sizes = [parameter.shape for parameter in module.parameters(recurse=False)]
    if any(module.children()) or not sizes or any(len(size) != 1 for size in sizes) or len(set(sizes)) != 1:
        return ""
    parameter = next(module.parameters(recurse=False))
    return kind_of_norm(module, sizes[0][0], computing_device(module, parameter.device), parameter.dtype)


def kind_of_norm(module: nn.Module, width: int, device: torch.device, dtype: torch.dtype) -> str:
    """The same of any module that takes vectors of this width, one without parameters as well."""
    x = torch.linspace(-30, 50, width).sin() * 20 + 3
    x = x.to(device, dtype)[None, None]
    try:
        with torch.inference_mode():
            plain, scaled, moved = (_run(module, each).float() for each in (x, 4 * x, x + 8))
    except (AttributeError, RuntimeError, TypeError, ValueError):
        return ""
    near = 0.02 * float(plain.abs().max()) + 1e-6
    if plain.shape != x.shape or float((plain - scaled).abs().max()) > near or float(plain.abs().max()) == 0:
        return ""
    return "LayerNorm" if float((plain - moved).abs().max()) <= near else "RMSNorm"


def _run(module: nn.Module, x: torch.Tensor) -> torch.Tensor:
    try:
        return module(x)
    except TypeError:
        # A norm whose output is gated, as in linear attention.
        return module(x, torch.ones_like(x))


def norms_of(model: nn.Module) -> dict[nn.Module, str]:
    """Every norm of the model and its kind."""
    return {module: kind for module in model.modules() if (kind := norm_kind(module))}


def placement(watched: Watched, stack: WatchedStack, norms: dict[nn.Module, str]) -> str:
    """Where the norms of a layer stand: "before each part", "after each sum", "before and after each part", "after each
    part, before the sum", "before both parts, which run side by side", or "none".

    A part is attention or the MLP; a sum is what a part gives added to what it was given. A norm that ran before
    attention and took the layer's own input stands before; one that took what a single module gave, and not a sum,
    stands after the part; where the layer's output is what a norm gave, it stands after the sum.
    """
    found = ["none"]
    for layer in stack.layers:
        attention = stack.attention(layer)
        events = watched.inside(layer)
        if not attention or not events:
            continue
        own, attended = events[-1], next(each for each in events if each.module in attention)
        inner = set().union(*(module.modules() for module in attention))
        outside = [each for each in events if each.module in norms and each.module not in inner]
        before = any(_same(each.given, own.given) for each in outside if each.ended < attended.began)
        later = [each for each in outside if each.began > attended.ended]
        plain = [each for each in events if each.module not in norms and not any(each.module.children())]
        after = bool(later) and any(
            _same(later[0].given, each.output) for each in plain if attended.began < each.began < later[0].began
        )
        if later and _same(later[-1].output, own.output):
            found.append("after each sum")
        elif after:
            found.append("before and after each part" if before else "after each part, before the sum")
        elif before and (not later or _same(later[0].given, own.given)):
            found.append("before both parts, which run side by side")
        elif before or later:
            found.append("before each part")
    return found[-1]


def inner_norms(stack: WatchedStack, norms: dict[nn.Module, str], width: int) -> str:
    """The kind of the norms inside attention, on queries, keys or latents, or ""."""
    kinds = {
        norms[module]
        for call in stack.calls.values()
        for module in call.module.modules()
        if module in norms and next(module.parameters()).shape[0] != width
    }
    return " and ".join(sorted(kinds))


def activation(watched: Watched, stack: WatchedStack) -> tuple[str, bool | None, int]:
    """The curve of the MLP, whether what it gives is multiplied with a second projection (gated), and how many numbers
    it takes for a token; ("", None, 0) where no module of its own computes it. Of the first layer that tells.
    """
    found: tuple[str, bool | None, int] = ("", None, 0)
    for layer in stack.layers:
        inner = set().union(*(module.modules() for module in stack.attention(layer)))
        events = [each for each in watched.inside(layer) if each.module not in inner]
        for place, each in enumerate(events):
            name = curve(each.module)
            if name and each.output is not None:
                is_gated = _is_gated(each, events[place + 1 :])
                if is_gated is not None:
                    return name, is_gated, int(each.output.shape[-1])
                found = found if found[0] else (name, None, int(each.output.shape[-1]))
    return found


def curve(module: nn.Module) -> str:
    """The name of the function that a module without weights computes number by number, "" where it is none."""
    if any(module.children()) or any(True for _ in module.parameters()):
        return ""
    x = torch.linspace(-4, 4, 33)
    try:
        with torch.inference_mode():
            y = module(x)
    except (RuntimeError, TypeError, ValueError):
        return ""
    if not isinstance(y, torch.Tensor) or y.shape != x.shape or torch.equal(x, y):
        return ""
    errors = {name: float((y - known(x)).abs().max()) for name, known in CURVES.items()}
    best = min(errors, key=lambda name: errors[name])
    return best if errors[best] < 1e-5 else ""


def _is_gated(event: Event, later: list[Event]) -> bool | None:
    for each in later:
        if _has_weights(each.module) and each.given is not None and event.output is not None:
            if each.given.numel() == event.output.numel():
                return not _same(each.given.reshape(event.output.shape), event.output)
            if each.given.shape[-1] == event.output.shape[-1]:
                return None
    return None


def _has_weights(module: nn.Module) -> bool:
    return not any(module.children()) and any(True for _ in module.parameters())


def _same(one: Any, other: Any) -> bool:
    return one is not None and other is not None and one.shape == other.shape and torch.equal(one, other)


def output_projections(watched: Watched, stack: WatchedStack) -> Iterator[nn.Module]:
    """The modules outside attention that join its heads: they take what it gives, unless it ends with weights."""
    for layer in stack.layers:
        events = watched.inside(layer)
        for attended in (each for each in events if each.module in stack.attention(layer)):
            inner = set(attended.module.modules())
            if any(
                each.module in inner and _has_weights(each.module) and _same(each.output, attended.output)
                for each in events
            ):
                continue
            for each in events:
                takes_it = each.began > attended.ended and _same(each.given, attended.output)
                if takes_it and each.module not in inner and not any(each.module.children()):
                    yield each.module
