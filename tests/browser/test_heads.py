"""The heads page in Chromium: a head is named, its best case is seen and opened in the studio; effects are ranked."""

import re

import numpy as np
import pytest
from playwright.sync_api import expect

from models.engine import engine
from models.heads import AtlasRequest, bundled_bank
from tests.browser.tab import MAP

ATLAS = ".head-atlas[data-kind='roles'][data-ready='true']"
EFFECTS = ".head-atlas[data-kind='effects'][data-ready='true']"
ARCS = ".sentence-arcs[data-ready='true']"
PRONOUN = "The animal didn't cross the street because it was too tired."
ZORBLAX = "Dr. Zorblax lives in Oslo. Yesterday I met Dr. Z"
VERB = "direct object → its head"


def opened(tab, picture=ATLAS, /, **query):
    tab.goto("heads", **query)
    tab.page.locator(picture).first.wait_for(timeout=90_000)
    return tab.page.locator(picture).first


def value(root, *place):
    return root.evaluate("(root, place) => root.headlight.value(...place)", list(place))


def middle(root, *place):
    return root.evaluate("(root, place) => root.headlight.place(...place)", list(place))


def test_a_head_is_named_its_best_case_seen_and_opened_in_the_studio(tab):
    page = tab.page
    root = opened(tab, model="minilm", text=PRONOUN)
    found = engine.run(AtlasRequest("minilm", "encoder", bundled_bank()))
    scores = found.role("dobj>head")
    for layer, head in ((2, 0), (0, 2), (4, 0)):
        names = found.names(layer, head)
        shown = value(root, layer, head)
        assert shown["leading"] == (names[0].role.name if names else None)
        assert {each["role"] for each in shown["named"]} == {each.role.name for each in names}
    # The legend is whole once it is unfolded, and says before how much is missing.
    legend = root.locator(".legend")
    shown = legend.locator(".role:visible").count()
    more = legend.locator(".more")
    expect(more).to_have_text(f"{legend.locator('.role').count() - shown} more")
    assert legend.evaluate("root => root.scrollHeight <= root.clientHeight")
    more.click()
    expect(legend.locator(".role:visible")).to_have_count(legend.locator(".role").count())
    # Only this role.
    page.get_by_role("button", name=re.compile(re.escape(VERB))).first.click()
    tab.wait_for_query(only_role="dobj>head")
    layer, head = np.argwhere(scores.is_named)[0].tolist()
    place = middle(root, layer, head)
    page.mouse.move(place["x"], place["y"])
    expect(root.locator(".tip")).to_contain_text(VERB)
    page.mouse.click(place["x"], place["y"])
    tab.wait_for_query(of_head=f"{layer}-{head}")
    expect(page.locator(".st-key-inspector")).to_contain_text(f"on {scores.cases:,} cases")
    page.locator(".st-key-cases_start button").click()
    best = page.locator(".st-key-case_most_0 button")
    best.wait_for(timeout=90_000)
    best.click()
    tab.wait_for_query(case="most-0")
    arcs = page.locator(ARCS)
    expect(arcs.locator(".above path.accent").first).to_be_attached()
    words = arcs.locator(".piece").all_text_contents()
    page.reload()
    expect(page.locator(f"{ARCS} .piece")).to_have_text(words, timeout=90_000)
    page.get_by_role("link", name="Open this head in the studio").click()
    page.locator(MAP).wait_for(timeout=90_000)
    tab.wait_for_query(layer=str(layer), head=str(head))
    assert page.locator(".st-key-text_box textarea").input_value().split()[0] == words[0]
    expect(page.locator(".st-key-inspector")).to_contain_text(f"What L{layer} H{head} does elsewhere")


def test_the_keys_go_from_head_to_head(tab):
    root = opened(tab, model="minilm", text=PRONOUN, of_head="2-0")
    root.locator(".field").focus()
    tab.page.keyboard.press("ArrowRight")
    tab.page.keyboard.press("ArrowDown")
    expect(root.locator(".tip")).to_contain_text("L3 \u2068H1")
    tab.page.keyboard.press("Enter")
    tab.wait_for_query(of_head="3-1")
    tab.page.keyboard.press("End")
    expect(root.locator(".tip")).to_contain_text("L5 \u2068H1")
    tab.page.keyboard.press("Escape")
    expect(root.locator(".tip")).to_be_hidden()


@pytest.mark.slow
def test_effects_are_ranked_stopped_and_gone_on_with(tab):
    page = tab.page
    root = opened(tab, EFFECTS, model="smollm2", text=ZORBLAX, heads_by="effects", of_head="16-0")
    assert list(value(root, 16, 0)["effects"]) == ["estimate (one slope, to be confirmed)"]
    page.locator(".st-key-effects_start button").click()
    some = re.compile(r"[1-9]\d* of 270 switched off")
    expect(page.locator(".st-key-effects_state")).to_contain_text(some, timeout=90_000)
    page.locator(".st-key-effects_stop button").click()
    expect(page.locator(".st-key-effects_state")).to_contain_text(re.compile(r"Stopped: \d+ of 270"), timeout=60_000)
    said = page.locator(".st-key-effects_state").inner_text()
    assert 0 < int(re.findall(r"Stopped: (\d+)", said)[0]) < 270
    page.get_by_role("button", name="Go on").click()
    expect(page.locator(".st-key-effects_state")).to_have_count(0, timeout=240_000)
    effects = value(page.locator(EFFECTS).first, 16, 0)["effects"]
    assert effects["exact"] == pytest.approx(-1.0, abs=0.02)
    assert next(each for title, each in effects.items() if title != "exact") > 0
    expect(page.locator(".st-key-inspector")).to_contain_text("wrong sign")
    page.reload()
    page.locator(EFFECTS).first.wait_for(timeout=90_000)
    assert value(page.locator(EFFECTS).first, 16, 0)["effects"] == effects
