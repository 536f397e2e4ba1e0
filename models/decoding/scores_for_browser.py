"""The scores that a step's last stages begin with: what a browser needs to go through these stages by itself."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from jaxtyping import Float

from models.decoding.loop import Prompt
from models.decoding.masked_token import masked_processors
from models.decoding.prepared_generation import processors_for
from models.decoding.settings import DecodingSettings
from models.decoding.stages import NextToken, NextTokenRequest, SamplingStages
from models.engine import Engine, on_one_thread

# The stages that look at nothing but the scores, in transformers' order: not at the tokens, nor at what stands before.
SCORE_STAGES = ("temperature", "top-h", "top-k", "top-p", "min-p", "typical", "epsilon", "eta")


def end_in_score_stages(found: SamplingStages, order: Sequence[str]) -> bool:
    """Whether every stage that is no score stage comes before all that are, also before those that are off now.

    order: as `DecodingSettings.order`.
    """
    names = [stage.name for stage in found.stages if stage.name != "renormalised"]
    is_score = [name in SCORE_STAGES for name in names]
    first = next((place for place, name in enumerate(order) if name in SCORE_STAGES), len(order))
    return is_score == sorted(is_score) and not set(names).intersection(order[first:]) - set(SCORE_STAGES)


@dataclass(frozen=True)
class ScoresRequest:
    """The scores of a step after all stages but the score stages, over the whole vocabulary.

    The answer: float32 [vocabulary], in the order of the model's own logits, the likeliest token first (of equal ones
    that with the smaller id); -inf for a token that may not come.
    """

    model: str
    text: Prompt
    settings: DecodingSettings
    written: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        # The same question whatever the knobs of the score stages say. A greedy draw has none of these stages.
        settings = replace(
            DecodingSettings(),
            max_new_tokens=self.settings.max_new_tokens,
            min_new_tokens=self.settings.min_new_tokens,
            repetition_penalty=self.settings.repetition_penalty,
            no_repeat_ngram_size=self.settings.no_repeat_ngram_size,
            bad_words=self.settings.bad_words,
            order=tuple(name for name in self.settings.order if name not in SCORE_STAGES),
        )
        object.__setattr__(self, "settings", settings)

    def answer(self, engine: Engine) -> Float[np.ndarray, " vocabulary"]:
        """Raises what `load_model` and `decode` raise."""
        loaded = engine.model(self.model)
        asked: NextToken = engine.run(NextTokenRequest(self.model, self.text, self.written))
        with on_one_thread():
            if asked.masked is not None:
                processors, ids = masked_processors(loaded, asked.masked, self.settings)
            else:
                ids = torch.tensor([list(asked.history)])
                processors = processors_for(loaded, ids[:, : asked.prompt_length], self.settings)
            return processors(ids, asked.logits.float()[None])[0][asked.order.long()].numpy()
