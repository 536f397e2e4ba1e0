"""A vision model in the thread on pages about texts: each says what it needs, and offers it."""

from pathlib import Path

import pytest

from pages.shared.registry import PAGES
from tests.pages.screen import ROOT, Screen

ABOUT_TEXTS = ("attention", "embeddings", "kv_cache", "sampling", "heads", "anatomy")


@pytest.mark.parametrize("address", ABOUT_TEXTS)
def test_the_page_says_what_it_needs_and_offers_it(address):
    screen = Screen(f"pages/{address}/page.py", model="dinov2")
    assert screen.problems == []
    [said] = [each.value for block in screen.blocks("reads_otherwise") for each in block.info]
    assert "reads pictures" in said
    assert "dinov2" in screen.test.query_params["model"]
    assert "sees pictures" in " ".join(each.value for each in screen.test.caption)


def test_what_it_offers_is_shown():
    screen = Screen("pages/attention/page.py", model="dinov2")
    screen.test.button(key="show_model").click()
    screen.run()
    assert not screen.blocks("reads_otherwise")
    assert screen.has_picture


def test_tokenizers_need_no_model():
    screen = Screen("pages/tokenizers/page.py", model="dinov2")
    assert screen.problems == []
    assert not screen.blocks("reads_otherwise")


def test_every_page_about_texts_is_asked():
    named = {each.address for each in PAGES if "Page(" in (ROOT / Path("pages") / each.address / "page.py").read_text()}
    assert named - {"vision", "tokenizers"} == set(ABOUT_TEXTS)
