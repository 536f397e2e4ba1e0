"""Runs of one text in which parts are changed, many at once as rows of a batch, and the quantity that each leaves."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import count
from typing import Any, Literal, TypeVar, cast

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from models.attention.trace import AttentionTrace, TraceRequest
from models.engine import Engine
from models.forward.cached_block_outputs import Hook
from models.forward.inputs import Inputs
from models.forward.interventions import Intervention, Rows, Vectors, put_into
from models.forward.recorded_run import recorded_forward, to_numpy
from models.heads.measured_quantity import MeasuredQuantity, MeasuredRequest, Quantity, Reading, reading, reads_all
from models.heads.parts_of_model import EffectsError, Part, blocks_of
from models.loaded import LoadedModel

MOST_TOKENS = 512
# More rows at once are no faster: the processor is busy, and others wait for their turn.
_MOST_ROWS, _MOST_POSITIONS = 16, 512
_MOST_STEPS = 128
# A quarter of a gigabyte of logits.
_MOST_OUTPUTS = 2**26


@dataclass(frozen=True)
class Patch:
    """What a layer or its MLP gives, replaced in one row.

    of: "mlp" what the MLP gives; "added" what the layer adds to the stream; "stream" what the layer hands on.
    kind: of the stack, "encoder" or "decoder".
    vectors: one for each of `places`, or one for all of them; None for zeros. places: None for all.
    """

    of: Literal["mlp", "added", "stream"]
    kind: str
    layer: int
    vectors: Vectors | None
    places: tuple[int, ...] | None = None


Change = Intervention | Patch
Item = TypeVar("Item")
Address = tuple[str, int]


class ChangedRuns:
    """A text, what is measured of it, and its value in runs with changes.

    trace: the run as it is. measured: the quantity; reading: what reads it of an output.
    """

    def __init__(
        self, engine: Engine, request: TraceRequest, quantity: Quantity | tuple[MeasuredQuantity, Reading]
    ) -> None:
        """quantity: of this text, or what was measured in another one and how it is read in this one.

        Raises what `TraceRequest` raises; QuantityError, EffectsError for a text that is too long.
        """
        self._engine = engine
        self.request = request
        self.trace: AttentionTrace = engine.run(request)
        self.loaded: LoadedModel = self.trace.loaded
        self._base = self.trace
        if request.interventions:
            intact = engine.answers.peek(replace(request, interventions=()))
            self._base = intact if isinstance(intact, AttentionTrace) else None
        inputs = self.trace.inputs
        longest = max(len(inputs.ids), len(inputs.target_ids))
        if longest > MOST_TOKENS:
            raise EffectsError(
                f"Each part takes a run of its own, and this text has {longest:,} tokens; take one of at most "
                f"{MOST_TOKENS}."
            )
        if isinstance(quantity, tuple):
            self.measured, self.reading = quantity
            return
        self.measured: MeasuredQuantity = engine.run(MeasuredRequest(request, quantity))
        with engine.forward(self.loaded):
            self.reading: Reading = reading(self.measured, self.trace)

    @property
    def rows_at_once(self) -> int:
        """How many rows one batch may have."""
        inputs = self.trace.inputs
        tokens = len(inputs.ids) + len(inputs.target_ids)
        rows = min(_MOST_ROWS, _MOST_POSITIONS // tokens)
        if reads_all(self.measured):
            positions = len(inputs.target_ids or inputs.ids)
            rows = min(rows, _MOST_OUTPUTS // (positions * self.trace.last_output.shape[0]))
        return max(1, rows)

    def batches(self, items: Sequence[Item]) -> Iterator[tuple[Sequence[Item], bool]]:
        """Some items for each forward, and whether what is known after it is worth a step: of very many not each is,
        since all steps of a job are kept.
        """
        starts = range(0, len(items), self.rows_at_once)
        every = -(-len(starts) // _MOST_STEPS)
        for number, start in enumerate(starts):
            yield items[start : start + self.rows_at_once], number % every == 0 or number == len(starts) - 1

    def values(self, rows: Sequence[Sequence[Change]], *, from_start: bool = False) -> Float[np.ndarray, " row"]:
        """The quantity of each row, float64, in one forward of them all.

        from_start: compute every layer instead of beginning at the first that differs.

        Raises InterventionError.
        """
        return self._run(rows, from_start=from_start, read=self.reading)

    def values_and_first(
        self, rows: Sequence[Sequence[Change]]
    ) -> tuple[Float[np.ndarray, " row"], Float[np.ndarray, " output"]]:
        """The quantity of each row, and what the model puts out in the first one where the quantity is read (logits or
        a vector, float32); one forward of them all.

        Raises InterventionError.
        """
        place = self.measured.position if reads_all(self.measured) else -1
        first: list[np.ndarray] = []

        def read(output: Tensor) -> Tensor:
            first.append(to_numpy(output[0, place]))
            return self.reading(output)

        return self._run(rows, from_start=False, read=read), first[0]

    def _run(self, rows: Sequence[Sequence[Change]], *, from_start: bool, read: Reading) -> Float[np.ndarray, " row"]:
        given: Rows = tuple(
            (*self.request.interventions, *(each for each in row if not isinstance(each, Patch))) for row in rows
        )
        patches = [[each for each in row if isinstance(each, Patch)] for row in rows]
        with self._engine.forward(self.loaded), torch.inference_mode():
            _, output, _ = recorded_forward(
                self.loaded,
                self.trace.inputs,
                given,
                last_only=not reads_all(self.measured),
                base=None if from_start else self._base,
                hooks=patch_hooks(self.loaded, patches),
            )
            return read(output).cpu().numpy()


def given_by(
    loaded: LoadedModel, inputs: Inputs, part: Part, interventions: tuple[Intervention, ...] = ()
) -> dict[Address, Float[Tensor, "position part width"]]:
    """What each part gives at each position, by kind and layer; of layers what they add to the stream.

    Takes the device: call it while holding its lock. Raises EffectsError for a layer that attends twice.
    """
    found: dict[Address, Tensor] = {}

    def returned(kind: str, layer: int, output: Tensor) -> None:
        if (kind, layer) in found:
            raise EffectsError(
                f"The heads of {loaded.card.title} give two outputs each, so that there is no one vector to put in "
                "their place; switch them off with zero."
            )
        found[kind, layer] = output[0]

    def passed(address: Address, given: Tensor, output: Tensor) -> None:
        found[address] = (output - given if part == "layers" else output)[0][:, None]

    if part == "heads":
        recorded_forward(loaded, inputs, (interventions,), last_only=True, base=None, returned=returned)
    else:
        hooks = watching_hooks(loaded, part, passed)
        recorded_forward(loaded, inputs, (interventions,), last_only=True, base=None, hooks=hooks)
    return found


def stream_of(loaded: LoadedModel, inputs: Inputs) -> dict[Address, Float[Tensor, "position width"]]:
    """What each layer hands on. Takes the device: call it while holding its lock."""
    found: dict[Address, Tensor] = {}
    hooks = watching_hooks(loaded, "layers", lambda address, _, output: found.__setitem__(address, output[0]))
    recorded_forward(loaded, inputs, ((),), last_only=True, base=None, hooks=hooks)
    return found


def watching_hooks(
    loaded: LoadedModel, part: Part, told: Callable[[Address, Tensor, Tensor], Tensor | None]
) -> dict[nn.Module, Hook]:
    """Hooks for one forward that tell what each MLP, or each layer, is given and gives: [row, position, width].

    told: what it returns, unless None, takes the place of what was given.
    """
    by_module: dict[nn.Module, dict[int, Address]] = defaultdict(dict)
    for address, each in blocks_of(loaded, part).items():
        module, run = (each.mlp, each.mlp_run) if part == "mlps" else (each.block, each.run)
        if module is not None:
            by_module[module][run] = address
    return {module: _watching(runs, told) for module, runs in by_module.items()}


def _watching(runs: dict[int, Address], told: Callable[[Address, Tensor, Tensor], Tensor | None]) -> Hook:
    numbers = count()

    def hook(_: nn.Module, given: tuple[Any, ...], named: dict[str, Any], output: Any) -> Any:
        address = runs.get(next(numbers))
        if address is None:
            return None
        instead = told(address, first_of(given or tuple(named.values())), first_of(output))
        return None if instead is None else with_first(output, instead)

    return hook


def patch_hooks(loaded: LoadedModel, rows: Sequence[Sequence[Patch]]) -> dict[nn.Module, Hook]:
    """Hooks that put the patches of each row into what the modules return."""
    if not any(rows):
        return {}
    blocks = blocks_of(loaded, "layers")
    by_module: dict[nn.Module, dict[int, list[tuple[int, Patch]]]] = defaultdict(lambda: defaultdict(list))
    for row, patches in enumerate(rows):
        for patch in patches:
            block = blocks.get((patch.kind, patch.layer))
            module, run = (None, 0)
            if block is not None:
                module, run = (block.mlp, block.mlp_run) if patch.of == "mlp" else (block.block, block.run)
            if module is None:
                what = "MLP" if patch.of == "mlp" else "layer"
                raise EffectsError(f"There is no {what} in {patch.kind} layer {patch.layer} that could be seen.")
            by_module[module][run].append((row, patch))
    return {module: _putting(runs) for module, runs in by_module.items()}


def _putting(runs: dict[int, list[tuple[int, Patch]]]) -> Hook:
    numbers = count()

    def hook(_: nn.Module, given: tuple[Any, ...], named: dict[str, Any], output: Any) -> Any:
        patches = runs.get(next(numbers))
        if not patches:
            return None
        stream = first_of(given or tuple(named.values()))
        there = first_of(output).clone()
        for row, patch in patches:
            at = slice(None) if patch.places is None else list(patch.places)
            if patch.vectors is None:
                there[row, at] = 0
            else:
                put_into(there[row], patch.vectors, patch.places)
            if patch.of == "added":
                there[row, at] += stream[row, at]
        return with_first(output, there)

    return hook


def first_of(value: Any) -> Tensor:
    """The vectors among what a module takes or gives: the tensor, or the first of several."""
    return cast("Tensor", value[0] if isinstance(value, tuple | list) else value)


def with_first(value: Any, vectors: Tensor) -> Any:
    """The same with other vectors."""
    return (vectors, *value[1:]) if isinstance(value, tuple) else vectors
