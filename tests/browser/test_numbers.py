"""One number is written once: every part of a whole, wherever it stands on a page, by the rule of `part_text`."""

import re
from pathlib import Path

import numpy as np
import pytest

from pages.shared.registry import PAGES
from tests.browser.at_rest import LAPTOP
from viz.quantities import part_text

ROOT = Path(__file__).resolve().parents[2]
# As the rule writes them; "100 draws" has no sign, "%40" of an address no space.
_RULE = re.compile(r"−?(?:\d{2,3}\.\d|[1-9]\.\d\d|0\.\d{3}|0|[1-9]·10⁻[⁰¹²³⁴⁵⁶⁷⁸⁹]+)\s%")
_PART = re.compile(r"(?:< )?[−\d.,·⁻⁰¹²³⁴⁵⁶⁷⁸⁹]+\s?%(?!\d)")


def odd_ones(texts):
    """Parts that another rule wrote."""
    return [each for text in texts for each in _PART.findall(text) if not _RULE.fullmatch(each)]


def test_a_number_that_another_rule_wrote_is_found():
    assert odd_ones(["it looks at 25 %", "25.16 %", "< 0.01 %", "12%"]) == ["25 %", "25.16 %", "< 0.01 %", "12%"]
    assert odd_ones([part_text(each) for each in (0, 1, 0.25157538, 0.0504, 0.00123, 3e-7, -0.2)]) == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.address)
def test_every_part_on_a_page_is_written_by_one_rule(at_rest, page):
    # What a person types or an example tells may hold numbers of any kind: none of the first ones does.
    assert odd_ones(at_rest(page, LAPTOP).with_names) == []


def test_the_browser_writes_parts_as_the_server_does(page):
    script = (ROOT / "viz" / "components" / "scaffold" / "percent.js").read_text().replace("export ", "")
    draws = np.random.default_rng(1)
    parts = [0, 1, 0.1225, 0.25157538, 0.00995, 9.96e-6, 1e-30, -0.2]
    parts += (draws.random(2_000) / 10.0 ** draws.integers(10, size=2_000)).tolist()
    written = page.evaluate(f"(parts) => {{ {script}\nreturn parts.map(percentText) }}", parts)
    assert written == [part_text(part) for part in parts]
