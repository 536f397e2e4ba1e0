"""A model in memory with what every view needs to know about it."""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property, wraps
from typing import Any, Literal, TypeVar
from weakref import WeakKeyDictionary

import torch
from transformers import PreTrainedModel

from models.catalog import ModelCard
from models.pictures import Sight
from models.tokenization import Piece, pieces_of_ids
from models.tokenization.pieces import Looks, looks_of

Known = TypeVar("Known")


@dataclass(frozen=True)
class Finding:
    """What the check at load found of one part of a model.

    part: "attention", "maps" (those that there are none of), "output", "lens", "hidden token" or "cache".
    verdict: "exact" within rounding; "partial" where that is not the whole truth, which the sentence says; "refused"
        where it differs; "not checked" where transformers gives nothing to compare with; "none" without such a part.
    difference: the largest, in the part's own unit (weights and shares are parts of 1, outputs parts of the largest
        number, caches bytes); None where nothing was compared.
    sentence: for people; of a refused part what is wrong with the number in it.
    """

    part: str
    verdict: Literal["exact", "partial", "refused", "not checked", "none"]
    difference: float | int | None
    sentence: str


@dataclass(frozen=True, eq=False)
class LoadedModel:
    """A model that is loaded once, shared by everybody and never changed.

    model: in eval mode, its attention set to one of Headlight's registered functions.
    tokenizer: transformers' tokenizer, padding and truncation switched off, or one like it that works in the sandbox
        (`models.loading.sandboxed_tokenizer`); None if wrapped without one.
    target_tokenizer: how a target text is cut, for seq2seq models that write another language than they read; the
        same object as `tokenizer` for all others.
    card: what it is; `card.name` is "wrapped" for a model handed over in memory.
    device: where the weights are; of a model that lies on several, where inputs go.
    positions: the longest input in tokens, special tokens counted; None where positions are only relative.
    vocabulary: how many token ids the input embedding has rows for.
    findings: what its check at load found, part by part (`models.forward.check_at_load`).
    classifier: the same model with its head that classifies texts or pictures, where it has one; `model` is what is
        inside of it. Of a model that compares texts with pictures, both towers; `model` is the one that sees.
    sight: what it sees, of a vision model; else None.
    note: why it is not where it should be, a sentence for people; "" for most.
    """

    model: PreTrainedModel
    tokenizer: Any
    target_tokenizer: Any
    card: ModelCard
    device: torch.device
    positions: int | None
    vocabulary: int
    findings: "tuple[Finding, ...]" = ()
    classifier: Any = None
    sight: Sight | None = None
    note: str = ""

    @property
    def backend(self) -> Any:
        """The `tokenizers.Tokenizer` behind a fast tokenizer, or what asks it in the sandbox, else None. Never change
        its settings: it is shared.
        """
        return getattr(self.tokenizer, "backend_tokenizer", None)

    @property
    def is_seq2seq(self) -> bool:
        """Whether it reads one text with an encoder and writes another with a decoder."""
        return bool(self.model.config.is_encoder_decoder)

    def refusal(self, part: str) -> str:
        """Why this part is refused, a sentence; "" where it is not."""
        return self._sentence(part, "refused")

    def caveat(self, part: str) -> str:
        """What has to be said beside this part, a sentence; "" for most."""
        return self._sentence(part, "partial")

    def _sentence(self, part: str, verdict: str) -> str:
        return next((each.sentence for each in self.findings if (each.part, each.verdict) == (part, verdict)), "")

    def pieces(self, ids: Sequence[int]) -> tuple[Piece, ...]:
        """The pieces with these ids, as this model's tokenizer writes them."""
        looks = self._looks
        return pieces_of_ids(None, ids) if looks is None else looks.pieces([int(number) for number in ids])

    @cached_property
    def _looks(self) -> Looks | None:
        """Once for all its texts: the loop asks for a piece at each token."""
        return None if self.tokenizer is None else looks_of(self.tokenizer)


def once_per_model(find: Callable[[LoadedModel], Known]) -> Callable[[LoadedModel], Known]:
    """Keep what is found out of a model as long as the model is there. Nothing is locked while it is found out."""
    known: WeakKeyDictionary[LoadedModel, Known] = WeakKeyDictionary()
    lock = threading.Lock()

    @wraps(find)
    def kept(loaded: LoadedModel) -> Known:
        with lock:
            if loaded in known:
                return known[loaded]
        found = find(loaded)
        with lock:
            return known.setdefault(loaded, found)

    return kept
