"""One recorded forward of one text: the calls of the attention function, the output, the blocks' cached outputs."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from models.errors import HeadlightError
from models.forward.cached_block_outputs import BeforeHook, Blocks, CachedOutput, Hook, unchanged
from models.forward.capture import Call, Run, recording
from models.forward.inputs import Inputs, bare_inputs, plain_ids
from models.forward.interventions import HideToken, Intervention, InterventionError
from models.forward.map_axes import KINDS
from models.loaded import LoadedModel


class NothingRecordedError(HeadlightError):
    """A forward in which no attention went through the registered function."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__(f"{type(model).__name__} ran, but none of its attention went through transformers' registry.")


@dataclass(frozen=True, eq=False)
class RecordedRun:
    """What one forward of one text leaves behind.

    Holds tensors and the model's modules, O(layers x tokens x width) in memory, and lives no longer than its model.

    calls: of the attention function, by kind and layer, off the device.
    interventions: what was changed in this run.
    last_output: the model's output at the last position, [vocabulary] (logits) or [width], float32.
    whole_output: the output at every position, where the model computed it anyway; else None.
    cached: the outputs of the model's first blocks; empty for a run with interventions.
    """

    loaded: LoadedModel
    inputs: Inputs
    interventions: tuple[Intervention, ...]
    calls: dict[tuple[str, int], Call]
    last_output: Float[np.ndarray, " output"]
    whole_output: Float[np.ndarray, "position output"] | None
    cached: tuple[CachedOutput, ...] = ()

    @cached_property
    def outputs(self) -> Float[np.ndarray, "position output"]:
        """The model's logits, or its last hidden state where it has no head, at every position, float32.

        A decoder's logits of all positions are large and seldom wanted: they are computed by one more forward with
        the same interventions when somebody asks for them.
        """
        if self.whole_output is not None:
            return self.whole_output
        _, output, _ = recorded_forward(self.loaded, self.inputs, (self.interventions,), last_only=False, base=self)
        return to_numpy(output[0])

    @property
    def nbytes(self) -> int:
        """Bytes that the recorded tensors hold, shared storage counted once."""
        storages = {}
        for call in self.calls.values():
            for tensor in (call.query, call.key, call.value, call.mask, *call.arguments.values()):
                if isinstance(tensor, Tensor):
                    storages[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage().nbytes()
        for tensor in (tensor for each in self.cached for tensor in each.tensors):
            storages[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage().nbytes()
        return (
            sum(storages.values())
            + self.last_output.nbytes
            + (0 if self.whole_output is None else self.whole_output.nbytes)
        )


def recorded_forward(
    loaded: LoadedModel,
    inputs: Inputs,
    rows: tuple[tuple[Intervention, ...], ...],
    *,
    last_only: bool,
    base: RecordedRun | None,
    hooks: Mapping[nn.Module, Hook] | None = None,
    returned: Callable[[str, int, Tensor], None] | None = None,
    before: Mapping[nn.Module, BeforeHook] | None = None,
) -> tuple[Run, Tensor, tuple[CachedOutput, ...]]:
    """One recorded forward; the output is [batch, position or 1, vocabulary or width].

    hooks, before: on modules of the shared model; they act on copies of these in this forward alone. Where one outside
        of its blocks changes what a block is given, there must be no `base`.
    returned: told what each call of the attention function that runs returns (see `Run`).
    """
    known = _known(loaded, inputs, rows, base, {*(hooks or {}), *(before or {})})
    run = Run(interventions=rows if any(rows) else (), is_seq2seq=loaded.is_seq2seq, returned=returned)
    if base is not None:
        run.replay({call: base.calls[call] for each in known for call in each.calls})
    keeps = len(rows) == 1 and not rows[0] and not known and not hooks and not before
    blocks = Blocks(run, known, len(rows), keeps=keeps, hooks=hooks, before=before)
    arguments = inputs.arguments(loaded, len(rows), last_only=last_only, rows=rows)
    with torch.inference_mode(), recording(run), blocks.of(loaded.model) as model:
        result = model(**arguments)
        cached = blocks.cached()
    return run, output_of(result), cached


def short_run(
    loaded: LoadedModel, shadow: nn.Module, returned: Callable[[str, int, Tensor], None] | None = None
) -> Run:
    """One recorded forward of a shadow of the model over three tokens that mean nothing special: enough for a turn by
    the position to be seen, and for a decoder to have something to look back at.

    returned: told what each call of the attention function returns (see `Run`).

    Takes the device: call it while holding its lock. Raises NothingRecordedError.
    """
    run = Run(is_seq2seq=loaded.is_seq2seq, returned=returned)
    arguments = bare_inputs(loaded, plain_ids(loaded, 3)).arguments(loaded, 1, last_only=False)
    with torch.inference_mode(), recording(run):
        shadow(**arguments)
    if not run.calls:
        raise NothingRecordedError(loaded.model)
    return run


def output_of(result: Any) -> Tensor:
    """Logits, or the last hidden state of a model without a head: [row, position, output]."""
    return result["logits"] if "logits" in result else result["last_hidden_state"]


def _known(
    loaded: LoadedModel,
    inputs: Inputs,
    rows: tuple[tuple[Intervention, ...], ...],
    base: RecordedRun | None,
    hooked: Collection[nn.Module],
) -> tuple[CachedOutput, ...]:
    """The outputs cached in `base` that are the same in every one of these rows."""
    if base is None or base.loaded is not loaded:
        return ()
    if (base.inputs.ids, base.inputs.target_ids) != (inputs.ids, inputs.target_ids):
        return ()
    # Of a run with interventions nothing is kept, so that those of the rows are all that differs.
    changes = [each for row in rows for each in row]
    known = unchanged(base.cached, changes, is_seq2seq=loaded.is_seq2seq, hooked=hooked)
    # Of one token it cannot be told what the first axis of a tensor counts.
    can_be_rows = len(rows) == 1 or (len(inputs.ids) > 1 and all(each.has_rows for each in known))
    return known if can_be_rows else ()


def check_address(intervention: Intervention, run: Run) -> None:
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


def row_of(call: Call, row: int, batch: int) -> Call:
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


def to_numpy(tensor: Tensor) -> np.ndarray:
    """The tensor's numbers as float32, off the device."""
    return tensor.detach().to("cpu", torch.float32).numpy()
