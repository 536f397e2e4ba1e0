"""Equal layers as one box, and layers of several kinds that come in turns as one box too."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

from models.anatomy.diagram import Arrow, Box, Diagram

# Beyond so many kinds of layers in a row, what comes again and again is one box.
_MOST_RUNS = 6


def folded(diagram: Diagram) -> Diagram:
    """The same with equal neighbours among the layers as one, and what repeats as one."""
    groups = _groups(diagram.boxes)
    names = {each.name: box.name for box, members in groups for each in members}
    return Diagram(tuple(box for box, _ in groups), _renamed(diagram.arrows, names))


def _renamed(arrows: Sequence[Arrow], names: dict[str, str]) -> tuple[Arrow, ...]:
    moved = (
        Arrow(names.get(each.source, each.source), names.get(each.target, each.target), each.shape) for each in arrows
    )
    return tuple(dict.fromkeys(each for each in moved if each.source != each.target))


def _groups(boxes: Sequence[Box]) -> list[tuple[Box, tuple[Box, ...]]]:
    """Each box of the folded diagram with those that it stands for."""
    found: list[tuple[Box, tuple[Box, ...]]] = []
    place = 0
    while place < len(boxes):
        first = boxes[place]
        if not first.layers:
            found.append((first, (first,)))
            place += 1
            continue
        stack = [first]
        while place + len(stack) < len(boxes) and _follows(stack[-1], boxes[place + len(stack)]):
            stack.append(boxes[place + len(stack)])
        place += len(stack)
        runs = _runs(stack)
        if len(runs) <= _MOST_RUNS:
            found += [(_one(run), tuple(run)) for run in runs]
        else:
            found.append((_in_turns(stack), tuple(stack)))
    return found


def _follows(one: Box, other: Box) -> bool:
    return bool(other.layers) and other.layers[0] == one.layers[-1] + 1


def _is_equal(one: Box, other: Box) -> bool:
    return (one.like or one.path) == (other.like or other.path)


def _runs(stack: Sequence[Box]) -> list[list[Box]]:
    runs = [[stack[0]]]
    for box in stack[1:]:
        if _is_equal(runs[-1][-1], box):
            runs[-1].append(box)
        else:
            runs.append([box])
    return runs


def _one(run: Sequence[Box]) -> Box:
    """One box for several that are drawn alike."""
    first = run[0]
    if len(run) == 1:
        return first
    last = run[-1].layers[-1]
    title = f"Layers {first.layers[0]} to {last}"
    return _summed(replace(first, name=f"{first.name}-{last}", title=title), run)


def _summed(box: Box, boxes: Sequence[Box]) -> Box:
    """The same box with what all of these have."""
    return replace(
        box,
        count=len(boxes),
        parameters=sum(each.parameters for each in boxes),
        bytes=sum(each.bytes for each in boxes),
        operations=sum(each.operations for each in boxes),
        shared=sum(each.shared for each in boxes),
        layers=tuple(number for each in boxes for number in each.layers),
    )


def _in_turns(stack: Sequence[Box]) -> Box:
    """Layers of several kinds: what is in the box is one turn of them, or one of each kind where none repeats."""
    keys = [each.like or each.path for each in stack]
    period = next((length for length in range(2, len(keys) // 2 + 1) if keys[length:] == keys[:-length]), 0)
    if period:
        turn = [_one(run) for run in _runs(stack[:period])]
        said = f"{len(stack) // period} turns of {period}"
    else:
        kinds = {key: [each for each, other in zip(stack, keys, strict=True) if other == key] for key in keys}
        turn = [_summed(each[0], each) for each in kinds.values()]
        said = f"{len(turn)} kinds, in no order that repeats"
    arrows = tuple(Arrow(one.name, other.name, ()) for one, other in pairwise(turn) if period)
    box = Box(
        name=f"{stack[0].name}-{stack[-1].layers[-1]}",
        kind="layers",
        title=f"Layers {stack[0].layers[0]} to {stack[-1].layers[-1]}",
        path=stack[0].path.rpartition(".")[0],
        module=stack[0].module,
        facts=(("layers", said),),
        inner=Diagram(tuple(turn), arrows),
    )
    return _summed(box, stack)
