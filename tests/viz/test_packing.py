"""What goes over the wire arrives: headers in any script, numbers as close as promised, NaN as NaN."""

import numpy as np
import pytest

from tests.viz.wire import unpack
from viz.components.scaffold import pack, twelve_bits


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


def test_two_numbers_take_three_bytes():
    assert twelve_bits(np.array([0xABC, 0x123], dtype=np.uint16)).tolist() == [0xBC, 0x3A, 0x12]
    assert len(twelve_bits(np.arange(5, dtype=np.uint16))) == 9
