"""Which parts of a model can be switched off, and what switches them off in one forward."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from itertools import count
from typing import Any, Literal

import torch
from torch import Tensor, nn

from models.anatomy.norms import BEFORE_LAYERS, NormRun, seen_norms
from models.anatomy.position_sources import position_sources
from models.anatomy.residual_connections import SeenResidual, SumsWithin, seen_residuals
from models.attention.trace import AttentionTrace
from models.errors import HeadlightError
from models.forward.cached_block_outputs import BeforeHook, Hook
from models.forward.interventions import HideToken, Intervention, ZeroHead
from models.forward.recorded_run import RecordedRun, check_address, recorded_forward
from models.heads.changed_runs import Patch, first_of, patch_hooks, with_first
from models.heads.layer_and_mlp_modules import seen_blocks
from models.loaded import LoadedModel

Sort = Literal["heads", "mlps", "layers", "norms", "residuals", "tokens", "positions"]
SORTS: tuple[Sort, ...] = ("heads", "mlps", "layers", "norms", "residuals", "tokens", "positions")


class SwitchError(HeadlightError):
    """A part that is not there, or that cannot be switched off in this model."""


@dataclass(frozen=True, order=True)
class OffPart:
    """One part of a model.

    sort: "heads", "mlps", "layers", "norms", "residuals", a token that nothing may look at, or "positions": every
        token stands at the first place.
    kind, layer, number: which one: of a head as in `ZeroHead`; of a norm or a residual connection its number among
        those of the layer; of a token its place. A norm before the first layer is in layer -1, one after the last in
        the layer that would come next.
    """

    sort: Sort
    kind: str = ""
    layer: int = 0
    number: int = 0


@dataclass(frozen=True)
class Switchable:
    """One part that can be switched off, and what it is called: "q_norm, on 16 numbers"."""

    part: OffPart
    name: str


def switchable(trace: AttentionTrace) -> dict[Sort, tuple[Switchable, ...]]:
    """Every part of every sort, in order; an empty tuple where this model has none that can be seen.

    Takes the device: call it while holding its lock.
    """
    loaded = trace.loaded
    blocks = sorted(seen_blocks(loaded), key=lambda each: (each.kind != "encoder", each.layer))
    found: dict[Sort, tuple[Switchable, ...]] = {
        "heads": tuple(
            Switchable(OffPart("heads", kind, layer, head), f"L{layer} H{head}")
            for kind in trace.kinds
            for layer in trace.layers(kind)
            for head in range(trace.heads(kind, layer))
        ),
        "mlps": tuple(
            Switchable(OffPart("mlps", each.kind, each.layer), "MLP") for each in blocks if each.mlp is not None
        ),
        "layers": tuple(Switchable(OffPart("layers", each.kind, each.layer), "layer") for each in blocks),
        "norms": tuple(Switchable(_part_of(each), _name(each)) for each in seen_norms(loaded)),
        "residuals": tuple(
            Switchable(OffPart("residuals", each.kind, each.layer, each.number), f"around {each.around}")
            for each in seen_residuals(loaded)
        ),
        "tokens": ()
        if loaded.refusal("hidden token")
        else tuple(
            Switchable(OffPart("tokens", kind, 0, place), text)
            for kind, tokens in (("", trace.tokens), ("target", trace.target_tokens))
            for place, text in enumerate(tokens)
        ),
        "positions": (Switchable(OffPart("positions"), "all positions"),) if position_sources(loaded) else (),
    }
    return found


@dataclass(frozen=True, eq=False)
class Switches:
    """What switches parts off in the rows of one forward.

    interventions: of the attention function, row by row. hooks, before: on modules of the shared model. within: what
        the forward has to run in. can_replay: whether all blocks before the first hooked one give what they gave.
    """

    interventions: tuple[tuple[Intervention, ...], ...]
    hooks: Mapping[nn.Module, Hook]
    before: Mapping[nn.Module, BeforeHook]
    within: AbstractContextManager[Any]
    can_replay: bool


def switches(
    loaded: LoadedModel,
    rows: Sequence[Sequence[OffPart]],
    given: tuple[Intervention, ...] = (),
    order: Mapping[nn.Module, Hook] | None = None,
) -> Switches:
    """What switches these parts off, in each row of a batch its own.

    given: what is changed in every row besides. order: hooks that change the places, in all rows.

    Takes the device: call it while holding its lock. Raises SwitchError for a part that is not there.
    """
    interventions: list[tuple[Intervention, ...]] = []
    patches: list[list[Patch]] = []
    norms: dict[NormRun, set[int]] = defaultdict(set)
    sums: dict[SeenResidual, set[int]] = defaultdict(set)
    for row, parts in enumerate(rows):
        own, patched = list(given), []
        for each in parts:
            if each.sort == "heads":
                own.append(ZeroHead(each.kind, each.layer, each.number))
            elif each.sort == "tokens":
                own.append(HideToken(each.number, in_target=each.kind == "target"))
            elif each.sort in ("mlps", "layers"):
                patched.append(Patch("mlp" if each.sort == "mlps" else "added", each.kind, each.layer, None))
            elif each.sort == "norms":
                norms[_found(seen_norms(loaded), each)].add(row)
            elif each.sort == "residuals":
                sums[_found(seen_residuals(loaded), each)].add(row)
        interventions.append(tuple(own))
        patches.append(patched)
    hooks = dict(patch_hooks(loaded, patches))
    by_module: dict[nn.Module, dict[int, set[int]]] = defaultdict(dict)
    for norm, where in norms.items():
        by_module[norm.module][norm.run] = where
    for module, runs in by_module.items():
        hooks[module] = _unnormed(runs, len(rows))
    hooks |= dict(order or {})
    within, before = _without_sums(sums, len(rows))
    outside = any(_is_outside(loaded, each) and not each.is_last for each in norms)
    return Switches(tuple(interventions), hooks, before, within, can_replay=not order and not outside)


def switched_forward(
    trace: AttentionTrace,
    rows: Sequence[Sequence[OffPart]],
    *,
    base: RecordedRun | None,
    last_only: bool,
    order: Mapping[nn.Module, Hook] | None = None,
) -> Tensor:
    """The output of one forward with a row for each set of parts that are off: [row, position or 1, output].

    base: the text as it is, whose blocks before the first change are replayed.

    Takes the device: call it while holding its lock. Raises SwitchError, EffectsError, InterventionError.
    """
    loaded = trace.loaded
    found = switches(loaded, rows, trace.interventions, order)
    with found.within:
        run, output, _ = recorded_forward(
            loaded,
            trace.inputs,
            found.interventions,
            last_only=last_only,
            base=base if found.can_replay else None,
            hooks=found.hooks,
            before=found.before,
        )
    for each in (each for row in found.interventions for each in row):
        check_address(each, run)
    return output


def _part_of(norm: NormRun) -> OffPart:
    return OffPart("norms", norm.kind, norm.layer, norm.number)


def _name(norm: NormRun) -> str:
    return f"{norm.name}, inside of a part" if norm.is_inner else norm.name


def _found(seen: Sequence[Any], part: OffPart) -> Any:
    for each in seen:
        if (each.kind, each.layer, each.number) == (part.kind, part.layer, part.number):
            return each
    what = "norm" if part.sort == "norms" else "residual connection"
    where = "before the layers" if part.layer == BEFORE_LAYERS else f"in {part.kind} layer {part.layer}"
    raise SwitchError(f"There is no {what} {part.number} {where} that could be seen; choose another one.")


def _is_outside(loaded: LoadedModel, norm: NormRun) -> bool:
    return all((each.kind, each.layer) != (norm.kind, norm.layer) for each in seen_blocks(loaded))


def _unnormed(runs: Mapping[int, set[int]], rows: int) -> Hook:
    """A norm that hands on what it is given, in some rows of some of its runs."""
    numbers = count()

    def hook(_: nn.Module, given: tuple[Any, ...], named: dict[str, Any], output: Any) -> Any:
        where = runs.get(next(numbers))
        if where is None:
            return None
        taken = first_of(given or tuple(named.values()))
        normed = first_of(output)
        if len(where) == rows:
            return with_first(output, taken.to(normed.dtype))
        # Some layers put all tokens of all rows one below the other.
        there = normed.clone()
        for row, (each, given_to) in enumerate(zip(there.chunk(rows), taken.chunk(rows), strict=True)):
            if row in where:
                each.copy_(given_to)
        return with_first(output, there)

    return hook


def _without_sums(
    off: Mapping[SeenResidual, set[int]], rows: int
) -> tuple[AbstractContextManager[Any], dict[nn.Module, BeforeHook]]:
    """What the forward has to run in, so that these sums are what the part gives alone."""
    if not off:
        return nullcontext(), {}
    where = {(each.block, each.run, each.sum): (each.side, which) for each, which in off.items()}

    def told(block: nn.Module, run: int, number: int, sides: tuple[Tensor, Tensor]) -> Tensor | None:
        found = where.get((block, run, number))
        if found is None:
            return None
        side, which = found
        part = sides[1 - side]
        if len(which) == rows:
            return part
        is_off = torch.zeros(rows, dtype=torch.bool, device=part.device)
        is_off[list(which)] = True
        return torch.where(
            is_off.repeat_interleave(len(part) // rows).view(-1, *[1] * (part.dim() - 1)), part, sides[0] + sides[1]
        )

    mode = SumsWithin(told)
    return mode, {each.block: mode.began(each.block) for each in off}
