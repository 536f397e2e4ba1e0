"""One forward without weights, noted operation by operation with the module in which each ran."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from torch.distributions import Distribution
from torch.overrides import TorchFunctionMode

from models.forward.capture import Call as AttentionCall
from models.forward.capture import Run, recording
from models.forward.operation_counter import OperationCounter
from models.kv_cache.shape_from_config import ShapesOnly

# What gives the same numbers on: in another shape, precision or place in memory.
_SAME = frozenset(
    (
        *("view", "_unsafe_view", "reshape", "clone", "_to_copy", "to", "contiguous", "dropout", "native_dropout"),
        *(
            "detach",
            "alias",
            "transpose",
            "permute",
            "unsqueeze",
            "squeeze",
            "flatten",
            "unflatten",
            "expand",
            "type_as",
        ),
    )
)

# Where something is not 0: as rows of places, or each axis by itself.
_FOUND = (torch.ops.aten.nonzero.default, torch.ops.aten.where.default, torch.ops.aten.nonzero_numpy.default)
_FEWEST_EXPERTS = 2


@dataclass(frozen=True, eq=False)
class Operation:
    """One operation. name: torch's own. call: the innermost module that was running. given, made: numbers of values.

    count: floating-point operations, as `torch.utils.flop_counter` has them: a multiplication and an addition are two.
    """

    name: str
    call: "ModuleCall"
    given: tuple[int, ...]
    made: tuple[int, ...]
    count: int

    @property
    def is_same(self) -> bool:
        """Whether it only hands its first value on."""
        return self.name in _SAME


@dataclass(eq=False)
class ModuleCall:
    """One run of a module.

    path: where it stands in the model. parent: the run in which it ran; None for the model itself.
    steps: what ran in it, in order: runs of its children, and its own operations by their numbers.
    first, last: the numbers of its operations, those of its children among them; last is not included.
    given, made: the values that it took and gave. attended: what the attention function was called with, if it was.
    """

    module: nn.Module
    path: str
    parent: "ModuleCall | None"
    first: int
    last: int = 0
    steps: "list[ModuleCall | int]" = field(default_factory=list)
    given: tuple[int, ...] = ()
    made: tuple[int, ...] = ()
    attended: list[AttentionCall] = field(default_factory=list)

    @property
    def children(self) -> "list[ModuleCall]":
        """The runs right below it."""
        return [each for each in self.steps if isinstance(each, ModuleCall)]

    def below(self) -> "Iterator[ModuleCall]":
        """Itself and every run below it."""
        yield self
        for each in self.children:
            yield from each.below()


@dataclass(frozen=True, eq=False)
class Trace:
    """What was seen.

    shapes, is_float: of every value. maker: which operation made it, -1 for what was there before. held: the parameters
    and buffers among the values. tokens: the numbers of the values that hold token ids.
    """

    root: ModuleCall
    operations: tuple[Operation, ...]
    shapes: tuple[tuple[int, ...], ...]
    is_float: tuple[bool, ...]
    maker: tuple[int, ...]
    held: dict[int, Tensor]
    tokens: frozenset[int]

    def source(self, value: int) -> int:
        """Where the numbers of a value come from: back over all that only hands them on."""
        while self.maker[value] >= 0 and self.operations[self.maker[value]].is_same:
            value = self.operations[self.maker[value]].given[0]
        return value

    def parameter(self, value: int) -> Tensor | None:
        """The parameter that a value is, in another shape or a part of it; None where it is none."""
        while self.maker[value] >= 0:
            by = self.operations[self.maker[value]]
            if not (by.is_same or by.name in ("t", "index", "select", "slice", "split", "chunk", "mT", "numpy_T")):
                return None
            value = by.given[0]
        held = self.held.get(value)
        return held if isinstance(held, nn.Parameter) else None


@contextmanager
def _unchecked() -> Iterator[None]:
    """Distributions are not asked whether their numbers fit (Gemma 3n's normal one): none has any here."""
    was = Distribution._validate_args
    Distribution.set_default_validate_args(False)
    try:
        yield
    finally:
        Distribution.set_default_validate_args(was)


class _Written(TorchFunctionMode):
    """A number without a value is written as 0, in this thread: some classes look an expert up by a name made of it."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Torch calls this for each of its functions."""
        if func is Tensor.__format__ and args[0].is_meta and not args[0].dim():
            return format(0, args[1])
        return func(*args, **(kwargs or {}))


class _Noted(ShapesOnly):
    """Answers with shapes only, and notes every operation."""

    def __init__(self, root: nn.Module, tokens: list[Tensor]) -> None:
        super().__init__()
        self.operations: list[Operation] = []
        self.shapes: list[tuple[int, ...]] = []
        self.is_float: list[bool] = []
        self.maker: list[int] = []
        self.held: dict[int, Tensor] = {}
        self.running: list[ModuleCall] = []
        self._numbers: dict[int, int] = {}
        # An id is that of another tensor once the first is gone.
        self._alive: list[Tensor] = []
        self._counts: dict[Any, int] = {}
        for tensor in (*root.parameters(), *root.buffers()):
            self.held[self.number(tensor)] = tensor
        self.tokens = frozenset(map(self.number, tokens))

    def number(self, tensor: Tensor, by: int = -1) -> int:
        """Of a value; by: the operation that made it just now."""
        if by < 0 and (found := self._numbers.get(id(tensor))) is not None:
            return found
        self._numbers[id(tensor)] = number = len(self.shapes)
        self._alive.append(tensor)
        self.shapes.append(tuple(tensor.shape))
        self.is_float.append(tensor.is_floating_point())
        self.maker.append(by)
        return number

    def numbers(self, value: Any) -> tuple[int, ...]:
        """Of the tensors among arguments or results."""
        return tuple(self.number(each) for each in _tensors(value))

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Torch calls this for each operation."""
        kwargs = kwargs or {}
        given = self.numbers([args, kwargs])
        made = self._taken(func, args)
        if made is None:
            made = super().__torch_dispatch__(func, types, args, kwargs)
        # A tensor that is given back as it was is no new value, unless it was written to.
        was: set[int] = set() if func._schema.is_mutable else {id(each) for each in _tensors([args, kwargs])}
        tensors = [each for each in _tensors(made) if id(each) not in was]
        if not tensors or not self.running:
            return made
        place = len(self.operations)
        outputs = tuple(self.number(each, by=place) for each in tensors)
        name = func._overloadpacket.__name__.rstrip("_")
        count = self._count(func, args, kwargs, tuple(self.shapes[each] for each in given))
        self.operations.append(Operation(name, self.running[-1], given, outputs, count))
        self.running[-1].steps.append(place)
        return made

    def _taken(self, func: Any, args: Any) -> Any:
        """What a module of experts that are modules finds, where it asks which of them is taken, and by which tokens:
        one of them, by all. Which one is no matter, and as much is computed as if they were several.
        """
        if func not in _FOUND or not self.running:
            return None
        experts = list(self.running[-1].module.children())
        if len(experts) < _FEWEST_EXPERTS or len({type(each) for each in experts}) > 1:
            return None
        asked = args[0]
        places = [1 if asked.dim() == 1 else asked.numel(), asked.dim()]
        if func is torch.ops.aten.nonzero.default:
            return torch.zeros(places, dtype=torch.long, device="meta")
        return [torch.zeros(places[:1], dtype=torch.long, device="meta") for _ in range(places[1])]

    def _count(self, func: Any, args: Any, kwargs: Any, shapes: Any) -> int:
        key = (func, shapes, str([each for each in args if not isinstance(each, Tensor | list)]))
        if key not in self._counts:
            counter = OperationCounter(takes_apart=True)
            try:
                with counter:
                    func(*args, **kwargs)
            except (NotImplementedError, RuntimeError, TypeError):
                # What torch cannot take apart without numbers is made of nothing that it counts.
                counter.operations = 0
            self._counts[key] = counter.operations
        return self._counts[key]


def _tensors(value: Any) -> Iterator[Tensor]:
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, dict):
        for each in value.values():
            yield from _tensors(each)
    elif isinstance(value, list | tuple):
        for each in value:
            yield from _tensors(each)


def trace(model: nn.Module, arguments: dict[str, Tensor]) -> Trace:
    """Run the model, which lies on the meta device and belongs to the caller alone: it is hooked.

    arguments: of its forward, on the meta device; those that hold token ids are told by their names. Raises what the
    model raises.
    """
    tokens = [each for name, each in arguments.items() if name.endswith("input_ids")]
    roots: list[ModuleCall] = []
    with torch.inference_mode(), torch.device("meta"):
        noted = _Noted(model, tokens)
        paths = {module: path for path, module in model.named_modules()}

        def before(module: nn.Module, given: Any, named: Any) -> None:
            parent = noted.running[-1] if noted.running else None
            call = ModuleCall(module, paths[module], parent, len(noted.operations))
            call.given = noted.numbers([given, named])
            (roots if parent is None else parent.steps).append(call)
            noted.running.append(call)

        def after(module: nn.Module, given: Any, output: Any) -> None:  # noqa: ARG001 - torch's own signature
            call = noted.running.pop()
            call.last = len(noted.operations)
            call.made = noted.numbers(output)

        # The model is the caller's alone, and goes with its hooks.
        for module in paths:
            module.register_forward_pre_hook(before, with_kwargs=True)
            module.register_forward_hook(after)

        def attended(call: AttentionCall) -> None:
            noted.running[-1].attended.append(call)

        with recording(Run(watched=attended)), _unchecked(), _Written(), noted:
            model(**arguments)
    return Trace(
        roots[0],
        tuple(noted.operations),
        tuple(noted.shapes),
        tuple(noted.is_float),
        tuple(noted.maker),
        noted.held,
        noted.tokens,
    )
