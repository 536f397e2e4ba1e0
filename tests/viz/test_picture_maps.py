"""Maps side by side: what goes to the browser, and what is refused."""

import numpy as np
import pytest

from tests.viz.test_patch_view import pixels
from tests.viz.wire import header_of, unpack
from viz.components.picture_maps import PictureMap, PictureMaps, packed
from viz.picture_bytes import jpeg_of


def maps(count=3, rows=4, columns=5, *, pictured=False, named=False, **more):
    """So many maps, the last one of colours."""
    numbers = np.random.default_rng(count).random((count, rows, columns)).astype(np.float32)
    shown = [
        PictureMap("" if named else f"map {place}", each, 1.0, "part", picture=0 if pictured else None, marked=place)
        for place, each in enumerate(numbers[:-1])
    ]
    if count:
        shown.append(PictureMap("" if named else "colours", np.stack([numbers[-1]] * 3, -1)))
    names = {"row_names": ("H0",), "column_names": tuple(f"L{each}" for each in range(count))} if named else {}
    pictures = (jpeg_of(pixels()),) if pictured else ()
    return PictureMaps("Some maps", tuple(shown), max(1, count), 120, "caption", pictures, **names, **more)


def test_the_message_has_numbers_colours_and_pictures():
    shown = maps(3, pictured=True)
    size = header_of(packed(shown))["pictureBytes"]
    found, (picture, one, other, colours) = unpack(
        packed(shown), ("uint8", (size[0],)), ("float16", (4, 5)), ("float16", (4, 5)), ("uint8", (4, 5, 3))
    )
    assert picture.tobytes() == shown.pictures[0]
    np.testing.assert_allclose(one, shown.maps[0].cells, atol=5e-4)
    np.testing.assert_allclose(other, shown.maps[1].cells, atol=5e-4)
    np.testing.assert_array_equal(colours, np.round(255 * shown.maps[2].cells))
    assert [each["isColours"] for each in found["maps"]] == [False, False, True]


def test_every_head_of_a_large_model_is_less_than_200_kb():
    grid = tuple(PictureMap("", np.ones((16, 16), np.float32)) for _ in range(12 * 16))
    assert len(packed(PictureMaps("all heads", grid, 12, 40, "caption"))) < 200_000


@pytest.mark.parametrize("cells", [np.zeros(3, np.float32), np.zeros((2, 2, 4), np.float32)])
def test_what_is_no_map_is_refused(cells):
    with pytest.raises(ValueError, match="expected cells"):
        PictureMaps("wrong", (PictureMap("", cells),), 1, 40, "")


def test_a_picture_that_is_not_there_is_refused():
    with pytest.raises(ValueError, match="expected one of 0 pictures"):
        PictureMaps("wrong", (PictureMap("", np.zeros((2, 2), np.float32), picture=0),), 1, 40, "")
