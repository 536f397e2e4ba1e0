"""One recorded forward, and what can be asked of it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, overload

import numpy as np
from jaxtyping import Bool, Float
from torch import Tensor

from models.engine import Engine
from models.engine.cancellation import between_steps
from models.errors import HeadlightError
from models.forward.capture import Call, allowed_keys, full_mask
from models.forward.eager import attended, head_alone, of_queries
from models.forward.inputs import Inputs, model_inputs, shifted_right
from models.forward.interventions import HideToken, Intervention, InterventionError, ReplacePattern
from models.forward.map_axes import KINDS, Axes, Kind, axes
from models.forward.recorded_run import (
    NothingRecordedError,
    RecordedRun,
    check_address,
    recorded_forward,
    row_of,
    to_numpy,
)
from models.loaded import LoadedModel
from models.tokenization import Piece

# About 16 MB of weights: each call costs the waking of the other threads, and more at once is no faster.
_WEIGHTS_AT_ONCE = 2**22
_FEWEST_ROWS = 16
# From so many weights of a layer on, one head is computed without the others.
_LARGE_LAYER = 2**18


class NoSuchMapError(HeadlightError):
    """A kind, layer or head that this trace has no map of."""


class TooManyTokensError(HeadlightError):
    """A text of more tokens than this can be asked of."""


@dataclass(frozen=True, eq=False)
class AttentionTrace(RecordedRun):
    """A recorded run, and the maps, queries, keys and values of its layers, each computed when it is asked for."""

    def __repr__(self) -> str:
        """What it is of, in a line: the dataclass' own would print every tensor."""
        maps = ", ".join(f"{len(self.layers(kind))} {kind} layers" for kind in self.kinds)
        tokens = f"{len(self.tokens)} tokens" + (f" to {len(self.target_tokens)}" if self.target_pieces else "")
        changed = f", {len(self.interventions)} interventions" if self.interventions else ""
        return f"<AttentionTrace of {self.loaded.card.title}: {tokens}, {maps}{changed}>"

    @property
    def kinds(self) -> tuple[Kind, ...]:
        """The kinds of attention there are, a subset of ("encoder", "decoder", "cross") in this order."""
        return tuple(kind for kind in KINDS if self.layers(kind))

    @property
    def pieces(self) -> tuple[Piece, ...]:
        """One for each position of the input."""
        return self.inputs.pieces

    @property
    def target_pieces(self) -> tuple[Piece, ...]:
        """One for each position of the decoder's input; empty unless the model is seq2seq."""
        return self.inputs.target_pieces

    def axes(self, kind: str) -> Axes[Piece]:
        """The pieces of the rows (queries) and of the columns (keys) of the maps of this kind."""
        return axes(kind, self.pieces, self.target_pieces)

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
        # The weighted values are not wanted: one column of them is the least that every function accepts.
        whole = replace(call, mask=full_mask(call), is_causal=False, value=call.value[..., :1])
        part, place = None, head
        if head is not None and heads * keys * (last - first) > _LARGE_LAYER:
            part = head_alone(whole, head, slice(max(first, last - _FEWEST_ROWS), last), self.loaded.device)
        if part is not None:
            whole, heads, place = part, 1, 0
        weights = np.empty((heads, last - first, keys) if head is None else (last - first, keys), dtype=np.float32)
        step = max(_FEWEST_ROWS, _WEIGHTS_AT_ONCE // (heads * keys))
        for start in range(first, last, step):
            between_steps()
            end = min(start + step, last)
            # Each row is a softmax of its own, and a few rows at a time stay in the processor's cache.
            asked = whole if end - start == count else of_queries(whole, slice(start, end))
            some = to_numpy(attended(asked, self.loaded.device)[1])
            weights[..., start - first : end - first, :] = some if place is None else some[place]
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
        return to_numpy(self._call(kind, layer).query[0])

    def keys(self, kind: str, layer: int) -> Float[np.ndarray, "heads key head_dim"]:
        """The key vectors after rotary embedding, float32, repeated for each head of a group. Raises NoSuchMapError."""
        call = self._call(kind, layer)
        return to_numpy(_per_query_head(call.key, call))

    def values(self, kind: str, layer: int) -> Float[np.ndarray, "heads key value_dim"]:
        """The value vectors, float32, repeated for each query head of a group. Raises NoSuchMapError."""
        call = self._call(kind, layer)
        return to_numpy(_per_query_head(call.value, call))

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


@overload
def trace_attention(
    loaded: LoadedModel,
    text: str | Sequence[int],
    target_text: str | Sequence[int] | None = None,
    interventions: Sequence[Intervention] = (),
    base: AttentionTrace | None = None,
) -> AttentionTrace: ...
@overload
def trace_attention(
    loaded: LoadedModel,
    text: list[str] | tuple[str, ...],
    target_text: list[str] | tuple[str, ...] | None = None,
    interventions: Sequence[Intervention] = (),
) -> tuple[AttentionTrace, ...]: ...
def trace_attention(
    loaded: LoadedModel,
    text: str | Sequence[int] | Sequence[str],
    target_text: str | Sequence[int] | Sequence[str] | None = None,
    interventions: Sequence[Intervention] = (),
    base: AttentionTrace | None = None,
) -> AttentionTrace | tuple[AttentionTrace, ...]:
    """Run the model once over `text` and record its attention; over each of several texts by itself, one trace each.

    text: a text, token ids that go to the model as they are (no special tokens are added), or a list of texts.
    target_text: for seq2seq models, what the decoder is given (teacher-forced): a text, shifted right as in training,
        or the decoder's input ids as they are; None gives it its start token alone.
    interventions: what is changed in this run.
    base: another trace of the same text. The blocks before the first intervention are replayed from it.

    Raises TextError, InputError (empty, longer than the model's positions, ids out of the vocabulary),
    InterventionError, NothingRecordedError.
    """
    one: Any = text
    if not isinstance(text, str) and len(text) and isinstance(one[0], str):
        targets: Any = target_text if isinstance(target_text, list | tuple) else [target_text] * len(text)
        return tuple(
            trace_attention(loaded, each, target, interventions) for each, target in zip(one, targets, strict=True)
        )
    target: Any = target_text
    return trace_rows(loaded, one, (tuple(interventions),), target, base)[0]


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
    return traced(loaded, model_inputs(loaded, text, target_text), rows, base)


def traced(
    loaded: LoadedModel,
    inputs: Inputs,
    rows: Sequence[Sequence[Intervention]] = ((),),
    base: AttentionTrace | None = None,
) -> tuple[AttentionTrace, ...]:
    """The same of inputs that are made already, of a text or a picture."""
    each = tuple(tuple(row) for row in rows)
    run, output, cached = recorded_forward(loaded, inputs, each, last_only=True, base=base)
    if not run.calls:
        raise NothingRecordedError(loaded.model)
    for row in each:
        for intervention in row:
            check_address(intervention, run)
    keeps_all = output.shape[1] == len(inputs.target_ids or inputs.ids)
    return tuple(
        AttentionTrace(
            loaded=loaded,
            inputs=inputs,
            interventions=each[row],
            calls={address: row_of(call, row, len(each)) for address, call in run.calls.items()},
            last_output=to_numpy(output[row, -1]),
            whole_output=to_numpy(output[row]) if keeps_all else None,
            cached=cached,
        )
        for row in range(len(each))
    )


def _per_query_head(tensor: Tensor, call: Call) -> Tensor:
    return tensor[0].repeat_interleave(call.query.shape[1] // tensor.shape[1], dim=0)


@dataclass(frozen=True)
class TraceRequest:
    """One recorded forward. Its answer stays on the engine's side; the other requests slice it.

    text: or token ids, as they go to the model (a decoder's prompt with what it wrote).
    target: for seq2seq models, what is written: a text, or the tokens that were generated, its end token among them.
        Row t of the decoder and of the cross-attention is then the step that writes token t.
    """

    model: str
    text: str | tuple[int, ...]
    target: str | tuple[int, ...] | None = None
    interventions: tuple[Intervention, ...] = ()

    def answer(self, engine: Engine) -> AttentionTrace:
        """Raises what `load_model` and `trace_attention` raise."""
        loaded = engine.model(self.model)
        target = shifted_right(loaded, self.target) if isinstance(self.target, tuple) else self.target
        base = engine.answers.peek(replace(self, interventions=())) if self.interventions else None
        with engine.forward(loaded):
            return trace_attention(loaded, self.text, target, self.interventions, base)


@dataclass(frozen=True)
class OfHead:
    """One head of one layer of a trace."""

    trace: TraceRequest
    kind: str
    layer: int
    head: int
