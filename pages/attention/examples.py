"""The attention page's ready-made examples. Their figures are tested against the models."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pages.attention.choices import HEAD, KIND, LAYER, STEP
from pages.shared import thread
from pages.shared.link import Choice


@dataclass(frozen=True)
class AttentionExample:
    """A text, a head and a token worth a look, and what there is to see.

    kind, step: for a seq2seq model, the kind of attention and the step of the output that is selected.
    """

    label: str
    model: str
    text: str
    layer: int
    head: int
    token: int
    look: str
    kind: str | None = None
    step: int = 0

    @property
    def chosen(self) -> Mapping[Choice[Any], Any]:
        """What it chooses."""
        return {
            thread.MODEL: self.model,
            thread.TEXT: self.text,
            thread.TOKEN: self.token,
            KIND: self.kind,
            STEP: self.step,
            LAYER: self.layer,
            HEAD: self.head,
        }


EXAMPLES = (
    AttentionExample(
        *("it = the animal", "minilm", thread.DEFAULT_TEXT),
        *(3, 1, 10),
        "This head ties *it* to *animal*. Now change the last word: does *it* follow?",
    ),
    AttentionExample(
        *("tired → wide", "minilm", "The animal didn't cross the street because it was too wide."),
        *(3, 1, 10),
        "Now *it* should mean the street, but the head does not flip: the weight leaves *animal*, most of it for "
        "`[CLS]`, little for *street*.",
    ),
    AttentionExample(
        *("Dr. Z…", "smollm2", "Dr. Zorblax lives in Oslo. Yesterday I met Dr. Z"),
        *(17, 3, 16),
        "The text stops inside an invented name. This head finds what followed *Z* the first time: *or*.",
    ),
    AttentionExample(
        *("seven green…", "smollm2", "Zorblax ate seven green apples. Later that night, Zorblax ate seven green"),
        *(17, 4, 19),
        "The head looks almost only at *apples*, the word that followed last time. Looking is not yet mattering.",
    ),
    AttentionExample(
        *("knight → N AY1 T", "spelling_to_sound", "knight"),
        *(2, 1, 1),
        "This model turns spelling into sounds. Which letters does each sound listen to? Which could be left out?",
        kind="cross",
    ),
)
