"""A table and sentences for any page, as escaped HTML."""

import html
from collections.abc import Sequence

from viz.glossary import explained


def table(head: Sequence[str], rows: Sequence[Sequence[str]], *, chosen: int | None = None) -> str:
    """A table whose first column are names and whose others are numbers; row `chosen` is set off."""
    names = "".join(f"<th>{explained(html.escape(each))}</th>" for each in head)
    lines = "".join(
        f'<tr class="{"chosen" if place == chosen else ""}">'
        + f"<th><bdi>{html.escape(row[0])}</bdi></th>"
        + "".join(f"<td>{html.escape(each)}</td>" for each in row[1:])
        + "</tr>"
        for place, row in enumerate(rows)
    )
    return f'<div class="headlight-wide"><table class="headlight-figures"><tr>{names}</tr>{lines}</table></div>'


def sentences(lines: Sequence[str]) -> str:
    """A sentence a paragraph, the first one being the main one."""
    kinds = ("headlight-sentence" if not place else "headlight-line" for place in range(len(lines)))
    return "".join(
        f'<p class="{kind}"><bdi>{explained(html.escape(each))}</bdi></p>'
        for kind, each in zip(kinds, lines, strict=True)
    )
