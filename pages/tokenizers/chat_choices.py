"""What can be chosen of a chat, and which tokenizer to take."""

from typing import Any

from models.catalog import ARCHITECTURES, TOKENIZERS
from pages.shared.link import Choice, Names, number_within, one_number_of, one_of
from pages.tokenizers import session_tokenizers

# Stands behind a tokenizer's name where the pasted template is taken instead of its own.
PASTED = "+pasted"
MOST_READERS = 4

FOUR_READERS = Names(("smollm2", "llama3", "mistral", "qwen"))
SUPPORT_CHAT = (
    "system: You answer questions about orders, briefly, in the customer's language.\n"
    "user: Where is order 48213?\n"
    "assistant: It left our warehouse this morning and arrives tomorrow.\n"
    "user: เปลี่ยนที่อยู่ได้ไหม"
)
# A system prompt, a question, an answer and a further question.
FIRST_CHAT = (
    "system: You answer questions about orders, briefly.\n"
    "user: Where is order 48213?\n"
    "assistant: It left our warehouse this morning and arrives tomorrow.\n"
    "user: Can I still change the address?"
)
WIDTHS = (512, 768, 1_024, 2_048, 4_096, 8_192, 16_384)
BYTES = {1: "1 byte", 2: "2 bytes", 4: "4 bytes"}
OF = {"text": "The text above", "chat": "The chat", "file": "The file"}


def _readers(text: str) -> Names:
    named = list(dict.fromkeys(each for each in text.split(",") if each))
    known = [
        each for each in named if (name := each.removesuffix(PASTED)) in TOKENIZERS or session_tokenizers.has(name)
    ]
    if not known or len(known) < len(named) or len(known) > MOST_READERS:
        raise ValueError("The link names tokenizers for the chat that are not here, or too many; the default is shown.")
    return Names(known)


def _is_here(name: str) -> bool:
    return name in TOKENIZERS or session_tokenizers.has(name)


CHAT: Choice[str] = Choice("chat", FIRST_CHAT, str)
READERS: Choice[Names] = Choice("chat_for", Names(("smollm2", "llama3")), _readers)
JINJA: Choice[str] = Choice("chat_template", "", str)
PROMPT: Choice[str | None] = Choice("chat_prompt", None, one_of("way to end a chat", ("none",)))
SPLIT: Choice[str | None] = Choice("chat_specials", None, one_of("way to read special tokens", ("text",)))
KEEPER: Choice[str] = Choice("chat_kept_by", "smollm2-135m", one_of("model that keeps the chat", tuple(ARCHITECTURES)))
# Of which tokenizer to take.
VERDICT_OF: Choice[str] = Choice("verdict_of", "text", one_of("thing to choose a tokenizer for", tuple(OF)))
WIDTH: Choice[int] = Choice("table_width", 4_096, one_number_of("width of a model", WIDTHS))
NUMBER_BYTES: Choice[int] = Choice("table_bytes", 2, one_number_of("size of a number", tuple(BYTES)))
# Of a file: the longest line that a model reads, and what a million tokens cost.
LINE_LIMIT: Choice[float] = Choice(
    "line_limit",
    2_048,
    number_within("The link's longest line is not a number of tokens from 1 on; the default is taken.", 1, 10**7, int),
)
PRICE: Choice[float] = Choice(
    "price",
    1.0,
    number_within("The link's price is not a number from 0 to 100,000; the default is taken.", 0, 100_000),
)

CHAT_CHOICES: tuple[Choice[Any], ...] = (
    *(CHAT, READERS, JINJA, PROMPT, SPLIT, KEEPER),
    *(VERDICT_OF, WIDTH, NUMBER_BYTES, LINE_LIMIT, PRICE),
)
