"""Which tokens are the rows and the columns of a map, for each kind and each family of models."""

import pytest

from models.forward.map_axes import KINDS, Axes, axes, map_size
from tests.models import architectures
from tests.models.architectures import NAMES

SOURCE, TARGET = ("s1", "s2", "s3"), ("t1", "t2")


@pytest.mark.parametrize(
    ("kind", "target", "expected"),
    [
        ("encoder", (), Axes(SOURCE, SOURCE, False, False)),
        ("decoder", (), Axes(SOURCE, SOURCE, False, False)),
        ("encoder", TARGET, Axes(SOURCE, SOURCE, False, False)),
        ("decoder", TARGET, Axes(TARGET, TARGET, True, True)),
        ("cross", TARGET, Axes(TARGET, SOURCE, True, False)),
    ],
)
def test_the_rows_look_and_the_columns_are_looked_at(kind, target, expected):
    found = axes(kind, SOURCE, target)
    assert found == expected
    assert map_size(kind, len(SOURCE), len(target)) == (len(found.rows), len(found.columns))


@pytest.mark.parametrize("name", NAMES)
def test_each_map_has_a_row_and_a_column_for_each_token_of_its_axes(name):
    trace = architectures.trace(name)
    assert set(trace.kinds) <= set(KINDS)
    for kind in trace.kinds:
        found = trace.axes(kind)
        assert trace.weights(kind, trace.layers(kind)[0]).shape[1:] == (len(found.rows), len(found.columns))
