"""Which heads look from here to there, on any text, beside what they do over the bank."""

from dataclasses import dataclass

from models.attention.trace import TraceRequest
from models.engine import Engine
from models.heads.requests import AtlasRequest


@dataclass(frozen=True)
class HeadLook:
    """One head's weights at the pairs that were asked for.

    weights: one for each pair. usual: what the head has over the bank where a key stands as that of the pair does (at
        the same offset; on the first or on a special token, its mean on those); NaN where the bank tells nothing.
    best_offset, at_best: the offset at which the head looks most over the bank, and its mean weight there.
    """

    layer: int
    head: int
    weights: tuple[float, ...]
    usual: tuple[float, ...]
    best_offset: int
    at_best: float


@dataclass(frozen=True)
class PairLooks:
    """Of every head how much it looks from the query to the key of each pair, those that look most first.

    tokens: of the rows, and of the columns. Pairs that are not wanted ("it → animal" and not "it → street") count
    against a head: heads are in the order of the least weight of those wanted less the largest of those unwanted.
    """

    rows: tuple[str, ...]
    columns: tuple[str, ...]
    pairs: tuple[tuple[int, int], ...]
    looks: tuple[HeadLook, ...]


@dataclass(frozen=True)
class LooksRequest:
    """pairs, unwanted: (row, column) as indices of the maps' rows (queries) and columns (keys). atlas: with which bank
    each head is compared; its text is not read again where the atlas is there.
    """

    trace: TraceRequest
    kind: str
    pairs: tuple[tuple[int, int], ...]
    atlas: AtlasRequest
    unwanted: tuple[tuple[int, int], ...] = ()

    def answer(self, engine: Engine) -> PairLooks:
        """Raises what `TraceRequest` and `AtlasRequest` raise, and LooksError for a pair that is not there."""
        raise NotImplementedError
