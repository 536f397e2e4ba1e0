"""One diagram while it is drawn."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from models.anatomy.diagram import BoxKind
from models.anatomy.tracing import ModuleCall

_JOINED: tuple[BoxKind, ...] = ("linear", "attention", "cross-attention", "mlp")


@dataclass(eq=False)
class Part:
    """A box while it is drawn. given: the values that it takes, made: those that it makes."""

    kind: BoxKind
    calls: list[ModuleCall] = field(default_factory=list)
    operations: list[int] = field(default_factory=list)
    given: dict[int, None] = field(default_factory=dict)
    made: set[int] = field(default_factory=set)


class Sheet:
    """The parts of one diagram while it is drawn.

    owners: which parts each value comes from, by their places. outside: for what was handed on which values of outside
    it comes from. small: the shape that a value had before it was only repeated.
    """

    def __init__(self) -> None:
        self.parts: list[Part] = []
        self.owners: dict[int, frozenset[int]] = {}
        self.outside: dict[int, frozenset[int]] = {}
        self.small: dict[int, tuple[int, ...]] = {}


def without_batch(shape: tuple[int, ...]) -> tuple[int, ...]:
    """Without the batch, which is one text, and axes of length 1 that are repeated along; the last two stay."""
    return (*(each for each in shape[:-2] if each > 1), *shape[-2:])


def join(sheet: Sheet, between: Callable[[int, int], list[ModuleCall]]) -> None:
    """A matrix that takes what one box alone gives, and which nobody else takes, belongs to that box: an output
    projection beside attention, the second half of an MLP.

    between: the runs without weights from one operation to another, which belong to it too.
    """
    parts, owners = sheet.parts, sheet.owners
    takers: dict[int, set[int]] = {}
    for number, part in enumerate(parts):
        for owner in set().union(*(owners.get(value, frozenset()) for value in part.given)) - {number}:
            takers.setdefault(owner, set()).add(number)
    into: dict[int, int] = {}
    for number, part in enumerate(parts):
        of = set().union(*(owners.get(value, frozenset()) for value in part.given)) - {number}
        if part.kind != "linear" or not part.calls or len(of) != 1:
            continue
        (before,) = of
        first = parts[into.get(before, before)]
        if first.kind in _JOINED and first.calls and takers[before] == {number}:
            into[number] = into.get(before, before)
            first.kind = "mlp" if first.kind == "linear" else first.kind
            first.calls += [*between(first.calls[-1].last, part.calls[0].first), *part.calls]
            first.operations += part.operations
            first.given |= {each: None for each in part.given if each not in first.made}
            first.made |= part.made
    kept = [number for number in range(len(parts)) if number not in into]
    places = {number: place for place, number in enumerate(kept)}
    moved = [places[into.get(number, number)] for number in range(len(parts))]
    sheet.parts = [parts[each] for each in kept]
    sheet.owners = {value: frozenset(moved[each] for each in of) for value, of in owners.items()}


def mark_heads(parts: Sequence[Part]) -> None:
    """What has matrices and comes after the last layer makes the output."""
    last = max((number for number, part in enumerate(parts) if part.kind == "layer"), default=len(parts))
    for part in parts[last + 1 :]:
        if part.kind in ("linear", "mlp"):
            part.kind = "head"
