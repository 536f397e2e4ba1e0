"""Pictures that strangers bring: refused in a sentence or taken as they are meant, in bounded time and memory."""

import io
import resource
import struct
import time
import zlib

import numpy as np
import pytest
from PIL import Image

from models.pictures import LARGEST_FILE, LONGEST_SIDE, PictureError, open_picture


def saved(image, form, **more):
    file = io.BytesIO()
    image.save(file, form, **more)
    return file.getvalue()


def corners(width=64, height=48):
    """Red, green, blue and white quarters, so that a turn is seen."""
    pixels = np.zeros((height, width, 3), dtype=np.uint8)
    pixels[: height // 2, : width // 2] = (255, 0, 0)
    pixels[: height // 2, width // 2 :] = (0, 255, 0)
    pixels[height // 2 :, : width // 2] = (0, 0, 255)
    pixels[height // 2 :, width // 2 :] = 255
    return Image.fromarray(pixels)


def quarters(pixels):
    height, width = pixels.shape[:2]
    places = [(height // 4, width // 4), (height // 4, 3 * width // 4), (3 * height // 4, width // 4)]
    return [tuple(int(each) for each in pixels[place]) for place in (*places, (3 * height // 4, 3 * width // 4))]


RED, GREEN, BLUE, WHITE = (255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255)


def png_of(width, height, rows=b""):
    """A PNG that says it is so large, with what is given as its compressed rows."""

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


REFUSED = {
    "nothing": (b"", "no picture that can be read here"),
    "text named .png": (b"Not a picture at all.\n" * 40, "no picture that can be read here"),
    "SVG": (b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"><script>x</script></svg>', "This is an SVG"),
    "EPS, for which another program would be started": (
        b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n",
        "no picture",
    ),
    "a truncated JPEG": (saved(corners(640, 480), "JPEG")[:3000], "damaged or was cut off"),
    "a truncated PNG": (saved(Image.effect_noise((300, 300), 50), "PNG")[:9000], "damaged or was cut off"),
    "1 × 1": (saved(Image.new("RGB", (1, 1)), "PNG"), "1 × 1 pixels"),
    "30,000 × 10": (saved(Image.new("RGB", (30_000, 10)), "PNG"), "30,000 × 10 pixels"),
    "30,000 × 100": (saved(Image.new("RGB", (30_000, 100)), "PNG"), "at most 20 times the other"),
    "a bomb": (png_of(60_000, 60_000), "megapixels"),
    "a bomb that Pillow lets through": (png_of(12_000, 12_000, bytes(36_001) * 12_000), "megapixels"),
    "too large a file": (bytes(LARGEST_FILE + 1), "at most 40 MB"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_refused_in_one_sentence(what):
    data, sentence = REFUSED[what]
    start = time.monotonic()
    with pytest.raises(PictureError, match=sentence) as said:
        open_picture(data)
    assert time.monotonic() - start < 60
    assert str(said.value).endswith(".")
    assert "\n" not in str(said.value)


def test_two_hundred_megabytes_do_not_even_leave_for_the_sandbox():
    with pytest.raises(PictureError, match="200 MB"):
        open_picture(bytes(200_000_000))


@pytest.mark.parametrize("turn", range(1, 9))
@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP"])
def test_orientation_is_honoured(form, turn):
    upright = corners()
    how = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }
    exif = Image.Exif()
    exif[0x0112] = turn
    stored = upright.transpose(how[turn]) if turn > 1 else upright
    lossless = {"WEBP": {"lossless": True}, "JPEG": {"quality": 100, "subsampling": 0}}.get(form, {})
    found = open_picture(saved(stored, form, exif=exif, **lossless))
    assert found.size == (64, 48)
    assert np.abs(np.array(quarters(found.pixels)) - np.array([RED, GREEN, BLUE, WHITE])).max() <= 3


def test_transparency_lies_on_white():
    pixels = np.zeros((40, 40, 4), dtype=np.uint8)
    pixels[:20, :, 0], pixels[:20, :, 3] = 255, 255
    found = open_picture(saved(Image.fromarray(pixels), "PNG"))
    assert found.pixels[5, 5].tolist() == [255, 0, 0]
    assert found.pixels[30, 5].tolist() == [255, 255, 255]
    assert "white" in found.notes[0]


def test_16_bits_keep_their_middle():
    grey = np.linspace(0, 65_535, 64 * 64).reshape(64, 64).astype(np.uint16)
    found = open_picture(saved(Image.fromarray(grey), "PNG")).pixels
    np.testing.assert_allclose(found[..., 0], grey / 257, rtol=0, atol=1)


@pytest.mark.parametrize(
    ("form", "image"),
    [
        ("JPEG", corners().convert("CMYK")),
        ("PNG", corners().convert("P", palette=Image.Palette.ADAPTIVE)),
        ("GIF", corners()),
        ("BMP", corners()),
        ("TIFF", corners().convert("LAB")),
        ("AVIF", corners()),
    ],
    ids=["CMYK", "palette", "GIF", "BMP", "TIFF in Lab", "AVIF"],
)
def test_other_colours_and_formats(form, image):
    more = {"quality": 100} if form in ("JPEG", "AVIF") else {}
    found = open_picture(saved(image, form, **more))
    # Lab has room for whole numbers only.
    most = 25 if image.mode == "LAB" else 8
    assert np.abs(np.array(quarters(found.pixels)) - np.array([RED, GREEN, BLUE, WHITE])).max() <= most


def test_of_an_animation_the_first_picture():
    frames = [Image.new("RGB", (32, 32), colour) for colour in ("red", "blue", "green")]
    found = open_picture(saved(frames[0], "GIF", save_all=True, append_images=frames[1:]))
    assert found.pixels[5, 5].tolist() == [255, 0, 0]
    assert "first of several" in found.notes[0]


def test_a_large_picture_is_reduced_in_bounded_time_and_memory():
    large = Image.effect_noise((5_000, 3_900), 60).convert("RGB")
    for form in ("JPEG", "PNG"):
        data = saved(large, form, **({"compress_level": 1} if form == "PNG" else {}))
        if len(data) > LARGEST_FILE:
            continue
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        found = open_picture(data)
        # What is decoded stays in the sandbox, which has bounds of its own; here is the file, twice, and the answer.
        assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 200_000
        assert max(found.pixels.shape) == LONGEST_SIDE
        assert found.size == (5_000, 3_900)
        assert "Reduced from 5,000 × 3,900" in found.notes[0]
