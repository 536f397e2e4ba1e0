"""Questions about tokens, and about what their vectors say layer by layer."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from models.catalog import TOKENIZERS
from models.decoding.typed_words import word_of
from models.embeddings.logit_lens import LensRequest
from models.embeddings.senses import Senses, SensesRequest
from models.embeddings.swapped_words import SwappedRequest
from models.engine import Engine
from models.lessons.question_base import Question, named
from models.lessons.readings import QuestionError, Readings, Unit, readings
from models.tokenization.language_prices import price
from models.tokenization.line_costs import LineCostsRequest
from models.tokenization.parallel_text import MessagesRequest
from models.tokenization.requests import CountsRequest


@dataclass(frozen=True)
class TokenCounts(Question):
    """Into how many tokens each tokenizer cuts the text; how many words and characters it has; how many are unknown."""

    tokenizers: tuple[str, ...] = ()
    unit: ClassVar[Unit] = "count"

    def answer(self, engine: Engine) -> Readings:
        """Raises QuestionError, TextError."""
        _check_tokenizers(*self.tokenizers)
        found = {TOKENIZERS[name].title: engine.run(CountsRequest(name, self.text, False)) for name in self.tokenizers}
        first = next(iter(found.values()))
        labels = [*found, *(f"{name} unknown" for name in found), "words", "characters"]
        counts = [each.tokens for each in found.values()] + [each.unknown for each in found.values()]
        return readings(self.unit, labels, [*counts, first.words, first.characters])


@dataclass(frozen=True)
class TextCosts(Question):
    """Into how many tokens one tokenizer cuts each of several texts. names: of the texts."""

    tokenizer: str = "gpt2"
    texts: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    reads_text: ClassVar[bool] = False
    unit: ClassVar[Unit] = "count"

    def answer(self, engine: Engine) -> Readings:
        """Raises QuestionError, TextError."""
        _check_tokenizers(self.tokenizer)
        names = named(self.names, self.texts)
        counts = [engine.run(CountsRequest(self.tokenizer, text, False)).tokens for text in self.texts]
        return readings(self.unit, names, counts)


@dataclass(frozen=True)
class LanguagePrices(Question):
    """How many times as many tokens as in English the same sentences of a program take, for languages by their codes.

    Petrov et al. 2023 (arXiv 2305.15425), section 3.
    """

    tokenizer: str = "gpt2"
    languages: tuple[str, ...] = ()
    reads_text: ClassVar[bool] = False
    unit: ClassVar[Unit] = "times"

    def answer(self, engine: Engine) -> Readings:
        """Raises QuestionError, TextError."""
        _check_tokenizers(self.tokenizer)
        found = engine.run(MessagesRequest())
        if not self.languages or not set(self.languages) <= found.by_code.keys():
            raise QuestionError("The step names a language of which not all sentences are here.")
        some = [found.by_code[each] for each in self.languages]
        count = len(found.english)
        lines = (*found.english, *(line for each in some for line in each.sentences))
        costs = engine.run(LineCostsRequest(self.tokenizer, lines))
        prices = [
            price(costs.part(count * place, count), costs.part(0, count), each.sentences).mean
            for place, each in enumerate(some, start=1)
        ]
        return readings(self.unit, [each.name for each in some], prices)


@dataclass(frozen=True)
class _OfSenses(Question):
    """word: in each line of the text. senses: what it means there, a name for each line."""

    word: str = ""
    senses: tuple[str, ...] = ()

    def parted(self, engine: Engine) -> Senses:
        """Raises SensesError, and what a forward raises."""
        lines = tuple(line.strip() for line in self.text.splitlines() if line.strip())
        return engine.run(SensesRequest(self.model, lines, self.word, self.senses))


@dataclass(frozen=True)
class SharedSense(_OfSenses):
    """For which part of the sentences the nearest other one has the same sense, after each layer and by chance."""

    def answer(self, engine: Engine) -> Readings:
        """Raises what `parted` raises."""
        found = self.parted(engine)
        parts = [each.shared / len(self.senses) for each in found.layers]
        return readings(
            self.unit, [*_layer_names(len(parts)), "chance"], [*parts, found.layers[-1].chance.mean / len(self.senses)]
        )


@dataclass(frozen=True)
class SenseCosines(_OfSenses):
    """How alike two uses of the word are, after a layer (0: at the input): of the same sense, and of two senses."""

    layer: int = 0
    unit: ClassVar[Unit] = "cosine"

    def answer(self, engine: Engine) -> Readings:
        """Raises QuestionError for a layer that is not there, and what `parted` raises."""
        layers = self.parted(engine).layers
        if not 0 <= self.layer < len(layers):
            raise QuestionError("The step names a layer that this model does not have.")
        found = layers[self.layer]
        return readings(self.unit, ["same sense", "two senses", "gap"], [found.within, found.between, found.gap])


@dataclass(frozen=True)
class RankOnItsWay(Question):
    """At which place the model's own head would put a token after each layer, 1 being the likeliest.

    token: "" for the token that the model finds likeliest in the end. nostalgebraist 2020, the logit lens.
    """

    token: str = ""
    unit: ClassVar[Unit] = "rank"

    def answer(self, engine: Engine) -> Readings:
        """Raises WordError, LensError."""
        number = word_of(engine.model(self.model), self.token).ids[-1][0] if self.token else None
        ranks = engine.run(LensRequest(self.model, self.text, token=number)).ranks
        return readings(self.unit, _layer_names(len(ranks)), [int(rank) + 1 for rank in ranks])


@dataclass(frozen=True)
class OrderMatters(Question):
    """How alike a text and the same with words swapped are (cosine of the mean vectors), with positions and without."""

    swapped: str = ""
    unit: ClassVar[Unit] = "cosine"

    def answer(self, engine: Engine) -> Readings:
        """Raises SwapError, QuestionError for a model whose positions cannot be switched off."""
        found = engine.run(SwappedRequest(self.model, self.text, self.swapped))
        if found.without is None:
            raise QuestionError(found.why_not)
        pairs = ((found.with_positions, "with positions"), (found.without, "without"))
        least = [float(np.min(each.tokens)) for each, _ in pairs]
        labels = [*(name for _, name in pairs), *(f"least alike token, {name}" for _, name in pairs)]
        return readings(self.unit, labels, [*(each.pooled for each, _ in pairs), *least])


def _layer_names(count: int) -> list[str]:
    return ["input", *(f"layer {layer}" for layer in range(1, count))]


def _check_tokenizers(*names: str) -> None:
    if not names or not set(names) <= TOKENIZERS.keys():
        raise QuestionError("The step names a tokenizer that is not here.")
