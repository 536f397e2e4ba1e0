"""One number is written by one rule, wherever it stands on a page: parts of a whole, bytes, how many times."""

import re
from pathlib import Path

import numpy as np
import pytest

from pages.shared.registry import PAGES
from tests.browser.at_rest import LAPTOP
from tests.browser.said import said_twice
from viz.number_format import bytes_text, part_text, times_text

ROOT = Path(__file__).resolve().parents[2]
# As the rule writes them; "100 draws" has no sign, "%40" of an address no space.
_RULE = re.compile(r"−?(?:\d{2,3}\.\d|[1-9]\.\d\d|0\.\d{3}|0|[1-9]·10⁻[⁰¹²³⁴⁵⁶⁷⁸⁹]+|(?:< )?10⁻⁹)\s%")
_PART = re.compile(r"(?:< )?[−\d.,·⁻⁰¹²³⁴⁵⁶⁷⁸⁹]+\s?%(?!\d)")


def odd_ones(texts):
    """Parts that another rule wrote."""
    return [each for text in texts for each in _PART.findall(text) if not _RULE.fullmatch(each)]


def test_a_number_that_another_rule_wrote_is_found():
    assert odd_ones(["it looks at 25 %", "25.16 %", "< 0.01 %", "12%"]) == ["25 %", "25.16 %", "< 0.01 %", "12%"]
    assert odd_ones([part_text(each) for each in (0, 1, 0.25157538, 0.0504, 0.00123, 3e-7, 1e-20, -0.2)]) == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.address)
def test_every_part_on_a_page_is_written_by_one_rule(at_rest, page):
    # What a person types or an example tells may hold numbers of any kind: none of the first ones does.
    assert odd_ones(at_rest(page, LAPTOP).with_names) == []


def test_one_value_in_two_ways_is_found():
    texts = ["2.31 nats", "2.308 nats", "25.2\N{NO-BREAK SPACE}%", "25.16 %", "0.902", "0.9017", "−1.25 and −1.254"]
    assert [(short, long) for short, long, _ in said_twice(texts)] == [
        ("0.902", "0.9017"),
        ("2.31", "2.308"),
        ("25.2", "25.16"),
        ("−1.25", "−1.254"),
    ]
    # Other values, other units, and numbers that are written twice by one rule.
    assert said_twice(["0.902", "0.907", "2.31 nats", "2.308 bits", "12.5 KiB", "12.5 KiB", "arXiv 1904.09751"]) == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.address)
def test_a_value_that_stands_twice_on_a_page_is_the_same_string(at_rest, page):
    said = at_rest(page, LAPTOP).with_names
    assert said_twice(said) == []


def test_the_browser_writes_parts_as_the_server_does(page):
    script = (ROOT / "viz" / "components" / "scaffold" / "percent.js").read_text().replace("export ", "")
    draws = np.random.default_rng(1)
    parts = [0, 1, 0.1225, 0.25157538, 0.00995, 9.96e-6, 1e-11, 9e-12, 1e-30, -0.2, -1e-30]
    parts += (draws.random(2_000) / 10.0 ** draws.integers(10, size=2_000)).tolist()
    written = page.evaluate(f"(parts) => {{ {script}\nreturn parts.map(percentText) }}", parts)
    assert written == [part_text(part) for part in parts]
    script = (ROOT / "viz" / "components" / "scaffold" / "number_format.js").read_text().replace("export ", "")
    counts = [0, 1, 1023, 1024, 10_239, 506_880, 46_080, *map(int, 2.0 ** draws.uniform(0, 55, 500))]
    ratios = [1, 2.5, 9.996, 10, 31.2, *draws.uniform(1, 99, 200).tolist()]
    written = page.evaluate(
        f"([counts, ratios]) => {{ {script}\nreturn [counts.map(bytesText), ratios.map(timesText)] }}", [counts, ratios]
    )
    assert written == [[bytes_text(each) for each in counts], [times_text(each) for each in ratios]]


# One value, read in two places: in a chip or a cell without the sign.
_SHORT = re.compile(r"^[−\d.]+$")


@pytest.mark.slow
def test_what_stands_below_a_token_is_what_its_tooltip_says(new_tab):
    """Of the strip, the matrix and the tokens that are written."""
    tab = new_tab()
    for query in ({"model": "minilm", "text": "It was tired."}, {"model": "spelling_to_sound", "text": "tea"}):
        tab.goto("attention", **query)
        tab.page.locator(".attention-view[data-ready='true']").wait_for()
        chips = tab.page.locator(".attention-view .chip, .written-steps .chip:not(.written)")
        pairs = tab.settled(
            lambda chips=chips: chips.evaluate_all(
                "all => all.map((each) => [each.querySelector('.share').textContent, each.ariaLabel])"
            )
        )
        short = [(share, label) for share, label in pairs if share]
        assert short
        assert [
            each for each in short if not (_SHORT.match(each[0]) and f"{each[0]}\N{NO-BREAK SPACE}%" in each[1])
        ] == []
