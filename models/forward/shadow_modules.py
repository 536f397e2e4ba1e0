"""A second set of a model's modules over the same weights, whose hooks and stand-ins the shared model never sees."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from types import MethodType
from typing import Any

from torch import nn


def shadow_of(root: nn.Module, instead: Mapping[nn.Module, nn.Module] | None = None) -> dict[nn.Module, nn.Module]:
    """Copy the tree of modules below `root`, sharing every parameter and buffer; the answer has each module's copy.

    A module that stands in several places has one copy. Hooks and buffers that a forward of the copy writes
    (transformers hooks its layers to return their hidden states; dynamic rotary embeddings change their frequencies)
    stay with the copy. About 10 microseconds per module, no tensor is copied.

    instead: modules that stand in for those of the tree and whatever is below them.
    """
    copies: dict[nn.Module, nn.Module] = dict(instead or {})

    def copied(module: nn.Module) -> nn.Module:
        if module not in copies:
            copies[module] = copy = shallow(module)
            for name, child in module._modules.items():
                copy._modules[name] = None if child is None else copied(child)
        return copies[module]

    copied(root)
    return copies


def without_parameters(copies: Iterable[nn.Module]) -> None:
    """Let no parameter of these copies ask for a gradient: each becomes a tensor that shares its numbers, so that
    nothing is left on the shared model.
    """
    for copy in copies:
        for name, parameter in copy._parameters.items():
            # torch takes a tensor where it expects a parameter; the module says otherwise of itself.
            copy.__dict__["_parameters"][name] = None if parameter is None else parameter.detach()


def shallow(module: nn.Module) -> nn.Module:
    """One module with dictionaries of its own, its weights and its children the same."""
    # Not copy.copy: a class may say how it is pickled, and that is another question.
    copy = object.__new__(type(module))
    copy.__dict__.update(
        {name: value.copy() if isinstance(value, dict | set) else value for name, value in module.__dict__.items()}
    )
    # accelerate gives a module whose layers lie on several devices a forward of the instance, which is bound to it.
    if "_hf_hook" in copy.__dict__:
        hooked, old = copy.__dict__["forward"], copy.__dict__["_old_forward"]
        copy.__dict__["forward"] = partial(hooked.func, copy)
        copy.__dict__["_old_forward"] = MethodType(old.__func__, copy)
    return copy


def answering(module: nn.Module, answer: Callable[[], Any]) -> nn.Module:
    """The same module to whoever looks at it, but its forward returns `answer()` whatever it is given."""
    stub = shallow(module)
    # An attribute of the instance comes before the method of its class.
    stub.__dict__["forward"] = lambda *_, **__: answer()
    return stub


def outermost_lists(module: nn.Module) -> Iterator[nn.ModuleList]:
    """Each list of modules below `module` that is in no other list: a model's stacks of layers are such lists."""
    for child in module.children():
        if isinstance(child, nn.ModuleList):
            yield child
        else:
            yield from outermost_lists(child)
