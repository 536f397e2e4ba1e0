"""Whether a model answers: one short forward, as any other question has it."""

from dataclasses import dataclass

import torch

from models.engine import Engine
from models.errors import HeadlightError
from models.forward.inputs import model_inputs
from models.forward.recorded_run import output_of

_TEXT = "Is anybody there?"


class NoAnswerError(HeadlightError):
    """A model that gives no numbers."""


@dataclass(frozen=True)
class AnsweringRequest:
    """One forward of this model; number: which time this is, since an answer that is kept says nothing of now."""

    model: str
    number: int

    def answer(self, engine: Engine) -> bool:
        """True. Raises what `Engine.model` and `model_inputs` raise, and NoAnswerError."""
        loaded = engine.model(self.model)
        arguments = model_inputs(loaded, _TEXT).arguments(loaded, 1, last_only=True)
        with engine.forward(loaded), torch.inference_mode():
            output = output_of(loaded.model(**arguments))
            is_finite = bool(torch.isfinite(output).all())
        if not is_finite:
            raise NoAnswerError(f"{loaded.card.title} computes what are no numbers.")
        return True
