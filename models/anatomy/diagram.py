"""What a plan is made of: boxes, and the arrows between them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

BoxKind = Literal[
    "text",
    "embedding",
    "positions",
    "norm",
    "attention",
    "cross-attention",
    "attending",
    "mlp",
    "experts",
    "router",
    "mixer",
    "linear",
    "activation",
    "sum",
    "product",
    "layer",
    "layers",
    "head",
    "beside",
    "other",
]


Fact = tuple[str, "int | float | str | tuple[int, ...]"]


@dataclass(frozen=True)
class Box:
    """A part of the model, or several equal ones.

    name: within its diagram, which is a word of a link. title: for people. path: of its module in the model, that of
        the first where there are several; "" where it is none. module: the module's class.
    parameters, bytes, operations: of all that stands in the box. A parameter that stands in several places counts in
        the first. operations: floating-point operations for the text, see `Operation.count`.
    count: how many equal ones these are. layers: their numbers, where they are layers.
    shared: whether parameters in it stand in an earlier box, too, and count there: those it has beside its own.
    facts: what else was seen in it: what it is, and how much or which.
    inner: what it is made of; of several equal ones the first. like: the path of the module of which the inner boxes
        are, where it is another one that is equal.
    """

    name: str
    kind: BoxKind
    title: str
    path: str = ""
    module: str = ""
    file: str = ""
    parameters: int = 0
    bytes: int = 0
    operations: int = 0
    count: int = 1
    layers: tuple[int, ...] = ()
    shared: int = 0
    facts: tuple[Fact, ...] = ()
    inner: "Diagram | None" = None
    like: str = ""


@dataclass(frozen=True)
class Arrow:
    """A tensor that goes from one box to another, by their names; shape: along each axis, without the batch."""

    source: str
    target: str
    shape: tuple[int, ...]


@dataclass(frozen=True)
class Diagram:
    """Boxes in the order in which they first ran, and the arrows between them.

    Boxes of the kind "text" are what comes from outside: nothing of this diagram.
    """

    boxes: tuple[Box, ...]
    arrows: tuple[Arrow, ...]

    def box(self, name: str) -> Box | None:
        """The box of this name."""
        return next((each for each in self.boxes if each.name == name), None)

    def way(self, names: Sequence[str]) -> "tuple[Box, ...]":
        """The boxes of these names, each within the one before, as far as there are any."""
        found: list[Box] = []
        within: Diagram | None = self
        for name in names:
            box = None if within is None else within.box(name)
            if box is None:
                break
            found.append(_moved(box, found))
            within = box.inner
        return tuple(found)

    def every_box(self) -> Iterator[Box]:
        """All boxes, those within others after them."""
        for each in self.boxes:
            yield each
            if each.inner is not None:
                yield from each.inner.every_box()


def _moved(box: Box, above: Sequence[Box]) -> Box:
    """The box as it stands in these: where one of them is drawn by its twin, at its own place."""
    path = box.path
    for each in above:
        if each.like and path.startswith(each.like):
            path = each.path + path[len(each.like) :]
    return replace(box, path=path)


@dataclass(frozen=True)
class ModelPlan:
    """A whole model.

    title: its name. architecture: its class. tokens, target_tokens: of the text for which sizes and operations hold;
        of an encoder-decoder those of source and output, else the latter is 0.
    width: of the residual stream. folded: the plan with equal layers as one; every: with each by itself.
    parameters, bytes, operations: of all of it. ties: matrices that stand in several places, in words.
    notes: what the picture does not show, a sentence each.
    """

    title: str
    architecture: str
    model_type: str
    tokens: int
    target_tokens: int
    width: int
    folded: Diagram
    every: Diagram
    parameters: int
    bytes: int
    operations: int
    ties: tuple[str, ...]
    notes: tuple[str, ...]

    @property
    def nbytes(self) -> int:
        """What the cache counts for it."""
        return 700 * sum(1 for each in (self.folded, self.every) for _ in each.every_box())
