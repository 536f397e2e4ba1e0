"""What a run of a module is, told by the operations in it: a norm, attention, an MLP, a table, or something else."""

from collections.abc import Iterator, Sequence
from functools import cached_property

from torch import Tensor

from models.anatomy.tracing import ModuleCall, Operation, Trace
from models.model_facts.layer_parts import curve

_MIXES = frozenset(("convolution", "conv1d", "conv2d", "cumsum", "logcumsumexp", "cumprod", "fft_rfft", "fft_fft"))


class ModuleRecognition:
    """What can be told of the runs of one trace."""

    def __init__(self, trace: Trace) -> None:
        self.trace = trace

    def inside(self, call: ModuleCall) -> tuple[Operation, ...]:
        """Its operations and those of all below it."""
        return self.trace.operations[call.first : call.last]

    def own(self, call: ModuleCall) -> Iterator[Operation]:
        """Its operations but for those of the runs below it."""
        return (self.trace.operations[each] for each in call.steps if isinstance(each, int))

    @cached_property
    def residual_sums(self) -> frozenset[int]:
        """The operations that add to a vector what was made of that vector with weights: residual connections."""
        return frozenset(
            place for place, each in enumerate(self.trace.operations) if each.name == "add" and self._is_residual(each)
        )

    def _is_residual(self, added: Operation) -> bool:
        if len(added.given) != 2 or not all(self.trace.is_float[each] for each in added.given):
            return False
        one, other = added.given
        if self.trace.shapes[one] != self.trace.shapes[other] or len(self.trace.shapes[one]) < 2:
            return False
        return self._made_of(other, one) or self._made_of(one, other)

    def _made_of(self, value: int, kept: int) -> bool:
        """Whether a value was computed, with a matrix, from what the other one hands on."""
        trace = self.trace
        kept = trace.source(kept)
        if kept in trace.held:
            return False
        oldest, ahead = trace.maker[kept], [(value, False)]
        seen = set(ahead)
        while ahead:
            at, weighted = ahead.pop()
            if at == kept and weighted:
                return True
            place = trace.maker[at]
            if place <= oldest:
                continue
            by = trace.operations[place]
            weighted = weighted or by.count > 0
            for each in by.given:
                if (each, weighted) not in seen:
                    seen.add((each, weighted))
                    ahead.append((each, weighted))
        return False

    def has_residual(self, call: ModuleCall) -> bool:
        """Whether a residual connection is closed inside of it."""
        return any(call.first <= each < call.last for each in self.residual_sums)

    def norm(self, call: ModuleCall) -> str:
        """ "LayerNorm" or "RMSNorm" where that is all a run does, else ""."""
        sizes = {tuple(each.shape) for each in call.module.parameters()}
        if call.children or any(len(each) != 1 for each in sizes) or len(sizes) > 1:
            return ""
        names = {each.name for each in self.inside(call)}
        if names & {"native_layer_norm", "layer_norm"}:
            return "LayerNorm"
        if names & {"rms_norm", "_fused_rms_norm"}:
            return "RMSNorm"
        if names & {"native_group_norm", "group_norm"}:
            return "GroupNorm"
        if names & {"rsqrt", "sqrt", "linalg_vector_norm"} and names & {
            "mean",
            "var",
            "var_mean",
            "linalg_vector_norm",
        }:
            return "LayerNorm" if names & {"sub", "var", "var_mean"} else "RMSNorm"
        return ""

    def attends(self, call: ModuleCall) -> bool:
        """Whether it computes attention itself: the function was called in it, or two tensors of the text are
        multiplied around a softmax.
        """
        if call.attended:
            return True
        names = [each.name for each in self.own(call) if each.name in ("softmax", "_softmax") or self.is_of_text(each)]
        softmax = next((place for place, name in enumerate(names) if "softmax" in name), None)
        return "scaled_dot_product_attention" in names or (softmax is not None and 0 < softmax < len(names) - 1)

    def is_of_text(self, operation: Operation) -> bool:
        """Whether it multiplies two tensors of which none is a parameter."""
        return operation.count > 0 and all(self.trace.parameter(each) is None for each in operation.given)

    def mixes(self, call: ModuleCall) -> bool:
        """Whether it mixes places of the text otherwise than by attention: a convolution, a sum along it, a state."""
        return self.mixes_places(call) or any(map(self.is_of_text, self.inside(call)))

    def mixes_places(self, call: ModuleCall) -> bool:
        """Whether it mixes them by an operation that does nothing else."""
        return any(each.name in _MIXES for each in self.inside(call))

    def routes(self, call: ModuleCall) -> bool:
        """Whether it chooses among experts."""
        return any(each.name in ("topk", "argmax") for each in self.inside(call))

    def crosses(self, call: ModuleCall) -> bool:
        """Whether its matrices take vectors from two places: queries from the one, keys and values from the other."""
        taken = set()
        for each in self.inside(call):
            if each.count > 0 and self.weight_of(each) is not None:
                for value in map(self.trace.source, each.given):
                    is_outside = self.trace.maker[value] < call.first and value not in self.trace.held
                    if is_outside and self.trace.is_float[value]:
                        taken.add(value)
        return len(taken) > 1

    def table(self, call: ModuleCall) -> str:
        """ "tokens", "positions" or "segments" where it looks rows of a table up, by what tells which."""
        found = ""
        for each in self.inside(call):
            if each.name == "embedding":
                index = each.given[-1]
                if self.trace.source(index) in self.trace.tokens:
                    return "tokens"
                rows = self.trace.shapes[each.given[0]][0]
                found = "positions" if self._counts_places(index, rows) else found or "segments"
        return found

    def _counts_places(self, value: int, rows: int) -> bool:
        """Whether numbers are counted up: made by counting, or a buffer with a number for each row of the table."""
        ahead, seen = [value], {value}
        while ahead and len(seen) < _MOST_LOOKED_AT:
            at = ahead.pop()
            place = self.trace.maker[at]
            if place < 0:
                if at in self.trace.held and rows in self.trace.shapes[at]:
                    return True
                continue
            by = self.trace.operations[place]
            if by.name in ("arange", "cumsum"):
                return True
            # Which of the numbers are picked says nothing of what they are.
            given = by.given[:1] if by.name in ("gather", "index", "index_select") else by.given
            fresh = [each for each in given if each not in seen]
            seen.update(fresh)
            ahead += fresh
        return False

    def turns(self, call: ModuleCall) -> bool:
        """Whether it makes the cosines and sines by which queries and keys are turned."""
        return {"cos", "sin"} <= {each.name for each in self.inside(call)} and not any(
            True for _ in call.module.parameters()
        )

    def activation(self, call: ModuleCall) -> str:
        """The curve of the first module without weights inside of it that is one, else what the operations say."""
        for each in call.below():
            if not each.children and (name := curve(each.module)):
                return name
        return self.curve_of(self.inside(call))

    def curve_of(self, operations: Sequence[Operation]) -> str:
        """The first curve that one of these operations is."""
        return next((CURVES[each.name] for each in operations if each.name in CURVES), "")

    def is_gated(self, call: ModuleCall) -> bool:
        """Whether two projections of the same input, or two halves of one, are multiplied number by number."""
        products = {made for each in self.inside(call) if each.count > 0 for made in each.made}
        for each in self.inside(call):
            if each.name not in ("mul", "glu") or (each.name == "mul" and len(each.given) != 2):
                continue
            origins = [self._origin(value, products) for value in each.given]
            if each.name == "glu" or (all(origins) and origins[0] != origins[1]):
                return True
        return False

    def _origin(self, value: int, products: set[int]) -> tuple[int, int] | None:
        """Which product a value comes from, and which part of it; None where it is none of these."""
        part = -1
        for _ in range(12):
            if value in products:
                return value, part
            place = self.trace.maker[value]
            if place < 0 or not self.trace.operations[place].given:
                return None
            by = self.trace.operations[place]
            if by.name in ("split", "chunk", "slice", "select", "split_with_sizes", "unbind"):
                part = value
            value = by.given[0]
        return None

    def inner_width(self, call: ModuleCall) -> int:
        """How many numbers the last matrix in it takes for each token."""
        for each in reversed(self.inside(call)):
            if each.count > 0 and self.weight_of(each) is not None:
                return each.count // (2 * max(1, self.numbers(each.made[0])))
        return 0

    def numbers(self, value: int) -> int:
        """How many numbers a value has."""
        product = 1
        for each in self.trace.shapes[value]:
            product *= each
        return product

    def weight_of(self, operation: Operation) -> Tensor | None:
        """The parameter that an operation multiplies with."""
        found = (self.trace.parameter(each) for each in operation.given)
        return next((each for each in found if each is not None and each.dim() > 1), None)


_MOST_LOOKED_AT = 200
CURVES = {"silu": "SiLU", "gelu": "GELU", "relu": "ReLU", "tanh": "tanh"}
