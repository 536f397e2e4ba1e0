"""What a model's first and last hidden states are, and where its final norm is: measured, never looked up by name."""

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

import torch
from jaxtyping import Float
from torch import Tensor, nn

from models.attention.inputs import Inputs
from models.errors import HeadlightError
from models.loaded import LoadedModel
from models.shadow import shadow_of

# Longer chains of norms and maps between the table and the first layer are not known.
_MOST_STEPS = 4


class NoHiddenStatesError(HeadlightError):
    """A model whose forward returns no hidden states, or not one of the same width for each layer."""


@dataclass(frozen=True)
class Stack:
    """One stack of layers.

    first: what index 0 of its hidden states is, in words. scale: the number that the static vectors are multiplied
        with there, 1 for none. last: what the last one is, in words. last_is_normed: whether it has passed the final
        norm, or there is none. final_norm: the module of the shared model, or None.
    """

    first: str
    scale: float | int
    last: str
    last_is_normed: bool
    final_norm: nn.Module | None


@dataclass(frozen=True, eq=False)
class Anatomy:
    """encoder: of an encoder-decoder, else None. reader: the stack whose last hidden state the model's head reads, or
    would read; its module is `module` and `output` what this returned in a forward over two tokens.
    encoder_output: what the encoder returned there, [row, token, width].
    """

    encoder: Stack | None
    reader: Stack
    module: nn.Module
    output: Any
    encoder_output: Tensor | None


class _Call(NamedTuple):
    module: nn.Module
    given: Tensor
    output: Tensor


_measured: WeakKeyDictionary[LoadedModel, Anatomy] = WeakKeyDictionary()
_lock = threading.Lock()


def anatomy_of(loaded: LoadedModel) -> Anatomy:
    """What is known of this model's hidden states; the first time it runs one forward over two rows of two tokens.

    Takes the device: call it inside a turn. Raises NoHiddenStatesError.
    """
    with _lock:
        known = _measured.get(loaded)
    if known is None:
        known = _measure(loaded)
        with _lock:
            _measured[loaded] = known
    return known


def final_norm(loaded: LoadedModel) -> nn.Module | None:
    """The norm between the last layer and the head that reads it (of the decoder, in an encoder-decoder), or None.

    It is the module without children, in no element of a `ModuleList`, whose output is the last hidden state and whose
    input is not. Post-norm models (BERT, BART, Marian) have none: their layers end with a norm of their own.

    The hooks that see this are set on a shadow of the model and go with it, so no other thread's forward runs them;
    calling each norm on the last layer's output instead would need that output, which transformers does not return
    where it has passed the norm.

    Takes the device: call it inside a turn. Raises NoHiddenStatesError.
    """
    return anatomy_of(loaded).reader.final_norm


def run_hidden(loaded: LoadedModel, shadow: nn.Module, arguments: dict[str, Any]) -> Any:
    """One forward of the model without its head, with `output_hidden_states`, on a shadow of it."""
    body = getattr(shadow, loaded.model.base_model_prefix, shadow)
    with torch.inference_mode():
        return body(**arguments, output_hidden_states=True)


def hidden_of(loaded: LoadedModel, result: Any, name: str) -> Float[Tensor, "layer row token width"]:
    """The hidden states under this name of a forward's output, one above the other. Raises NoHiddenStatesError."""
    states = result.get(name) if isinstance(result, dict) else None
    if not states or any(
        not isinstance(each, Tensor) or each.dim() != 3 or each.shape != states[0].shape for each in states
    ):
        raise NoHiddenStatesError(
            f"{type(loaded.model).__name__} does not return a hidden state of the same width for each layer, so there "
            "are no vectors to show; choose another model."
        )
    # Layers of one model may lie on several devices.
    return torch.stack(tuple(each.to(states[0].device) for each in states))


