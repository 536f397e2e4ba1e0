"""What a model's first and last hidden states are, and where its final norm is: measured, never looked up by name."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn

from models.errors import HeadlightError
from models.forward.capture import ADDRESSES
from models.forward.inputs import bare_inputs
from models.forward.shadow_modules import outermost_lists, shadow_of
from models.loaded import LoadedModel, once_per_model

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
    would read.
    answers: the modules that the model's own forward calls for its layers, each with what it returned in a forward over
        two tokens: first the one that `reader` is in, then an encoder that is called by itself. Empty for a model that
        is called as a whole, without a head.
    """

    encoder: Stack | None
    reader: Stack
    answers: tuple[tuple[nn.Module, Any], ...]


class _Call(NamedTuple):
    module: nn.Module
    given: Tensor
    output: Tensor


def final_norm(loaded: LoadedModel) -> nn.Module | None:
    """The norm between the last layer and the head that reads it (of the decoder, in an encoder-decoder), or None.

    It is the module without children, in no element of a `ModuleList`, whose output is the last hidden state and whose
    input is not. Post-norm models (BERT, BART, Marian) have none: their layers end with a norm of their own.

    Takes the device: call it while holding its lock. Raises NoHiddenStatesError.
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


@once_per_model
def anatomy_of(loaded: LoadedModel) -> Anatomy:
    """What is known of this model's hidden states; the first time it runs one forward over two rows of two tokens.

    Takes the device: call it while holding its lock. Raises NoHiddenStatesError.
    """
    model: Any = loaded.model
    shadows = shadow_of(model)
    calls: list[_Call] = []
    originals = {copy: original for original, copy in shadows.items()}

    def record(leaf: nn.Module, given: tuple[Any, ...], output: Any) -> None:
        if given and all(isinstance(each, Tensor) and each.is_floating_point() for each in (given[0], output)):
            calls.append(_Call(originals[leaf], given[0], output))

    for leaf in _leaves_outside_layers(shadows[model]):
        leaf.register_forward_hook(record)
    called = _Called(model, shadows)
    one, other = _two_tokens(loaded)
    rows = ((one, other), (other, one))
    arguments = bare_inputs(loaded, rows[0]).arguments(loaded, 2, last_only=False)
    ids = torch.tensor(rows, device=loaded.device)
    for name in ("input_ids", "decoder_input_ids"):
        if name in arguments:
            arguments[name] = ids
    with torch.inference_mode():
        result = shadows[model](**arguments, output_hidden_states=True)
        static = model.get_input_embeddings().weight[ids]
        own = hidden_of(loaded, result, "decoder_hidden_states" if loaded.is_seq2seq else "hidden_states")
        answers = called.answers("decoder" if loaded.is_seq2seq else "", tuple(own.shape[1:]))
        reader = _stack(calls, own, static, _last_hidden(answers[0][1] if answers else result))
        encoder = None
        if loaded.is_seq2seq:
            states = hidden_of(loaded, result, "encoder_hidden_states")
            encoder = _stack(calls, states, static, result["encoder_last_hidden_state"])
            if answers and not _attends(answers[0][0], "encoder"):
                answers += called.answers("encoder", tuple(states.shape[1:]))
    return Anatomy(encoder, reader, answers)


class _Called:
    """The modules outside of all layers that ran on a shadow of the model, outermost first, and what they returned."""

    def __init__(self, model: nn.Module, shadows: dict[nn.Module, nn.Module]) -> None:
        self._began: list[nn.Module] = []
        self._returned: dict[nn.Module, Any] = {}
        inner = {each for stack in outermost_lists(model) for each in stack.modules()}
        for original, copy in shadows.items():
            if original not in inner and original is not model and any(True for _ in original.children()):
                copy.register_forward_pre_hook(lambda *_, original=original: self._began.append(original))
                copy.register_forward_hook(lambda _, __, output, original=original: self._returns(original, output))

    def _returns(self, module: nn.Module, output: Any) -> None:
        self._returned[module] = output

    def answers(self, kind: str, shape: tuple[int, ...]) -> tuple[tuple[nn.Module, Any], ...]:
        """The outermost module that holds attention of this kind ("" for any) and returns a hidden state of this shape:
        one, or none.
        """
        for module in self._began:
            output = self._returned.get(module)
            found = _last_hidden(output)
            if _attends(module, kind) and found is not None and tuple(found.shape) == shape:
                return ((module, output),)
        return ()


def _last_hidden(output: Any) -> Tensor | None:
    """The last hidden state among what a stack of layers returns; None where it returns something else."""
    if isinstance(output, dict):
        output = output.get("last_hidden_state")
    elif isinstance(output, tuple) and output:
        output = output[0]
    return output if isinstance(output, Tensor) and output.is_floating_point() else None


def _attends(module: nn.Module, kind: str) -> bool:
    """Whether attention of this kind ("" for any), as it was seen at load, is inside."""
    return any(
        address[0] == kind or not kind for each in module.modules() for address in each.__dict__.get(ADDRESSES, ())
    )


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
    output: Float[Tensor, "row token width"] | None,
) -> Stack:
    output = hidden[-1] if output is None else output
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
    calls: list[_Call], hidden: Float[Tensor, "2 2 width"], static: Float[Tensor, "2 2 table_width"]
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
