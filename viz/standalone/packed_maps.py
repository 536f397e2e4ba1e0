"""Attention maps as few bytes: rounded to thousandths, each written as long as it was unexpected.

How large a weight will be is expected from its neighbours above and to the left and from the same place in the heads
before, by a regression of logarithms that each head has for itself. Weights with one expectation have one distribution,
and are written with it by an entropy coder; deflate takes a third more. Whoever unpacks goes through the maps in the
same order and expects the same (unpacked_maps.js): all of it is whole numbers, which are the same in both languages.

Source: the coder is rANS (Duda 2013, arXiv 1311.2540), with 32 bits of state and 16-bit words.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int, UInt8, UInt16

STEPS = 1000
# As unpacked_maps.js has them: steps of the logarithm to an octave, parts of a factor, the groups of one distribution.
OCTAVE, FRACTION = 32, 12
SIZES, LEAST, SPREADS = 58, 48, (80, 125)
GROUPS = SIZES * (len(SPREADS) + 1)
# Where the neighbours stand, rows above and columns to the left, and those from which follows how sure that is.
NEIGHBOURS = (
    *((1, 0), (2, 0), (3, 0), (4, 0), (5, 0), (6, 0), (8, 0), (0, 1), (0, 2), (0, 3)),
    *((1, 1), (1, -1), (1, 2), (1, -2), (2, 1), (2, -1)),
)
SURE = ((1, 0), (2, 0), (3, 0), (0, 1), (0, 2), (1, 1), (1, -1))
ABOVE, BESIDE = 8, 3
NEUTRAL = 16
# How fast what is remembered of a column, and of a place in the heads before, gives way to what is new.
COLUMN_SHIFTS, EARLIER_SHIFTS = (3, 5), (2, 4)
LOGARITHMS = np.rint(OCTAVE * np.log2(np.arange(STEPS + 1) + 0.4)).astype(np.int32)
# Steps below it have a symbol each; above it eight share an octave and the rest of the number follows as it is.
PLAIN = 64
SYMBOLS = PLAIN + 8 * (STEPS.bit_length() - PLAIN.bit_length() + 1)
PRECISION = 12
# A part of a map that has a state of its own, so that many are written at once.
CELLS = 16_384


@dataclass(frozen=True)
class PackedMaps:
    """All heads of all layers of one kind.

    masks: which cells have no weight, one picture of bits for each that occurs. mask_of: which of them each map has.
    factors: of each head's regression. frequencies: of each symbol in each group, 1 << PRECISION together.
    words: what the coder wrote, part by part.
    """

    masks: UInt8[np.ndarray, " bytes"]
    mask_of: UInt16[np.ndarray, " maps"]
    factors: Int[np.ndarray, "maps factors"]
    frequencies: UInt16[np.ndarray, "groups symbols"]
    words: UInt16[np.ndarray, " words"]


def packed_maps(maps: Float[np.ndarray, "maps query key"]) -> PackedMaps:
    """Pack weights from 0 to 1, NaN where a query may not look; what is unpacked is within 5e-4 of them."""
    unseen = np.isnan(maps)
    known: dict[bytes, int] = {}
    mask_of = [known.setdefault(np.packbits(each).tobytes(), len(known)) for each in unseen]
    steps = np.rint(STEPS * np.where(unseen, 0, np.clip(maps, 0, 1))).astype(np.int32)
    earlier = [np.zeros(maps.shape[1:], dtype=np.int32) for _ in EARLIER_SHIFTS]
    factors, groups = [], []
    for each, hidden in zip(steps, unseen, strict=True):
        logarithms = LOGARITHMS[each]
        features = _features(logarithms, earlier)
        factors.append(_regression(features, logarithms))
        groups.append(_groups(features, factors[-1], logarithms, hidden))
        earlier = [old + ((16 * logarithms - old) >> shift) for old, shift in zip(earlier, EARLIER_SHIFTS, strict=True)]
    frequencies, words = _written(steps, np.stack(groups), unseen)
    return PackedMaps(
        masks=np.frombuffer(b"".join(known), dtype=np.uint8),
        mask_of=np.array(mask_of, dtype=np.uint16),
        factors=np.stack(factors).astype(np.int16),
        frequencies=frequencies,
        words=words,
    )


def _shifted(numbers: Int[np.ndarray, "query key"], outside: int, down: int, along: int) -> np.ndarray:
    """For each cell the number that many rows above it and columns to its left."""
    rows, columns = numbers.shape
    padded = np.pad(numbers, ((ABOVE, 0), (BESIDE, BESIDE)), constant_values=outside)
    return padded[ABOVE - down :, BESIDE - along :][:rows, :columns]


def _features(logarithms: Int[np.ndarray, "query key"], earlier: list[np.ndarray]) -> list[np.ndarray]:
    """What a weight's size is expected from: nothing that comes after it."""
    least = int(LOGARITHMS[0])
    found = [_shifted(logarithms, least, *where) for where in NEIGHBOURS]
    for shift in COLUMN_SHIFTS:
        column = np.full(logarithms.shape[1], 16 * least, dtype=np.int32)
        columns = np.empty_like(logarithms)
        for query, row in enumerate(logarithms):
            columns[query] = column >> 4
            column = column + ((16 * row - column) >> shift)
        found.append(columns)
    return [*found, *(each >> 4 for each in earlier), np.full_like(logarithms, OCTAVE)]


