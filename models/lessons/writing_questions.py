"""Questions about what a model writes, how a token is chosen, and what is kept meanwhile."""

from dataclasses import dataclass
from typing import Any, ClassVar

import torch

from models.decoding.requests import PromptRequest
from models.decoding.settings import DecodingSettings
from models.decoding.stages import NextToken, NextTokenRequest, SamplingStagesRequest
from models.decoding.typed_words import word_of
from models.engine import Engine
from models.kv_cache.facts_before_run import CacheFactsRequest
from models.kv_cache.size_formula import bytes_per_token, predict, with_key_value_heads
from models.lessons.question_base import Question, named
from models.lessons.readings import QuestionError, Readings, Unit, readings

_MOST_NEW = 1_000
_MOST_POSITIONS = 10_000_000
# What a step may set, and how it is read.
_KNOBS: dict[str, Any] = {"temperature": float, "top_k": int, "top_p": float, "min_p": float}


@dataclass(frozen=True)
class NextTokens(Question):
    """How likely tokens are to come next, nothing cut: those that are named, else the likeliest."""

    tokens: tuple[str, ...] = ()
    top: int = 5

    def answer(self, engine: Engine) -> Readings:
        """Raises WordError for a word without a token, and what a forward raises."""
        loaded = engine.model(self.model)
        asked = engine.run(NextTokenRequest(self.model, self.text))
        shares = torch.softmax(asked.logits.double(), dim=-1)
        if self.tokens:
            ids = [word_of(loaded, each).ids[-1][0] for each in self.tokens]
            labels = [each.strip() for each in self.tokens]
        else:
            ids = asked.order[: max(1, min(self.top, 12))].tolist()
            labels = [piece.text for piece in loaded.pieces(ids)]
        return readings(self.unit, labels, [float(shares[each]) for each in ids])


@dataclass(frozen=True)
class AfterPrompts(Question):
    """How likely a token is after each of several prompts, nothing cut. names: of the prompts."""

    prompts: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    token: str = ""
    reads_text: ClassVar[bool] = False

    def answer(self, engine: Engine) -> Readings:
        """Raises QuestionError, WordError, and what a forward raises."""
        names = named(self.names, self.prompts)
        token = word_of(engine.model(self.model), self.token).ids[-1][0]
        found: list[NextToken] = [engine.run(NextTokenRequest(self.model, prompt)) for prompt in self.prompts]
        return readings(self.unit, names, [float(torch.softmax(each.logits.double(), -1)[token]) for each in found])


@dataclass(frozen=True)
class _AfterStages(Question):
    """settings: for each run its knobs, as in "temperature=2 top_p=0.9". names: of the runs."""

    settings: tuple[str, ...] = ()
    names: tuple[str, ...] = ()

    @property
    def knobs(self) -> tuple[DecodingSettings, ...]:
        """Raises QuestionError, SettingsError."""
        return tuple(_settings(each) for each in self.settings)


@dataclass(frozen=True)
class Survivors(_AfterStages):
    """How many tokens may still come after the stages, with each of several settings."""

    unit: ClassVar[Unit] = "count"

    def answer(self, engine: Engine) -> Readings:
        """Raises QuestionError, SettingsError, and what a forward raises."""
        names = named(self.names, self.settings)
        found = [engine.run(SamplingStagesRequest(self.model, self.text, each)) for each in self.knobs]
        return readings(self.unit, names, [each.stages[-1].survivors for each in found])


@dataclass(frozen=True)
class ChanceAfterStages(_AfterStages):
    """How likely the likeliest token is to be drawn after the stages, or the one that is named."""

    token: str = ""

    def answer(self, engine: Engine) -> Readings:
        """Raises QuestionError, WordError, SettingsError, and what a forward raises."""
        names = named(self.names, self.settings)
        tokens = (word_of(engine.model(self.model), self.token).ids[-1][0],) if self.token else ()
        parts = []
        for each in self.knobs:
            found = engine.run(SamplingStagesRequest(self.model, self.text, each, tokens))
            followed = found.followed[0] if tokens else found.top[0]
            parts.append(followed.probabilities[-1])
        return readings(self.unit, names, parts)


@dataclass(frozen=True)
class ColumnsComputed(Question):
    """For how many positions keys and values are computed until so many tokens are written, with a cache and without.

    With it the prompt once and each token but the last once; without it the whole text for each new token.
    """

    new_tokens: int = 5
    unit: ClassVar[Unit] = "count"

    def answer(self, engine: Engine) -> Readings:
        """Raises QuestionError, and what `PromptRequest` raises."""
        if not 1 <= self.new_tokens <= _MOST_NEW:
            raise QuestionError(f"A step writes between 1 and {_MOST_NEW:,} tokens.")
        prompt, new = len(engine.run(PromptRequest(self.model, self.text)).ids), self.new_tokens
        without = new * prompt + new * (new - 1) // 2
        return readings(self.unit, ["prompt", "with the cache", "without"], [prompt, prompt + new - 1, without])


@dataclass(frozen=True)
class CacheBytes(Question):
    """What a cache takes, in bytes, as the model keeps numbers: at so many tokens, as it is and with other key heads.

    Labels: "grouped, as it is", "keys for every head" (and values), "one key head for all" (multi-query),
    "one token", "weights" (of the model). Shazeer 2019 (arXiv 1911.02150); Ainslie et al. 2023 (arXiv 2305.13245).
    """

    tokens: int = 1_000
    reads_text: ClassVar[bool] = False
    unit: ClassVar[Unit] = "bytes"

    def answer(self, engine: Engine) -> Readings:
        """Raises QuestionError, CacheFormulaError."""
        if not 1 <= self.tokens <= _MOST_POSITIONS:
            raise QuestionError(f"A cache is asked for at 1 to {_MOST_POSITIONS:,} tokens.")
        facts = engine.run(CacheFactsRequest(self.model))
        if not facts.shape:
            raise QuestionError("An encoder keeps nothing; this step needs a model that writes.")
        own = with_key_value_heads(facts.shape, facts.query_heads, facts.query_heads)
        one = with_key_value_heads(facts.shape, 1, facts.query_heads)
        sizes = [predict(each, self.tokens, dtype=facts.dtype).total_bytes for each in (facts.shape, own, one)]
        labels = ["grouped, as it is", "keys for every head", "one key head for all", "one token", "weights"]
        return readings(self.unit, labels, [*sizes, bytes_per_token(facts.shape, facts.dtype), facts.weight_bytes])


def _settings(said: str) -> DecodingSettings:
    """Knobs as a lesson names them. Raises QuestionError, SettingsError."""
    values: dict[str, Any] = {"max_new_tokens": 1, "temperature": 1.0}
    for each in said.split():
        name, _, value = each.partition("=")
        try:
            values[name] = _KNOBS[name](value)
        except (KeyError, ValueError) as error:
            raise QuestionError(f"A step sets {', '.join(_KNOBS)}, as in temperature=2 top_p=0.9.") from error
    return DecodingSettings(**values)
