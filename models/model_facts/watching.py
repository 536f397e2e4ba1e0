"""One forward over a few tokens, watched module by module on a shadow of the model; the shared model never sees it."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from models.attention.capture import Call, Run, recording
from models.attention.inputs import Inputs
from models.attention.trace import NothingRecordedError
from models.loaded import LoadedModel
from models.shadow import outermost_lists, shadow_of

_TOKENS = 3


@dataclass(frozen=True, eq=False)
class Event:
    """One call of a module of the shared model. began, ended: in the order of all beginnings and ends."""

    module: nn.Module
    given: Tensor | None
    output: Tensor | None
    began: int
    ended: int


@dataclass(frozen=True, eq=False)
class Stack:
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

    stacks: tuple[Stack, ...]
    events: tuple[Event, ...]

    def inside(self, layer: nn.Module) -> tuple[Event, ...]:
        """The events of the last time that this layer ran, those below it and its own, which is the last."""
        own = next((each for each in reversed(self.events) if each.module is layer), None)
        return () if own is None else tuple(e for e in self.events if own.began <= e.began and e.ended <= own.ended)


def watch(loaded: LoadedModel) -> Watched:
    """Run the model over three tokens and note what each module takes and gives.

    Takes the device: call it inside a turn. Raises NothingRecordedError.
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
    decoder = model.get_decoder() if model.config.is_encoder_decoder else None
    run = Run(
        decoder_modules=frozenset(id(shadows[module]) for module in decoder.modules()) if decoder else frozenset(),
        is_seq2seq=decoder is not None,
    )
    ids = _plain_ids(loaded)
    arguments = Inputs(ids, (), ids if decoder is not None else (), ()).arguments(loaded, 1, last_only=False)
    with torch.inference_mode(), recording(run):
        shadows[model](**arguments)
    if not run.calls:
        raise NothingRecordedError(
            f"{type(model).__name__} ran, but none of its attention went through transformers' registry."
        )
    calls = {address: _with_module(call, originals) for address, call in run.calls.items()}
    return Watched(tuple(_stacks(model, calls)), tuple(events))


def _with_module(call: Call, originals: dict[nn.Module, nn.Module]) -> Call:
    return Call(originals[call.module], call.query, call.key, call.value, call.mask, call.arguments)


def _tensor(value: Any) -> Tensor | None:
    """The hidden states among what a module takes or gives: the tensor, or the first of several."""
    if isinstance(value, tuple | list):
        value = value[0] if value else None
    return value if isinstance(value, Tensor) and value.is_floating_point() else None


def _plain_ids(loaded: LoadedModel) -> tuple[int, ...]:
    """Ids that are no padding, whose position RoBERTa skips, and of which no other is special."""
    config = loaded.model.config.get_text_config()
    special = {getattr(config, name, None) for name in ("pad_token_id", "bos_token_id", "eos_token_id")}
    ids = [each for each in range(loaded.vocabulary // 2, loaded.vocabulary) if each not in special][:_TOKENS]
    return tuple(ids[: loaded.positions])


def _stacks(model: nn.Module, calls: dict[tuple[str, int], Call]) -> Iterator[Stack]:
    """Each outermost list of modules that holds recorded ones is a stack; cross-attention belongs to the decoder."""
    lists: dict[nn.ModuleList, dict[tuple[str, int], Call]] = {}
    outermost = tuple(outermost_lists(model))
    for address, call in sorted(calls.items()):
        for each in outermost:
            if any(call.module is module for module in each.modules()):
                lists.setdefault(each, {})[address] = call
    for each, own in lists.items():
        name = Counter("encoder" if kind == "encoder" else "decoder" for kind, _ in own).most_common(1)[0][0]
        yield Stack(name, tuple(each), own)
