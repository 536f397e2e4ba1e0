"""The merges of a BPE, and how they make the pieces of a stretch of text."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np
from jaxtyping import Int32, Int64


@dataclass(frozen=True, eq=False)
class MergeTable:
    """Every merge of a BPE, in order of its pair of ids.

    pairs: left * 2**32 + right, ascending. ranks: the place of each among the merges, 0 being done first.
    results: the id of the piece that it makes.
    """

    pairs: Int64[np.ndarray, " merge"]
    ranks: Int32[np.ndarray, " merge"]
    results: Int32[np.ndarray, " merge"]

    def find(self, left: int, right: int) -> tuple[int, int] | None:
        """Rank and result of merging two neighbours, or None where they are never merged."""
        pair = (left << 32) + right
        place = int(np.searchsorted(self.pairs, pair))
        if place == len(self.pairs) or self.pairs[place] != pair:
            return None
        return int(self.ranks[place]), int(self.results[place])

    def rank_of(self, piece: int) -> int | None:
        """The rank of the first merge that makes this piece, or None where none does: an alphabet's own, or special."""
        ranks = self._rank_of_piece
        return int(ranks[piece]) if piece < len(ranks) and ranks[piece] >= 0 else None

    @cached_property
    def _rank_of_piece(self) -> Int32[np.ndarray, " piece"]:
        found = np.full(int(self.results.max(initial=-1)) + 1, -1, dtype=np.int32)
        latest_first = np.argsort(-self.ranks)
        found[self.results[latest_first]] = self.ranks[latest_first]
        return found


def merge_table(state: Mapping[str, Any]) -> MergeTable | None:
    """The merges of a parsed tokenizer.json, or None where its algorithm has none."""
    model = state["model"]
    if model["type"] != "BPE":
        return None
    vocabulary = model["vocab"]
    prefix = model.get("continuing_subword_prefix") or ""
    rows = []
    for rank, merge in enumerate(model["merges"]):
        left, right = merge.split(" ") if isinstance(merge, str) else merge
        result = vocabulary.get(left + right[len(prefix) :])
        if left in vocabulary and right in vocabulary and result is not None:
            rows.append(((vocabulary[left] << 32) + vocabulary[right], rank, result))
    table = np.array(rows, dtype=np.int64).reshape(-1, 3)
    # Where a pair stands twice, `tokenizers` takes the later one.
    table = table[np.lexsort((-table[:, 1], table[:, 0]))]
    table = table[np.unique(table[:, 0], return_index=True)[1]]
    return MergeTable(table[:, 0].copy(), table[:, 1].astype(np.int32), table[:, 2].astype(np.int32))


@dataclass(frozen=True)
class Merge:
    """One merge of a replay: the parts at `place` and after it become one.

    rank: its place among all merges of the vocabulary. parts: the ids of all parts after it.
    """

    place: int
    rank: int
    parts: tuple[int, ...]


@dataclass(frozen=True)
class MergeReplay:
    """How BPE put a stretch together.

    start: the ids it begins with, bytes or characters. merges: in the order in which they are done.
    whole: the id of the piece where the stretch is taken whole because it is in the vocabulary, though its merges do
        not lead there.
    """

    start: tuple[int, ...]
    merges: tuple[Merge, ...]
    whole: int | None = None

    @property
    def pieces(self) -> tuple[int, ...]:
        """The ids of the pieces that come out."""
        if self.whole is not None:
            return (self.whole,)
        return self.merges[-1].parts if self.merges else self.start


def replay_merges(table: MergeTable, start: Sequence[int]) -> MergeReplay:
    """Merge neighbours, the pair of lowest rank first and of equal ones the leftmost, until none can be merged.

    `tokenizers::models::bpe::Word::merge_all`; Sennrich, Haddow and Birch 2016, algorithm 1.
    """
    parts = list(start)
    found = [table.find(*pair) for pair in pairwise(parts)]
    merges = []
    while known := [(each[0], place, each[1]) for place, each in enumerate(found) if each is not None]:
        rank, place, result = min(known)
        parts[place : place + 2] = [result]
        merges.append(Merge(place, rank, tuple(parts)))
        del found[place]
        for near in (place - 1, place):
            if 0 <= near < len(found):
                found[near] = table.find(parts[near], parts[near + 1])
    return MergeReplay(tuple(start), tuple(merges))
