"""Sharing the plan, taking numbers along, those of all tabs, and the program."""

import json
from collections.abc import Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING

from pages.anatomy.choices import CHOICES
from pages.shared import download_names, thread
from pages.shared.export import Download, download_row, program, share_and_download
from pages.shared.spreadsheet import as_csv, as_json

if TYPE_CHECKING:
    from models.anatomy import Box, Diagram, ModelPlan
    from models.anatomy.families import FamilyView
    from models.anatomy.lengths_by_depth import Depth
    from models.anatomy.parts_off import OthersOff, PartsOff
    from models.anatomy.positions import PositionWays
    from models.anatomy.rotary_turns import Turned
    from models.anatomy.why_softmax_and_heads import Spread, Why

Rows = list[list[object]]

_HEAD = ["part", "kind", "title", "module", "path", "count", "parameters", "shared", "bytes", "operations"]


def plan_rows(plan: "ModelPlan") -> Rows:
    """A row for each part, names first: of equal layers one row, what is in the first of them below it."""
    return [[*_HEAD], *_rows(plan.folded, "")]


def _rows(diagram: "Diagram", above: str) -> Iterator[list[object]]:
    for box in diagram.boxes:
        if box.kind == "text":
            continue
        name = f"{above}{box.name}"
        yield [name, *_figures(box)]
        if box.inner is not None:
            yield from _rows(box.inner, f"{name}/")


def _figures(box: "Box") -> list[object]:
    return [
        *(box.kind, box.title, box.module, box.path, box.count),
        *(box.parameters, box.shared, box.bytes, box.operations),
    ]


def plan_as_json(plan: "ModelPlan") -> str:
    """The whole plan, boxes within boxes, with its arrows; each layer by itself is in `every`."""
    return json.dumps(asdict(plan), ensure_ascii=False)


def take_along(plan: "ModelPlan | None") -> None:
    """The link, and the files."""
    name = f"{download_names.of_model(thread.MODEL.value)}-plan"
    files = []
    if plan is not None:
        files = [
            Download("Plan (CSV)", f"{name}.csv", lambda: as_csv(plan_rows(plan))),
            Download("Plan (JSON)", f"{name}.json", lambda: plan_as_json(plan)),
        ]
    share_and_download(CHOICES, files, notes=["The picture itself: the button SVG below it."])


def code() -> None:
    """The program that counts the same."""
    program("anatomy.py")


# ----- Of the tabs


def offer(model: str, what: str, rows: Rows) -> None:
    """Buttons for these rows as CSV and JSON; what: in the files' names and in the buttons' keys."""
    name = f"{download_names.of_model(model)}-{what}"
    files = [
        Download("These numbers (CSV)", f"{name}.csv", lambda: as_csv(rows)),
        Download("JSON", f"{name}.json", lambda: as_json(rows, {"model": model}, "rows")),
    ]
    download_row(files, key=f"{what}_")


def change_rows(found: "PartsOff", others: "OthersOff | None") -> Rows:
    """A row for each token, then the change as a whole, and that of each other set."""
    rows: Rows = [["what", "before", "after", "likeliest after"]]
    rows += [[each.text, each.before, each.after, each.likeliest] for each in (*found.next_tokens, *found.steps)]
    rows += [[token, 1.0, kept, ""] for token, kept in zip(found.tokens, found.kept, strict=False)]
    rows.append([f"change, {found.unit}", 0.0, found.change, ""])
    changes = [] if others is None else others.changes.tolist()
    return rows + [[f"change by others, {found.unit}", 0.0, each, ""] for each in changes]


def depth_rows(found: "dict[str, Depth]") -> Rows:
    """A row for each layer and token of each variant; layer -1 is what the first one is given."""
    rows: Rows = [["variant", "stack", "layer", "token", "activation", "gradient"]]
    for name, each in found.items():
        for stack in each.stacks:
            layers = [stack.layers[0] - 1, *stack.layers]
            for layer, lengths, slopes in zip(layers, stack.activations, stack.gradients, strict=True):
                pairs = zip(lengths.tolist(), slopes.tolist(), strict=True)
                rows += [[name, stack.kind, layer, token, *pair] for token, pair in enumerate(pairs)]
    return rows


def places_rows(ways: "PositionWays") -> Rows:
    """What each way gives for each place, pair or distance."""
    rows: Rows = [["way", "stack", "which", "place or distance", "number"]]
    for each in ways.rows:
        for one, line in enumerate(each.cosines.tolist()):
            rows += [[f"{each.kind}: cosine", each.stack, one, other, cosine] for other, cosine in enumerate(line)]
    for number, turns in enumerate(ways.turns):
        for place, line in enumerate(turns.angles.tolist()):
            rows += [[f"rotary {number}: angle", "", pair, place, angle] for pair, angle in enumerate(line)]
    for bias in ways.biases:
        for head, line in enumerate(bias.biases.tolist()):
            pairs = zip(bias.distances, line, strict=True)
            rows += [[bias.kind, f"{bias.stack} L{bias.layers[0]}", head, *pair] for pair in pairs]
    return rows


def turned_rows(found: "Turned") -> Rows:
    """q·k of each two tokens before and after the turn."""
    rows: Rows = [["query", "query token", "key", "key token", "before", "after"]]
    for query, one in enumerate(found.tokens):
        for key, other in enumerate(found.tokens):
            numbers = float(found.before[query, key]), float(found.after[query, key])
            rows.append([query, one, key, other, *numbers])
    return rows


def family_rows(found: "dict[str, tuple[str, FamilyView]]") -> Rows:
    """How far each token's vector moves after each layer, and each weight of the maps that are shown."""
    rows: Rows = [["model", "what", "layer", "row", "row token", "column", "number"]]
    for model, view in found.values():
        for each in view.streams:
            for layer, line in zip(each.layers, each.changes.tolist(), strict=True):
                told = zip(each.tokens, line, strict=True)
                rows += [
                    [model, f"{each.kind}: moved", layer, at, token, "", moved]
                    for at, (token, moved) in enumerate(told)
                ]
        for each in view.maps:
            for row, (token, line) in enumerate(zip(each.rows, each.weights.tolist(), strict=True)):
                rows += [
                    [model, f"{each.kind}: weight", each.layer, row, token, column, weight]
                    for column, weight in enumerate(line)
                    if each.visible[row, column]
                ]
    return rows


def why_rows(found: "Why") -> Rows:
    """The three experiments, one below the other."""
    scaled, one = found.scaled, found.one_head
    rows: Rows = [["experiment", "what", "spread or temperature", "entropy (nats)", "largest weight or effective rank"]]

    def spread(name: str, each: "Spread") -> list[object]:
        return ["scaling", name, each.deviation, each.entropy, each.largest]

    rows += [spread("this head", scaled.with_it), spread("not scaled", scaled.without_it)]
    rows += [spread("random", scaled.drawn_with), spread("random, not scaled", scaled.drawn_without)]
    hot = found.temperatures
    figures = zip(hot.temperatures, hot.entropies.tolist(), hot.largest.tolist(), strict=True)
    rows += [["temperature", "this head", *each] for each in figures]
    heads = [*((f"H{place}", each) for place, each in enumerate(one.heads)), ("one of full width", one.one)]
    rows += [["heads", name, "", each.entropy, each.effective] for name, each in (*heads, ("random", one.drawn))]
    return rows
