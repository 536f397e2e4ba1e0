"""Texts side by side, token by token, as escaped HTML: a strong colour is a likely token."""

import html
from collections.abc import Sequence
from dataclasses import dataclass

from viz.number_format import part_text
from viz.palette import PAGE_BLUE

# Mixed with the ground of either theme so far that the text on it can still be read (6:1 at least).
_STRONGEST = 60
_LEGEND = (0.0, 0.25, 0.5, 0.75, 1.0)
_PARTING = '<span class="parting">they part here</span>'


@dataclass(frozen=True)
class TextToken:
    """One token: what it adds to the text (may be nothing), how it is shown, and the model's own probability."""

    text: str
    piece: str
    probability: float | int


@dataclass(frozen=True)
class TextCard:
    """One text. note: said behind its name. diverges_at: the token before which it diverges from the text beside it."""

    name: str
    tokens: tuple[TextToken, ...]
    note: str = ""
    diverges_at: int | None = None


def text_cards(cards: Sequence[TextCard]) -> str:
    """The texts beside each other; on a narrow screen they stand below each other."""
    return f'<div class="headlight-texts">{"".join(map(_card, cards))}</div>'


def legend() -> str:
    """What the colours of the tokens mean."""
    boxes = "".join(f'<span style="background:{shade(part)}"></span>' for part in _LEGEND)
    return (
        '<p class="headlight-line headlight-ramp">Each token by the model’s own probability, before any setting: '
        f"0&nbsp;<i>{boxes}</i>&nbsp;1</p>"
    )


def shade(probability: float | int) -> str:
    """The ground of a token with this probability, in both themes."""
    strength = _STRONGEST * min(1.0, max(0.0, float(probability)))
    return f"color-mix(in srgb,{PAGE_BLUE} {strength:.0f}%,transparent)"


def _card(card: TextCard) -> str:
    parts = []
    for place, token in enumerate(card.tokens):
        if place == card.diverges_at:
            parts.append(_PARTING)
        if token.text:
            said = html.escape(f"{token.piece}: {part_text(float(token.probability))}")
            parts.append(
                f'<span class="token" style="background:{shade(token.probability)}" title="{said}">'
                f"{html.escape(token.text)}</span>"
            )
    if card.diverges_at is not None and card.diverges_at >= len(card.tokens):
        parts.append(_PARTING)
    note = f" <small>{html.escape(card.note)}</small>" if card.note else ""
    return (
        '<div class="card"><p class="headlight-heading" role="heading" aria-level="2">'
        f"<bdi>{html.escape(card.name)}</bdi>{note}</p>"
        f'<p class="headlight-writing" dir="auto">{"".join(parts) or "∅"}</p></div>'
    )
