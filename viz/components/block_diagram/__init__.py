"""A model as boxes and arrows, in rows: below a row stands what is in the box that is opened there."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from viz.components.scaffold import component, pack_picture, text

_PARTS = """\
<div class="field" tabindex="0" role="application" aria-label="Plan of the model"></div>
<div class="foot">
  <span class="caption"></span>
  <button class="save" title="The picture as an SVG file">SVG</button>
</div>
"""
_mount = component("block_diagram", _PARTS)


@dataclass(frozen=True)
class DrawnBox:
    """One box. name: what is told of it. kind: how it looks. title, said: in it. numbers: parameters, bytes and
    operations. part: how dark it is, 0 to 1. count: of how many equal ones it is. can_open: whether something is in it.
    mark: "" or how it differs from what it is compared with ("new", "gone", "other").
    """

    name: str
    kind: str
    title: str
    said: str
    numbers: tuple[int, int, int]
    part: float
    count: int = 1
    can_open: bool = False
    mark: str = ""


@dataclass(frozen=True)
class DrawnRow:
    """One row: what it shows, its boxes in order, and the arrows between them: from, to (by place), and a shape.

    opened: the place of the box of which the next row is made, -1 for none.
    """

    title: str
    boxes: Sequence[DrawnBox]
    arrows: Sequence[tuple[int, int, str]]
    opened: int = -1

    def __post_init__(self) -> None:
        count = len(self.boxes)
        if any(not (0 <= one < count and 0 <= other < count) for one, other, _ in self.arrows):
            raise ValueError(f"expected arrows between {count} boxes, found {self.arrows}")


@dataclass(frozen=True)
class BlockDiagram:
    """The content of the picture. totals: of the whole model, as `DrawnBox.numbers`. selected: the place of the box
    that is spoken of in the last row that has one, as row and place, or None. file: what an SVG file is called.
    """

    rows: Sequence[DrawnRow]
    totals: tuple[int, int, int]
    selected: tuple[int, int] | None
    caption: str
    file: str = "plan"


def block_diagram(picture: BlockDiagram, *, key: str, on_box: Callable[[str], None]) -> None:
    """Show the picture; `on_box` is told the names on the way to a box that was chosen, a slash between them."""
    _mount(key=key, data=packed(picture), told={"box": (text, on_box)})


def packed(picture: BlockDiagram) -> bytes:
    """The message to the browser: each shape once."""
    shapes = list(dict.fromkeys(shape for row in picture.rows for *_, shape in row.arrows))
    places = {shape: place for place, shape in enumerate(shapes)}
    rows = [
        {
            "title": row.title,
            "opened": row.opened,
            "boxes": [
                [
                    *(each.name, each.kind, each.title, each.said, *each.numbers),
                    *(round(each.part, 4), each.count, int(each.can_open), each.mark),
                ]
                for each in row.boxes
            ],
            "arrows": [[one, other, places[shape]] for one, other, shape in row.arrows],
        }
        for row in picture.rows
    ]
    return pack_picture(
        {
            "rows": rows,
            "shapes": shapes,
            "totals": picture.totals,
            "selected": picture.selected,
            "caption": picture.caption,
            "file": picture.file,
        }
    )
