"""What the pages ask of the loop."""

from collections.abc import Iterator
from dataclasses import dataclass

from models.decoding.beams import BeamSearch, beam_search
from models.decoding.loop import decode
from models.decoding.preparation import prompt_ids
from models.decoding.settings import DecodingSettings
from models.decoding.steps import GenerationStep
from models.engine import Engine
from models.tokenization import encode


@dataclass(frozen=True)
class WriteRequest:
    """Go on from a text: as a job step by step, or all at once as an answer that is kept."""

    model: str
    text: str
    settings: DecodingSettings

    def steps(self, engine: Engine) -> Iterator[GenerationStep]:
        """Those of the answer, where it is kept already; a job that comes to its end keeps them as the answer.

        Raises what `load_model` and `decode` raise.
        """
        if self in engine.answers:
            yield from engine.run(self)
            return
        made = []
        for step in self._steps(engine):
            made.append(step)
            yield step
        engine.answers.get(self, lambda: tuple(made))

    def answer(self, engine: Engine) -> tuple[GenerationStep, ...]:
        """Raises what `load_model` and `decode` raise."""
        return tuple(self._steps(engine))

    def _steps(self, engine: Engine) -> Iterator[GenerationStep]:
        loaded = engine.model(self.model)
        return decode(loaded, self.text, self.settings, turn=lambda: engine.forward(loaded))


@dataclass(frozen=True)
class PromptPieces:
    """What a model is given before it draws its first token.

    pieces, is_special, spans: of the text; spans in code points, (0, 0) for what is not in the text.
    start: what the decoder of a seq2seq model begins with; else empty.
    """

    ids: tuple[int, ...]
    pieces: tuple[str, ...]
    is_special: tuple[bool, ...]
    spans: tuple[tuple[int, int], ...]
    start: tuple[str, ...]


@dataclass(frozen=True)
class PromptRequest:
    """The pieces of a prompt, without a forward."""

    model: str
    text: str

    def answer(self, engine: Engine) -> PromptPieces:
        """Raises what `load_model` raises, TextError, InputError, CannotWriteError."""
        loaded = engine.model(self.model)
        ids = prompt_ids(loaded, self.text)
        pieces = encode(loaded.tokenizer, self.text).pieces
        start: tuple[str, ...] = ()
        if loaded.model.config.is_encoder_decoder:
            config = loaded.model.generation_config
            first = config.decoder_start_token_id if config.decoder_start_token_id is not None else config.bos_token_id
            start = tuple(piece.text for piece in loaded.pieces([int(first)]))
        return PromptPieces(
            ids=ids,
            pieces=tuple(piece.text for piece in pieces),
            is_special=tuple(piece.is_special for piece in pieces),
            spans=tuple(piece.span for piece in pieces),
            start=start,
        )


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
