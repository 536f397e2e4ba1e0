"""What is shown above the tabs of the KV cache page."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from models.engine import Progress

if TYPE_CHECKING:
    from models.decoding import PromptPieces, WriteRequest
    from models.kv_cache import CacheFacts


@dataclass(frozen=True, eq=False)
class ShownRun:
    """What is shown above: the run, what the model keeps, its prompt, the steps so far and which of them is shown."""

    request: "WriteRequest"
    facts: "CacheFacts"
    prompt: "PromptPieces"
    progress: Progress
    step: int | None