def _regression(features: list[np.ndarray], logarithms: Int[np.ndarray, "query key"]) -> np.ndarray:
    """The factors by which the features add up to what is nearest to the logarithms, in parts of 1 << FRACTION."""
    table = np.stack([each.ravel() for each in features]).astype(np.float64)
    # Not a product of matrices: where the processor is busy the library's threads wait for each other, for seconds.
    squares = np.einsum("ac,bc->ab", table, table) + np.eye(len(table)) * max(table.shape[1], 100) * 1e-2
    factors = np.linalg.solve(squares, np.einsum("ac,c->a", table, logarithms.ravel()))
    most = (1 << 15) - 1
    return np.clip(np.rint(factors * (1 << FRACTION)), -most, most).astype(np.int32)


def _groups(
    features: list[np.ndarray],
    factors: Int[np.ndarray, " factors"],
    logarithms: Int[np.ndarray, "query key"],
    unseen: Bool[np.ndarray, "query key"],
) -> Int[np.ndarray, "query key"]:
    expected = sum(factor * each for factor, each in zip(factors.tolist(), features, strict=True)) >> FRACTION
    surprise = np.where(unseen, NEUTRAL, np.abs(logarithms - expected))
    spread = sum(_shifted(surprise, NEUTRAL, *where) for where in SURE)
    size = np.clip(((expected + LEAST) * 5) >> 5, 0, SIZES - 1)
    return (size * (len(SPREADS) + 1) + sum(spread > each for each in SPREADS)).astype(np.int32)


def _written(
    steps: Int[np.ndarray, "maps query key"],
    groups: Int[np.ndarray, "maps query key"],
    unseen: Bool[np.ndarray, "maps query key"],
) -> tuple[UInt16[np.ndarray, "groups symbols"], UInt16[np.ndarray, " words"]]:
    """The distributions, and the weights written with them."""
    octave = np.frexp(np.maximum(steps, PLAIN).astype(np.float32))[1] - 1
    bits = np.where(steps < PLAIN, 0, octave - 3)
    symbols = np.where(
        steps < PLAIN, steps, PLAIN + 8 * (octave - PLAIN.bit_length() + 1) + ((steps >> np.maximum(bits, 0)) & 7)
    )
    seen = ~unseen
    counts = np.bincount(groups[seen] * SYMBOLS + symbols[seen], minlength=GROUPS * SYMBOLS).reshape(GROUPS, SYMBOLS)
    frequencies = np.stack([_to_whole(each) for each in counts]).astype(np.int32)
    begins = (np.cumsum(frequencies, axis=1) - frequencies).astype(np.int32)
    whole = 1 << PRECISION
    # What has no weight is not written: the whole range tells nothing.
    size = np.where(unseen, whole, frequencies[groups, symbols])
    begin = np.where(unseen, 0, begins[groups, symbols])
    rest_size = whole >> np.where(unseen, 0, bits)
    rest_begin = np.where(unseen, 0, (steps & ((1 << bits) - 1)) * rest_size)
    sizes, starts = (
        _in_parts(np.stack([one, other], axis=-1), outside)
        for one, other, outside in ((size, rest_size, whole), (begin, rest_begin, 0))
    )
    return frequencies.astype(np.uint16), _coded(sizes, starts)


def _to_whole(counts: Int[np.ndarray, " symbols"]) -> Int[np.ndarray, " symbols"]:
    """Counts as frequencies that are 1 << PRECISION together, 1 at least of what occurs."""
    if not counts.any():
        return counts
    whole = 1 << PRECISION
    found = np.where(counts > 0, np.maximum(1, counts * whole // counts.sum()), 0)
    while (over := int(found.sum()) - whole) != 0:
        largest = int(found.argmax())
        found[largest] -= min(over, int(found[largest]) // 2) if over > 0 else over
    return found


def rows_of_a_part(columns: int) -> int:
    """How many rows of a map have a state of their own."""
    return max(1, CELLS // columns)


def _in_parts(numbers: Int[np.ndarray, "maps query key two"], outside: int) -> Int[np.ndarray, "parts number"]:
    """Each part in one row, as long as the longest."""
    maps, rows, columns, _ = numbers.shape
    part = min(rows, rows_of_a_part(columns))
    padded = np.pad(numbers, ((0, 0), (0, -rows % part), (0, 0), (0, 0)), constant_values=outside)
    return padded.reshape(maps * -(-rows // part), part * columns * 2)


def _coded(
    sizes: Int[np.ndarray, "parts number"], starts: Int[np.ndarray, "parts number"]
) -> UInt16[np.ndarray, " words"]:
    """Each part's last state, upper half first, and its words in the order in which they are read."""
    sizes, starts = (np.ascontiguousarray(each.T) for each in (sizes, starts))
    is_told = np.any(sizes < 1 << PRECISION, axis=1)
    state = np.full(sizes.shape[1], 1 << 16, dtype=np.int64)
    words = np.zeros(sizes.shape, dtype=np.uint16)
    is_word = np.zeros(sizes.shape, dtype=bool)
    for at in range(len(sizes) - 1, -1, -1):
        if not is_told[at]:
            continue
        size = sizes[at].astype(np.int64)
        full = state >= size << (32 - PRECISION)
        words[at], is_word[at] = state & 0xFFFF, full
        state = np.where(full, state >> 16, state)
        whole, rest = np.divmod(state, size)
        state = (whole << PRECISION) + rest + starts[at]
    ends = np.stack([state >> 16, state & 0xFFFF]).astype(np.uint16)
    words = np.concatenate([ends, words])
    is_word = np.concatenate([np.ones_like(ends, dtype=bool), is_word])
    return words.T[is_word.T]
