"""One forward over a few tokens, watched module by module on a shadow of the model; the shared model never sees it."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from torch import Tensor, nn

from models.forward.capture import Call
from models.forward.recorded_run import short_run
from models.forward.shadow_modules import outermost_lists, shadow_of
from models.loaded import LoadedModel


@dataclass(frozen=True, eq=False)
class Event:
    """One call of a module of the shared model. began, ended: in the order of all beginnings and ends."""

    module: nn.Module
    given: Tensor | None
    output: Tensor | None
    began: int
    ended: int


@dataclass(frozen=True, eq=False)
class WatchedStack:
    """One stack of layers.

    name: "encoder" or "decoder". layers: its modules, in order; one that is run several times (ALBERT) stands once.
    calls: what was recorded, by kind and layer, the modules of the shared model.
    """

    name: str
    layers: tuple[nn.Module, ...]
    calls: dict[tuple[str, int], Call]

    def attention(self, layer: nn.Module) -> tuple[nn.Module, ...]:
        """The modules of this layer that were recorded."""
        inside = set(layer.modules())
        return tuple(dict.fromkeys(call.module for call in self.calls.values() if call.module in inside))


@dataclass(frozen=True, eq=False)
class Watched:
    """What was seen. events: of every module that took and gave a tensor, in the order of their ends."""

    stacks: tuple[WatchedStack, ...]
    events: tuple[Event, ...]

    def inside(self, layer: nn.Module) -> tuple[Event, ...]:
        """The events of the last time that this layer ran, those below it and its own, which is the last."""
        own = next((each for each in reversed(self.events) if each.module is layer), None)
        return () if own is None else tuple(e for e in self.events if own.began <= e.began and e.ended <= own.ended)


def watch(loaded: LoadedModel) -> Watched:
    """Run the model over three tokens and note what each module takes and gives.

    Takes the device: call it while holding its lock. Raises NothingRecordedError.
    """
    model: Any = loaded.model
    shadows = shadow_of(model)
    originals = {copy: original for original, copy in shadows.items()}
    events: list[Event] = []
    began: dict[nn.Module, list[tuple[int, Tensor | None]]] = {}
    clock = iter(range(10**9))

    def before(module: nn.Module, given: tuple[Any, ...], named: dict[str, Any]) -> None:
        first = given[0] if given else next(iter(named.values()), None)
        began.setdefault(module, []).append((next(clock), _tensor(first)))

    def after(module: nn.Module, _: Any, output: Any) -> None:
        start, taken = began[module].pop()
        events.append(Event(originals[module], taken, _tensor(output), start, next(clock)))

    for copy in shadows.values():
        copy.register_forward_pre_hook(before, with_kwargs=True)
        copy.register_forward_hook(after)
    run = short_run(loaded, shadows[model])
    calls = {address: replace(call, module=originals[call.module]) for address, call in run.calls.items()}
    return Watched(tuple(_stacks(model, calls)), tuple(events))


def _tensor(value: Any) -> Tensor | None:
    """The hidden states among what a module takes or gives: the tensor, or the first of several."""
    if isinstance(value, tuple | list):
        value = value[0] if value else None
    return value if isinstance(value, Tensor) and value.is_floating_point() else None


def _stacks(model: nn.Module, calls: dict[tuple[str, int], Call]) -> Iterator[WatchedStack]:
    """Each outermost list of modules that holds recorded ones is a stack; cross-attention belongs to the decoder."""
    lists: dict[nn.ModuleList, dict[tuple[str, int], Call]] = {}
    outermost = tuple(outermost_lists(model))
    for address, call in sorted(calls.items()):
        for each in outermost:
            if any(call.module is module for module in each.modules()):
                lists.setdefault(each, {})[address] = call
    for each, own in lists.items():
        name = Counter("encoder" if kind == "encoder" else "decoder" for kind, _ in own).most_common(1)[0][0]
        yield WatchedStack(name, tuple(each), own)
