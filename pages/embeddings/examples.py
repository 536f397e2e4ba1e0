"""The embeddings page's ready-made examples. Their figures are tested against the models."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pages.embeddings.choices import ANSWER, MINUS, PIECE, PLUS, POINTS, SENSES, SHOW, WORD
from pages.shared import thread
from pages.shared.link import Choice


@dataclass(frozen=True)
class EmbeddingsExample:
    """A model, a text (a line for each sentence) and a view of its vectors, and what there is to see.

    word, senses: a word that stands in each line, and what it means there. answer: the token that is followed through
    the layers. piece, minus, plus: what is looked up in the table.
    """

    label: str
    model: str
    text: str
    show: str
    look: str
    word: str = ""
    senses: tuple[str, ...] = ()
    answer: str = ""
    piece: str = ""
    minus: str = ""
    plus: str = ""

    @property
    def chosen(self) -> Mapping[Choice[Any], Any]:
        """What it chooses."""
        return {
            thread.MODEL: self.model,
            thread.TEXT: self.text,
            SHOW: self.show,
            WORD: self.word,
            POINTS: "word" if self.word else "all",
            SENSES: ",".join(self.senses),
            ANSWER: self.answer,
            PIECE: self.piece,
            MINUS: self.minus,
            PLUS: self.plus,
        }


EXAMPLES = (
    EmbeddingsExample(
        "bank",
        "minilm",
        "She opened an account at the bank.\nHe asked the bank for a loan.\n"
        "My bank charges a fee for every card.\nThe river burst its bank after the rain.\n"
        "We sat on the grassy bank and fished.\nAn otter slept on the muddy bank.",
        "context",
        "Six sentences, one word. At the input *bank* is the same vector six times and differs only by its "
        "position. Press *Play*: where do the two meanings part?",
        word="bank",
        senses=("money", "money", "money", "river", "river", "river"),
    ),
    EmbeddingsExample(
        *("Eiffel Tower", "smollm2", "The Eiffel Tower is located in the city of", "lens"),
        "Each row is what the model would say if it stopped there. *Paris* starts far down; in which layer does "
        "it come to the front?",
        answer=" Paris",
    ),
    EmbeddingsExample(
        *("king − man + woman", "minilm", "The king spoke to the queen.", "table"),
        "The rows of the table before any context. The nearest row to the sum is *king* itself, which is why such "
        "lists leave the inputs out.",
        piece="king",
        minus="man",
        plus="woman",
    ),
    EmbeddingsExample(
        *("strawberries", "smollm2", "strawberry", "table"),
        "What stands near a row of the table is often the same word in another spelling: with a capital, a "
        "plural, without its space.",
        piece=" strawberry",
    ),
)
