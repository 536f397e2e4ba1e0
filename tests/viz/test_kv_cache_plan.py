"""The bar of a card: its parts are as wide as they are large, and what is said is escaped."""

import re

import pytest

from viz.kv_cache_plan import CardPicture, card_bar

GB = 10**9


def widths(html):
    found = re.findall(r'class="(\w+)" style="(?:left:[\d.]+%;)?width:([\d.]+)%', html)
    return {name: float(part) for name, part in found}


def test_what_fits_fills_the_card():
    found = widths(card_bar(CardPicture(100 * GB, 90 * GB, 20 * GB, 30 * GB, 3), "said"))
    assert found == {"kept": 10, "weights": 20, "cache": 30, "left": 40}


def test_what_does_not_fit_stands_beyond_the_line():
    html = card_bar(CardPicture(100 * GB, 90 * GB, 120 * GB, 80 * GB, 200), "said")
    found = widths(html)
    assert found == {"kept": 0, "weights": 60, "cache": 40, "left": 0, "over": 55}
    assert "missing 102 GiB" in html
    assert "--memory:50.0000%" in html


@pytest.mark.parametrize("texts", [1, 2, 64, 65, 1_000_000])
def test_texts_are_tiles_as_far_as_they_can_be_told_apart(texts):
    html = card_bar(CardPicture(GB, GB, 0, GB // 2, texts), "said")
    assert ("--tile:" in html) == (1 < texts <= 64)


def test_what_is_said_is_escaped():
    assert "<b>" not in card_bar(CardPicture(GB, GB, 0, 0, 1), '<b>"')
