"""Whole texts as cards, tables and charts: escaped, parted where they part, and without what is not there."""

import pytest

from models.decoding import DrawnToken, Draws
from viz.sampling_charts import FigureLine, SweepPoint, draws_chart, figures_table, sweep_chart
from viz.text_cards import TextCard, TextToken, legend, shade, text_cards

EVIL = "</span><script>alert(1)</script>"


def values(chart):
    return chart["data"]["values"]


def test_tokens_are_escaped_and_coloured_by_probability():
    made = text_cards([TextCard(EVIL, (TextToken(EVIL, EVIL, 0.5), TextToken("", "<end>", 1.0)), EVIL)])
    assert "<script>" not in made
    assert "&lt;script&gt;" in made
    # What adds nothing to the text has no place in it.
    assert made.count('class="token"') == 1
    assert f"background:{shade(0.5)}" in made
    assert [shade(part).split(" ")[-1] for part in (0, 0.5, 1, 7)] == [
        "0%,transparent)",
        "30%,transparent)",
        "60%,transparent)",
        "60%,transparent)",
    ]
    assert legend().count("<span") == 5


def test_texts_part_where_they_do():
    tokens = (TextToken("one", "one", 0.1), TextToken(" two", "␣two", 0.2))
    made = text_cards([TextCard("a", tokens, diverges_at=1), TextCard("b", tokens[:1], diverges_at=1)])
    assert made.count("they part here") == 2
    first, second = made.split('<div class="card">')[1:]
    assert first.index(">one<") < first.index("they part") < first.index("> two<")
    assert second.index(">one<") < second.index("they part")
    assert "they part" not in text_cards([TextCard("a", tokens)])


def test_a_table_says_what_each_figure_is_and_leaves_out_what_is_none():
    made = figures_table(
        ["as above", EVIL], [FigureLine("distinct-1", EVIL, (0.456, None)), FigureLine("n", "", (3, 4), 0)]
    )
    assert "<script>" not in made
    assert "<td>0.46</td><td>–</td>" in made
    assert "<td>3</td><td>4</td>" in made


def test_a_sweep_has_a_point_for_each_temperature_that_has_both_numbers():
    points = [SweepPoint(0, -0.5, 0.1), SweepPoint(1.0, -2, 0.8, is_chosen=True), SweepPoint(2.0, -5.0, None)]
    made = sweep_chart(points, variety="distinct-2").to_dict()
    assert [(row["name"], row["likely"], row["different"]) for row in values(made)] == [
        ("T 0", -0.5, 0.1),
        ("T 1", -2, 0.8),
    ]
    assert "distinct-2" in str(made)


@pytest.mark.parametrize(("others", "bars"), [(250, 3), (900, 2), (None, 2)])
def test_bars_of_draws_and_all_others_where_they_leave_the_rest_to_be_seen(others, bars):
    tokens = (DrawnToken(5, "␣a", 0.0955, 90, 77, 114), DrawnToken(6, "␣a", 0.008, 10, 3, 14))
    rest = None if others is None else DrawnToken(None, "all others", 0.25, others, others - 20, others + 20)
    rows = values(draws_chart(Draws(1000, tokens, rest, None, 0, None, False)).to_dict())
    assert [row["expected"] for row in rows[:2]] == [95.5, 8.0]
    assert len(rows) == bars
    # Two tokens may look the same, and are not the same bar.
    assert [row["name"] for row in rows[:2]] == ["␣a", "␣a (2)"]
    assert rows[0]["interval"] == "77 to 114"
