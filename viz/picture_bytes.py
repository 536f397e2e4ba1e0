"""A picture as a file in memory, for the browser."""

import io

import numpy as np
from jaxtyping import Float, UInt8
from PIL import Image

# Hardly to be told from what it is made of, at a fifth of its size.
_QUALITY = 92
# As pictures.js has them.
_VEIL, _DARKEST = (17, 21, 29), 0.9


def jpeg_of(pixels: UInt8[np.ndarray, "height width 3"]) -> bytes:
    """As a JPEG, its colours as fine as its light."""
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "JPEG", quality=_QUALITY, subsampling=0)
    return file.getvalue()


def lit(
    pixels: UInt8[np.ndarray, "height width 3"], parts: Float[np.ndarray, "rows columns"]
) -> UInt8[np.ndarray, "height width 3"]:
    """The picture, each patch as bright as its part of the largest one; dark where that is 0 (pictures.js)."""
    height, width = pixels.shape[:2]
    rows, columns = parts.shape
    down, along = np.arange(height) * rows // height, np.arange(width) * columns // width
    opaque = _DARKEST * (1 - parts / max(float(parts.max(initial=0)), 1e-12))[down][:, along, None]
    return np.round(pixels * (1 - opaque) + opaque * np.array(_VEIL)).astype(np.uint8)
