"""What the browser reads out of a message to a component (`unpack` in message_numbers.js)."""

import json

import numpy as np


def unpack(data, *arrays):
    """The header, and the arrays behind it, given (dtype, shape) of each; nothing may be left over."""
    length = int.from_bytes(data[:4], "little")
    header = header_of(data)
    at, found = 4 + -(-length // 4) * 4, []
    for dtype, shape in arrays:
        assert at % 4 == 0
        size = int(np.dtype(dtype).itemsize * np.prod(shape))
        found.append(np.frombuffer(data[at : at + size], dtype=dtype).reshape(shape))
        at += -(-size // 4) * 4
    assert at == len(data)
    return header, found


def header_of(data):
    length = int.from_bytes(data[:4], "little")
    return json.loads(data[4 : 4 + length].decode())
