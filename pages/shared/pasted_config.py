"""A config.json that somebody pasted: what is kept of it, and how it goes through a link."""

import base64
import json
import re
import zlib
from dataclasses import dataclass
from typing import Any

from pages.shared.bound_widgets import text_area
from pages.shared.link import Choice, fits
from pages.shared.sentences_and_charts import remark

# In the place of a model's name.
PASTED = "config"
LONGEST_CONFIG = 40_000
# What a config.json says of its training and its files; it sizes nothing, and a link has little room.
_SAYS_NOTHING = re.compile(
    r"_name_or_path|transformers_version|_commit_hash|id2label|label2id|task_specific_params|torchscript|auto_map"
    r"|quantization_config|initializer_range|attention_dropout|\w+_pdrop|hidden_dropout"
)


@dataclass(frozen=True)
class PastedConfig:
    """A config.json as somebody pasted it; in a link it is compressed, base64 with - and _.

    text: compact and in the order of its keys where it is a JSON object, else as it was pasted.
    """

    text: str

    def __str__(self) -> str:
        return base64.urlsafe_b64encode(zlib.compress(self.text.encode("utf-8", "replace"), 9)).decode().rstrip("=")

    @property
    def readable(self) -> str:
        """A line for each setting."""
        said = _object(self.text)
        return self.text if said is None else json.dumps(said, indent=1, ensure_ascii=False)


def pasted(text: str) -> PastedConfig | None:
    """What is kept of it; None where there is nothing."""
    said = _object(text)
    if said is None:
        return PastedConfig(text[:LONGEST_CONFIG]) if text.strip() else None
    kept = {key: value for key, value in said.items() if value is not None and not _SAYS_NOTHING.fullmatch(key)}
    return PastedConfig(json.dumps(kept, sort_keys=True, separators=(",", ":"), ensure_ascii=False))


def _object(text: str) -> dict[str, Any] | None:
    try:
        said = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return said if isinstance(said, dict) else None


def pasted_in_link(text: str) -> PastedConfig:
    """As a link has it. Raises ValueError with the sentence that a person reads."""
    whole = zlib.decompressobj()
    try:
        data = base64.b64decode(text.encode("ascii") + b"=" * (-len(text) % 4), altchars=b"-_", validate=True)
        # A few bytes may be a thousand times as many.
        found = whole.decompress(data, LONGEST_CONFIG).decode()
    except (ValueError, zlib.error):
        found = ""
    if not (whole.eof and found):
        raise ValueError("The link's config.json is damaged; paste it again.")
    return PastedConfig(found)


def config_box(choice: Choice[PastedConfig | None], too_long: str) -> None:
    """Where it is pasted; too_long: what is said where a link has no room for it."""
    text_area(
        choice,
        "config.json",
        shown=lambda config: "" if config is None else config.readable,
        meant=pasted,
        height=160,
        max_chars=LONGEST_CONFIG,
        placeholder='{"model_type": "llama", "num_hidden_layers": 32, …}',
    )
    if choice.value is not None and not fits(choice):
        remark(too_long)
