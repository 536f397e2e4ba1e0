"""From the bytes of a file to an upright picture of bounded size, in three colours.

Runs in a process of its own for what strangers bring (`models.pictures.opening`).
"""

import io
import warnings
from dataclasses import dataclass

import numpy as np
from jaxtyping import UInt8
from PIL import Image, ImageOps, UnidentifiedImageError

from models.pictures.errors import PictureError

LARGEST_FILE = 40_000_000
MOST_PIXELS = 20_000_000
# A JPEG is reduced while it is decoded, and telephones make large ones.
_MOST_OF_JPEG = 64_000_000
LONGEST_SIDE = 1_600
_SHORTEST_SIDE = 16
_MOST_UNEQUAL = 20
# Not EPS, for which Pillow starts another program, and nothing that few people have.
_FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "AVIF")
_TAKEN = "PNG, JPEG, WebP, GIF, BMP, TIFF or AVIF"
# Before a limit of memory is set.
Image.init()
_DEEP = ("I;16", "I;16B", "I;16L", "I;16N", "I", "F")


@dataclass(frozen=True, eq=False)
class Decoded:
    """size: width and height of what was given, upright. notes: what was done to it, sentences for people."""

    pixels: UInt8[np.ndarray, "height width 3"]
    size: tuple[int, int]
    notes: tuple[str, ...]


def check_file_size(size: int) -> None:
    """Raises PictureError for more bytes than a picture may have; asked before the file goes anywhere."""
    if size > LARGEST_FILE:
        raise PictureError(
            f"This file has {size / 1e6:,.0f} MB; pictures of at most {LARGEST_FILE // 1_000_000} MB are opened."
        )


def decoded(data: bytes) -> Decoded:
    """The first picture of a file: upright, on white where it is transparent, its longer side at most LONGEST_SIDE.

    Raises PictureError.
    """
    with warnings.catch_warnings():
        # Pillow warns of what is refused below, and of what is odd in a file.
        warnings.simplefilter("ignore")
        try:
            with Image.open(io.BytesIO(data), formats=_FORMATS) as image:
                return _decoded(image)
        except Image.DecompressionBombError as error:
            raise PictureError(_too_large()) from error
        except UnidentifiedImageError as error:
            raise PictureError(_no_picture(data)) from error
        except (OSError, SyntaxError, ValueError, EOFError, KeyError, IndexError, TypeError) as error:
            # What a damaged file has Pillow raise.
            raise PictureError(
                "This picture could not be read to its end: its file is damaged or was cut off. Save or send it anew."
            ) from error


def _decoded(image: Image.Image) -> Decoded:
    _check_size(image)
    notes = []
    if getattr(image, "n_frames", 1) > 1 and image.format != "MPO":
        notes.append("The first of several pictures in this file.")
        image.seek(0)
    turned = int(image.getexif().get(0x0112, 1)) in (5, 6, 7, 8)
    width, height = reversed(image.size) if turned else image.size
    if max(image.size) > LONGEST_SIDE:
        notes.append(f"Reduced from {width:,} × {height:,} pixels.")
        # A JPEG is decoded at a half, a quarter or an eighth; others as they are.
        image.draft("RGB", (LONGEST_SIDE, LONGEST_SIDE))
    upright = ImageOps.exif_transpose(_of_8_bits(image))
    upright.thumbnail((LONGEST_SIDE, LONGEST_SIDE), Image.Resampling.LANCZOS)
    if upright.has_transparency_data:
        notes.append("Transparent parts are on white.")
        seen = upright.convert("RGBA")
        upright = Image.alpha_composite(Image.new("RGBA", seen.size, "white"), seen)
    return Decoded(np.array(upright.convert("RGB")), (width, height), tuple(notes))


def _check_size(image: Image.Image) -> None:
    width, height = image.size
    if width * height > (_MOST_OF_JPEG if image.format in ("JPEG", "MPO") else MOST_PIXELS):
        raise PictureError(_too_large())
    if min(width, height) < _SHORTEST_SIDE:
        raise PictureError(
            f"This picture has {width:,} × {height:,} pixels; each side needs at least {_SHORTEST_SIDE}."
        )
    if max(width, height) > _MOST_UNEQUAL * min(width, height):
        raise PictureError(
            f"This picture has {width:,} × {height:,} pixels; one side may be at most {_MOST_UNEQUAL} times the other."
        )


def _of_8_bits(image: Image.Image) -> Image.Image:
    """Grey of 16 or 32 bits in 8, which Pillow would cut off instead; others with their palette resolved."""
    if image.mode in _DEEP:
        exif = image.getexif()
        grey = np.asarray(image, dtype=np.float32)
        most = 65_535 if float(grey.max(initial=0)) > 255 else 255
        eight = Image.fromarray(np.clip(np.rint(grey * (255 / most)), 0, 255).astype(np.uint8))
        eight.info["exif"] = exif.tobytes()
        return eight
    if image.mode in ("P", "PA", "LA"):
        # Colours cannot be averaged as numbers of a palette.
        return image.convert("RGBA" if image.has_transparency_data else "RGB")
    return image if image.mode in ("RGB", "RGBA", "L") else image.convert("RGB")


def _too_large() -> str:
    return (
        f"This picture has more than {MOST_PIXELS // 1_000_000} megapixels ({_MOST_OF_JPEG // 1_000_000} as JPEG); "
        "reduce it first."
    )


def _no_picture(data: bytes) -> str:
    if b"<svg" in data[:4096].lower():
        return "This is an SVG, a drawing and no picture of pixels; save it as PNG first."
    return f"This is no picture that can be read here; take {_TAKEN}."
