"""The scores of one step on their way to the picture of its next token, which then follows a knob without the server.

They are sent once, when the browser asks for them: somebody came near a knob.
"""

import gzip
from collections.abc import Callable

import numpy as np
from jaxtyping import Float

from viz.components.scaffold import component, pack, text

_mount = component("step_scores")


def step_scores(
    name: str, of: str, scores: Float[np.ndarray, " vocabulary"] | None, *, key: str, on_wanted: Callable[[str], None]
) -> None:
    """Send `scores`, which have the mark `of`, to the picture `name`; None sends nothing, and what it has it keeps.

    `on_wanted(of)` is called when somebody comes near a knob, and the picture does not have the scores of this mark.
    """
    _mount(key=key, data=packed(name, of, scores), told={"wanted": (text, on_wanted)})


def packed(name: str, of: str, scores: Float[np.ndarray, " vocabulary"] | None) -> bytes:
    """The message to the browser: each score exactly, and yet smaller than in half precision.

    The scores stand in the order of the model's own, mostly falling, and thousands lie between two whole numbers. So
    each is told by how many float32 lie between it and the one before, and these counts, most of them below 2¹⁶, byte
    by byte: what is nearly always 0 lies together, and gzip makes nothing of it.
    """
    if scores is None:
        return pack({"name": name, "of": of, "count": 0}, [])
    bits = scores.astype("<f4").view("<u4")
    # Numbered in the order of the numbers that they stand for.
    numbered = np.where(bits >> 31, ~bits, bits | 1 << 31).astype("<u4")
    between = np.concatenate([[np.uint32(0)], numbered[:-1]]).astype("<u4") - numbered
    bytes_apart = between.astype("<u4").view(np.uint8).reshape(-1, 4).T
    # gzip writes the time into its header, and the same scores must be the same message.
    data = gzip.compress(bytes_apart.tobytes(), compresslevel=6, mtime=0)
    return pack(
        {"name": name, "of": of, "count": len(scores), "size": len(data)}, [np.frombuffer(data, dtype=np.uint8)]
    )
