"""Cells of tables, as HTML: their classes are those of page.css."""

import html


def piece_cell(text: str) -> str:
    """A text that may be written in any direction, escaped."""
    return f'<td class="piece"><bdi>{html.escape(text)}</bdi></td>'


def bar_cell(part: float | int) -> str:
    """A bar as long as this part, 0 to 1, of the cell."""
    return f'<td class="bar">{bar_of(part)}</td>'


def bar_of(part: float | int, kind: str = "") -> str:
    """The bar itself; kind: its class, where a cell has several."""
    named = f'class="{kind}" ' if kind else ""
    return f'<span {named}style="width:{100 * part:.1f}%"></span>'


def number_cells(*texts: str) -> str:
    """A cell for each number, as it is written."""
    return "".join(f'<td class="number">{each}</td>' for each in texts)


def rows_table(kind: str, *rows: str) -> str:
    """The rows, each of cells, as a table of this class."""
    return f'<table class="{kind}">{"".join(f"<tr>{each}</tr>" for each in rows)}</table>'
