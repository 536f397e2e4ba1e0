"""Words of the field are explained where they stand: by pointing, by keys and by a tap, within the screen."""

import re

import pytest
from playwright.sync_api import expect

from pages.shared.registry import PAGES
from tests.browser.at_rest import LAPTOP
from tests.browser.tab import SIZES
from viz.glossary import GLOSSARY, words_in


def unexplained(texts, explained):
    """Words of the glossary that stand there, and nowhere with what they mean."""
    return set().union(*map(words_in, texts)) - set().union(*map(words_in, explained), {"kept", "bits"})


def test_a_word_that_nobody_explains_is_found():
    assert unexplained(["2.4 nats", "“sink”"], []) == {"nats"}
    assert unexplained(["2.4 nats of entropy"], ["nats"]) == {"entropy"}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.address)
def test_every_word_on_a_page_is_explained_there(at_rest, page):
    seen = at_rest(page, LAPTOP)
    assert unexplained(seen.said, seen.explained) == set()


def test_a_word_says_what_it_means_to_the_pointer_the_keys_and_a_tap(new_tab):
    tab = new_tab(size=SIZES[-1])
    tab.goto("sampling")
    word = tab.page.locator(".st-key-inspector .headlight-term", has_text=re.compile("^surprisal$"))
    word.wait_for()
    # In a picture too, where a number stands first with its unit alone.
    expect(tab.page.locator(".next-token .stage .headlight-term").first).to_have_text("nats")
    said = "(e) => getComputedStyle(e, '::after').content"
    assert word.evaluate(said) == "none"
    word.focus()
    assert word.evaluate(said).strip('"') == GLOSSARY["surprisal"]
    left, width = (
        word.evaluate(f"(e) => parseFloat(getComputedStyle(e, '::after').{each})") for each in ("left", "width")
    )
    assert left >= 0
    assert left + width <= 390
    word.evaluate("(e) => e.blur()")
    word.hover()
    assert word.evaluate(said).strip('"') == GLOSSARY["surprisal"]
    tab.page.mouse.move(1, 1)
    word.click()
    assert word.evaluate(said).strip('"') == GLOSSARY["surprisal"]
    assert tab.hangs_over <= 0
