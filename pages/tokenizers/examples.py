"""The tokenizers page's ready-made examples. Their figures are tested against the models."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pages.shared import thread
from pages.shared.link import Choice, NumberPair
from pages.tokenizers.chat_choices import CHAT, FOUR_READERS, READERS, SUPPORT_CHAT
from pages.tokenizers.choices import CHOSEN, COUNTED, KIND, LANGUAGE, LANGUAGE_ORDER, STRETCH

LANGUAGES_TAB, VOCABULARY_TAB = "what-does-a-language-cost", "what-is-in-the-vocabulary"
CHATS_TAB = "what-does-a-chat-become"


@dataclass(frozen=True)
class TokenizersExample:
    """A text, tokenizers and a stretch (start and end in characters) worth a look, and what there is to see.

    below: what is chosen beside these, for the tabs below the columns.
    """

    label: str
    text: str
    tokenizers: tuple[str, ...]
    stretch: tuple[int, int] | None
    look: str
    below: Mapping[Choice[Any], Any] = field(default_factory=dict)

    @property
    def chosen(self) -> Mapping[Choice[Any], Any]:
        """What it chooses."""
        stretch = None if self.stretch is None else NumberPair(self.stretch)
        return {thread.TEXT: self.text, CHOSEN: ",".join(self.tokenizers), STRETCH: stretch, **self.below}


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
        *("languages", "Good morning.\nBonjour.\nДоброе утро.\n早上好。\nおはよう。\nสวัสดี\nصباح الخير.\nशुभ प्रभात।"),
        *(("gpt2", "llama4", "mistral", "bytes"), None),
        "The same greeting costs some languages several times as much. What a tokenizer saw little of falls into "
        "bytes.",
        {thread.TAB: LANGUAGES_TAB, COUNTED: "lines"},
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
    TokenizersExample(
        *("price of a language", "The submitted file is empty.\nไฟล์ที่ส่งว่างเปล่า"),
        *(("gpt2", "llama3", "llama4", "mistral"), None),
        "Below, ten sentences of a program in ninety languages, as multiples of English: with GPT-2 Thai costs 6.4 "
        "times as much and Malayalam 13.7 times, with Llama 4 it is 1.1 and 3.1 times.",
        {thread.TAB: LANGUAGES_TAB, LANGUAGE: "th", LANGUAGE_ORDER: "price"},
    ),
    TokenizersExample(
        *("glitch pieces", "Say SolidGoldMagikarp, TheNitromeFan and petertodd."),
        *(("gpt2", "llama3", "bert"), None),
        "Names of people on a forum are single pieces of GPT-2, not of the others: frequent where its vocabulary was "
        "made, rare where models were trained. Below, all that are known.",
        {thread.TAB: VOCABULARY_TAB, KIND: "glitch"},
    ),
    TokenizersExample(
        *("one chat", "Can I still change the address?\nเปลี่ยนที่อยู่ได้ไหม"),
        *(FOUR_READERS, None),
        "Below, a support chat in English and Thai through four templates: what each puts round the turns, what a turn "
        "costs, and what the next one reuses.",
        {thread.TAB: CHATS_TAB, CHAT: SUPPORT_CHAT, READERS: FOUR_READERS},
    ),
)
