"""How everything that is added to the residual stream reaches the output by itself: one forward, one slope.

A layer adds to the stream what its heads and its MLP give, and every norm on the way to the output only rescales the
sum. With the norms held still (`models.anatomy.frozen_norms`) and what the parts give held too, the output is a linear
function of what was added, and the slope of the output along each part, times the part, is its share. Nothing is looked
up by a name: a module that takes a vector of the stream and has a matrix is a linear map, one that gives the same
whatever its input is multiplied with is a norm, and the sum at the end tells whether that was all.
"""

from collections import Counter
from dataclasses import dataclass, replace
from typing import Any, Literal

import torch
from torch import Tensor, nn

from models.anatomy.frozen_norms import Norm, gates, is_curve, named_curve, seen_norm
from models.attention.output_projection import receivers_of
from models.forward.capture import ADDRESSES, Run, recording
from models.forward.inputs import Inputs
from models.forward.interventions import Rows
from models.forward.recorded_run import output_of
from models.forward.shadow_modules import shadow_of, without_parameters
from models.heads.layer_and_mlp_modules import SeenBlock, seen_blocks
from models.heads.parts_of_model import EffectsError
from models.loaded import LoadedModel

Of = Literal["embedding", "head", "mlp", "other", "bias"]

# Of the largest: how far apart the slopes of a straight line may be by rounding.
_STRAIGHT = 1e-5


@dataclass(frozen=True, order=True)
class Source:
    """Who adds a vector.

    of: "embedding" a row of a table or what else is there before the first layer; "head"; "mlp"; "other" another part
        of a layer, such as linear attention; "bias" what is added whatever the text is.
    name: of an embedding "token", "position", "type" or "rest"; of a bias where it stands: "projection", "norm",
        "final norm", "map" (of the embeddings), "head".
    kind: "encoder", "decoder" or "cross". layer, head: from 0, -1 for none. number: which of several of the same.
    """

    of: Of
    name: str = ""
    kind: str = ""
    layer: int = -1
    head: int = -1
    number: int = 0


@dataclass(frozen=True)
class Aim:
    """What the parts are measured towards: of the output at one row a logit, or the difference of two, by their `ids`;
    or, without any, how far the vector goes in a `direction`.
    """

    row: int
    ids: tuple[int, ...] = ()
    direction: tuple[float, ...] = ()


@dataclass(frozen=True, eq=False)
class DirectParts:
    """What each part adds to the number that is aimed at.

    parts: in the order in which they are added. aimed: the number they add up to, of this run. output: what the model
        puts out; another number only where the head bends its logits. is_bent: whether it does.
    why_not: what keeps the parts from being a sum, "" where nothing was seen to.
    has_held_curve: whether the head has a curve of its own, whose gates were held as well.
    """

    parts: tuple[tuple[Source, float], ...]
    aimed: float
    output: float
    is_bent: bool
    why_not: str
    has_held_curve: bool

    @property
    def total(self) -> float:
        """The sum of the parts."""
        return sum(value for _, value in self.parts)

    @property
    def largest(self) -> float:
        """What is aimed at, or the largest part where that is larger, by size."""
        return max(abs(self.aimed), *(abs(value) for _, value in self.parts), 1e-12)

    @property
    def error(self) -> float:
        """How far the sum is from what is aimed at, as a share of the largest."""
        return abs(self.total - self.aimed) / self.largest


def direct_parts(
    loaded: LoadedModel, inputs: Inputs, rows: Rows, aim: Aim, *, last_only: bool, holds_attention: bool = True
) -> DirectParts:
    """What each part adds; one forward over a shadow of the model, and a slope along the stream of one token.

    holds_attention: whether what attention is given is held, and with it the gates over its heads; not where it adds
        the stream to what it gives by itself (ALBERT).

    Takes the device: call it while holding its lock. Raises EffectsError where no stream can be seen.
    """
    path = _Path(loaded, holds_attention=holds_attention)
    run = Run(interventions=rows if any(rows) else (), is_seq2seq=loaded.is_seq2seq, returned=path.returned)
    arguments = inputs.arguments(loaded, 1, last_only=last_only, rows=rows)
    with torch.inference_mode(mode=False), torch.enable_grad(), recording(run):
        output = output_of(path.shadow(**arguments))
        return path.shares(output, aim)


