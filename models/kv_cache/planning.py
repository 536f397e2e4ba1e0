"""Whether a model and the caches of its texts fit onto cards: what each card holds, and how far it goes."""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from models.kv_cache.shape import CacheFormulaError, LayerShape
from models.kv_cache.size_formula import BITS, Dtype, dtype_name, layer_bytes, most_that_fit

GIGABYTE = 10**9
# Beyond these nobody has cards or texts; within them every sum is exact.
MOST_CARDS, MOST_GIGABYTES, MOST_TEXTS, MOST_TOKENS = 1_024, 10_000, 1_000_000, 1 << 24
_SHARED_OUT = ("full", "sliding", "cross")


@dataclass(frozen=True)
class Planned:
    """What is to be run.

    parameters: all of them, tied ones once. weight_bits, cache_bits: of a number, as the model is published or loaded.
    query_heads: of a layer. positions: its longest text, None for no end. is_seq2seq: whether it reads a source, too.
    """

    title: str
    shape: tuple[LayerShape, ...]
    query_heads: int
    parameters: int
    weight_bits: float | int
    cache_bits: int
    positions: int | None
    is_seq2seq: bool = False

    @property
    def key_heads(self) -> int:
        """With keys and values of their own, in the layer that has most of them."""
        return max((layer.heads for layer in self.shape if layer.kind in _SHARED_OUT), default=0)


@dataclass(frozen=True)
class Cards:
    """So many equal cards side by side (tensor parallel). share: of their memory that may be used, above 0 to 1."""

    count: int
    gigabytes: float | int
    share: float | int

    @property
    def usable_bytes(self) -> int:
        """Of one card. GB are 10⁹ bytes."""
        return math.floor(self.gigabytes * GIGABYTE * self.share)


@dataclass(frozen=True)
class Load:
    """What is asked of the cards.

    texts: at once. tokens: of each of them, prompt and answer; an encoder-decoder reads as many as it writes.
    weight_bits: per parameter. dtype: of the cache.
    """

    texts: int
    tokens: int
    weight_bits: float | int
    dtype: Dtype


@dataclass(frozen=True)
class MemoryPlan:
    """What fits. Bytes are those of one card; all cards are alike.

    weight_bytes: its part of the weights. cache_bytes, text_bytes: its part of the caches of all texts, and of one.
    left_bytes: what may still be used, negative where it does not fit.
    longest: tokens of each text with so many at once; most_texts: texts of that length at once; None for no end.
    key_heads: on each card. key_copies: how often a key head is kept over all cards, on average (1: each once).
    """

    usable_bytes: int
    weight_bytes: int
    cache_bytes: int
    left_bytes: int
    text_bytes: int
    longest: int | None
    most_texts: int | None
    key_heads: int
    key_copies: float

    @property
    def fits(self) -> bool:
        """Whether weights and caches have room."""
        return self.left_bytes >= 0


def on_each_card(shape: Sequence[LayerShape], count: int) -> tuple[LayerShape, ...]:
    """What one of so many cards keeps: key heads are shared out, and those that do not divide are kept several times.

    Latents, keys of an index and states are whole on every card.
    """
    return tuple(
        replace(layer, heads=math.ceil(layer.heads / count)) if layer.kind in _SHARED_OUT else layer for layer in shape
    )


def plan(model: Planned, cards: Cards, load: Load) -> MemoryPlan:
    """What each card holds and what is left. Weights are shared out evenly. Raises CacheFormulaError."""
    _check(cards, load)
    shape = on_each_card(model.shape, cards.count)
    # Most layers of a model are alike, and are asked some eighty times.
    alike = Counter(replace(layer, layer=0) for layer in shape)
    dtype = dtype_name(load.dtype)
    weights = math.ceil(math.ceil(model.parameters * load.weight_bits / 8) / cards.count)

    def cache(texts: int, tokens: int) -> int:
        source = tokens if model.is_seq2seq else 0
        return sum(
            count * layer_bytes(layer, layer.positions(tokens, source), texts, dtype) for layer, count in alike.items()
        )

    free = cards.usable_bytes - weights
    taken = cache(load.texts, load.tokens)
    return MemoryPlan(
        usable_bytes=cards.usable_bytes,
        weight_bytes=weights,
        cache_bytes=taken,
        left_bytes=free - taken,
        text_bytes=cache(1, load.tokens),
        longest=most_that_fit(lambda tokens: cache(load.texts, tokens) <= free),
        most_texts=most_that_fit(lambda texts: cache(max(1, texts), load.tokens) <= free if texts else free >= 0),
        key_heads=max((layer.heads for layer in shape if layer.kind in _SHARED_OUT), default=0),
        key_copies=_copies(model.key_heads, cards.count),
    )


def bits_of(dtype: Dtype) -> int:
    """Bits of a stored number. Raises CacheFormulaError."""
    return BITS[dtype_name(dtype)]


def _copies(heads: int, count: int) -> float:
    return count * math.ceil(heads / count) / heads if heads else float(count)


def _check(cards: Cards, load: Load) -> None:
    bounds = (
        ("cards", cards.count, 1, MOST_CARDS),
        ("GB of a card", cards.gigabytes, 0, MOST_GIGABYTES),
        ("texts at once", load.texts, 1, MOST_TEXTS),
        ("tokens of a text", load.tokens, 1, MOST_TOKENS),
        ("bits of a weight", load.weight_bits, 1, 32),
        ("the share of the memory", cards.share, 0, 1),
    )
    for what, number, least, most in bounds:
        # Not so for what is no number (NaN), either.
        if not least <= number <= most:
            raise CacheFormulaError(f"{what[0].upper()}{what[1:]}: from {least} to {most:,} can be planned for.")
