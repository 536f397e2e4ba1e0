"""What is opened can be read and hit as well: each tab of a page, what is folded, and the list of models."""

import pytest

from pages.shared.registry import PAGES
from tests.browser.at_rest import LAPTOP, TELEPHONE, WITH_NAMES, come_to_rest, faults, told
from tests.browser.said import said_twice

# One page in each run; the others repeat it.
QUICK = ("kv_cache", LAPTOP)
# What is written in a chart, which is not among the texts of a page.
IN_CHARTS = "() => [...document.querySelectorAll('.vega-embed svg text')].map((each) => each.textContent)"
FOLDED = "[data-testid=stMain] [data-testid=stExpander] summary"


@pytest.mark.parametrize(
    ("address", "room"),
    [
        pytest.param(
            *(page.address, room),
            marks=[] if (page.address, room) == QUICK else pytest.mark.slow,
            id=f"{page.address}-{'-'.join(room)}",
        )
        for page in PAGES
        for room in (LAPTOP, TELEPHONE)
    ],
)
def test_each_tab_can_be_read_and_hit_and_has_one_string_for_a_value(looking, address, room):
    found = {}
    with looking.opened(address, room) as tab:
        tabs = tab.page.locator("[data-testid=stTabs]").first.get_by_role("tab")
        names = tabs.all_text_contents()
        assert len(names) > 2
        for place, name in enumerate(names):
            tabs.nth(place).click()
            come_to_rest(tab)
            found[name] = told(faults(tab)) + said_twice(tab.page.evaluate(WITH_NAMES) + tab.page.evaluate(IN_CHARTS))
        for place in range(tab.page.locator(FOLDED).count()):
            fold = tab.page.locator(FOLDED).nth(place)
            if fold.is_visible():
                fold.click()
                come_to_rest(tab)
        found["folded"] = told(faults(tab))
    assert {name: each for name, each in found.items() if each} == {}


@pytest.mark.parametrize("room", [LAPTOP, pytest.param(TELEPHONE, marks=pytest.mark.slow)], ids="-".join)
def test_the_list_of_models_can_be_read_and_hit(looking, room):
    with looking.opened("tokenizers", room) as tab:
        box = tab.page.locator(".st-key-model_box input")
        if room == TELEPHONE:
            tab.page.get_by_test_id("stExpandSidebarButton").click()
        box.click()
        tab.page.get_by_role("option").first.wait_for()
        come_to_rest(tab)
        found = told(faults(tab))
        # On a telephone the sidebar lies over the page, whose texts are beneath it.
        assert [each for each in found if room != TELEPHONE or not each.startswith("overlap")] == []


@pytest.mark.slow
def test_maps_of_two_texts_have_room_for_labels_of_their_own(looking):
    asked = "text=The animal was tired.&other=A cat sat on the very very old mat.&layer=3&head=1"
    with looking.opened(f"attention?model=minilm&tab=what-if-another-word-stood-there&{asked}", TELEPHONE) as tab:
        tab.page.locator(".st-key-other .attention-view[data-ready='true']").wait_for()
        come_to_rest(tab)
        assert told(faults(tab)) == []
