"""Reads what a file of attention holds, as unpack_and_begin.js and unpacked_maps.js do, one number after the other."""

import re
import zlib

import numpy as np

from tests.viz.wire import header_of

LEFT_OUT = (0, 9, 10, 13, 26, 34, 38, 60)


def contents(html):
    """The header of a file, and the bytes of its arrays."""
    (text,) = re.findall(r'<script type="text/plain" id="contents">([^<]*)</script>', html)
    sevens = []
    for letter in text:
        code = ord(letter)
        sevens += [code] if code < 128 else [LEFT_OUT[(code - 256) >> 7], (code - 256) & 127]
    bits = np.unpackbits(np.array(sevens, dtype=np.uint8)[:, None], axis=1)[:, 1:].ravel()
    data = np.packbits(bits[: len(bits) // 8 * 8]).tobytes()
    whole = zlib.decompress(data[4 : 4 + int.from_bytes(data[:4], "little")])
    rest = whole[4 + int.from_bytes(whole[:4], "little") :]
    return header_of(rest), rest[4 + -(-int.from_bytes(rest[:4], "little") // 4) * 4 :]


def kinds_of(html):
    """The maps of each kind, [maps, query, key], NaN where there is no weight."""
    header, data = contents(html)
    found, at = {}, 0
    for about in header["kinds"]:
        sizes, count = about["sizes"], sum(about["heads"])
        arrays = []
        for dtype, size in (
            ("u1", sizes["masks"]),
            ("u2", count),
            ("i2", sizes["factors"]),
            ("u2", sizes["frequencies"]),
            ("u2", sizes["words"]),
        ):
            array = np.frombuffer(data, dtype=dtype, count=size, offset=at)
            at += -(-array.nbytes // 4) * 4
            arrays.append(array)
        found[about["kind"]] = Reader(header["coder"], about, *arrays).maps()
    return found


class Reader:
    def __init__(self, coder, about, masks, mask_of, factors, frequencies, words):
        self.coder, self.rows, self.columns = coder, about["rows"], about["columns"]
        size = self.rows * self.columns
        self.masks = np.unpackbits(masks.reshape(-1, -(-size // 8)), axis=1)[:, :size][mask_of]
        self.factors = factors.reshape(len(mask_of), -1).tolist()
        self.frequencies = frequencies.reshape(-1, coder["symbols"]).astype(int)
        self.begins = np.cumsum(self.frequencies, axis=1) - self.frequencies
        self.words = iter(words.tolist())
        self.earlier = [np.zeros(size, dtype=int) for _ in coder["earlierShifts"]]

    def maps(self):
        found = np.stack([self.map(*each) for each in zip(self.masks, self.factors, strict=True)])
        assert next(self.words, None) is None, "every word is read"
        return found

    def map(self, mask, factors):
        coder, rows, columns = self.coder, self.rows, self.columns
        none = coder["logarithms"][0]
        logarithms, surprise = {}, {}
        memory = [np.full(columns, 16 * none) for _ in coder["columnShifts"]]
        found = np.full((rows, columns), np.nan)
        for cell in range(rows * columns):
            row, column = divmod(cell, columns)
            if column == 0 and row % min(rows, max(1, coder["cells"] // columns)) == 0:
                self.state = next(self.words) << 16 | next(self.words)
            step = 0
            if not mask[cell]:
                features = [logarithms.get((row - up, column - left), none) for up, left in coder["neighbours"]]
                features += [int(each[column]) >> 4 for each in memory] + [
                    int(each[cell]) >> 4 for each in self.earlier
                ]
                pairs = zip(factors, [*features, coder["octave"]], strict=True)
                expected = sum(factor * each for factor, each in pairs) >> coder["fraction"]
                spread = sum(surprise.get((row - up, column - left), coder["neutral"]) for up, left in coder["sure"])
                size = max(0, min(coder["sizes"] - 1, ((expected + coder["least"]) * 5) >> 5))
                step = self.number(size * (len(coder["spreads"]) + 1) + sum(spread > each for each in coder["spreads"]))
                surprise[row, column] = abs(coder["logarithms"][step] - expected)
                found[row, column] = step / coder["steps"]
            logarithms[row, column] = coder["logarithms"][step]
            for kept, at, shifts in ((memory, column, "columnShifts"), (self.earlier, cell, "earlierShifts")):
                for each, shift in zip(kept, coder[shifts], strict=True):
                    each[at] += (16 * coder["logarithms"][step] - each[at]) >> shift
        return found

    def number(self, group):
        whole = 1 << self.coder["precision"]
        slot = self.state % whole
        symbol = int(np.searchsorted(self.begins[group] + self.frequencies[group], slot, side="right"))
        self.follow(int(self.frequencies[group][symbol]), int(self.begins[group][symbol]))
        plain = self.coder["plain"]
        if symbol < plain:
            return symbol
        bits = plain.bit_length() - 1 + (symbol - plain) // 8 - 3
        low = (self.state % whole) * (1 << bits) // whole
        self.follow(whole >> bits, low * (whole >> bits))
        return (8 + (symbol - plain) % 8 << bits) + low

    def follow(self, size, begin):
        whole = 1 << self.coder["precision"]
        self.state = size * (self.state // whole) + self.state % whole - begin
        if self.state < 1 << 16:
            self.state = self.state << 16 | next(self.words)
