"""What the pages ask of the loop."""

from collections.abc import Generator
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice
from typing import Any, Literal

from models.decoder_start import decoder_start
from models.decoding.beams import BeamSearch, beam_search
from models.decoding.generation_step import GenerationStep
from models.decoding.loop import decode
from models.decoding.prepared_generation import prompt_ids
from models.decoding.settings import DecodingSettings, SettingsError
from models.engine import Engine, Stepwise, TextRequest
from models.tokenization import encode
from models.tokenization.pieces import TextPieces, columns_of

MOST_NEW_TOKENS = 4_096
_MOST_OF_A_BEAM = 512


def _check_length(tokens: int, most: int) -> None:
    """Raise SettingsError for more tokens than a page asks for: each step is kept, and a device is busy with them."""
    if tokens > most:
        raise SettingsError(f"At most {most:,} tokens are written at once here, not {tokens:,}; ask for fewer.")


@dataclass(frozen=True)
class BranchPoint:
    """Another token than the drawn one, chosen by hand: at `step` of the run, from 0."""

    step: int
    token: int


@dataclass(frozen=True)
class WriteRequest(TextRequest, Stepwise[GenerationStep, tuple[GenerationStep, ...]]):
    """Go on from a text: as a job step by step, or all at once as an answer that is kept.

    branch: tokens that were chosen by hand instead of the drawn ones, in the order of their steps. Up to the last of
        them it is the text of the branch without it; from there on the model reads what stands there and goes on, with
        the random numbers of the steps that follow. So the branch alone determines the whole text.
    """

    settings: DecodingSettings
    branch: tuple[BranchPoint, ...] = ()

    def __post_init__(self) -> None:
        steps = [point.step for point in self.branch]
        if steps != sorted(set(steps)) or any(step < 0 for step in steps):
            raise SettingsError("A branch names its steps in their order, each once.")

    @property
    def parent(self) -> "WriteRequest":
        """The branch without the last choice by hand."""
        return replace(self, branch=self.branch[:-1])

    def computed(self, engine: Engine) -> Generator[GenerationStep, None, tuple[GenerationStep, ...]]:
        """Raises what `load_model` and `decode` raise, and SettingsError where a branch turns off after the end or too
        many tokens are asked for.
        """
        _check_length(self.settings.max_new_tokens, MOST_NEW_TOKENS)
        loaded = engine.model(self.model)
        lock = partial(engine.forward, loaded)
        made: list[GenerationStep] = []
        goes_on: dict[str, Any] = {}
        if self.branch:
            last = self.branch[-1]
            # No further than the branch point: what comes after it in the other branch is not computed for this one.
            for step in islice(self.parent.steps(engine), last.step):
                made.append(step)
                yield step
            if len(made) < last.step:
                raise SettingsError(
                    f"This branch turns off at token {last.step + 1}, but the text before it ends after {len(made)}."
                )
            goes_on = {"written": [step.token_id for step in made], "first": last.token}
        for step in decode(loaded, self.text, self.settings, lock=lock, **goes_on):
            made.append(step)
            yield step
        return tuple(made)

    def steps_of(self, answer: tuple[GenerationStep, ...]) -> tuple[GenerationStep, ...]:
        """All of them."""
        return answer


@dataclass(frozen=True)
class PromptPieces(TextPieces):
    """The pieces of a prompt. start: what the decoder of a seq2seq model begins with; else empty."""

    start: tuple[str, ...]


@dataclass(frozen=True)
class PromptRequest(TextRequest):
    """What a model is given before it draws its first token, piece by piece, without a forward."""

    def answer(self, engine: Engine) -> PromptPieces:
        """Raises what `load_model` raises, TextError, InputError, CannotWriteError."""
        loaded = engine.model(self.model)
        # Raises where this model cannot go on with it.
        prompt_ids(loaded, self.text)
        start = loaded.pieces([decoder_start(loaded.model)]) if loaded.is_seq2seq else ()
        pieces = encode(loaded.tokenizer, self.text).pieces
        return PromptPieces(**columns_of(pieces), start=tuple(piece.text for piece in start))


@dataclass(frozen=True)
class BeamSearchRequest(TextRequest):
    """The likeliest whole continuations that `beams` side by side find."""

    beams: int = 4
    max_new_tokens: int = 32
    length_penalty: float | int = 1.0
    early_stopping: bool | Literal["never"] = False

    def answer(self, engine: Engine) -> BeamSearch:
        """Raises what `load_model` and `beam_search` raise, and SettingsError for too many tokens."""
        _check_length(self.max_new_tokens, _MOST_OF_A_BEAM)
        loaded = engine.model(self.model)
        return beam_search(
            loaded,
            self.text,
            beams=self.beams,
            max_new_tokens=self.max_new_tokens,
            length_penalty=self.length_penalty,
            early_stopping=self.early_stopping,
            lock=lambda: engine.forward(loaded),
        )
