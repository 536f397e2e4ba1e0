"""The attention page's ready-made examples, each chosen because it shows something.

Their figures are tested against the models.
"""

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
        label="it = the animal",
        model="minilm",
        text=thread.DEFAULT_TEXT,
        layer=3,
        head=1,
        token=10,
        look="This head ties *it* to *animal*. Now change the last word: does *it* follow?",
    ),
    AttentionExample(
        label="tired → wide",
        model="minilm",
        text="The animal didn't cross the street because it was too wide.",
        layer=3,
        head=1,
        token=10,
        look="Now *it* should mean the street, but the head does not flip: the weight leaves *animal*, most of it for "
        "`[CLS]`, little for *street*.",
    ),
    AttentionExample(
        label="Dr. Z…",
        model="smollm2",
        text="Dr. Zorblax lives in Oslo. Yesterday I met Dr. Z",
        layer=17,
        head=3,
        token=16,
        look="The text stops inside an invented name. This head finds what followed *Z* the first time: *or*.",
    ),
    AttentionExample(
        label="seven green…",
        model="smollm2",
        text="Zorblax ate seven green apples. Later that night, Zorblax ate seven green",
        layer=17,
        head=4,
        token=19,
        look="The head looks almost only at *apples*, the word that followed last time. Looking is not yet mattering.",
    ),
    AttentionExample(
        label="knight → N AY1 T",
        model="spelling_to_sound",
        text="knight",
        layer=2,
        head=1,
        token=1,
        look="This model turns spelling into sounds. Which letters does each sound listen to? Which could be left out?",
        kind="cross",
        step=0,
    ),
)
