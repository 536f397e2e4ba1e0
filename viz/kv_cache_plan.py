"""What a card holds, as one bar: weights, caches, what is left; as escaped HTML."""

import html
from collections.abc import Sequence
from dataclasses import dataclass

from viz.number_format import bytes_text

# Caches of more texts than these are one block: their borders would be all there is to see.
_MOST_TILES = 64


@dataclass(frozen=True)
class CardPicture:
    """One of several equal cards.

    memory, usable: bytes that it has, and that may be used. weights, cache: bytes of its part of them.
    texts: so many caches of one size make up `cache`.
    """

    memory: int
    usable: int
    weights: int
    cache: int
    texts: int


def card_bar(card: CardPicture, said: str) -> str:
    """The bar; a line marks what may be used, and what has no room stands beyond it. said: for who cannot see it."""
    whole = max(card.memory, card.weights + card.cache, 1)
    left = card.usable - card.weights - card.cache
    parts = [("weights", card.weights), ("cache", card.cache), ("left", max(0, left))]
    tile = f"--tile:{100 / card.texts:.4f}%" if 1 < card.texts <= _MOST_TILES else ""
    blocks = "".join(
        f'<span class="{name}" style="width:{100 * size / whole:.4f}%;{tile if name == "cache" else ""}"></span>'
        for name, size in parts
    )
    words = [
        ("weights", f"weights {bytes_text(card.weights)}"),
        ("cache", f"cache {bytes_text(card.cache)}"),
        ("left", f"left {bytes_text(left)}") if left >= 0 else ("over", f"missing {bytes_text(-left)}"),
        ("kept", f"not to be used {bytes_text(card.memory - card.usable)}"),
    ]
    edge = min(100.0, 100 * card.usable / whole)
    taken = max(card.usable, card.weights + card.cache)
    kept = f"left:{100 * taken / whole:.4f}%;width:{100 * max(0, card.memory - taken) / whole:.4f}%"
    over = f'<span class="over" style="left:{edge:.4f}%;width:{100 * -left / whole:.4f}%"></span>' if left < 0 else ""
    return (
        f'<div class="headlight-plan" role="img" aria-label="{html.escape(said)}">'
        f'<div class="memory" style="--memory:{100 * card.memory / whole:.4f}%"><span class="card"></span>'
        f'<span class="kept" style="{kept}"></span>{blocks}{over}'
        f'<span class="edge" style="left:{edge:.4f}%"></span></div>{_legend(words)}</div>'
    )


def _legend(words: Sequence[tuple[str, str]]) -> str:
    return "".join(f'<span class="name"><i class="{kind}"></i>{html.escape(text)}</span>' for kind, text in words)
