"""Prompts side by side, each with what a model says next, as escaped HTML."""

import html
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from viz.glossary import explained
from viz.number_format import part_text
from viz.table_cells import bar_cell, number_cells, piece_cell

if TYPE_CHECKING:
    from models.decoding import PromptAnswer, PromptToken

_AFTER = {"zero-shot": "without an example", "one-shot": "after one", "few-shot": "after all of them"}
# What stands for a space and a line break in pieces.
_SPACE, _BREAK = "␣", "⏎"


def prompt_cards(row: "Sequence[PromptAnswer]") -> str:
    """Prompts beside each other, which on a narrow screen stand below each other; all bars have one scale, 0 to 1."""
    return f'<div class="headlight-prompts">{"".join(map(_card, row))}</div>'


def lead(row: "Sequence[PromptAnswer]") -> str:
    """What becomes of the followed token from prompt to prompt, in words; or what is likeliest, if none is followed."""
    if not row:
        return ""
    followed = [card.followed for card in row if card.followed is not None]
    if len(followed) == len(row) and len({each.text for each in followed}) == 1:
        told = f"{_name(followed[0].text)} comes next with " + _joined(
            [f"{part_text(each.probability)} {_after(card)}" for card, each in zip(row, followed, strict=True)]
        )
    else:
        told = "The likeliest next token is " + _joined(
            [
                f"{_name(card.top[0].text)} ({part_text(card.top[0].probability)}) {_after(card)}"
                for card in row
                if card.top
            ]
        )
    same = " Nothing was learnt in between: the weights are the same, only the text before it differs."
    return f'<p class="headlight-sentence">{told}.{same if len(row) > 1 else ""}</p>'


def open_text(entropy: float | int) -> str:
    """An entropy in nats, and between how many equally likely tokens it would be the same."""
    equal = math.exp(entropy)
    return f"entropy {entropy:.2f} nats, as among {equal:,.{0 if equal >= 10 else 1}f} equally likely tokens"


def place_text(rank: int) -> str:
    """A place in line in words."""
    if rank == 0:
        return "the likeliest"
    return "one token is likelier" if rank == 1 else f"{rank:,} tokens are likelier"


def _card(card: "PromptAnswer") -> str:
    followed = card.followed
    rows = "".join(
        f"<tr{_followed_class(each, followed)}>{piece_cell(each.text)}{bar_cell(each.probability)}"
        f"{number_cells(part_text(each.probability))}</tr>"
        for each in card.top
    )
    found = (
        f"{_name(followed.text)}: {part_text(followed.probability)}, {place_text(followed.rank)}" if followed else ""
    )
    read = card.variant
    count = f"{len(read.pieces):,} token{'' if len(read.pieces) == 1 else 's'}"
    pieces = "".join(map(_piece, read.pieces, read.is_special, read.is_added))
    return (
        '<div class="card"><p class="headlight-heading" role="heading" aria-level="2">'
        f"{html.escape(read.name)} <small>{count}</small></p>"
        f'<p class="read">{pieces}</p>'
        f'<table class="headlight-shares">{rows}</table>'
        f'<p class="headlight-line">{found}{"<br>" if found else ""}{explained(open_text(card.entropy))}</p></div>'
    )


def _followed_class(each: "PromptToken", followed: "PromptToken | None") -> str:
    return ' class="followed"' if followed is not None and each.rank == followed.rank else ""


def _piece(text: str, is_special: bool, is_added: bool) -> str:
    kinds = [name for name, is_so in (("special", is_special), ("added", is_added)) if is_so]
    shown = html.escape(text).replace(_SPACE, f"<i>{_SPACE}</i>")
    return f'<span class="{" ".join(kinds) or "typed"}"><bdi>{shown}</bdi></span>' + ("<br>" if _BREAK in text else "")


def _name(text: str) -> str:
    return f"<b><bdi>{html.escape(text)}</bdi></b>"


def _after(card: "PromptAnswer") -> str:
    return html.escape(_AFTER.get(card.variant.name, card.variant.name))


def _joined(parts: Sequence[str]) -> str:
    return ", ".join(parts[:-1]) + (" and " if len(parts) > 1 else "") + parts[-1]
