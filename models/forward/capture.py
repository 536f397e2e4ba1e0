"""The heart: one attention function through which every model of every architecture runs.

transformers looks a model's attention up by name (`AttentionInterface`, `AttentionMaskInterface`). Two names are
registered here. `headlight` computes with SDPA; `headlight_eager` with the module's own `eager_attention_forward`,
for classes whose softcap or attention sinks SDPA cannot express. Both hand query, key, value, mask and arguments to
the recorder of the run that is under way in this context, and apply that run's interventions.

Which kind of attention and which layer a module is was seen when the model was loaded (`models.forward.probe`), and
stands on the module.
"""

import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import Tensor
from transformers import AttentionInterface, AttentionMaskInterface
from transformers.masking_utils import ALL_MASK_ATTENTION_FUNCTIONS
from transformers.modeling_utils import ALL_ATTENTION_FUNCTIONS

from models.engine.cancellation import between_steps
from models.engine.context import holding
from models.errors import HeadlightError
from models.forward.interventions import Intervention, hidden_keys, replaced_output, zeroed_heads
from models.forward.map_axes import Kind

Address = tuple[Kind, int]
AttentionFunction = Callable[..., tuple[Tensor, Tensor | None]]
EagerFunction = Callable[..., tuple[Tensor, Tensor]]

# The attribute of an attention module that holds its addresses, one for each call of the function in one forward.
ADDRESSES = "headlight_addresses"


class UnseenAttentionError(HeadlightError):
    """An attention module that runs otherwise than it was seen to when its model was loaded."""


@dataclass(frozen=True, slots=True)
class Call:
    """One recorded call of the attention function, after rotary embedding.

    query: [batch, heads, query, head_dim]
    key, value: [batch, key_value_heads, key, head_dim]
    mask: as the function received it, interventions applied: None, bool (True: may look) or additive,
        [batch or 1, heads or 1, query, key]
    arguments: the function's other keyword arguments (scaling, position_bias, softcap, ...)
    is_causal: whether the function itself lets no query look ahead, since it was given no mask that says so
    """

    module: torch.nn.Module
    query: Tensor
    key: Tensor
    value: Tensor
    mask: Tensor | None
    arguments: dict[str, Any]
    is_causal: bool


@dataclass
class Run:
    """One forward that is being recorded.

    interventions: for each row of the batch, what is changed in it; empty means nothing anywhere.
    calls: filled while the forward runs.
    returned: told kind, layer and what each call of the function returns, [batch, query, heads, value_dim]; what it
        returns itself, unless None, takes the place of that.
    watched: told each call instead of recording it, in the forward in which modules get their addresses.
    """

    interventions: tuple[tuple[Intervention, ...], ...] = ()
    is_seq2seq: bool = False
    calls: dict[tuple[str, int], Call] = field(default_factory=dict)
    returned: Callable[[str, int, Tensor], Tensor | None] | None = None
    watched: Callable[[Call], None] | None = None
    _next: dict[int, int] = field(default_factory=dict)
    _replayed: frozenset[tuple[str, int]] = frozenset()

    def replay(self, calls: dict[tuple[str, int], Call]) -> None:
        """Take over what another run recorded, and what does not run again in this one."""
        self.calls.update(calls)
        self._replayed = frozenset(calls)

    def address(self, module: torch.nn.Module) -> Address:
        """Which kind and layer this call of the module is, as it was seen when the model was loaded.

        Raises UnseenAttentionError.
        """
        seen: tuple[Address, ...] = module.__dict__.get(ADDRESSES, ())
        place = self._next.get(id(module), sum(each in self._replayed for each in seen))
        if place >= len(seen):
            raise UnseenAttentionError(
                f"{type(module).__name__} attends more often for this text than for the short one with which the model "
                "was loaded, so that it cannot be told which layer is which; take a shorter text."
            )
        self._next[id(module)] = place + 1
        return seen[place]

    def record(self, address: Address, call: Call) -> None:
        """Keep a call; a second one of the same layer with the same weights adds its values (DiffLlama)."""
        first = self.calls.get(address)
        if first is None:
            self.calls[address] = call
        elif call.query is first.query and call.key is first.key and call.value.shape == first.value.shape:
            self.calls[address] = replace(first, value=torch.cat([first.value, call.value], dim=-1))


_run: ContextVar[Run | None] = ContextVar("headlight_run", default=None)


def recording(run: Run) -> AbstractContextManager[None]:
    """Record the one forward that runs inside. Never hold it open across a `yield` of a generator."""
    return holding(_run, run)


def _tells_causal(module: torch.nn.Module, arguments: dict[str, Any]) -> bool:
    """The rule of `transformers.integrations.sdpa_attention`: the argument, else the module's flag, else true."""
    given = arguments.get("is_causal")
    return bool(getattr(module, "is_causal", True) if given is None else given)


