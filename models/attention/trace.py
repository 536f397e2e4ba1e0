"""One recorded forward, and what can be asked of it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor

from models.attention.blocks import Blocks, Said, unchanged
from models.attention.capture import (
    Call,
    Kind,
    Run,
    additive,
    allowed_keys,
    eager_function,
    full_mask,
    recording,
)
from models.attention.inputs import Inputs, model_inputs
from models.attention.interventions import HideToken, Intervention, InterventionError, ReplacePattern
from models.errors import HeadlightError
from models.loaded import LoadedModel
from models.loading.placing import computing_device, with_own_weights
from models.tokenization import Piece

# About 16 MB of weights: each call costs the waking of the other threads, and more at once is no faster.
_WEIGHTS_AT_ONCE = 2**22
_FEWEST_ROWS = 16
KINDS: tuple[Kind, ...] = ("encoder", "decoder", "cross")


class NothingRecordedError(HeadlightError):
    """A forward in which no attention went through the registered function."""


class NoSuchMapError(HeadlightError):
    """A kind, layer or head that this trace has no map of."""


@dataclass(frozen=True, eq=False)
class AttentionTrace:
    """One forward of one text: queries, keys and values of every layer, from which each map is computed when asked for.

    Holds tensors and the model's modules, O(layers x tokens x width) in memory, and lives no longer than its model.

    pieces, target_pieces: one per position of the input and, for a seq2seq model, of the decoder's input.
    last_output: the model's output at the last position, [vocabulary] (logits) or [width], float32.
    said: what the model's blocks returned, the first of them if not all; empty for a run with interventions.
    """

    loaded: LoadedModel
    pieces: tuple[Piece, ...]
    target_pieces: tuple[Piece, ...]
    last_output: Float[np.ndarray, " output"]
    calls: dict[tuple[str, int], Call]
    inputs: Inputs
    interventions: tuple[Intervention, ...]
    whole_output: Float[np.ndarray, "position output"] | None
    said: tuple[Said, ...] = ()

    @property
    def kinds(self) -> tuple[Kind, ...]:
        """The kinds of attention there are, a subset of ("encoder", "decoder", "cross") in this order."""
        return tuple(kind for kind in KINDS if self.layers(kind))

    @property
    def tokens(self) -> tuple[str, ...]:
        """What is shown for each position of the input."""
        return tuple(piece.text for piece in self.pieces)

    @property
    def target_tokens(self) -> tuple[str, ...]:
        """What is shown for each position of the decoder's input; empty unless the model is seq2seq."""
        return tuple(piece.text for piece in self.target_pieces)

    @property
    def is_special(self) -> tuple[bool, ...]:
        """Which positions of the input hold special tokens."""
        return tuple(piece.is_special for piece in self.pieces)

    @cached_property
    def outputs(self) -> Float[np.ndarray, "position output"]:
        """The model's logits, or its last hidden state where it has no head, at every position, float32.

        A decoder's logits of all positions are large and seldom wanted: they are computed by one more forward with
        the same interventions when somebody asks for them.
        """
        if self.whole_output is not None:
            return self.whole_output
        _, output, _ = _forward(self.loaded, self.inputs, (self.interventions,), last_only=False, base=self)
        return _to_numpy(output[0])

    @property
    def nbytes(self) -> int:
        """Bytes that the recorded tensors hold, shared storage counted once."""
        storages = {}
        for call in self.calls.values():
            for tensor in (call.query, call.key, call.value, call.mask, *call.arguments.values()):
                if isinstance(tensor, Tensor):
                    storages[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage().nbytes()
        for tensor in (tensor for each in self.said for tensor in each.tensors):
            storages[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage().nbytes()
        return (
            sum(storages.values())
            + self.last_output.nbytes
            + (0 if self.whole_output is None else self.whole_output.nbytes)
        )

    def layers(self, kind: str) -> tuple[int, ...]:
        """The layers of this kind that have maps, in order; layers of linear attention have none."""
        return tuple(sorted(layer for other, layer in self.calls if other == kind))

    def heads(self, kind: str, layer: int) -> int:
        """How many query heads this layer has. Raises NoSuchMapError."""
        return self._call(kind, layer).query.shape[1]

    def shares(self, other: "AttentionTrace", kind: str, layer: int) -> bool:
        """Whether this layer was taken from the other run as it is (see `base` of `trace_attention`).

        Raises NoSuchMapError.
        """
        return self._call(kind, layer).query.data_ptr() == other._call(kind, layer).query.data_ptr()

    def weights(
        self, kind: str, layer: int, head: int | None = None, queries: slice | None = None
    ) -> Float[np.ndarray, "heads query key"] | Float[np.ndarray, "query key"]:
        """The attention weights of a layer, or of one head, float32; of some of the `queries`, if these are given.

        Computed now, from the recorded queries and keys, by the module's own `eager_attention_forward`. A query that
        may look nowhere has a row of zeros. Rows of models with attention sinks add up to less than 1. A head that was
        given another pattern (`ReplacePattern`) has that one.

        Raises NoSuchMapError.
        """
        call = self._call(kind, layer, head)
        _, heads, count, _ = call.query.shape
        keys = call.key.shape[2]
        first, last, _ = (queries or slice(None)).indices(count)
        mask = full_mask(call)
        weights = np.empty((heads, last - first, keys) if head is None else (last - first, keys), dtype=np.float32)
        step = max(_FEWEST_ROWS, _WEIGHTS_AT_ONCE // (heads * keys))
        for start in range(first, last, step):
            end = min(start + step, last)
            some = _weights_of_rows(call, mask, slice(start, end), self.loaded.device)
            weights[..., start - first : end - first, :] = some if head is None else some[head]
        for each in self.interventions:
            if isinstance(each, ReplacePattern) and (each.kind, each.layer) == (kind, layer):
                pattern = np.array(each.pattern[first:last], dtype=np.float32)
                if head is None:
                    weights[each.head] = pattern
                elif head == each.head:
                    weights = pattern
        return weights

    def visible(self, kind: str, layer: int, head: int = 0) -> Bool[np.ndarray, "query key"]:
        """Where each query of this head may look: false for the future, beyond a window, and for what was hidden.

        Raises NoSuchMapError.
        """
        call = self._call(kind, layer, head)
        queries, keys = call.query.shape[2], call.key.shape[2]
        mask = full_mask(call)
        if mask is None:
            return np.ones((queries, keys), dtype=bool)
        allowed = allowed_keys(mask)[0]
        return allowed[head if allowed.shape[0] > 1 else 0].expand(queries, keys).cpu().numpy().copy()

    def queries(self, kind: str, layer: int) -> Float[np.ndarray, "heads query head_dim"]:
        """The query vectors after rotary embedding, float32. Raises NoSuchMapError."""
        return _to_numpy(self._call(kind, layer).query[0])

    def keys(self, kind: str, layer: int) -> Float[np.ndarray, "heads key head_dim"]:
        """The key vectors after rotary embedding, float32, repeated for each head of a group. Raises NoSuchMapError."""
        call = self._call(kind, layer)
        return _to_numpy(_per_query_head(call.key, call))

    def values(self, kind: str, layer: int) -> Float[np.ndarray, "heads key value_dim"]:
        """The value vectors, float32, repeated for each query head of a group. Raises NoSuchMapError."""
        call = self._call(kind, layer)
        return _to_numpy(_per_query_head(call.value, call))

    def _call(self, kind: str, layer: int, head: int | None = None) -> Call:
        there = self.layers(kind)
        if not there:
            raise NoSuchMapError(f"This model has no such attention; it has {', '.join(self.kinds)}.")
        if layer not in there:
            whole = there == tuple(range(len(there)))
            listed = f"{there[0]} to {there[-1]}" if whole else ", ".join(map(str, there))
            raise NoSuchMapError(f"There is no map of layer {layer}: this model has maps of layers {listed}.")
        call = self.calls[kind, layer]
        if head is not None and not 0 <= head < call.query.shape[1]:
            raise NoSuchMapError(f"There is no head {head}: this layer has heads 0 to {call.query.shape[1] - 1}.")
        return call


def trace_attention(
    loaded: LoadedModel,
    text: str | Sequence[int],
    target_text: str | Sequence[int] | None = None,
    interventions: Sequence[Intervention] = (),
    base: AttentionTrace | None = None,
) -> AttentionTrace:
    """Run the model once over `text` and record its attention.

    text: a text, or token ids that go to the model as they are (no special tokens are added).
    target_text: for seq2seq models, what the decoder is given (teacher-forced): a text, shifted right as in training,
        or the decoder's input ids as they are; None gives it its start token alone.
    interventions: what is changed in this run.
    base: another trace of the same text. What ran in it before the first thing that is changed here runs not again.

    Raises TextError, InputError (empty, longer than the model's positions, ids out of the vocabulary),
    InterventionError, NothingRecordedError.
    """
    return trace_rows(loaded, text, (tuple(interventions),), target_text, base)[0]


def trace_rows(
    loaded: LoadedModel,
    text: str | Sequence[int],
    rows: Sequence[Sequence[Intervention]],
    target_text: str | Sequence[int] | None = None,
    base: AttentionTrace | None = None,
) -> tuple[AttentionTrace, ...]:
    """Run the model once over a batch with one row for each set of interventions, all of the same text.

    base: as in `trace_attention`.

    Returns one trace per row, equal to those of `trace_attention` one by one. Raises what it raises.
    """
    if any(isinstance(each, HideToken) for row in rows for each in row) and (why := loaded.refusal("hidden token")):
        raise InterventionError(why)
    inputs = model_inputs(loaded, text, target_text)
    each = tuple(tuple(row) for row in rows)
    run, output, said = _forward(loaded, inputs, each, last_only=True, base=base)
    if not run.calls:
        raise NothingRecordedError(
            f"{type(loaded.model).__name__} ran, but none of its attention went through transformers' registry."
        )
    for row in each:
        for intervention in row:
            _check_address(intervention, run)
    keeps_all = output.shape[1] == len(inputs.target_ids or inputs.ids)
    return tuple(
        AttentionTrace(
            loaded=loaded,
            pieces=inputs.pieces,
            target_pieces=inputs.target_pieces,
            last_output=_to_numpy(output[row, -1]),
            calls={address: _row(call, row, len(each)) for address, call in run.calls.items()},
            inputs=inputs,
            interventions=each[row],
            whole_output=_to_numpy(output[row]) if keeps_all else None,
            said=said,
        )
        for row in range(len(each))
    )


def _forward(
    loaded: LoadedModel,
    inputs: Inputs,
    rows: tuple[tuple[Intervention, ...], ...],
    *,
    last_only: bool,
    base: AttentionTrace | None,
) -> tuple[Run, Tensor, tuple[Said, ...]]:
    """One recorded forward; the output is [batch, position or 1, vocabulary or width]."""
    known = _known(loaded, inputs, rows, base)
    run = Run(interventions=rows if any(rows) else (), is_seq2seq=bool(loaded.model.config.is_encoder_decoder))
    if base is not None:
        run.replay({call: base.calls[call] for each in known for call in each.calls})
    blocks = Blocks(run, known, len(rows), keeps=len(rows) == 1 and not rows[0] and not known)
    arguments = inputs.arguments(loaded, len(rows), last_only=last_only, rows=rows)
    with torch.inference_mode(), recording(run), blocks.of(loaded.model) as model:
        result = model(**arguments)
        said = blocks.said()
    output = result["logits"] if "logits" in result else result["last_hidden_state"]
    return run, output, said


def _known(
    loaded: LoadedModel, inputs: Inputs, rows: tuple[tuple[Intervention, ...], ...], base: AttentionTrace | None
) -> tuple[Said, ...]:
    """What the blocks say in every one of these rows as they do in `base`."""
    if base is None or base.loaded is not loaded:
        return ()
    if (base.inputs.ids, base.inputs.target_ids) != (inputs.ids, inputs.target_ids):
        return ()
    # Of a run with interventions nothing is kept, so that those of the rows are all that differs.
    changes = [each for row in rows for each in row]
    known = unchanged(base.said, changes, is_seq2seq=bool(loaded.model.config.is_encoder_decoder))
    # Of one token it cannot be told what the first axis of a tensor counts.
    can_be_rows = len(rows) == 1 or (len(inputs.ids) > 1 and all(each.has_rows for each in known))
    return known if can_be_rows else ()


def _check_address(intervention: Intervention, run: Run) -> None:
    """Raise InterventionError for a layer that never ran, which would otherwise change nothing and say nothing."""
    if isinstance(intervention, HideToken):
        if intervention.in_target and not run.is_seq2seq:
            raise InterventionError("This model has no target to hide a token of: it is not a seq2seq model.")
        return
    kind, layer = intervention.kind, intervention.layer
    if (kind, layer) not in run.calls:
        raise InterventionError(
            f"There is no {kind} layer {layer} in this run to switch off; there are "
            + ", ".join(f"{len([1 for other, _ in run.calls if other == each])} {each}" for each in KINDS)
            + " layers."
        )


def _row(call: Call, row: int, batch: int) -> Call:
    """One row of a batch of recorded calls, off the device: the GPU's memory is for models."""

    def pick(value: Any) -> Any:
        if isinstance(value, Tensor):
            value = value[row : row + 1] if value.dim() > 1 and value.shape[0] == batch else value
            return value.to("cpu", non_blocking=False)
        return value

    return replace(
        call,
        query=pick(call.query),
        key=pick(call.key),
        value=pick(call.value),
        mask=pick(call.mask),
        arguments={name: pick(value) for name, value in call.arguments.items()},
    )


def _weights_of_rows(
    call: Call, mask: Tensor | None, rows: slice, device: torch.device
) -> Float[np.ndarray, "heads rows key"]:
    """The weights of some of the queries: each row is a softmax of its own, and a few rows at a time stay in the
    processor's cache.
    """
    size = (call.query.shape[2], call.key.shape[2])
    device = computing_device(call.module, device)

    def some(value: Any) -> Any:
        # Masks and position biases have a row for each query, or one for all of them.
        has_rows = isinstance(value, Tensor) and value.dim() >= 3 and value.shape[-2:] == size
        return _moved(value[..., rows, :] if has_rows else value, device)

    of_rows = some(mask)
    with torch.inference_mode():
        # The weighted values are not wanted: one column of them is the least that every function accepts.
        _, weights = eager_function(call.module)(
            with_own_weights(call.module),
            call.query[:, :, rows].to(device),
            call.key.to(device),
            call.value[..., :1].to(device),
            additive(of_rows, call.query.dtype),
            **{name: some(value) for name, value in call.arguments.items()},
        )
        if of_rows is not None:
            blank = ~allowed_keys(of_rows).any(dim=-1, keepdim=True)
            if blank.any():
                weights = weights.masked_fill(blank, 0)
    return _to_numpy(weights[0])


def _moved(value: Any, device: torch.device) -> Any:
    return value.to(device) if isinstance(value, Tensor) else value


def _per_query_head(tensor: Tensor, call: Call) -> Tensor:
    return tensor[0].repeat_interleave(call.query.shape[1] // tensor.shape[1], dim=0)


def _to_numpy(tensor: Tensor) -> np.ndarray:
    return tensor.detach().to("cpu", torch.float32).numpy()
