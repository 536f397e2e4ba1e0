"""The browser's own things on every page: titles, headings, Back, the Tab key, and what a press on a tab moves."""

import math
import re

import pytest
from playwright.sync_api import expect

from pages.shared.registry import HOME, PAGES
from tests.browser.at_rest import LAPTOP
from viz.number_format import part_text

ANIMAL = "The animal didn't cross the street because it was too tired."


def test_back_undoes_one_thing_at_a_time(tab):
    """Each of these wrote two addresses once: as the page opened, and as it had the answer."""
    tab.goto("")
    tab.page.get_by_test_id("stSidebarNavLink").filter(has_text="Attention").click()
    tab.map.wait_for()
    tab.wait_for_query(head="1")
    opened = dict(tab.query)
    tab.choose_head(4)
    tab.wait_for_query(head="4")
    tab.chips.nth(3).click()
    tab.wait_for_query(token="3")
    tab.open_tab("Show the code")
    tab.wait_for_query(tab="show-the-code")
    for said in ({"token": "3", "tab": None}, {"token": opened["token"], "head": "4"}, {"head": "1"}):
        tab.page.go_back()
        tab.page.wait_for_function(
            "said => { const now = new URLSearchParams(location.search);"
            " return Object.entries(said).every(([name, value]) => now.get(name) === value) }",
            arg=said,
        )
        tab.page.wait_for_timeout(800)
    tab.page.go_back()
    expect(tab.page.get_by_role("heading", level=1)).to_have_text(HOME.question)


@pytest.mark.quick(1)
@pytest.mark.parametrize("page", [HOME, *PAGES])
def test_a_page_has_a_title_and_one_first_heading(at_rest, page):
    seen = at_rest(page, LAPTOP)
    assert [text for text, _ in seen.headings] == [page.question]
    assert seen.title == ("Headlight" if page == HOME else f"{page.title} · Headlight")


def test_the_tab_key_reaches_the_checked_head(tab):
    tab.open(text=ANIMAL, model="minilm", layer=3, head=4)
    tab.page.locator(".st-key-layer_box").locator("input, [tabindex='0']").last.focus()
    tab.press("Tab")
    expect(tab.page.locator(".st-key-head_box [role=radio]:focus")).to_have_text("4")


@pytest.mark.slow
def test_a_press_on_a_tab_leaves_the_page_where_it_is(tab):
    tab.open(text=ANIMAL, model="minilm", layer=3, head=1)
    tab.open_tab("Show the code")
    tab.page.wait_for_timeout(1500)
    for name in ("Take it with you", "What am I looking at?", "What if this head were off?"):
        one = tab.page.get_by_role("tab", name=name)
        # Near the top, as far as the page goes.
        main = tab.page.get_by_test_id("stMain")
        main.evaluate("(main, by) => main.scrollBy(0, by)", one.bounding_box()["y"] - 120)
        tab.page.wait_for_timeout(200)
        box = one.bounding_box()
        tab.page.mouse.move(box["x"] + 9, box["y"] + 9)
        tab.page.mouse.down()
        for wait in (100, 400):
            tab.page.wait_for_timeout(wait)
            assert abs(one.bounding_box()["y"] - box["y"]) <= 8
        tab.page.mouse.up()
        tab.page.wait_for_timeout(500)
        assert abs(one.bounding_box()["y"] - box["y"]) <= 8


@pytest.mark.slow
def test_a_press_that_begins_elsewhere_selects_no_row(tab):
    tab.open(text=ANIMAL, model="minilm", layer=3, head=1)
    selected = tab.selected
    tab.page.mouse.move(700, 40)
    tab.page.mouse.down()
    tab.point_at(3, 3)
    tab.page.mouse.up()
    tab.page.wait_for_timeout(500)
    assert tab.selected == selected


def test_what_a_chip_says_is_of_the_chip_that_was_pressed(tab):
    tab.open(text=ANIMAL, model="minilm", layer=3, head=1)
    place = tab.tokens.index("street")
    tab.chips.nth(place).click()
    tab.wait_for_selected(place)
    expect(tab.page.locator(".attention-view .tip")).to_contain_text("street → street")
    tab.page.mouse.move(5, 5)
    expect(tab.page.locator(".attention-view .tip")).to_be_hidden()
    assert tab.page.locator(".attention-view .chip.hovered").count() == 0


@pytest.mark.slow
def test_all_on_again_leaves_nothing_of_before_and_after(tab):
    """The button is pressed by keys, so that the pointer stays where it is, over a map that goes."""
    tab.open(text=ANIMAL, model="minilm", layer=3, head=1, changed="head:encoder-3-1")
    tip = tab.page.locator(".attention-view .tip")
    at = tab.place(10, 2)
    tab.page.mouse.move(*at)
    expect(tip).to_have_text(re.compile("^it → animal: before .*, after .*, "))
    again = tab.page.locator(".st-key-all_on button")
    again.focus()
    expect(tip).to_contain_text("before")
    tab.press("Enter")
    expect(again).to_have_count(0)
    expect(tip).to_have_text(re.compile(r"^\S+ → \S+: [\d.]+\s%$"))
    # It is of the cell that lies there now.
    places = [(query, key) for query in range(16) for key in range(16)]
    query, key = min(places, key=lambda place: math.dist(tab.place(*place), at))
    assert (query, key) != (10, 2)
    assert tip.text_content() == f"{tab.tokens[query]} → {tab.tokens[key]}: {part_text(tab.value(query, key))}"


@pytest.mark.slow
def test_a_head_on_again_by_keys_leaves_nothing_of_before_and_after(tab):
    tab.open(text=ANIMAL, model="minilm", layer=3, head=1, changed="head:encoder-3-1")
    tip = tab.page.locator(".attention-view .tip")
    tab.page.mouse.move(5, 5)
    tab.page.locator(".attention-view .over").focus()
    tab.press("ArrowUp")
    expect(tip).to_contain_text("before")
    tab.press("x")
    expect(tab.page.locator(".st-key-all_on button")).to_have_count(0)
    expect(tip).to_be_hidden()
    tab.press("ArrowUp")
    expect(tip).to_have_text(re.compile(r"^\S+ → \S+: [\d.]+\s%$"))
