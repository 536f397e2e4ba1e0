"""A telephone, with a finger: what moves while one reads, what a finger meets, what is hidden beside the screen."""

import pytest
from playwright.sync_api import expect

from tests.browser.tab import Tab

WATCH = """(selector) => {
  globalThis.stood = []
  const look = () => {
    const at = document.querySelector(selector)?.getBoundingClientRect()
    if (at) stood.push(Math.round(at.y + scrollY))
    requestAnimationFrame(look)
  }
  look()
}"""


@pytest.fixture
def phone(chromium, server):
    """A tab of 390 pixels that is touched; at the end nothing may have gone wrong in it."""
    context = chromium.new_context(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    tab = Tab(context, server)
    yield tab
    context.close()
    assert tab.faults == []


def test_embeddings(phone):
    phone.goto("embeddings")
    phone.page.locator(".layer-map[data-ready='true']").wait_for()
    phone.page.locator(".st-key-text_box textarea").fill("He sat on the bank of the river.\nThe bank lent money.")
    phone.page.evaluate(WATCH, ".st-key-show_box")
    phone.page.get_by_role("button", name="Look", exact=True).tap()
    phone.wait_for_query(text="He sat on the bank of the river.\nThe bank lent money.")
    expect(phone.page.locator("[data-testid=stProgress]")).to_have_count(0)
    phone.page.locator(".layer-map[data-ready='true']").wait_for()
    stood = phone.page.evaluate("stood")
    assert max(stood) - min(stood) <= 48, "what is tapped next stays where it is while the maps are made"
