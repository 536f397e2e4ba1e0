"""The price of every language of the package of messages with one tokenizer."""

from dataclasses import dataclass

from models.engine import Engine
from models.tokenization.line_costs import LineCosts, LineCostsRequest, Price, price
from models.tokenization.parallel_text import MessagesRequest, ParallelText


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
