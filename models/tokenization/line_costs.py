"""What lines cost with a tokenizer, each by itself, and as a multiple of what the same meaning costs elsewhere."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int64

from models.engine import Engine
from models.tokenization.loaded_tokenizer import LoadedTokenizer
from models.tokenization.pieces import check_is_text
from models.tokenization.sandboxed import answered


@dataclass(frozen=True, eq=False)
class LineCosts:
    """Of each line: its tokens, how many of them are unknown, and whether its ids give it back."""

    tokens: Int64[np.ndarray, " line"]
    unknown: Int64[np.ndarray, " line"]
    is_exact: Bool[np.ndarray, " line"]

    def part(self, start: int, count: int) -> "LineCosts":
        """So many lines from `start` on."""
        where = slice(start, start + count)
        return LineCosts(self.tokens[where], self.unknown[where], self.is_exact[where])


def line_costs(loaded: LoadedTokenizer, lines: Sequence[str], split_special_tokens: bool) -> LineCosts:
    """What each line costs, without what a template adds. Raises TextError."""
    for line in lines:
        check_is_text(line)
    if loaded.backend_tokenizer is None:
        cuts = [loaded.tokenize(line) for line in lines]
        every_ids = [list(cut.ids) for cut in cuts]
        decoded = [loaded.decode(cut) for cut in cuts]
    else:
        every_ids = loaded.ids_of(lines, split_special_tokens=split_special_tokens)
        decoded = [loaded.decode_ids(ids) for ids in every_ids]
    lost = None if loaded.facts is None else loaded.facts.unknown
    return LineCosts(
        np.array([len(ids) for ids in every_ids], np.int64),
        np.array([0 if lost is None else ids.count(lost) for ids in every_ids], np.int64),
        np.array([back == line for back, line in zip(decoded, lines, strict=True)], np.bool_),
    )


@dataclass(frozen=True)
class LineCostsRequest:
    """What these lines cost with this tokenizer."""

    tokenizer: str
    lines: tuple[str, ...]
    split_special_tokens: bool = False

    def answer(self, engine: Engine) -> LineCosts:
        """Raises TextError, and what `engine.tokenizer` raises."""
        return answered(engine.tokenizer(self.tokenizer), line_costs, self.lines, self.split_special_tokens)


@dataclass(frozen=True, eq=False)
class Price:
    """What the same meaning costs in one language, as a multiple of another one.

    ratios: tokens of each line over those of the same line there. mean, spread: of the ratios; the spread is their
        standard deviation (of a sample: one less is divided by), 0 for a single line. whole: all tokens over all.
    tokens, unknown: in all lines. per_character, per_byte: all tokens over all characters, and over all bytes in UTF-8.
    inexact: how many lines their ids do not give back.
    """

    ratios: Float[np.ndarray, " line"]
    mean: float
    spread: float
    whole: float
    tokens: int
    unknown: int
    per_character: float
    per_byte: float
    inexact: int


def price(costs: LineCosts, reference: LineCosts, lines: Sequence[str]) -> Price:
    """The price of lines beside the same ones in the language of reference. lines: those that `costs` is of."""
    # What is no piece at all costs nothing; beside it everything would cost endlessly much.
    ratios = costs.tokens / np.maximum(reference.tokens, 1)
    tokens = int(costs.tokens.sum())
    characters, size = sum(map(len, lines)), sum(len(line.encode()) for line in lines)
    return Price(
        ratios=ratios,
        mean=float(ratios.mean()),
        spread=float(ratios.std(ddof=1)) if len(ratios) > 1 else 0.0,
        whole=tokens / max(1, int(reference.tokens.sum())),
        tokens=tokens,
        unknown=int(costs.unknown.sum()),
        per_character=tokens / max(1, characters),
        per_byte=tokens / max(1, size),
        inexact=int((~costs.is_exact).sum()),
    )