class _Path:
    """One forward in which every part is a leaf, and only norms, maps and sums carry slopes."""

    def __init__(self, loaded: LoadedModel, *, holds_attention: bool) -> None:
        self._holds_attention = holds_attention
        model: Any = loaded.model
        blocks = seen_blocks(loaded)
        own = "decoder" if loaded.is_seq2seq else blocks[0].kind if blocks else ""
        self._stack = [each for each in blocks if each.kind == own]
        self._receivers = receivers_of(loaded)
        if not self._stack:
            raise EffectsError(
                f"It cannot be seen how the layers of {loaded.card.title} hand one stream on, so that there is no sum "
                "of parts; choose another model."
            )
        self._table = model.get_input_embeddings()
        self._positions = loaded.positions
        copies = shadow_of(model)
        self.shadow = copies[model]
        self._originals = {copy: original for original, copy in copies.items()}
        without_parameters(copies.values())
        self._leaves: list[tuple[Source, Tensor, Tensor]] = []
        self._norms: dict[nn.Module, Norm | None] = {}
        self._runs: Counter[nn.Module] = Counter()
        self._at: int | None = None
        self._entered: Tensor | None = None
        self._before: Tensor | None = None
        self._left = False
        self._why_not = ""
        self._unseen = 0
        self._curves: list[Tensor] = []
        self._logits: tuple[Tensor, Tensor] | None = None
        self._hook(copies, blocks, model)

    def _hook(self, copies: dict[nn.Module, nn.Module], blocks: tuple[SeenBlock, ...], model: Any) -> None:
        cut: dict[nn.Module, dict[int, Source]] = {}
        for each in blocks:
            if each.mlp is not None:
                cut.setdefault(each.mlp, {})[each.mlp_run] = Source("mlp", kind=each.kind, layer=each.layer)
            for number, (module, run) in enumerate(each.others):
                found = Source("other", kind=each.kind, layer=each.layer, number=number)
                cut.setdefault(module, {})[run] = found
        inside = {below for module in cut for below in module.modules()}
        attention = [module for module in copies if ADDRESSES in module.__dict__]
        self._of_heads = {below for module in attention for below in module.modules()}
        self._of_heads |= {module for each in self._receivers.values() for module in each.modules}
        for block in dict.fromkeys(each.block for each in self._stack):
            copies[block].register_forward_pre_hook(self._enters, with_kwargs=True)
            copies[block].register_forward_hook(self._leaves_block)
        for original, copy in copies.items():
            if original in cut:
                copy.register_forward_hook(self._cutting(cut[original]))
            if self._holds_attention and ADDRESSES in original.__dict__:
                copy.register_forward_pre_hook(_detached, with_kwargs=True)
            if original not in inside and not any(True for _ in original.children()):
                copy.register_forward_hook(self._passes, with_kwargs=True)
        head = model.get_output_embeddings() if hasattr(model, "get_output_embeddings") else None
        if head is not None and head in copies:
            copies[head].register_forward_hook(self._says)

    def returned(self, kind: str, layer: int, output: Tensor) -> Tensor:
        """What the heads of one call give, as a leaf."""
        return self._leaf(Source("head", kind=kind, layer=layer), output)

    def _leaf(self, source: Source, output: Tensor, values: Tensor | None = None) -> Tensor:
        leaf = output.detach().requires_grad_()
        self._leaves.append((source, leaf, leaf.detach() if values is None else values))
        # Models add in place, which no leaf allows.
        return leaf.clone()

    def _cutting(self, runs: dict[int, Source]) -> Any:
        def hook(module: nn.Module, _: Any, output: Any) -> Any:
            source = runs.get(self._runs[module])
            self._runs[module] += 1
            vectors = output[0] if isinstance(output, tuple) else output
            # Another run of the same module is no less held than this one.
            leaf = vectors.detach() if source is None else self._leaf(source, vectors)
            return (leaf, *output[1:]) if isinstance(output, tuple) else leaf

        return hook

    def _enters(self, module: nn.Module, given: tuple[Any, ...], named: dict[str, Any]) -> None:
        original = self._originals[module]
        run, self._runs[original] = self._runs[original], self._runs[original] + 1
        at = next((place for place, each in enumerate(self._stack) if each.block is original and each.run == run), None)
        if at == 0:
            self._entered = next(
                (each for each in (*given, *named.values()) if isinstance(each, Tensor) and each.is_floating_point()),
                None,
            )
        self._at = at

    def _leaves_block(self, *_: Any) -> None:
        self._left = self._at == len(self._stack) - 1
        self._at = None

    def _passes(self, module: nn.Module, given: tuple[Any, ...], named: dict[str, Any], output: Any) -> Tensor | None:
        """A module without others inside: a table, a map, a norm, a curve, or none of them."""
        if not isinstance(output, Tensor) or not output.is_floating_point():
            return None
        tensors = [each for each in (*given, *named.values()) if isinstance(each, Tensor)]
        x = next((each for each in tensors if each.requires_grad), None)
        has_matrix = any(each is not None and each.dim() > 1 for each in module._parameters.values())
        if x is None:
            is_table = has_matrix and self._at is None and not any(each.is_floating_point() for each in tensors)
            return self._leaf(Source("embedding", self._table_name(module)), output) if is_table else None
        if not output.requires_grad:
            return None
        if has_matrix and self._at is not None and self._originals[module] not in self._of_heads:
            return self._cut_unseen(output)
        if has_matrix:
            mapped = self._maps(module, x, output)
            self._before = output if mapped is None else mapped
            return mapped
        if output.shape != x.shape or torch.equal(output, x):
            return None
        if module not in self._norms:
            self._norms[module] = seen_norm(module, x)
        norm = self._norms[module]
        if norm is not None:
            return self._normed(norm, self._bent_before(x), output)
        if is_curve(module):
            held = x * gates(x, output)
            self._curves.append(held)
            return held
        return None

    def _cut_unseen(self, output: Tensor) -> Tensor:
        """What a matrix of a layer makes of the stream is a part of that layer, though no MLP was seen in it."""
        each = self._stack[self._at or 0]
        self._unseen += 1
        return self._leaf(Source("other", kind=each.kind, layer=each.layer, number=self._unseen), output)

    def _table_name(self, module: nn.Module) -> str:
        table = next(each for each in module._parameters.values() if each is not None and each.dim() > 1)
        # An encoder and a decoder may have modules of their own over one table.
        if table.data_ptr() == self._table.weight.data_ptr():
            return "token"
        rows = table.shape[0]
        # A table of kinds of tokens has a few rows.
        return "type" if self._positions is not None and rows < min(self._positions, 17) else "position"

    def _maps(self, module: nn.Module, x: Tensor, output: Tensor) -> Tensor | None:
        if not any(each is not None and each.dim() == 1 for each in module._parameters.values()):
            return None
        with torch.no_grad():
            nothing = module.forward(x.new_zeros(1, 1, x.shape[-1])).reshape(-1)
        if nothing.shape[0] != output.shape[-1] or not nothing.any():
            return None
        bias = self._leaf(self._bias("projection"), nothing)
        return output - nothing + bias

    def _normed(self, norm: Norm, x: Tensor, output: Tensor) -> Tensor:
        if not norm.fits(x, output):
            self._why_not = self._why_not or "one of its norms does more than divide, multiply and add"
        held = norm.held(x, output)
        rest = self._leaf(self._bias("norm"), output.detach() - held.detach(), norm.bias.expand(output.shape))
        return held + rest

    def _bent_before(self, x: Tensor) -> Tensor:
        """What a norm is given, where a curve without a module stands before it (RoBERTa's head): its gates held."""
        before = self._before
        if not self._left or before is None or before.shape != x.shape or not named_curve(before, x):
            return x
        held = before * gates(before, x)
        self._curves.append(held)
        return held

    def _bias(self, of_layer: str) -> Source:
        if self._at is not None:
            each = self._stack[self._at]
            return Source("bias", of_layer, each.kind, each.layer)
        if self._left:
            return Source("bias", "final norm" if of_layer == "norm" else "head")
        return Source("bias", "map" if of_layer == "projection" else "embedding norm")

    def _says(self, _: nn.Module, __: Any, output: Any) -> Any:
        if not isinstance(output, Tensor) or not output.requires_grad:
            return None
        self._logits = (output, output.detach().requires_grad_())
        return self._logits[1].clone()

    def shares(self, output: Tensor, aim: Aim) -> DirectParts:
        """What each leaf adds to the number that is aimed at."""

        def read(rows: Tensor) -> Tensor:
            row = rows[0, aim.row]
            if aim.direction:
                return row @ torch.tensor(aim.direction, device=row.device, dtype=row.dtype)
            one = row[aim.ids[0]]
            return one - row[aim.ids[1]] if len(aim.ids) > 1 else one

        whole = float(read(output.detach().double())) if not aim.direction else float(read(output.detach()))
        number, factor, after, is_bent = read(output), 1.0, 0.0, False
        if self._logits is not None and not aim.direction:
            made, taken = self._logits
            slopes = torch.autograd.grad(output[0, aim.row].sum(), taken, allow_unused=True)[0]
            if slopes is None:
                self._why_not = self._why_not or "its logits are made of more than its head gives"
            else:
                own = slopes[0, aim.row]
                factor = float(own.double().mean())
                is_bent = float((own - factor).abs().max()) > _STRAIGHT * abs(factor)
                factor = 1.0 if is_bent else factor
                before = float(read(made.detach().double()))
                after = 0.0 if is_bent else whole - factor * before
                number = read(made)
                whole_aim = before if is_bent else whole
        if self._logits is None or aim.direction or self._why_not:
            whole_aim = whole
        # Most curves end in what a part gives, which is held.
        has_held_curve = any(each is not None for each in _slopes(number, self._curves))
        parts = self._along(number, factor)
        if abs(after) > _STRAIGHT * max(abs(whole), 1e-9):
            parts.append((Source("bias", "after the head"), after))
        parts = self._with_rest(parts, number, factor, whole_aim)
        return DirectParts(tuple(parts), whole_aim, whole, is_bent, self._why_not, has_held_curve)

    def _along(self, number: Tensor, factor: float) -> list[tuple[Source, float]]:
        leaves = [leaf for _, leaf, _ in self._leaves]
        slopes = _slopes(number, leaves)
        found: dict[Source, float] = {}
        for (source, _, values), slope in zip(self._leaves, slopes, strict=True):
            if slope is None:
                continue
            product = factor * slope.double() * values.double()
            if source.of == "head":
                for head, value in enumerate(product.sum(dim=(0, 1, 3)).tolist()):
                    place = Source("head", kind=source.kind, layer=source.layer, head=head)
                    found[place] = found.get(place, 0.0) + value
            else:
                found[source] = found.get(source, 0.0) + float(product.sum())
        # What is exactly nothing is no bias that the model has.
        parts = [(source, value) for source, value in found.items() if source.of != "bias" or value != 0]
        seen: Counter[int] = Counter()
        numbered = []
        for source, value in parts:
            if source.of == "other":
                source, seen[source.layer] = replace(source, number=seen[source.layer]), seen[source.layer] + 1
            numbered.append((source, value))
        return numbered

    def _with_rest(
        self, parts: list[tuple[Source, float]], number: Tensor, factor: float, whole: float
    ) -> list[tuple[Source, float]]:
        """With what else there is before the first layer, such as positions that are computed and not looked up."""
        if self._entered is None or not self._entered.requires_grad:
            return parts
        slope = _slopes(number, [self._entered])[0]
        if slope is None:
            return parts
        entered = float((factor * slope.double() * self._entered.detach().double()).sum())
        names = ("map", "embedding norm")
        before = sum(value for each, value in parts if each.of == "embedding" or each.name in names)
        rest, missing = entered - before, whole - sum(value for _, value in parts)
        near = 1e-4 * max(abs(whole), abs(entered), 1e-9)
        if abs(rest) <= near or abs(missing - rest) > abs(missing):
            return parts
        return [(Source("embedding", "rest"), rest), *parts]


def _slopes(number: Tensor, along: list[Tensor]) -> tuple[Tensor | None, ...]:
    """The slope of a number along each of these; None for what it does not depend on."""
    return torch.autograd.grad(number, along, allow_unused=True, retain_graph=True) if along else ()


def _detached(_: nn.Module, given: tuple[Any, ...], named: dict[str, Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """What attention looks at is held: only what its heads give carries a slope."""

    def held(value: Any) -> Any:
        if isinstance(value, Tensor):
            return value.detach() if value.requires_grad else value
        return tuple(map(held, value)) if type(value) is tuple else value

    return tuple(map(held, given)), {name: held(value) for name, value in named.items()}
