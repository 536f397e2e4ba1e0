"""Where the pieces of several tokenizers end in one text, in bytes, and where they disagree."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Int64

from models.tokenization.baselines import BASELINES
from models.tokenization.loaded_tokenizer import LoadedTokenizer
from models.tokenization.pieces import check_is_text


@dataclass(frozen=True, eq=False)
class CutText:
    """A text as a tokenizer cut it: for each piece its id, and start and end in the text's UTF-8 bytes.

    Pieces of one split character stand where their own bytes stand; where a tokenizer changed the text, so that this
    is not known, all of them share the character's stretch. Special tokens that a template added are not among them.
    """

    ids: Int64[np.ndarray, " piece"]
    starts: Int64[np.ndarray, " piece"]
    ends: Int64[np.ndarray, " piece"]


def bytes_before(text: str) -> Int64[np.ndarray, " place"]:
    """How many bytes of UTF-8 stand before each code point, and before the end."""
    codes = np.frombuffer(text.encode("utf-32-le"), dtype=np.uint32)
    sizes = 1 + (codes >= 0x80).astype(np.int64) + (codes >= 0x800) + (codes >= 0x10000)
    return np.concatenate(([0], np.cumsum(sizes)))


def cut_text(loaded: LoadedTokenizer, text: str, *, split_special_tokens: bool = False) -> CutText:
    """Cut a whole text, without making a `Piece` of each. Raises TextError."""
    check_is_text(text)
    places = bytes_before(text)
    if loaded.backend_tokenizer is None:
        cut = BASELINES[loaded.card.name](text)
        spans = np.array(cut.spans, dtype=np.int64).reshape(-1, 2)
        sizes = np.fromiter(map(len, cut.data), np.int64, len(cut.data))
        return CutText(np.array(cut.ids, dtype=np.int64), *_own_bytes(places[spans[:, 0]], places[spans[:, 1]], sizes))
    encoding = loaded.encode(text, split_special_tokens=split_special_tokens)
    ids = np.array(encoding.ids, dtype=np.int64)
    spans = np.array(loaded.spans_of(encoding, text), dtype=np.int64).reshape(-1, 2)
    starts, ends = places[spans[:, 0]], places[spans[:, 1]]
    met, place = np.unique(ids, return_inverse=True)
    looks = [loaded.look(number) for number in met.tolist()]
    sizes = np.array([-1 if look.is_unknown else len(look.data) for look in looks], dtype=np.int64)[place]
    return CutText(ids, *_own_bytes(starts, ends, np.where(sizes < 0, ends - starts, sizes)))


def _own_bytes(
    starts: Int64[np.ndarray, " piece"], ends: Int64[np.ndarray, " piece"], sizes: Int64[np.ndarray, " piece"]
) -> tuple[Int64[np.ndarray, " piece"], Int64[np.ndarray, " piece"]]:
    """Pieces whose stretches overlap share a character: each gets its own bytes, if theirs add up to the stretch."""
    if not len(starts):
        return starts, ends
    reached = np.maximum.accumulate(ends)
    is_first = np.concatenate(([True], starts[1:] >= reached[:-1]))
    first = np.flatnonzero(is_first)
    group = np.cumsum(is_first) - 1
    before = np.cumsum(sizes) - sizes
    whole = np.add.reduceat(sizes, first)
    last = np.concatenate((first[1:], [len(starts)])) - 1
    adds_up = whole == reached[last] - starts[first]
    own = starts[first][group] + before - before[first][group]
    is_own = adds_up[group]
    return np.where(is_own, own, starts), np.where(is_own, own + sizes, ends)


@dataclass(frozen=True, eq=False)
class Disagreements:
    """The stretches between two places where all tokenizers end a piece, within which they do not, in order.

    starts, ends: in the text's UTF-8 bytes. counts: how many pieces each tokenizer has there.
    """

    starts: Int64[np.ndarray, " stretch"]
    ends: Int64[np.ndarray, " stretch"]
    counts: Int64[np.ndarray, "tokenizer stretch"]

    def largest(self, most: int) -> tuple[int, ...]:
        """The places of the `most` stretches on which the numbers of pieces differ most, of equal ones the first."""
        sizes = self.counts.max(axis=0, initial=0) - self.counts.min(axis=0, initial=0x7FFFFFFF)
        return tuple(np.argsort(-sizes, kind="stable")[:most].tolist())


def disagreements(cuts: Sequence[CutText], length: int) -> Disagreements:
    """Every stretch on which the tokenizers disagree; `length` is that of the text in bytes.

    What counts is where pieces end: a tokenizer that drops white space and one that puts it before the next word agree.
    """
    ends = [np.unique(np.concatenate((cut.ends, [length]))) for cut in cuts] or [np.array([length])]
    common = ends[0]
    for each in ends[1:]:
        common = np.intersect1d(common, each, assume_unique=True)
    everywhere = np.unique(np.concatenate(ends))
    inner = everywhere[~np.isin(everywhere, common, assume_unique=True)]
    # The next common end after each end that is not common closes a stretch on which they disagree.
    closing = np.unique(np.searchsorted(common, inner))
    high = common[closing]
    low = np.where(closing > 0, common[np.maximum(closing, 1) - 1], 0)
    counts = [
        np.searchsorted(cut.ends, high, side="right") - np.searchsorted(cut.ends, low, side="right") for cut in cuts
    ]
    return Disagreements(low, high, np.array(counts, dtype=np.int64).reshape(len(cuts), len(high)))
