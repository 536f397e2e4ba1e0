"""What travels between our processes: it comes out as it went in, and nothing that is read can run anything."""

import enum
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.attention import HideToken, TraceRequest
from models.cluster.errors import ClusterError
from models.cluster.frames import Place
from models.cluster.questions import question
from models.cluster.travel import CannotTravelError, packed, unpacked
from models.decoding import DecodingSettings, WriteRequest

PLAIN = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text() | st.binary()
TREES = st.recursive(
    PLAIN,
    lambda inner: (
        st.lists(inner)
        | st.lists(inner).map(tuple)
        | st.frozensets(PLAIN)
        | st.dictionaries(st.text() | st.integers(), inner)
    ),
)


@given(TREES)
def test_what_is_plain_comes_out_as_it_went_in(value):
    out = unpacked(packed(value))
    assert out == value
    assert repr(out) == repr(value) or isinstance(value, frozenset | dict | list | tuple)


def test_half_a_character_travels():
    assert unpacked(packed(("whole", "half \ud800", "\udfff"))) == ("whole", "half \ud800", "\udfff")


@pytest.mark.parametrize(
    "array",
    [
        np.arange(12, dtype=np.float32).reshape(3, 4),
        np.asfortranarray(np.arange(12, dtype=np.float16).reshape(3, 4)),
        np.arange(12)[::3],
        np.array([], dtype=bool).reshape(0, 5),
        np.array(["a", "ñandú"]),
        np.array(3.5),
        np.array([np.nan, -0.0, np.inf]),
    ],
)
@pytest.mark.parametrize("is_writeable", [True, False])
def test_an_array_keeps_its_bits_its_order_and_whether_it_may_be_written(array, is_writeable):
    array = array.copy("K")
    array.setflags(write=is_writeable)
    out = unpacked(packed((array, array)))
    assert (out[0].dtype, out[0].shape, out[0].flags.writeable) == (array.dtype, array.shape, is_writeable)
    assert out[0].tobytes() == array.tobytes()
    assert out[0].flags.f_contiguous == array.flags.f_contiguous or not array.flags.contiguous
    assert unpacked(packed(np.float32(0.1))).dtype == np.float32


def test_a_question_is_equal_and_hashes_alike_when_it_comes_out():
    asked = WriteRequest("smollm2", "Once", DecodingSettings(seed=7, stop=("\n",)))
    traced = TraceRequest("minilm", "A text", interventions=(HideToken(1),))
    for each in (asked, traced):
        out = question(packed(each))
        assert out == each
        assert hash(out) == hash(each)
    assert unpacked(packed(MappingProxyType({1: asked}))) == {1: asked}


class _Colour(enum.Enum):
    RED = 1


@dataclass(frozen=True)
class _NotOurs:
    value: int


@pytest.mark.parametrize("value", [_NotOurs(1), _Colour.RED, object(), print, np.array([object()]), 1j, Path()])
def test_what_is_not_of_ours_does_not_travel(value):
    with pytest.raises(CannotTravelError):
        packed((value,))


@pytest.mark.parametrize(
    "tree",
    [
        ["o", "subprocess:Popen", ["true"]],
        ["o", "os:system", ["true"]],
        ["o", "models.cluster.line:subprocess.Popen", [["true"]]],
        ["o", "models.cluster.line:Path", ["x"]],
        ["o", "models.cluster.line:line", []],
        ["o", "models.errors:HeadlightError", ["x"]],
        ["n", "models.cluster.wire:send", [0, ""]],
        ["e", "models.nowhere:Colour", "RED"],
        ["o", "models.cluster.frames:Place", [1, 2]],
        ["o", "modelsx:Place", [1]],
        ["?", 1],
        ["a", 7, "<f4", [1], "C", False],
        ["o"],
        [],
    ],
)
def test_what_names_anything_else_is_not_read(tree):
    with pytest.raises(ClusterError):
        unpacked(msgspec.msgpack.encode([tree, []]))


@given(st.binary(max_size=200))
def test_bytes_of_anybody_are_refused(data):
    with pytest.raises(ClusterError):
        question(data)


def test_a_pickle_is_bytes_like_any_others(tmp_path):
    trap = tmp_path / "run"
    # As `pickle` writes a call of `pathlib.Path.touch`; written out, since nothing here reads or writes one.
    data = b"cpathlib\nPath\n(S'" + str(trap).encode() + b"'\ntR."
    with pytest.raises(ClusterError):
        question(data)
    assert not trap.exists()


def test_a_worker_takes_no_record_that_is_no_question():
    with pytest.raises(ClusterError, match="no question"):
        question(packed(Place(1)))
    with pytest.raises(ClusterError, match="no question"):
        question(packed(("minilm", "text")))
