"""The sampling page's ready-made examples. Their figures are tested against the models."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pages.sampling.knobs import KNOB_CHOICES
from pages.shared import thread
from pages.shared.link import Choice


@dataclass(frozen=True)
class SamplingExample:
    """A model, a text and knobs that differ from the page's own, and what there is to see."""

    label: str
    model: str
    text: str
    knobs: tuple[tuple[str, float], ...]
    look: str

    @property
    def chosen(self) -> Mapping[Choice[Any], Any]:
        """What it chooses: every knob, so that it is not taken for the one that is shown once another is turned."""
        own = dict(self.knobs)
        knobs = {choice: own.get(field, choice.default) for field, choice in KNOB_CHOICES.items()}
        return {thread.MODEL: self.model, thread.TEXT: self.text, **knobs}


EXAMPLES = (
    SamplingExample(
        *("Paris", "smollm2", "The capital of France is"),
        (),
        "The model is fairly sure: at T = 1, a top-p of 0.9 leaves 10 of 49,152 tokens. Now move the temperature to 2: "
        "how many are left, and why does min-p help where top-p does not?",
    ),
    SamplingExample(
        *("T = 2", "smollm2", "The capital of France is"),
        (("temperature", 2.0),),
        "Flattened odds: at T = 2, *Paris* falls to a few percent, and the nucleus of 90 % has thousands of tokens. "
        "Set min-p to 0.05 and top-p to 1.",
    ),
    SamplingExample(
        *("Once upon…", "smollm2", "Once upon a time, in a small village by the sea, there lived"),
        (("temperature", 0.8), ("top_p", 0.95)),
        "Press *Write*, then choose a token: what else could have come there? Take another one, and the text goes "
        "on from it.",
    ),
    SamplingExample(
        *("again…", "smollm2", "The rain in Spain falls. The rain in Spain falls. The rain in Spain"),
        (("temperature", 0.0), ("repetition_penalty", 1.3)),
        "A text that repeats itself is likely to go on so. The repetition penalty lowers every token that was "
        "there; switch it off in its stage and compare.",
    ),
    SamplingExample(
        *("knight", "spelling_to_sound", "knight"),
        (("temperature", 1.5), ("top_p", 1.0)),
        "The same knobs for a model that reads one text and writes another: the sounds of a word.",
    ),
)
