"""Prompts side by side, each with what a model says next, as escaped HTML."""

import html
import math
from collections.abc import Sequence
from dataclasses import dataclass

from viz.cells import bar_cell, number_cells, piece_cell
from viz.glossary import explained
from viz.quantities import part_text

_AFTER = {"zero-shot": "without an example", "one-shot": "after one", "few-shot": "after all of them"}
# What stands for a space and a line break in pieces.
_SPACE, _BREAK = "␣", "⏎"


@dataclass(frozen=True)
class ReadPiece:
    """One piece of a prompt as the model reads it. is_added: by the template or the tokenizer, not typed."""

    text: str
    is_special: bool
    is_added: bool


@dataclass(frozen=True)
class Next:
    """One token that may come next: its probability, 0 to 1, and its place in line, 0 being the likeliest."""

    text: str
    part: float | int
    rank: int


@dataclass(frozen=True)
class PromptCard:
    """A prompt and what comes next.

    entropy: of the whole distribution, in nats. top: the likeliest tokens, best first. followed: the one to look for.
    """

    name: str
    pieces: tuple[ReadPiece, ...]
    top: tuple[Next, ...]
    entropy: float | int
    followed: Next | None = None


def prompt_cards(row: Sequence[PromptCard]) -> str:
    """Prompts beside each other, which on a narrow screen stand below each other; all bars have one scale, 0 to 1."""
    return f'<div class="headlight-prompts">{"".join(map(_card, row))}</div>'


def lead(row: Sequence[PromptCard]) -> str:
    """What becomes of the followed token from prompt to prompt, in words; or what is likeliest, if none is followed."""
    if not row:
        return ""
    followed = [card.followed for card in row if card.followed is not None]
    if len(followed) == len(row) and len({each.text for each in followed}) == 1:
        told = f"{_name(followed[0].text)} comes next with " + _joined(
            [f"{part_text(float(each.part))} {_after(card)}" for card, each in zip(row, followed, strict=True)]
        )
    else:
        told = "The likeliest next token is " + _joined(
            [
                f"{_name(card.top[0].text)} ({part_text(float(card.top[0].part))}) {_after(card)}"
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


def _card(card: PromptCard) -> str:
    followed = card.followed
    rows = "".join(
        f"<tr{_followed_class(each, followed)}>{piece_cell(each.text)}{bar_cell(each.part)}"
        f"{number_cells(part_text(float(each.part)))}</tr>"
        for each in card.top
    )
    found = (
        f"{_name(followed.text)}: {part_text(float(followed.part))}, {place_text(followed.rank)}" if followed else ""
    )
    count = f"{len(card.pieces):,} token{'' if len(card.pieces) == 1 else 's'}"
    return (
        '<div class="card"><p class="headlight-heading" role="heading" aria-level="2">'
        f"{html.escape(card.name)} <small>{count}</small></p>"
        f'<p class="read">{"".join(map(_piece, card.pieces))}</p>'
        f'<table class="headlight-shares">{rows}</table>'
        f'<p class="headlight-line">{found}{"<br>" if found else ""}{explained(open_text(card.entropy))}</p></div>'
    )


def _followed_class(each: Next, followed: Next | None) -> str:
    return ' class="followed"' if followed is not None and each.rank == followed.rank else ""


def _piece(piece: ReadPiece) -> str:
    kinds = [name for name, is_so in (("special", piece.is_special), ("added", piece.is_added)) if is_so]
    shown = html.escape(piece.text).replace(_SPACE, f"<i>{_SPACE}</i>")
    return f'<span class="{" ".join(kinds) or "typed"}"><bdi>{shown}</bdi></span>' + (
        "<br>" if _BREAK in piece.text else ""
    )


def _name(text: str) -> str:
    return f"<b><bdi>{html.escape(text)}</bdi></b>"


def _after(card: PromptCard) -> str:
    return html.escape(_AFTER.get(card.name, card.name))


def _joined(parts: Sequence[str]) -> str:
    return ", ".join(parts[:-1]) + (" and " if len(parts) > 1 else "") + parts[-1]
