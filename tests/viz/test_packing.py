"""What goes over the wire arrives: headers in any script, numbers as close as promised, NaN as NaN."""

import base64
import gzip
import re

import numpy as np
import pytest

from tests.viz.wire import unpack
from viz.components.packing import browser_source, library_source, pack, twelve_bits


@pytest.mark.parametrize("text", ["", "a", "ab", "abc", "abcd", "é", "🍓 สวัสดี", "</script>", '"\\\u2028\n\0'])
def test_a_header_of_any_length_and_script_comes_back(text):
    data = pack({"tokens": [text], "n": 1}, [np.arange(3, dtype=np.uint8)])
    header, (numbers,) = unpack(data, (np.uint8, (3,)))
    assert header == {"tokens": [text], "n": 1}
    assert numbers.tolist() == [0, 1, 2]


def test_a_headers_text_is_sent_as_it_is():
    assert "สวัสดี".encode() in pack({"text": "สวัสดี"}, [])


@pytest.mark.parametrize("count", range(9))
def test_every_array_begins_at_four_bytes(count):
    arrays = [
        np.arange(count, dtype=np.uint8),
        np.arange(count, dtype=np.float16),
        np.arange(count, dtype=np.float32),
    ]
    data = pack({"count": count}, arrays)
    assert len(data) % 4 == 0
    _, found = unpack(data, *((array.dtype, array.shape) for array in arrays))
    for sent, came in zip(arrays, found, strict=True):
        np.testing.assert_array_equal(sent, came)


def test_an_array_that_is_a_view_is_sent_in_its_own_order():
    whole = np.arange(24, dtype=np.float16).reshape(4, 6)
    _, (turned, cut) = unpack(pack({}, [whole.T, whole[1:3, ::2]]), (np.float16, (6, 4)), (np.float16, (2, 3)))
    np.testing.assert_array_equal(turned, whole.T)
    np.testing.assert_array_equal(cut, whole[1:3, ::2])


def test_a_component_has_a_script_and_a_style_that_streamlit_takes_for_text():
    for name in ("written_steps", "layer_map"):
        source = browser_source(name)
        # A string without a line break that contains "/" would be taken for a path.
        assert all("\n" in text for text in (source["js"], source["css"]))
        assert source["js"].count("export default") == 1
        assert "function unpack" in source["js"]


def test_a_large_script_is_sent_apart_from_the_picture_that_calls_it():
    library, picture = library_source("attention_view", "svg")
    [packed] = re.findall(r'const packed = "([^"]+)"', library["js"])
    assert gzip.decompress(base64.b64decode(packed)).decode() == browser_source("attention_view", "svg")["js"]
    assert library["js"].count("export default") == picture["js"].count("export default") == 1
    assert len(picture["js"]) < 600 < 20_000 < len(library["js"]) < 40_000
    assert library_source("attention_view", "svg") == (library, picture), "another message would be sent again"
    assert ".attention-view" in picture["css"]
    assert all("\n" in text for source in (library, picture) for text in (source["js"], source["css"]))


def test_two_numbers_take_three_bytes():
    assert twelve_bits(np.array([0xABC, 0x123], dtype=np.uint16)).tolist() == [0xBC, 0x3A, 0x12]
    assert len(twelve_bits(np.arange(5, dtype=np.uint16))) == 9
