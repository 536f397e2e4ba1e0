"""Random tokens, repeated: what a head does with them it does without any meaning (Olsson et al. 2022)."""

import re
from dataclasses import dataclass

import numpy as np

from models.errors import HeadlightError
from models.forward.inputs import model_inputs, special_ids
from models.loaded import LoadedModel
from models.tokenization.unused_pieces import is_named_unused

SEQUENCES = 16
LENGTH = 40
FEWEST = 4
# Of a vocabulary so many tokens are looked at, which are enough to draw from.
_LOOKED_AT = 4_000
# Marks that are not in texts.
_MARK = re.compile(r"<.*\w.*>|\[.*\w.*\]")


class RandomTokensError(HeadlightError):
    """A model with too few tokens or positions for a sequence that repeats."""


@dataclass(frozen=True)
class RepeatedTokens:
    """ids: as they go to the model, with the special tokens that its tokenizer puts round a text.
    first: where the random tokens begin. length: how many different ones there are; then they come once more.
    """

    ids: tuple[int, ...]
    first: int
    length: int

    @property
    def tokens(self) -> tuple[int, ...]:
        """The random tokens alone, both times."""
        return self.ids[self.first : self.first + 2 * self.length]


def repeated_tokens(loaded: LoadedModel, seed: int, count: int = SEQUENCES) -> tuple[RepeatedTokens, ...]:
    """`count` sequences of `LENGTH` different tokens, each twice, of this model's own vocabulary: none that is special,
    unknown or unused. Shorter ones where the vocabulary or the positions are few.

    Raises RandomTokensError where they are fewer than `FEWEST`.
    """
    before, after = _frame(loaded)
    # A decoder of its own is given its start token besides.
    beside = len(before) + len(after) + loaded.is_seq2seq
    room = LENGTH if loaded.positions is None else (loaded.positions - beside) // 2
    draw = np.random.default_rng(seed)
    usable = _usable(loaded, draw)
    length = min(LENGTH, room, len(usable))
    if length < FEWEST:
        raise RandomTokensError(
            f"{loaded.card.title} has no room for {FEWEST} different tokens, repeated, so that its heads cannot be "
            "tried on them."
        )
    found = []
    for _ in range(count):
        drawn = tuple(draw.choice(usable, length, replace=False).tolist())
        found.append(RepeatedTokens((*before, *drawn, *drawn, *after), len(before), length))
    return tuple(found)


def _frame(loaded: LoadedModel) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """The special tokens before and after a text."""
    if loaded.tokenizer is None:
        return (), ()
    pieces = model_inputs(loaded, "a").pieces
    inner = [place for place, piece in enumerate(pieces) if not piece.is_special]
    if not inner:
        return (), ()
    return tuple(each.id for each in pieces[: inner[0]]), tuple(each.id for each in pieces[inner[-1] + 1 :])


def _usable(loaded: LoadedModel, draw: np.random.Generator) -> list[int]:
    """Some ids, in the order in which they were drawn, that mean nothing special."""
    special = set(special_ids(loaded.model.config.to_dict()))
    order = [each for each in draw.permutation(loaded.vocabulary)[:_LOOKED_AT].tolist() if each not in special]
    if loaded.tokenizer is None:
        return order
    return [
        piece.id
        for piece in loaded.pieces(order)
        if not (piece.is_special or piece.is_unknown or is_named_unused(piece.text) or _MARK.search(piece.text))
    ]
