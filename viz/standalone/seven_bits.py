"""Bytes as text that a document holds as it is, seven bits a character: base64 takes a sixth more.

Source: base-122 (Albertson 2016), here without the characters that HTML, quotation marks or line ends would change.
"""

import numpy as np

# As unpack_and_begin.js has them.
_LEFT_OUT = (0, 9, 10, 13, 26, 34, 38, 60)
_FIRST = 0x100


def seven_bits(data: bytes) -> str:
    """The text; eight characters do not occur in it, and what stands for them takes two bytes of UTF-8."""
    bits = np.unpackbits(np.frombuffer(data, dtype=np.uint8))
    bits = np.pad(bits, (0, -len(bits) % 7)).reshape(-1, 7)
    sevens = (np.packbits(bits, axis=1)[:, 0] >> 1).astype(np.uint16)
    sevens = np.append(sevens, np.uint16(1))
    keeps = np.ones(len(sevens), dtype=bool)
    codes = sevens.copy()
    last = -1
    for place in np.flatnonzero(np.isin(sevens, _LEFT_OUT)).tolist():
        # One that stands behind another is told with it.
        if place == last:
            continue
        codes[place] = _FIRST + (_LEFT_OUT.index(int(sevens[place])) << 7) + sevens[place + 1]
        last = place + 1
        keeps[last] = False
    return codes[keeps].tobytes().decode("utf-16-le")
