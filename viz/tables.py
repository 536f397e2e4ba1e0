"""A table and sentences for any page, as escaped HTML."""

import html
import re
from collections.abc import Sequence

from viz.glossary import explained

_WHOLE = r'<span class="headlight-whole">\g<0></span>'
_NUMBERED = re.compile(r"\w+-\d[\w.]*")
_LEAST = re.compile(r"&[lg]t; −?10⁻⁹")


def table(head: Sequence[str], rows: Sequence[Sequence[str]], *, chosen: int | None = None) -> str:
    """A table whose first column are names and whose others are numbers; row `chosen` is set off."""
    names = "".join(f"<th>{explained(_name(each))}</th>" for each in head)
    lines = "".join(
        f'<tr class="{"chosen" if place == chosen else ""}">'
        + f"<th><bdi>{_name(row[0])}</bdi></th>"
        + "".join(f"<td>{escaped(each)}</td>" for each in row[1:])
        + "</tr>"
        for place, row in enumerate(rows)
    )
    return f'<div class="headlight-wide"><table class="headlight-figures"><tr>{names}</tr>{lines}</table></div>'


def escaped(text: str) -> str:
    """The text as HTML; no line ends after the sign of < 10⁻⁹ %."""
    return _LEAST.sub(_WHOLE, html.escape(text))


def _name(text: str) -> str:
    """The same, and no line ends inside of GPT-2, which browsers break after its hyphen."""
    return _NUMBERED.sub(_WHOLE, escaped(text))


def sentences(lines: Sequence[str]) -> str:
    """A sentence a paragraph, the first one being the main one."""
    kinds = ("headlight-sentence" if not place else "headlight-line" for place in range(len(lines)))
    return "".join(
        f'<p class="{kind}"><bdi>{explained(escaped(each))}</bdi></p>' for kind, each in zip(kinds, lines, strict=True)
    )
