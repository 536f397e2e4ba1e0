"""A model in memory with what every view needs to know about it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from tokenizers import Tokenizer
from transformers import PreTrainedModel

from models.catalog import ModelCard
from models.tokenization import Piece, pieces_of_ids


@dataclass(frozen=True, eq=False)
class LoadedModel:
    """A model that is loaded once, shared by everybody and never changed.

    model: in eval mode, its attention set to one of Headlight's registered functions.
    tokenizer: transformers' tokenizer, padding and truncation switched off; None if wrapped without one.
    target_tokenizer: how a target text is cut, for seq2seq models that write another language than they read; the
        same object as `tokenizer` for all others.
    card: what it is; `card.name` is "wrapped" for a model handed over in memory.
    device: where the weights are; of a model that lies on several, where inputs go.
    positions: the longest input in tokens, special tokens counted; None where positions are only relative.
    vocabulary: how many token ids the input embedding has rows for.
    decoder_modules: `id()` of each module of the decoder stack of a seq2seq model, else empty.
    note: why it is not where it should be, a sentence for people; "" for most.
    """

    model: PreTrainedModel
    tokenizer: Any
    target_tokenizer: Any
    card: ModelCard
    device: torch.device
    positions: int | None
    vocabulary: int
    decoder_modules: frozenset[int]
    note: str = ""

    @property
    def backend(self) -> Tokenizer | None:
        """The `tokenizers.Tokenizer` behind a fast tokenizer, else None. Never change its settings: it is shared."""
        return getattr(self.tokenizer, "backend_tokenizer", None)

    def pieces(self, ids: Sequence[int]) -> tuple[Piece, ...]:
        """The pieces with these ids, as this model's tokenizer writes them."""
        return pieces_of_ids(self.tokenizer, ids)
