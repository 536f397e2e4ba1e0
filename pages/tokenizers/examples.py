"""The tokenizers page's ready-made examples. Their figures are tested against the models."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pages.shared import thread
from pages.shared.link import Choice, NumberPair
from pages.tokenizers.choices import CHOSEN, STRETCH


@dataclass(frozen=True)
class TokenizersExample:
    """A text, tokenizers and a stretch (start and end in characters) worth a look, and what there is to see."""

    label: str
    text: str
    tokenizers: tuple[str, ...]
    stretch: tuple[int, int] | None
    look: str

    @property
    def chosen(self) -> Mapping[Choice[Any], Any]:
        """What it chooses."""
        stretch = None if self.stretch is None else NumberPair(self.stretch)
        return {thread.TEXT: self.text, CHOSEN: ",".join(self.tokenizers), STRETCH: stretch}


EXAMPLES = (
    TokenizersExample(
        *("strawberry", "strawberry and a strawberry, 1234567, สวัสดี 🍓"),
        *(("gpt2", "llama3", "bert"), (16, 27)),
        "GPT-2 cuts the first *strawberry* into pieces and the second not at all: with a space in front it is "
        "another piece. BERT has the fewest tokens, because it does not know the Thai word and the fruit.",
    ),
    TokenizersExample(
        *("numbers", "12345 + 67890 = 80235\n3.14159, 1,000,000 and 2026-11-24"),
        *(("gpt2", "llama3", "qwen", "smollm2"), (0, 5)),
        "Digits alone, by three, or as they came up in the training text: arithmetic looks different to each model.",
    ),
    TokenizersExample(
        *("languages", "Good morning. Bonjour. Доброе утро. 早上好。 おはよう。 สวัสดี صباح الخير. शुभ प्रभात।"),
        *(("gpt2", "llama4", "mistral", "bytes"), None),
        "The same greeting costs some languages several times as much. What a tokenizer saw little of falls into "
        "bytes.",
    ),
    TokenizersExample(
        "code",
        "def mean(values):\n    total = 0\n    for value in values:\n        total += value\n"
        "    return total / len(values)\n",
        *(("gpt2", "llama3", "tekken"), (17, 22)),
        "Indentation: a token for each space, or one for all of them.",
    ),
    TokenizersExample(
        *("emoji", "👩‍👩‍👧 👍🏽 🇩🇪 café café ﬁne"),
        *(("gpt2", "qwen", "mistral", "bert"), None),
        "One emoji is several characters and many bytes, and *café* can be written in two ways that look the same.",
    ),
    TokenizersExample(
        *("<s>", "Ends here: <|endoftext|> or here </s> or [SEP]?"),
        *(("gpt2", "mistral", "bert"), (11, 24)),
        "Typed in a text, each of these is the real special token for one tokenizer and plain text for the "
        "others. *More* has the switch.",
    ),
)
