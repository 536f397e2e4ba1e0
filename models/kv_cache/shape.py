"""The shape of a cache: what each of its layers keeps, whatever the texts in it."""

from dataclasses import dataclass
from typing import Literal

from models.errors import HeadlightError

CacheKind = Literal["full", "sliding", "latent", "indexed", "linear", "shared", "cross"]


class CacheFormulaError(HeadlightError):
    """A cache that is not predicted, or figures that make none."""


@dataclass(frozen=True)
class LayerShape:
    """What one layer of a cache keeps, for each position of each row: heads × (key_width + value_width) numbers.

    layer: the layer of the decoder. kind: see `CacheMeasurement`.
    window: a sliding layer's window; it keeps one position less, since the newest token's own comes on top.
    index_width: numbers per position and row beside those of the heads (indexed attention).
    state_numbers: of a linear layer, numbers per row whatever the length.
    exact_index_bytes, exact_state_bytes: the same in bytes, of what is kept in its own precision whatever the model's:
        recurrent states, of most classes.
    """

    layer: int
    kind: CacheKind
    heads: int = 0
    key_width: int = 0
    value_width: int = 0
    window: int | None = None
    index_width: int = 0
    state_numbers: int = 0
    exact_index_bytes: int = 0
    exact_state_bytes: int = 0

    @property
    def numbers(self) -> int:
        """Per position and row."""
        return self.heads * (self.key_width + self.value_width) + self.index_width

    def positions(self, positions: int, source_positions: int = 0) -> int:
        """How many of so many positions it keeps."""
        if self.kind == "cross":
            return source_positions
        if self.kind in ("linear", "shared"):
            return 0
        return positions if self.window is None else min(positions, self.window - 1)
