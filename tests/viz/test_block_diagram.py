"""What the picture of a plan is sent."""

import pytest

from tests.viz.wire import header_of
from viz.components.block_diagram import BlockDiagram, DrawnBox, DrawnRow, packed
from viz.number_format import count_text, short_count


def row(count, *, title="Row", opened=-1):
    boxes = [
        DrawnBox(f"layer.{each}", "layer", str(each), "", (10**8, 2 * 10**8, 10**9), 1 / count) for each in range(count)
    ]
    return DrawnRow(title, boxes, [(each, each + 1, "2048×8192") for each in range(count - 1)], opened)


def layer(mark=""):
    """A norm, a part and the sum with what goes past them."""
    numbers = (100, 400, 1_000)
    boxes = [
        DrawnBox("input", "text", "input", "", (0, 0, 0), 0.0),
        DrawnBox("norm", "norm", "RMSNorm", "100", numbers, 0.2, mark=mark),
        DrawnBox("mlp", "mlp", "MLP", "SiLU, gated", numbers, 0.8, can_open=True),
        DrawnBox("sum", "sum", "+", "", (0, 0, 0), 0.0),
    ]
    return DrawnRow("In a layer", boxes, [(0, 1, "5×8"), (1, 2, "5×8"), (0, 3, "5×8"), (2, 3, "5×8")])


def test_each_shape_goes_over_the_wire_once():
    header = header_of(packed(BlockDiagram([row(3, opened=1), row(2)], (1, 2, 3), (1, 0), "Tiny.")))
    assert header["shapes"] == ["2048×8192"]
    assert [each["arrows"] for each in header["rows"]] == [[[0, 1, 0], [1, 2, 0]], [[0, 1, 0]]]
    assert header["rows"][0]["boxes"][1][:7] == ["layer.1", "layer", "1", "", 10**8, 2 * 10**8, 10**9]
    assert (header["rows"][0]["opened"], header["selected"]) == (1, [1, 0])


def test_two_hundred_layers_fit_into_a_message():
    assert len(packed(BlockDiagram([row(200)], (1, 1, 1), None, "Many."))) < 40_000


def test_an_arrow_to_nowhere_is_refused():
    with pytest.raises(ValueError, match="arrows between 2 boxes"):
        DrawnRow("", row(2).boxes, [(0, 2, "5")])


@pytest.mark.parametrize(
    ("count", "short", "long"),
    [
        (576, "576", "576"),
        (4_608, "4.61 k", "4,608"),
        (134_515_008, "135 M", "135 million"),
        (999_950_000, "1.00 B", "1.00 billion"),
        (70_553_706_496, "70.6 B", "70.6 billion"),
        (1_483_711_488_000, "1.48 T", "1.48 trillion"),
    ],
)
def test_counts_have_three_digits(count, short, long):
    assert short_count(count).replace("\N{NO-BREAK SPACE}", " ") == short
    assert count_text(count).replace("\N{NO-BREAK SPACE}", " ") == long