def _measure(loaded: LoadedModel) -> Anatomy:
    model: Any = loaded.model
    is_seq2seq = bool(model.config.is_encoder_decoder)
    shadows = shadow_of(model)
    module = model.get_decoder() if is_seq2seq else model.base_model
    calls: list[_Call] = []
    outputs: list[Any] = []
    originals = {copy: original for original, copy in shadows.items()}

    def record(leaf: nn.Module, given: tuple[Any, ...], output: Any) -> None:
        if given and all(isinstance(each, Tensor) and each.is_floating_point() for each in (given[0], output)):
            calls.append(_Call(originals[leaf], given[0], output))

    for leaf in _leaves_outside_layers(shadows[model]):
        leaf.register_forward_hook(record)
    shadows[module].register_forward_hook(lambda _, __, output: outputs.append(output))
    one, other = _two_tokens(loaded)
    rows = ((one, other), (other, one))
    arguments = Inputs(rows[0], (), rows[0] if is_seq2seq else (), ()).arguments(loaded, 2, last_only=False)
    ids = torch.tensor(rows, device=loaded.device)
    for name in ("input_ids", "decoder_input_ids"):
        if name in arguments:
            arguments[name] = ids
    result = run_hidden(loaded, shadows[model], arguments)
    if len(outputs) != 1:
        raise NoHiddenStatesError(f"{type(model).__name__} does not run its layers as one stack; choose another model.")
    with torch.inference_mode():
        static = model.get_input_embeddings().weight[ids]
        own = hidden_of(loaded, result, "decoder_hidden_states" if is_seq2seq else "hidden_states")
        reader = _stack(calls, own, static, result["last_hidden_state"] if "last_hidden_state" in result else own[-1])
        encoder = None
        if is_seq2seq:
            last = result["encoder_last_hidden_state"]
            encoder = _stack(calls, hidden_of(loaded, result, "encoder_hidden_states"), static, last)
    return Anatomy(encoder, reader, module, outputs[0], result["encoder_last_hidden_state"] if is_seq2seq else None)


def _leaves_outside_layers(module: nn.Module) -> Iterator[nn.Module]:
    children = [] if isinstance(module, nn.ModuleList) else list(module.children())
    if not children and not isinstance(module, nn.ModuleList):
        yield module
    for child in children:
        yield from _leaves_outside_layers(child)


def _two_tokens(loaded: LoadedModel) -> tuple[int, int]:
    """Two ids that are no padding (whose position RoBERTa skips) and have different static vectors."""
    config = loaded.model.config.get_text_config()
    table: Any = loaded.model.get_input_embeddings()
    special = {getattr(config, name, None) for name in ("pad_token_id", "bos_token_id", "eos_token_id")}
    usable = [each for each in range(loaded.vocabulary // 2, loaded.vocabulary) if each not in special]
    for other in usable[1:]:
        if not torch.equal(table.weight[usable[0]], table.weight[other]):
            return usable[0], other
    raise NoHiddenStatesError(f"All tokens of {loaded.card.title} have the same vector; choose another model.")


def _stack(
    calls: list[_Call],
    hidden: Float[Tensor, "layer row token width"],
    static: Float[Tensor, "row token table_width"],
    output: Float[Tensor, "row token width"],
) -> Stack:
    norm = _made(calls, output)
    first, scale = _first(calls, hidden[0], static)
    is_normed = norm is None or torch.equal(hidden[-1], output)
    if norm is None:
        last = "the last layer's output"
    else:
        last = "after the final norm" if is_normed else "the last layer's output, before the final norm"
    return Stack(first, scale, last, is_normed, None if norm is None else norm.module)


def _made(calls: list[_Call], output: Tensor) -> _Call | None:
    """The call that made this tensor of something else; a dropout, which hands it on, did not."""
    return next(
        (each for each in calls if torch.equal(each.output, output) and not torch.equal(each.given, output)), None
    )


def _first(
    calls: list[_Call],
    hidden: Float[Tensor, "2 2 width"],
    static: Float[Tensor, "2 2 table_width"],
) -> tuple[str, float | int]:
    """What was made of the static vectors before the first layer, in words, and the number they were multiplied with.

    The same two tokens stand in both orders. Where vectors are a sum, static + position, two tokens in the same place
    differ as their static vectors do, and what is left of one token differs from place to place by the positions.
    """
    steps = []
    while len(steps) < _MOST_STEPS and (call := _made(calls, hidden)) is not None:
        is_map = any(parameter.dim() > 1 for parameter in call.module.parameters())
        steps.append("a linear map" if is_map else "a norm")
        hidden = call.given
    fallback = "what the model makes of the static vectors", 1.0
    if hidden.shape != static.shape:
        return fallback
    near = max(1e-5, 4 * torch.finfo(static.dtype).eps) * float(hidden.abs().max())
    hidden, static = hidden.float(), static.float()
    by_token, by_static = hidden[0, 0] - hidden[1, 0], static[0, 0] - static[1, 0]
    scale = float(by_token @ by_static / (by_static @ by_static))
    if float((by_token - scale * by_static).abs().max()) > near:
        return fallback
    rest = hidden - scale * static
    is_scaled = abs(scale - 1) > 1e-3
    parts = ["static vectors times a number" if is_scaled else "static vectors"]
    if float((rest[0, 0] - rest[0, 1]).abs().max()) > near:
        parts.append("positions")
    elif float(rest.abs().max()) > near:
        parts.append("a constant vector")
    parts += reversed(steps)
    if len(parts) == 2 and not steps:
        words = " plus ".join(parts)
    else:
        words = " and ".join([", ".join(parts[:-1]), parts[-1]] if len(parts) > 1 else parts)
    return words, scale if is_scaled else 1.0
