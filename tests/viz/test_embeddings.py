"""What the embeddings page sends to the browser, and its charts: places with one scale, names that are data."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.viz.wire import header_of, unpack
from viz.components.lens_grid import LensGrid
from viz.components.lens_grid import packed as packed_grid
from viz.components.vector_map import MapPoint, VectorMap
from viz.components.vector_map import packed as packed_map
from viz.embeddings_charts import gap_chart, matrix_chart, rank_chart, strip_chart, wave_chart
from viz.number_format import part_text
from viz.palette import DARK

HOSTILE = "</script>'\\\n\u202e"


def vector_map(places, **more):
    layers, points, _ = places.shape
    values = {
        "points": [MapPoint(f"p{place}", place % 2, place == 0, place % 3 - 1) for place in range(points)],
        "places": places,
        "names": [f"L{layer}" for layer in range(layers)],
        "notes": [""] * layers,
        "tags": [""] * layers,
        "scales": [""] * layers,
        "means": "",
        "groups": ("money", "river"),
        "layer": 0,
        "point": None,
        "near": [],
        "texts": ("one", HOSTILE),
        "caption": "",
    }
    return VectorMap(**(values | more))


@given(st.integers(1, 6), st.integers(1, 20), st.sampled_from([2, 3]), st.integers(0, 2**31), st.floats(1e-3, 1e4))
def test_places_keep_their_distances(layers, points, axes, seed, size):
    """One scale for all layers and axes: what is twice as far is drawn twice as far."""
    places = (np.random.default_rng(seed).standard_normal((layers, points, axes)) * size).astype(np.float32)
    header, (whole,) = unpack(packed_map(vector_map(places))[0], ("<u2", places.shape))
    found = whole / header["most"]
    extent = float(np.ptp(places.reshape(-1, axes), axis=0).max()) or 1.0
    expected = (places - places.min(axis=(0, 1))) / extent
    np.testing.assert_allclose(found, expected, atol=2e-5)
    np.testing.assert_allclose(header["extent"], expected.max(axis=(0, 1)), atol=2e-5)


def test_many_points_take_a_byte_a_place():
    places = np.random.default_rng(0).random((31, 500, 2), dtype=np.float32)
    data = packed_map(vector_map(places))[0]
    header, (whole,) = unpack(data, ("u1", places.shape))
    assert header["most"] == 255
    np.testing.assert_allclose(whole / 255, (places - places.min()) / np.ptp(places), atol=0.01)
    assert len(data) < 60_000


def test_one_point_in_one_place():
    header = header_of(packed_map(vector_map(np.zeros((2, 1, 2), dtype=np.float32)))[0])
    assert header["extent"] == [0, 0]
    assert header["texts"] == ["one", HOSTILE]


def test_layers_and_points_go_together():
    with pytest.raises(ValueError, match="expected places"):
        vector_map(np.zeros((2, 3, 2), dtype=np.float32), names=["one"])


def test_the_lens_reaches_the_browser():
    shares = np.array([[0.25, 0.5], [1.0, 0.125]], dtype=np.float32)
    grid = LensGrid(["a", HOSTILE], 7, ["input", "L1"], [["x", "y"], ["z", HOSTILE]], shares, (1, 8), "caption")
    header, (found,) = unpack(packed_grid(grid), ("<f2", (2, 2)))
    np.testing.assert_array_equal(found, shares)
    assert header["pieces"] == [["x", "y"], ["z", HOSTILE]]
    assert (header["first"], header["selected"]) == (7, [1, 8])
    with pytest.raises(ValueError, match="expected pieces"):
        LensGrid(["a"], 0, ["input"], [["x", "y"]], shares, None, "")


def test_charts_hold_their_numbers():
    within, between = np.array([0.5, 0.9], dtype=np.float32), np.array([0.4, 0.6], dtype=np.float32)
    rows = gap_chart(within, between, between / 2, ["3 of 6", "a tie"], 1, DARK).to_dict()["layer"][0]["data"]["values"]
    assert [round(row["gap"], 3) for row in rows] == [0.1, 0.3]
    assert [row["share"] for row in rows] == ["3 of 6", "a tie"]
    ranks = rank_chart([13_615, 0], [1e-6, 0.7], HOSTILE, 1).to_dict()
    assert ranks["layer"][0]["data"]["values"][1]["probability"] == part_text(0.7)
    assert [row["place"] for row in ranks["layer"][0]["data"]["values"]] == [13_616, 1]
    cells = matrix_chart(np.eye(2, dtype=np.float32), ["a", HOSTILE], ["a", "a"]).to_dict()
    assert [cell["cosine"] for cell in cells["data"]["values"]] == [1, 0, 0, 1]
    strip = strip_chart(np.array([1.5, -2], dtype=np.float32)).to_dict()
    assert [row["value"] for row in strip["data"]["values"]] == [1.5, -2]
    waves = wave_chart(np.array([6.28, 100.0])).to_dict()
    assert waves["data"]["values"][1] == {"pair": 1, "positions": 100.0}


def test_names_in_an_expression_cannot_end_it():
    axis = matrix_chart(np.eye(1, dtype=np.float32), [HOSTILE], [HOSTILE]).to_dict()["layer"][0]["encoding"]["y"][
        "axis"
    ]
    assert axis["labelExpr"] == "['</script>\\'\\\\��'][datum.value]"
