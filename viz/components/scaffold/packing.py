"""What goes over the wire to a component: one header in JSON and packed numbers, in one message."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any

import numpy as np

from viz.palette import for_browser


def pack(header: Mapping[str, object], arrays: Sequence[np.ndarray]) -> bytes:
    """A little-endian uint32 with the header's length, the header as UTF-8 JSON, then each array's bytes in order.

    Each part begins at a multiple of 4 bytes. The browser knows shapes and types from the header.
    """
    text = json.dumps(header, ensure_ascii=False, separators=(",", ":")).encode()
    parts = [len(text).to_bytes(4, "little"), _padded(text)]
    parts += [_padded(np.ascontiguousarray(array).tobytes()) for array in arrays]
    return b"".join(parts)


def pack_picture(header: Mapping[str, object], arrays: Sequence[np.ndarray] = ()) -> bytes:
    """The same for what a view draws (see view.js), with the colours of both themes."""
    return pack({**header, "palette": for_browser()}, arrays)


def fields_of(picture: Any, *left_out: str) -> dict[str, object]:
    """The fields of a dataclass, but for arrays and those named, by their names in the browser: `is_on` is "isOn"."""
    names = [each.name for each in fields(picture) if each.name not in left_out]
    values = {name: value for name in names if not isinstance(value := getattr(picture, name), np.ndarray)}
    return {re.sub("_(.)", lambda found: found[1].upper(), name): value for name, value in values.items()}


def _padded(data: bytes) -> bytes:
    return data + b"\0" * (-len(data) % 4)


def twelve_bits(numbers: np.ndarray) -> np.ndarray:
    """Numbers from 0 to 4,095, two of them in three bytes; an odd one at the end has a 0 after it."""
    flat = numbers.astype(np.uint16).ravel()
    one, other = np.pad(flat, (0, len(flat) % 2)).reshape(-1, 2).T
    three = np.stack([one & 255, (one >> 8) | ((other & 15) << 4), other >> 4], axis=1)
    return three.astype(np.uint8).ravel()
