"""What goes over the wire to a component: one header in JSON and packed numbers, in one message."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

_FOLDER = Path(__file__).parent


def pack(header: Mapping[str, object], arrays: Sequence[np.ndarray]) -> bytes:
    """A little-endian uint32 with the header's length, the header as UTF-8 JSON, then each array's bytes in order.

    Each part begins at a multiple of 4 bytes. The browser knows shapes and types from the header.
    """
    text = json.dumps(header, ensure_ascii=False, separators=(",", ":")).encode()
    parts = [len(text).to_bytes(4, "little"), _padded(text)]
    parts += [_padded(np.ascontiguousarray(array).tobytes()) for array in arrays]
    return b"".join(parts)


def _padded(data: bytes) -> bytes:
    return data + b"\0" * (-len(data) % 4)


def browser_source(name: str) -> dict[str, str]:
    """The script and the style of the component in folder `name`, each with what all components share before it."""
    folder = _FOLDER / name
    return {
        "js": (_FOLDER / "drawing.js").read_text() + (folder / "index.js").read_text(),
        "css": (_FOLDER / "drawing.css").read_text() + (folder / "style.css").read_text(),
    }
