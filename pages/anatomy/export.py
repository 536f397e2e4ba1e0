"""Sharing the plan: a link, its numbers as files, the program."""

import json
from collections.abc import Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING

from pages.anatomy.choices import CHOICES
from pages.shared import file_names, thread
from pages.shared.export import Download, program, share_and_download
from pages.shared.spreadsheet import as_csv

if TYPE_CHECKING:
    from models.anatomy import Box, Diagram, Plan

_HEAD = ["part", "kind", "title", "module", "path", "count", "parameters", "shared", "bytes", "operations"]


def rows(plan: "Plan") -> list[list[object]]:
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


def as_json(plan: "Plan") -> str:
    """The whole plan, boxes within boxes, with its arrows; each layer by itself is in `every`."""
    return json.dumps(asdict(plan), ensure_ascii=False)


def take_along(plan: "Plan | None") -> None:
    """The link, and the files."""
    name = f"{file_names.of_model(thread.MODEL.value)}-plan"
    files = []
    if plan is not None:
        files = [
            Download("Plan (CSV)", f"{name}.csv", lambda: as_csv(rows(plan))),
            Download("Plan (JSON)", f"{name}.json", lambda: as_json(plan)),
        ]
    share_and_download(CHOICES, files, notes=["The picture itself: the button SVG below it."])


def code() -> None:
    """The program that counts the same."""
    program("anatomy.py")
