"""What the pages ask of the loop."""

from collections.abc import Iterator
from dataclasses import dataclass

from models.decoding.beams import BeamSearch, beam_search
from models.decoding.loop import decode
from models.decoding.settings import DecodingSettings
from models.decoding.steps import GenerationStep
from models.engine import Engine


@dataclass(frozen=True)
class WriteRequest:
    """Go on from a text: as a job step by step, or all at once as an answer that is kept."""

    model: str
    text: str
    settings: DecodingSettings

    def steps(self, engine: Engine) -> Iterator[GenerationStep]:
        """Raises what `load_model` and `decode` raise."""
        loaded = engine.model(self.model)
        return decode(loaded, self.text, self.settings, turn=lambda: engine.forward(loaded))

    def answer(self, engine: Engine) -> tuple[GenerationStep, ...]:
        """Raises what `load_model` and `decode` raise."""
        return tuple(self.steps(engine))


@dataclass(frozen=True)
class BeamSearchRequest:
    """The likeliest whole continuations that `beams` side by side find."""

    model: str
    text: str
    beams: int = 4
    max_new_tokens: int = 32

    def answer(self, engine: Engine) -> BeamSearch:
        """Raises what `load_model` and `beam_search` raise."""
        loaded = engine.model(self.model)
        return beam_search(
            loaded,
            self.text,
            beams=self.beams,
            max_new_tokens=self.max_new_tokens,
            turn=lambda: engine.forward(loaded),
        )
