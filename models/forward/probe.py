"""Which attention module is of which kind and layer: seen in one forward, never by a name or a flag."""

from collections import Counter
from dataclasses import dataclass
from typing import Any, cast

import torch
from torch import nn

from models.errors import HeadlightError
from models.forward.capture import ADDRESSES, Address, Call, Run, looks_ahead, recording
from models.forward.inputs import Inputs
from models.forward.map_axes import KINDS, Kind, map_size
from models.forward.shadow_modules import outermost_lists, shadow_of
from models.loaded import LoadedModel
from models.loading.checks_before_reading import ArchitectureNotSupportedError, ModelRefusedError
from models.loading.placement import failure_of

_LONGEST_REASON = 160


@dataclass(frozen=True, eq=False)
class _AttentionCall:
    """One call of the attention function.

    run: which run of the attention module it is a part of, counted over all modules. block: the innermost member of a
    stack of layers that ran around it, and how many members had begun by then; None outside of all stacks.
    """

    module: nn.Module
    kind: Kind
    run: int
    block: tuple[nn.ModuleList, int] | None


class _WatchedCalls:
    """Which modules are running on a shadow of the model, and what each call of the function shows."""

    def __init__(self, shadows: dict[nn.Module, nn.Module], model: nn.Module, source: int, target: int) -> None:
        self.seen: list[_AttentionCall] = []
        self._originals = {copy: original for original, copy in shadows.items()}
        self._lengths = (source, target)
        self._runs = 0
        self._running: list[tuple[nn.Module, int]] = []
        self._begun: Counter[nn.ModuleList] = Counter()
        self._stacks = {
            block: stack for stack in outermost_lists(model) for block in _members(stack) if block in shadows
        }
        for copy in self._originals:
            copy.register_forward_pre_hook(self._began)
            copy.register_forward_hook(self._ended)

    def _began(self, copy: nn.Module, _: Any) -> None:
        self._runs += 1
        module = self._originals[copy]
        if module in self._stacks:
            self._begun[self._stacks[module]] += 1
        self._running.append((module, self._runs))

    def _ended(self, *_: Any) -> None:
        self._running.pop()

    def called(self, call: Call) -> None:
        module = self._originals.get(call.module, call.module)
        own = next((number for each, number in reversed(self._running) if each is module), None)
        if own is None:
            # Called without its forward: each call is a run.
            self._runs += 1
            own = self._runs
        stack = next((self._stacks[each] for each, _ in reversed(self._running) if each in self._stacks), None)
        block = None if stack is None else (stack, self._begun[stack] - 1)
        self.seen.append(_AttentionCall(module, _kind(call, *self._lengths), own, block))


def give_addresses(loaded: LoadedModel, inputs: Inputs) -> None:
    """Run the model once and write on each attention module which kinds and layers its calls are.

    inputs: a short text; of an encoder-decoder, a source and a target of different lengths, by which the kinds are
    told apart. Of other models a query that looks at a later token makes an encoder.

    A layer's number is that of the block of its stack that was running, so that layers without attention are counted;
    where blocks attend more than once, or stacks run in turn, it is the number of the run of the module. A second call
    within one run of a module is that layer's.

    Raises ArchitectureNotSupportedError where no attention was seen, or its queries and keys are not the text's tokens;
    ModelRefusedError for a model whose forward does not take tokens alone, or gives no vector for each.
    """
    model: Any = loaded.model
    shadows = shadow_of(model)
    is_seq2seq = bool(inputs.target_ids)
    watch = _WatchedCalls(shadows, model, len(inputs.ids), len(inputs.target_ids))
    run = Run(is_seq2seq=is_seq2seq, watched=watch.called)
    try:
        with torch.inference_mode(), recording(run):
            result = shadows[model](**inputs.arguments(loaded, 1, last_only=True))
    except HeadlightError:
        raise
    except Exception as error:
        if failure_of(error) is not None:
            raise
        why = " ".join(str(error).replace("`", "").split())[:_LONGEST_REASON].rstrip(". ")
        raise ModelRefusedError(
            f"{loaded.card.title} does not read a text as it is set up ({type(error).__name__}: {why}); mend that in "
            "its config, or choose another model."
        ) from error
    output = result.get("logits", result.get("last_hidden_state"))
    if output is None or output.dim() != 3 or len(output) != 1:
        raise ModelRefusedError(
            f"{loaded.card.title} gives neither logits nor a vector for each token; choose the class that does."
        )
    if not watch.seen:
        raise ArchitectureNotSupportedError(
            f"{type(model).__name__} ran, but none of its attention went through transformers' registry, so that there "
            "are no heads to see; choose another architecture."
        )
    for module, addresses in _addresses(watch.seen).items():
        module.__dict__[ADDRESSES] = addresses


def _members(stack: nn.ModuleList) -> list[nn.Module]:
    """The layers of a stack; of lists in a list (Funnel's blocks) those of each."""
    return [each for member in stack for each in (_members(member) if isinstance(member, nn.ModuleList) else [member])]


def _kind(call: Call, source: int, target: int) -> Kind:
    rows, _, queries, _ = call.query.shape
    keys = call.key.shape[2]
    of_size: dict[tuple[int, int], Kind] = {map_size(kind, source, target): kind for kind in KINDS} if target else {}
    if rows == 1 and (queries, keys) in of_size:
        return of_size[queries, keys]
    if rows == 1 and not target and queries == keys == source:
        return "encoder" if looks_ahead(call) else "decoder"
    raise ArchitectureNotSupportedError(
        f"{type(call.module).__name__} attends from {queries} places to {keys}, while the text has "
        + (f"{source} tokens and its output {target}" if target else f"{source} tokens")
        + ": its maps are not of the tokens that are shown, so they cannot be drawn; choose another architecture."
    )


def _addresses(seen: list[_AttentionCall]) -> dict[nn.Module, tuple[Address, ...]]:
    layers: dict[tuple[Kind, int], int] = {}
    for kind in {each.kind for each in seen}:
        runs = {each.run: each.block for each in seen if each.kind == kind}
        blocks = list(runs.values())
        numbers = dict(zip(runs, range(len(runs)), strict=True))
        if None not in blocks and len(set(blocks)) == len(blocks):
            by_block = _by_block(cast("dict[int, tuple[nn.ModuleList, int]]", runs))
            # Stacks that run in turn, and again (HRM), have no order but that of time.
            if list(by_block.values()) == sorted(by_block.values()):
                numbers = by_block
        layers |= {(kind, run): number for run, number in numbers.items()}
    found: dict[nn.Module, tuple[Address, ...]] = {}
    for each in seen:
        found[each.module] = (*found.get(each.module, ()), (each.kind, layers[each.kind, each.run]))
    return found


def _by_block(runs: dict[int, tuple[nn.ModuleList, int]]) -> dict[int, int]:
    """The layer of each run by its block; the layers of a second stack of the same kind come after the first one's."""
    after: dict[nn.ModuleList, int] = {}
    for stack, _ in runs.values():
        if stack not in after:
            after[stack] = sum(1 + max(number for other, number in runs.values() if other is each) for each in after)
    return {run: after[stack] + number for run, (stack, number) in runs.items()}
