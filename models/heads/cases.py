"""The sentences in which a role of a head is most and least true."""

from collections.abc import Generator
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from models.engine import Engine, HowFar, Stepwise
from models.heads.bank import Bank


@dataclass(frozen=True, eq=False)
class Case:
    """One sentence (or sequence of random tokens) and what the head does in it.

    text: goes to the studio as it is; "" for random tokens. words: of the sentence, or the tokens of the sequence.
    arcs: of the role: (from, to) as indices of words, the word that looks and the one that the role says it looks at;
        empty for roles that have no such pairs (broad, copying).
    heads, relations: the grammar of the whole sentence, as in `Sentence`; empty without.
    weights: of this head from word to word: sums over key pieces, means over query pieces, special tokens left out,
        so that rows add up to less than 1. score: how true the role is here, 0 to 1.
    """

    text: str
    words: tuple[str, ...]
    arcs: tuple[tuple[int, int], ...]
    heads: tuple[int, ...]
    relations: tuple[str, ...]
    weights: Float[np.ndarray, "word word"]
    score: float


@dataclass(frozen=True)
class Cases:
    """most: where the role is truest, best first. least: where it is least true, worst first."""

    most: tuple[Case, ...]
    least: tuple[Case, ...]


@dataclass(frozen=True)
class CasesRequest(Stepwise[HowFar, Cases]):
    """The cases of one role (its key) of one head; a forward for each of up to 60 sentences, with progress."""

    model: str
    kind: str
    layer: int
    head: int
    role: str
    bank: Bank
    seed: int = 0

    def computed(self, engine: Engine) -> Generator[HowFar, None, Cases]:
        """Raises what `AtlasRequest` raises, NoSuchMapError, and CasesError for a role that has no cases here."""
        raise NotImplementedError
        yield HowFar(0, 1)
