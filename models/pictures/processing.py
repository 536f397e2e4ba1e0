"""How a picture is made ready for a model: what `preprocessor_config.json` asks for, done as transformers does it."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from jaxtyping import Float, UInt8
from PIL import Image

from models.pictures.errors import PictureError

MOST_PATCHES = 1_600
_LARGEST_SIDE = 2_048
_UNKNOWN = "Its preprocessor_config.json does not say what is done with a picture, and how large it is then."
_Triple = tuple[float | int, float | int, float | int]


@dataclass(frozen=True)
class Processing:
    """resize: to height and width, or to a shorter side (None and that); None for no resizing.
    crop: height and width of the middle that is taken then; None for all of it. resample: Pillow's number.
    scale: what colours of 0 to 255 are multiplied with; mean, std: what is then taken off and divided by.
    is_own: whether the model's files say so; else it is what most models take.
    """

    resize: tuple[int | None, int] | None
    crop: tuple[int, int] | None
    resample: int = 3
    scale: float = 1 / 255
    mean: _Triple = (0.5, 0.5, 0.5)
    std: _Triple = (0.5, 0.5, 0.5)
    is_own: bool = True

    @property
    def side(self) -> int:
        """The shorter side of what the model gets."""
        if self.crop is not None:
            return min(self.crop)
        if self.resize is None:
            raise PictureError("This model's files do not say how large a picture it takes.")
        return self.resize[1] if self.resize[0] is None else min(self.resize[0], self.resize[1])

    def at(self, side: int) -> "Processing":
        """The same for another shorter side, everything in proportion."""
        factor = side / self.side

        def scaled(number: int) -> int:
            return round(number * factor)

        resize, crop = self.resize, self.crop
        return replace(
            self,
            resize=None if resize is None else (None if resize[0] is None else scaled(resize[0]), scaled(resize[1])),
            crop=None if crop is None else (scaled(crop[0]), scaled(crop[1])),
        )


@dataclass(frozen=True, eq=False)
class Cut:
    """pixels: what is left of a picture, as colours; given: the same as numbers for the model. box: what part of the
    picture that is: left, top, right, bottom, as shares of its width and height; beyond 0 and 1 where it was padded.
    """

    pixels: UInt8[np.ndarray, "height width 3"]
    given: Float[np.ndarray, "3 height width"]
    box: tuple[float, float, float, float]


def processing_from(settings: Mapping[str, Any], *, is_square: bool) -> Processing:
    """What a preprocessor_config.json asks for. is_square: what its class takes a single number of `size` for.

    Raises PictureError where it is none that is known.
    """
    try:
        resize = _size(settings.get("size"), is_square=is_square) if settings.get("do_resize", True) else None
        crop = _size(settings.get("crop_size"), is_square=True) if settings.get("do_center_crop") else None
        mean, std = settings.get("image_mean"), settings.get("image_std")
        if not settings.get("do_normalize", True) or mean is None or std is None:
            mean, std = (0, 0, 0), (1, 1, 1)
        found = Processing(
            resize=resize,
            crop=None if crop is None or crop[0] is None else (crop[0], crop[1]),
            resample=int(settings.get("resample", 2)),
            scale=float(settings.get("rescale_factor", 1 / 255)) if settings.get("do_rescale", True) else 1.0,
            mean=_three(mean),
            std=_three(std),
        )
    except (TypeError, ValueError, KeyError, IndexError, OverflowError) as error:
        raise PictureError(_UNKNOWN) from error
    sides = [each for pair in (found.resize, found.crop) for each in pair or () if each is not None]
    is_known = bool(sides) and all(0 < each <= _LARGEST_SIDE for each in sides)
    if not (is_known and 0 <= found.resample <= 5 and math.isfinite(found.scale) and all(found.std)):
        raise PictureError(_UNKNOWN)
    return found


def _size(size: Any, *, is_square: bool) -> tuple[int | None, int]:
    if isinstance(size, int):
        return (size, size) if is_square else (None, size)
    if isinstance(size, list | tuple):
        return int(size[0]), int(size[1])
    if "shortest_edge" in size:
        return None, int(size["shortest_edge"])
    return int(size["height"]), int(size["width"])


def _three(numbers: Any) -> _Triple:
    given = [float(each) for each in (numbers if isinstance(numbers, list | tuple) else [numbers] * 3)]
    if len(given) != 3 or not all(map(math.isfinite, given)):
        raise ValueError
    return given[0], given[1], given[2]


def cut(pixels: UInt8[np.ndarray, "height width 3"], how: Processing, patch: int, *, is_whole: bool = False) -> Cut:
    """Cut a picture as the model's processor does, or take it whole: the shorter side as long as the processor makes
    it, both a whole number of patches.

    Raises PictureError for a whole picture of more than MOST_PATCHES patches.
    """
    image = Image.fromarray(pixels)
    if is_whole:
        image = image.resize(_whole_size(image.size, how.side, patch), _resampling(how))
        return Cut(np.array(image), _numbers(np.array(image), how), (0.0, 0.0, 1.0, 1.0))
    if how.resize is not None:
        height, width = how.resize
        if height is None:
            shorter, longer = min(image.size), max(image.size)
            new = (width, int(width * longer / shorter))
            size = new if image.width <= image.height else new[::-1]
        else:
            size = (width, height)
        image = image.resize(size, _resampling(how))
    seen = np.array(image)
    box = (0.0, 0.0, 1.0, 1.0)
    if how.crop is not None:
        seen, box = _middle(seen, *how.crop)
    return Cut(seen, _numbers(seen, how), box)


def _resampling(how: Processing) -> Image.Resampling:
    return Image.Resampling(how.resample)


def _whole_size(size: tuple[int, int], side: int, patch: int) -> tuple[int, int]:
    factor = side / min(size)
    width, height = (max(1, round(each * factor / patch)) for each in size)
    if width * height > MOST_PATCHES:
        raise PictureError(
            f"Whole, this picture has {width * height:,} patches of {patch} pixels, and at most {MOST_PATCHES:,} are "
            "taken; choose a smaller size, or the model's own crop."
        )
    return width * patch, height * patch


def _middle(
    pixels: UInt8[np.ndarray, "height width 3"], height: int, width: int
) -> tuple[UInt8[np.ndarray, "rows columns 3"], tuple[float, float, float, float]]:
    """The middle of a picture; where it is too small, black round it. And which part of the picture that is."""
    rows, columns = pixels.shape[:2]
    top, left = (rows - height) // 2, (columns - width) // 2
    bottom, right = top + height, left + width
    box = (left / columns, top / rows, right / columns, bottom / rows)
    middle = np.zeros((height, width, 3), dtype=np.uint8)
    there = pixels[max(top, 0) : bottom, max(left, 0) : right]
    middle[max(-top, 0) :, max(-left, 0) :][: there.shape[0], : there.shape[1]] = there
    return middle, box


def _numbers(pixels: UInt8[np.ndarray, "height width 3"], how: Processing) -> Float[np.ndarray, "3 height width"]:
    scaled = (pixels.astype(np.float64) * how.scale).astype(np.float32)
    numbers = (scaled - np.array(how.mean, dtype=np.float32)) / np.array(how.std, dtype=np.float32)
    return np.ascontiguousarray(numbers.transpose(2, 0, 1))
