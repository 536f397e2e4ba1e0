"""The price of a language: its tokens over those of the same lines in another; of every language of the package."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from models.engine import Engine
from models.tokenization.line_costs import LineCosts, LineCostsRequest
from models.tokenization.parallel_text import MessagesRequest, ParallelText


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


@dataclass(frozen=True)
class LanguagePricesRequest:
    """What the same sentences cost in each language, as a multiple of English."""

    tokenizer: str
    split_special_tokens: bool = False

    def answer(self, engine: Engine) -> tuple[Price, ...]:
        """In the order of the package's languages. Raises PackError, and what `engine.tokenizer` raises."""
        found = engine.run(MessagesRequest())
        lines = (*found.english, *(line for each in found.languages for line in each.sentences))
        return language_prices(found, engine.run(LineCostsRequest(self.tokenizer, lines, self.split_special_tokens)))


def language_prices(found: ParallelText, costs: LineCosts) -> tuple[Price, ...]:
    """Of each language its price. costs: of the sentences in English, then of those of each language."""
    count = len(found.english)
    english = costs.part(0, count)
    return tuple(
        price(costs.part(count * place, count), english, each.sentences)
        for place, each in enumerate(found.languages, 1)
    )
