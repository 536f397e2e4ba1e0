"""What the pages ask of tokenizers, and the answers: arrays and strings, only the slice that is shown."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from models.engine import Engine
from models.tokenization.boundaries import Disagreements, disagreements
from models.tokenization.piece_counts import Counts, CutText, TimedCut, counts, timed_cut
from models.tokenization.piece_origins import ShownOrigin, shown_origins
from models.tokenization.pieces import check_is_text
from models.tokenization.pipeline_stages import Stages, stages
from models.tokenization.sandboxed import answered
from models.tokenization.text_window import Comparison, window_of
from models.tokenization.tokenizer_facts import TokenizerFacts

Given = TypeVar("Given")


@dataclass(frozen=True)
class FactsRequest:
    """What a tokenizer's own file says of it; None for a baseline, which has none."""

    tokenizer: str

    def answer(self, engine: Engine) -> TokenizerFacts | None:
        """Raises what `engine.tokenizer` raises."""
        return engine.tokenizer(self.tokenizer).facts


@dataclass(frozen=True)
class _OfAText:
    """One text and one tokenizer."""

    tokenizer: str
    text: str
    split_special_tokens: bool

    def answered(self, engine: Engine, task: Callable[..., Given]) -> Given:
        check_is_text(self.text)
        return answered(engine.tokenizer(self.tokenizer), task, self.text, self.split_special_tokens)


@dataclass(frozen=True)
class _OfTokenizers:
    """One text and several tokenizers."""

    tokenizers: tuple[str, ...]
    text: str
    split_special_tokens: bool

    def cuts(self, engine: Engine) -> list[CutText]:
        each = (CutTextRequest(name, self.text, self.split_special_tokens) for name in self.tokenizers)
        return [engine.run(request).cut for request in each]


@dataclass(frozen=True)
class CutTextRequest(_OfAText):
    """Where all the pieces of a text are."""

    def answer(self, engine: Engine) -> TimedCut:
        """Raises TextError."""
        return self.answered(engine, timed_cut)


@dataclass(frozen=True)
class CountsRequest(_OfAText):
    """Counts over the whole text."""

    def answer(self, engine: Engine) -> Counts:
        """Raises TextError."""
        loaded = engine.tokenizer(self.tokenizer)
        timed = engine.run(CutTextRequest(self.tokenizer, self.text, self.split_special_tokens))
        return counts(loaded, self.text, timed)


@dataclass(frozen=True)
class ComparisonRequest(_OfTokenizers):
    """A window of at most `WINDOW` characters from `start` on."""

    start: int

    def answer(self, engine: Engine) -> Comparison:
        """Raises TextError."""
        cuts = self.cuts(engine)
        found: Disagreements = engine.run(_DisagreementsRequest(self.tokenizers, self.text, self.split_special_tokens))
        loaded = [engine.tokenizer(name) for name in self.tokenizers]
        return window_of(loaded, cuts, found, self.text, self.start)


@dataclass(frozen=True)
class _DisagreementsRequest(_OfTokenizers):
    def answer(self, engine: Engine) -> Disagreements:
        return disagreements(self.cuts(engine), len(self.text.encode()))


@dataclass(frozen=True)
class StagesRequest(_OfAText):
    """Each stage of a text, for one tokenizer."""

    def answer(self, engine: Engine) -> Stages:
        """Raises TextError."""
        return self.answered(engine, stages)


@dataclass(frozen=True)
class OriginsRequest:
    """How the words of a stretch (start and end in characters) were cut by one tokenizer."""

    tokenizer: str
    text: str
    stretch: tuple[int, int]
    split_special_tokens: bool

    def answer(self, engine: Engine) -> tuple[ShownOrigin, ...]:
        """Raises TextError, NoOriginError."""
        check_is_text(self.text)
        loaded = engine.tokenizer(self.tokenizer)
        return answered(loaded, shown_origins, self.text, self.stretch, self.split_special_tokens)
