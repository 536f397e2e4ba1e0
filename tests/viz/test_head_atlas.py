"""What the picture of all heads is sent."""

import numpy as np
import pytest

from tests.viz.wire import unpack
from viz.components.head_atlas import MOST_FAMILIES, EffectCells, HeadAtlas, RoleCells, RoleMark, packed

ROLES = tuple(
    RoleMark(name, short, place, f"It is the {name}.")
    for place, (name, short) in enumerate([("previous token", "P"), ("sink", "S"), ("induction", "I"), ("verb", "ob")])
)


def roles(heads, *, count=4, only=-1, selected=None):
    """An atlas of these many heads in each layer, with names here and there."""
    shape = (count, len(heads), max(heads, default=0))
    draw = np.random.default_rng(len(heads))
    scores = draw.random(shape).astype(np.float32)
    there = np.arange(shape[2])[None, :] < np.array(heads, dtype=int)[:, None]
    is_named = (scores > 0.7) & there
    best = np.where(is_named, scores, -1)
    leading = np.where(is_named.any(0), best.argmax(0), -1) if count else np.full(shape[1:], -1)
    cells = RoleCells(ROLES[:count], scores, is_named, leading, only)
    return HeadAtlas(tuple(range(len(heads))), tuple(heads), cells, selected, "Tiny, all heads.", "All heads")


def effects(heads, *, selected=None, computed=0.6, rows=()):
    """The same with effects of heads, MLPs and layers, of which a part is computed."""
    shape = (2, len(heads), max(heads, default=0) + 2)
    values = np.random.default_rng(len(heads)).normal(size=shape).astype(np.float32)
    values[0, int(computed * len(heads)) :] = np.nan
    cells = EffectCells(("exact", "estimate"), values, "nats")
    parts = ("MLP", "layer")
    return HeadAtlas(tuple(range(len(heads))), tuple(heads), cells, selected, "Tiny.", "Effects", parts, rows)


def test_scores_go_over_the_wire_in_two_bytes_each():
    shown = roles((9,) * 30)
    shape = (4, 30, 9)
    header, (scores, is_named, leading) = unpack(packed(shown), ("<f2", shape), ("u1", shape), ("i1", shape[1:]))
    assert header["kind"] == "roles"
    assert [each["short"] for each in header["roles"]] == ["P", "S", "I", "ob"]
    np.testing.assert_allclose(scores, shown.cells.scores, atol=5e-4)
    np.testing.assert_array_equal(is_named.astype(bool), shown.cells.is_named)
    np.testing.assert_array_equal(leading, shown.cells.leading)
    assert len(header["palette"]["light"]["roles"]) == MOST_FAMILIES


def test_effects_that_are_not_computed_stay_unknown():
    shown = effects((2, 2), computed=0.5)
    header, (values,) = unpack(packed(shown), ("<f4", (2, 2, 4)))
    assert header["titles"] == ["exact", "estimate"]
    np.testing.assert_array_equal(values, shown.cells.values)
    assert np.isnan(values).sum() == 4


def test_what_does_not_fit_together_is_refused():
    fits = roles((2, 2))
    with pytest.raises(ValueError, match="heads of 2 layers"):
        HeadAtlas((0, 1), (2,), fits.cells, None, "", "")
    with pytest.raises(ValueError, match="scores and names"):
        HeadAtlas((0, 1), (2, 3), fits.cells, None, "", "")
    with pytest.raises(ValueError, match="effects"):
        HeadAtlas((0, 1), (2, 2), effects((2, 2)).cells, None, "", "")
    with pytest.raises(ValueError, match="names of 2 rows"):
        effects((2, 2), rows=("a",))
    with pytest.raises(ValueError, match="family"):
        RoleMark("a", "a", MOST_FAMILIES, "")
