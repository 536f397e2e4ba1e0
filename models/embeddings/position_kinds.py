"""How a model knows where a token stands: a table of positions, rotary frequencies, or a bias for each distance."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from torch import Tensor, nn

from models.forward.recorded_run import to_numpy
from models.loaded import LoadedModel

# BART's table of positions has two rows before the first position, RoBERTa's as many as its padding id and one more.
_MOST_POSITIONS_BEFORE = 2


@dataclass(frozen=True)
class PositionTable:
    """A table with a row for each position, which is added to the static vectors. is_trained: or computed."""

    rows: int
    width: int
    is_trained: bool


@dataclass(frozen=True, eq=False)
class Rotary:
    """Frequencies by which pairs of numbers of queries and keys are turned, position by position.

    wavelengths: 2 pi / frequency, in positions: after how many a pair has turned once. layers: which layers use them,
        as the model calls them, "" for all.
    """

    layers: str
    wavelengths: Float[np.ndarray, " pair"]


@dataclass(frozen=True, eq=False)
class Positions:
    """What a model has of these.

    table, rotary: where there are any. bias_buckets: for models with a learned bias for each distance (T5): into how
        many buckets distances fall, else 0.
    """

    table: PositionTable | None
    rotary: tuple[Rotary, ...]
    bias_buckets: int

    @property
    def kind(self) -> str:
        """In a word: "learned", "sinusoidal", "rotary", "relative bias" or "none"."""
        if self.table is not None:
            return "learned" if self.table.is_trained else "sinusoidal"
        return "rotary" if self.rotary else "relative bias" if self.bias_buckets else "none"

    @property
    def words(self) -> str:
        """In a sentence."""
        if self.table is not None:
            how = "a learned vector" if self.table.is_trained else "a vector of sines and cosines"
            return f"Each position has {how} of its own, which is added to the token's: {self.table.rows:,} rows."
        if self.rotary:
            return (
                "Nothing is added to the vectors: queries and keys are turned by an angle for each position (rotary)."
            )
        if self.bias_buckets:
            return (
                "Nothing is added to the vectors: each head adds a learned number to its scores for the distance of "
                f"two tokens, which falls into one of {self.bias_buckets} buckets (relative bias)."
            )
        return "There is no table of positions and no rotary frequencies in this model."


def positions_of(loaded: LoadedModel, matrix: Float[Tensor, "vocabulary width"]) -> Positions:
    """How this model knows positions; `matrix` is its input table."""
    return Positions(_position_table(loaded, matrix), tuple(_rotary(loaded.model)), _bias_buckets(loaded))


def _position_table(loaded: LoadedModel, matrix: Tensor) -> PositionTable | None:
    """The table that has as many rows as the model has positions, or a few more before the first."""
    limit = getattr(loaded.model.config.get_text_config(), "max_position_embeddings", None)
    if limit is None:
        return None
    for module in loaded.model.modules():
        if not isinstance(module, nn.Embedding) or module.weight.data_ptr() == matrix.data_ptr():
            continue
        rows, width = module.weight.shape
        # Encoder-decoders may have a table for each of two languages: a table of positions is never as long as those.
        if limit <= rows <= limit + _MOST_POSITIONS_BEFORE and rows != loaded.vocabulary:
            return PositionTable(rows, width, is_trained=module.weight.requires_grad)
    return None


def _rotary(model: nn.Module) -> Iterator[Rotary]:
    """Every distinct set of rotary frequencies; models with two kinds of layers may have two."""
    seen = set()
    for path, buffer in model.named_buffers():
        name = path.rpartition(".")[2]
        if not name.endswith("inv_freq") or "original" in name:
            continue
        layers = name.removesuffix("inv_freq").strip("_").replace("_", " ")
        wavelengths = 2 * np.pi / to_numpy(buffer).astype(np.float64)
        key = (layers, wavelengths.tobytes())
        if key not in seen:
            seen.add(key)
            yield Rotary(layers, wavelengths)


def _bias_buckets(loaded: LoadedModel) -> int:
    """How many rows a table inside the layers has with one number for each head."""
    heads = int(loaded.card.heads)
    for layers in loaded.model.modules():
        if not isinstance(layers, nn.ModuleList):
            continue
        for module in layers.modules():
            if isinstance(module, nn.Embedding) and module.embedding_dim == heads:
                return module.num_embeddings
    return 0