def eager_function(module: torch.nn.Module) -> EagerFunction:
    """The `eager_attention_forward` of the file that defines this module's class."""
    for cls in type(module).__mro__:
        function = getattr(sys.modules.get(cls.__module__), "eager_attention_forward", None)
        if function is not None:
            return function
    raise LookupError(f"{type(module).__name__} has no eager_attention_forward beside it")


def full_mask(call: Call) -> Tensor | None:
    """The call's mask, with the causal one rebuilt where SDPA was only told `is_causal`: bool, additive or None."""
    if not call.is_causal:
        return call.mask
    queries, keys = call.query.shape[2], call.key.shape[2]
    return torch.ones(queries, keys, dtype=torch.bool, device=call.query.device).tril()[None, None]


def looks_ahead(call: Call) -> bool:
    """Whether any query may look at a key that stands after it."""
    mask = full_mask(call)
    return mask is None or bool(allowed_keys(mask).triu(1).any())


def allowed_keys(mask: Tensor) -> Tensor:
    """Where a bool or additive mask lets a query look: bool, the mask's shape."""
    return mask if mask.dtype == torch.bool else mask > torch.finfo(mask.dtype).min / 2


def without_keys(mask: Tensor | None, hidden: Tensor) -> Tensor:
    """The mask with `hidden` (bool, broadcastable to it) taken away; an additive mask keeps its other values."""
    if mask is None:
        return ~hidden
    if mask.dtype == torch.bool:
        return mask & ~hidden
    return mask.masked_fill(hidden, torch.finfo(mask.dtype).min)


def additive(mask: Tensor | None, dtype: torch.dtype) -> Tensor | None:
    """A mask as an eager function adds it: 0 where a query may look, the lowest number elsewhere."""
    if mask is None or mask.dtype != torch.bool:
        return mask
    return torch.zeros(mask.shape, dtype=dtype, device=mask.device).masked_fill(~mask, torch.finfo(dtype).min)


def _attend(
    compute: AttentionFunction,
    module: torch.nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    **arguments: Any,
) -> tuple[Tensor, None]:
    between_steps()
    run = _run.get()
    if run is None:
        return compute(module, query, key, value, attention_mask, **arguments)[0], None
    # SDPA is told by a flag where the mask says nothing; the eager functions know nothing but the mask.
    is_causal = (
        compute is not _eager and attention_mask is None and query.shape[2] > 1 and _tells_causal(module, arguments)
    )
    call = Call(module, query, key, value, attention_mask, arguments, is_causal)
    if run.watched is not None:
        run.watched(call)
        return compute(module, query, key, value, attention_mask, **arguments)[0], None
    kind, layer = address = run.address(module)
    blank = None
    if any(run.interventions):
        hidden = hidden_keys(run.interventions, kind, layer, query, key, is_seq2seq=run.is_seq2seq)
        if hidden is not None:
            attention_mask = without_keys(full_mask(call), hidden)
            blank = ~allowed_keys(attention_mask).any(dim=-1, keepdim=True)
            if compute is _eager:
                attention_mask = additive(attention_mask, query.dtype)
            call = replace(call, mask=attention_mask, is_causal=False)
    run.record(address, call)
    output = compute(module, query, key, value, attention_mask, **arguments)[0]
    if blank is not None:
        output = output.masked_fill(blank.transpose(1, 2), 0)
    if any(run.interventions):
        output = replaced_output(run.interventions, kind, layer, output, value)
        output = zeroed_heads(run.interventions, kind, layer, output)
    if run.returned is not None:
        instead = run.returned(kind, layer, output)
        output = output if instead is None else instead
    return output, None


def _sdpa(*arguments: Any, **keywords: Any) -> tuple[Tensor, Tensor | None]:
    return ALL_ATTENTION_FUNCTIONS["sdpa"](*arguments, **keywords)


def _eager(module: torch.nn.Module, *arguments: Any, **keywords: Any) -> tuple[Tensor, Tensor | None]:
    return eager_function(module)(module, *arguments, **keywords)


def headlight(module: torch.nn.Module, *arguments: Any, **keywords: Any) -> tuple[Tensor, None]:
    """Attention through SDPA, recorded: [batch, query, heads, head_dim] and no weights."""
    return _attend(_sdpa, module, *arguments, **keywords)


def headlight_eager(module: torch.nn.Module, *arguments: Any, **keywords: Any) -> tuple[Tensor, None]:
    """Attention through the module's own eager function, recorded: [batch, query, heads, head_dim], no weights."""
    return _attend(_eager, module, *arguments, **keywords)


AttentionInterface.register("headlight", headlight)
AttentionInterface.register("headlight_eager", headlight_eager)
AttentionMaskInterface.register("headlight", ALL_MASK_ATTENTION_FUNCTIONS["sdpa"])
AttentionMaskInterface.register("headlight_eager", ALL_MASK_ATTENTION_FUNCTIONS["eager"])
