"""The KV cache page's ready-made examples. Their figures are tested against the models."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pages.kv_cache.choices import DRAWN, TOKENS
from pages.shared import thread
from pages.shared.link import Choice


@dataclass(frozen=True)
class CacheExample:
    """A model, a text, how many tokens it goes on and at which of them the picture stops, and what there is to see."""

    label: str
    model: str
    text: str
    tokens: int
    drawn: int
    look: str

    @property
    def chosen(self) -> Mapping[Choice[Any], Any]:
        """What it chooses."""
        return {thread.MODEL: self.model, thread.TEXT: self.text, TOKENS: self.tokens, DRAWN: self.drawn}


EXAMPLES = (
    CacheExample(
        *("Once upon…", "smollm2", "Once upon a time there was a", 20, 5),
        "Press *Next token*: one column lights up, all others stay as they are. That is the whole trick: without "
        "the cache every column would be computed again for every token.",
    ),
    CacheExample(
        *("a list", "smollm2", "The planets of the solar system are Mercury, Venus, Earth,", 32, 8),
        "Look at the first column from L12 on: the values there are short. Many heads rest on the first token (a "
        "*sink*), and fetch next to nothing.",
    ),
    CacheExample(
        *("knight (two caches)", "spelling_to_sound", "knight", 20, 2),
        "Two caches: that of the source is filled once and stands still, that of the output grows with each sound.",
    ),
)
