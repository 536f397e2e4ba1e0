"""From what was seen in one forward to boxes and arrows."""

from collections.abc import Iterator, Mapping, Sequence

from torch import nn

from models.anatomy.box_names import box_facts, title_of
from models.anatomy.diagram import Arrow, Box, BoxKind, Diagram
from models.anatomy.module_recognition import CURVES, ModuleRecognition
from models.anatomy.tracing import ModuleCall, Operation
from models.anatomy.unfinished_diagram import Part, Sheet, join, mark_heads, without_batch
from models.forward.shadow_modules import outermost_lists

_INPUT, _POSITIONS, _ENCODER, _EARLIER = "input", "positions", "from the encoder", "from an earlier layer"
_LARGEST_ROUTER = 2**24


class Drawing:
    """Draws the runs of one trace; a parameter counts where it is drawn first.

    bits: of each parameter, by its id, how many bits a number of it has.
    """

    def __init__(self, seen: ModuleRecognition, bits: Mapping[int, int]) -> None:
        self._seen = seen
        self._trace = seen.trace
        self._bits = bits
        self._counted: set[int] = set()
        self._kinds: dict[ModuleCall, BoxKind] = {}
        self._alike: dict[object, Box] = {}
        self._layers = dict(self._numbered())
        self._bare = [each for each in self._trace.root.below() if not any(True for _ in each.module.parameters())]

    def whole(self) -> Diagram:
        """The whole model, each layer by itself."""
        return self._draw([self._trace.root], {}, is_flat=True)

    def _numbered(self) -> "Iterator[tuple[ModuleCall, int]]":
        """The runs of layers: members of lists of modules that add to a stream, numbered in each list; where none does
        (hyper-connections), members of lists.
        """
        stacks = {member: each for each in outermost_lists(self._trace.root.module) for member in _members(each)}
        ran = [each for each in self._trace.root.below() if each.module in stacks]
        counts: dict[nn.ModuleList, int] = {}
        for call in [each for each in ran if self._seen.has_residual(each)] or ran:
            stack = stacks[call.module]
            counts[stack] = counts.get(stack, -1) + 1
            yield call, counts[stack]

    # ----- What is a box

    def kind(self, call: ModuleCall) -> BoxKind:
        """What a run is drawn as."""
        if call not in self._kinds:
            self._kinds[call] = self._kind(call)
        return self._kinds[call]

    def _kind(self, call: ModuleCall) -> BoxKind:
        seen = self._seen
        if call in self._layers:
            return "layer"
        if seen.norm(call):
            return "norm"
        if seen.turns(call):
            return "positions"
        if any(seen.attends(each) for each in call.below()):
            return "cross-attention" if seen.crosses(call) else "attention"
        if table := seen.table(call):
            return "positions" if table == "positions" else "embedding"
        parameters = list(call.module.parameters())
        if not parameters:
            return "activation" if seen.activation(call) else "other"
        is_stacked = any(each.dim() == 3 and each.shape[0] > 1 for each in parameters) and not seen.mixes_places(call)
        if seen.routes(call):
            is_small = sum(each.numel() for each in parameters) < _LARGEST_ROUTER and not is_stacked
            return "router" if is_small and call.parent not in self._layers else "experts"
        if is_stacked:
            return "experts"
        if seen.mixes(call):
            return "mixer"
        return "mlp" if call.children else "linear"

    def _is_open(self, call: ModuleCall) -> bool:
        """Whether what is in it is drawn in its stead, where a diagram is drawn down to single things."""
        if call in self._layers or self._seen.attends(call):
            return False
        if self._seen.has_residual(call) or any(each in self._layers for each in call.below()):
            return True
        leaves = [each for each in call.below() if not each.children and any(True for _ in each.module.parameters())]
        return len(leaves) > 1 and any(self._seen.table(each) for each in leaves)

    # ----- Drawing

    def _draw(self, calls: Sequence[ModuleCall], entries: Mapping[int, str], *, is_flat: bool) -> Diagram:
        """What stands in these runs. is_flat: down to single things; else right below them.

        entries: by values what comes from outside, in a word.
        """
        sheet = Sheet()
        end = calls[0].first
        for call in calls:
            for place in range(end, call.first):
                self._own(self._trace.operations[place], sheet)
            end = call.last
            if len(calls) > 1 and not call.children:
                self._add(sheet, Part(self.kind(call), [call]), range(call.first, call.last))
            else:
                self._walk(call, sheet, is_flat=is_flat)
        if is_flat:
            join(sheet, self._bending)
        return self._diagram(calls, sheet, entries)

    def _walk(self, call: ModuleCall, sheet: Sheet, *, is_flat: bool) -> None:
        is_whole = self._seen.attends(call) or (not is_flat and self.kind(call) == "mixer")
        core: int | None = None
        for step in call.steps:
            if isinstance(step, ModuleCall):
                if is_flat and self._is_open(step):
                    self._walk(step, sheet, is_flat=is_flat)
                elif self._is_shown(step, is_flat=is_flat):
                    self._add_run(sheet, step)
                else:
                    for each in range(step.first, step.last):
                        self._hand_on(self._trace.operations[each], sheet)
                continue
            operation = self._trace.operations[step]
            if is_whole and self._seen.is_of_text(operation):
                if core is None:
                    core = len(sheet.parts)
                    sheet.parts.append(Part("attending" if self._seen.attends(call) else "other"))
                self._take(sheet, core, [step])
            elif operation.count > 0:
                self._add(sheet, Part("linear" if self._seen.weight_of(operation) is not None else "other"), [step])
            elif is_whole or is_flat:
                joined = None if is_whole else self._joins(operation, sheet)
                if joined is None:
                    self._hand_on(operation, sheet)
                else:
                    self._add(sheet, Part(joined), [step])
            else:
                self._own(operation, sheet)

    def _own(self, operation: Operation, sheet: Sheet) -> None:
        """An operation of a part's own without weights: it joins two boxes, bends a curve, or hands on."""
        place = self._trace.maker[operation.made[0]]
        if (joined := self._joins(operation, sheet)) is not None:
            self._add(sheet, Part(joined), [place])
        elif operation.name in CURVES and any(sheet.owners.get(each) for each in operation.given):
            self._add(sheet, Part("activation"), [place])
        else:
            self._hand_on(operation, sheet)

    def _bending(self, begin: int, end: int) -> list[ModuleCall]:
        """The runs from one operation to another that bend a curve."""
        found: list[ModuleCall] = []
        for call in self._bare:
            is_within = begin <= call.first and call.last <= end and call.first < call.last
            if is_within and self.kind(call) == "activation" and not (found and call.last <= found[-1].last):
                found.append(call)
        return found

    def _add_run(self, sheet: Sheet, call: ModuleCall) -> None:
        """A run as a box; where it adds what it makes to what it was given, the sum stands behind it (BLOOM)."""
        sums = [each for each in call.steps if isinstance(each, int) and each in self._seen.residual_sums]
        end = sums[-1] if sums and call not in self._layers else call.last
        self._add(sheet, Part(self.kind(call), [call]), range(call.first, end))
        if end < call.last:
            self._add(sheet, Part("sum"), [end])
            for each in range(end + 1, call.last):
                self._hand_on(self._trace.operations[each], sheet)

    def _is_shown(self, call: ModuleCall, *, is_flat: bool) -> bool:
        """Whether a run is worth a box: it has parameters, makes positions, or bends a curve within a part."""
        if any(True for _ in call.module.parameters()):
            return True
        kind = self.kind(call)
        return kind == "positions" or (kind == "activation" and not is_flat)

    def _joins(self, operation: Operation, sheet: Sheet) -> BoxKind | None:
        """ "sum" or "product" for an operation that joins two boxes, or a box and what came from outside."""
        if operation.name not in ("add", "mul") or len(operation.given) != 2:
            return None
        one, other = operation.given
        if not self._trace.is_float[one] or self._trace.shapes[one][-2:] != self._trace.shapes[other][-2:]:
            return None
        if self._trace.maker[operation.made[0]] in self._seen.residual_sums:
            return "sum"
        of = [sheet.owners.get(each, frozenset()) for each in (one, other)]
        return ("sum" if operation.name == "add" else "product") if all(of) and of[0] != of[1] else None

    def _add(self, sheet: Sheet, part: Part, places: Sequence[int]) -> None:
        sheet.parts.append(part)
        self._take(sheet, len(sheet.parts) - 1, places)

    def _take(self, sheet: Sheet, number: int, places: Sequence[int]) -> None:
        part = sheet.parts[number]
        part.operations += places
        for place in places:
            operation = self._trace.operations[place]
            part.given |= {each: None for each in operation.given if each not in part.made}
            part.made.update(operation.made)
            sheet.owners |= {each: frozenset((number,)) for each in operation.made}

    def _hand_on(self, operation: Operation, sheet: Sheet) -> None:
        """What joins nothing and has no weights: what it makes comes from where that came from that it was given."""
        of = frozenset().union(*(sheet.owners.get(each, frozenset()) for each in operation.given))
        outside = frozenset().union(*(self._from_outside(each, sheet) for each in operation.given))
        first = operation.given[0] if operation.given else -1
        for each in operation.made:
            sheet.owners[each], sheet.outside[each] = of, outside
            if first in sheet.small and operation.is_same:
                sheet.small[each] = sheet.small[first]
            elif operation.name in ("expand", "repeat", "repeat_interleave") and first >= 0:
                sheet.small[each] = sheet.small.get(first, self._trace.shapes[first])

    def _from_outside(self, value: int, sheet: Sheet) -> frozenset[int]:
        """The numbers of outside that a value comes from: itself, where nothing here made it."""
        if value in sheet.owners:
            return sheet.outside.get(value, frozenset())
        is_number = self._trace.is_float[value] and value not in self._trace.held
        return frozenset((value,)) if is_number else frozenset()

    def _diagram(self, calls: Sequence[ModuleCall], sheet: Sheet, entries: Mapping[int, str]) -> Diagram:
        names = self._names(sheet.parts)
        mark_heads(sheet.parts)
        boxes, outside = [], {}
        arrows: dict[Arrow, None] = {}
        for number, part in enumerate(sheet.parts):
            for value in part.given:
                shape = without_batch(sheet.small.get(value, self._trace.shapes[value]))
                of = sheet.owners.get(value, frozenset())
                for each in sorted(of - {number}):
                    arrows[Arrow(names[each], names[number], shape)] = None
                for each in sorted(self._from_outside(value, sheet)):
                    title = entries.get(each)
                    if title is not None and (not of or title == _POSITIONS):
                        name = title.replace(" ", "-")
                        outside.setdefault(name, Box(name, "text", title))
                        own = shape if each == value else without_batch(self._trace.shapes[each])
                        arrows[Arrow(name, names[number], own)] = None
            boxes.append(self._box(names[number], part, sheet, entries))
        used = {name for arrow in arrows for name in (arrow.source, arrow.target)}
        seen = [each for each in boxes if each.parameters or each.operations or each.name in used]
        return Diagram((*outside.values(), *seen, *self._beside(calls)), tuple(arrows))

    def _box(self, name: str, part: Part, sheet: Sheet, entries: Mapping[int, str]) -> Box:
        first = part.calls[0] if part.calls else None
        number = None if first is None else self._layers.get(first)
        looks = self._looks(part.calls[0]) if first is not None and number is not None else None
        twin = self._alike.get(looks)
        inner = drawn = None
        if twin is not None:
            inner = twin.inner
        elif first is not None and (len(part.calls) > 1 or first.children) and part.kind != "positions":
            inner = drawn = self._draw(part.calls, self._entries(part, sheet, entries), is_flat=part.kind == "layer")
            if sum(each.kind != "text" for each in inner.boxes) < 2:
                inner = next((each.inner for each in inner.boxes if each.kind != "text"), None)
        own, size, shared = self._count(part, drawn)
        box = Box(
            name=name,
            kind=part.kind,
            title=title_of(self._seen, part, number),
            path="" if first is None else first.path,
            module="" if first is None else type(first.module).__name__,
            file="" if first is None else type(first.module).__module__,
            parameters=own,
            bytes=size,
            operations=sum(self._trace.operations[each].count for each in part.operations),
            layers=() if number is None else (number,),
            shared=shared,
            facts=box_facts(self._seen, part.kind, part.calls),
            inner=inner,
            like="" if twin is None else twin.path,
        )
        if looks is not None:
            self._alike.setdefault(looks, box)
        return box

    def _looks(self, call: ModuleCall) -> object:
        """Equal for layers that are drawn alike: the same operations on the same shapes, the same windows."""
        operations = tuple((each.name, each.count) for each in self._seen.inside(call) if not each.is_same)
        shapes = tuple((tuple(each.shape), id(each) in self._counted) for each in call.module.parameters())
        facts = tuple(box_facts(self._seen, "attention", [each]) for each in call.below() if each.attended)
        return type(call.module), operations, shapes, facts

    def _entries(self, part: Part, sheet: Sheet, entries: Mapping[int, str]) -> dict[int, str]:
        """What comes into a part, in a word: the first is its input."""
        found: dict[int, str] = {}
        first = None
        for value in part.given:
            if value in self._trace.held or not self._trace.is_float[value]:
                continue
            of = sheet.owners.get(value, frozenset())
            outer = next((title for each in self._from_outside(value, sheet) if (title := entries.get(each))), None)
            if of and all(sheet.parts[each].kind == "positions" for each in of):
                found[value] = _POSITIONS
            elif outer in (_POSITIONS, _ENCODER, _EARLIER) and not of:
                found[value] = outer
            elif of or outer is not None:
                origin = self._trace.source(value)
                first = origin if first is None else first
                is_input = origin == first
                found[value] = _INPUT if is_input else self._other_input(part, sheet, of)
        return found

    def _other_input(self, part: Part, sheet: Sheet, of: frozenset[int]) -> str:
        """What comes beside the input: from the other stack, or from an earlier layer (T5's bias of positions)."""
        layers = [each.calls[0] for number in of if (each := sheet.parts[number]).kind == "layer"]
        own = part.calls[0].path.rpartition(".")[0]
        if layers and all(each.path.rpartition(".")[0] == own for each in layers):
            return _EARLIER
        return _ENCODER if part.kind in ("layer", "cross-attention") else "other input"

    def _count(self, part: Part, drawn: Diagram | None) -> tuple[int, int, int]:
        """Parameters and bytes that count here, and how many stand in it that counted before."""
        if drawn is not None:
            return (
                sum(each.parameters for each in drawn.boxes),
                sum(each.bytes for each in drawn.boxes),
                sum(each.shared for each in drawn.boxes),
            )
        held = [each for call in part.calls for each in call.module.parameters()]
        if not part.calls:
            values = [each for place in part.operations for each in self._trace.operations[place].given]
            held = [each for value in values if isinstance(each := self._trace.parameter(value), nn.Parameter)]
        return self._count_here(held)

    def _count_here(self, held: Sequence[nn.Parameter]) -> tuple[int, int, int]:
        own = size = shared = 0
        for each in {id(one): one for one in held}.values():
            if id(each) in self._counted:
                shared += each.numel()
            else:
                self._counted.add(id(each))
                own += each.numel()
                size += each.numel() * self._bits[id(each)] // 8
        return own, size, shared

    def _beside(self, calls: Sequence[ModuleCall]) -> Iterator[Box]:
        """What stands in these modules and in no box: it did not run, or is a few numbers beside them."""
        rest = [each for call in calls for each in call.module.parameters() if id(each) not in self._counted]
        own, size, _ = self._count_here(rest)
        if own:
            yield Box("beside", "beside", "In no box", calls[0].path, parameters=own, bytes=size)

    def _names(self, parts: Sequence[Part]) -> list[str]:
        """A word for each that no other one has: where its module stands, or what it does."""
        found: dict[str, None] = {}
        stacks = {call.path.rpartition(".")[0] for call in self._layers}
        for part in parts:
            word: str = part.kind
            if part.calls:
                path = part.calls[0].path.split(".")
                word = path[-1] or "model"
                if part.calls[0] in self._layers:
                    stack = (
                        next((each for each in path if each in ("encoder", "decoder")), "") if len(stacks) > 1 else ""
                    )
                    word = f"{stack or 'layer'}.{self._layers[part.calls[0]]}"
                elif word.isdecimal():
                    word = "-".join(path[-2:])
            name, again = word, 2
            while name in found:
                name, again = f"{word}-{again}", again + 1
            found[name] = None
        return list(found)


def _members(stack: nn.ModuleList) -> list[nn.Module]:
    return [each for member in stack for each in (_members(member) if isinstance(member, nn.ModuleList) else [member])]
