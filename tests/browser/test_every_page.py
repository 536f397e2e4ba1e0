"""Every page of the registry, as a browser draws it: its question, its first example, nothing wrong in the console."""

import pytest

from pages.shared.registry import HOME, PAGES
from tests.browser.at_rest import QUICK


@pytest.mark.quick(5)
@pytest.mark.parametrize("room", QUICK, ids="-".join)
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.address)
def test_a_page_is_drawn_on_a_laptop_and_a_telephone(at_rest, page, room):
    seen = at_rest(page, room)
    assert [text for text, _ in seen.headings] == [page.question]
    assert seen.problems == 0
    assert seen.hangs_over <= 0


def test_home_leads_to_every_page_and_shows_it(new_tab):
    tab = new_tab()
    tab.goto("")
    tab.page.get_by_role("heading", name=HOME.question).wait_for()
    for page in PAGES:
        if page.part("home_card") is None:
            tab.page.locator(f".st-key-open_{page.address}").get_by_text(page.examples[0].look).wait_for()
            continue
        picture = tab.page.locator(f".st-key-open_{page.address} .headlight-preview")
        picture.wait_for()
        assert picture.bounding_box()["height"] > 20
        assert picture.get_attribute("aria-label")
    assert tab.hangs_over <= 0
