"""The heads page in Chromium: a head is named, its best case is seen and opened in the studio; effects are ranked."""

import re

import numpy as np
import pytest
from playwright.sync_api import expect

from models.engine import engine
from models.heads import AtlasRequest, EstimateRequest, Quantity, bundled_bank
from tests.browser.tab import MAP
from tests.pages.studio_screen import trace_of
from viz.number_format import part_text

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
def test_what_a_button_far_below_shows_is_brought_into_sight(tab):
    page = tab.page
    opened(tab, model="spelling_to_sound", text="knight", of_kind="cross", tab="which-matter-here")
    button = page.locator(".st-key-show_effects button")
    button.evaluate("each => each.scrollIntoView({ block: 'start' })")
    page.wait_for_function(
        "() => document.querySelector('.st-key-row_of_picture').getBoundingClientRect().bottom < 100"
    )
    button.click()
    page.locator(EFFECTS).wait_for()
    page.wait_for_function("() => document.querySelector('.st-key-atlas').getBoundingClientRect().top > 0")
    # How many are enough stands below its button.
    tab.open_tab("How many are enough?")
    page.locator(".st-key-enough_start button").click()
    page.locator(".st-key-enough_chart").wait_for(timeout=90_000)
    page.wait_for_function(
        "() => { const { top, bottom } = document.querySelector('.st-key-enough_chart').getBoundingClientRect();"
        " return top >= 0 && bottom <= innerHeight }"
    )


def test_an_mlp_and_a_layer_stand_below_the_heads(tab):
    root = opened(tab, EFFECTS, model="spelling_to_sound", text="knight", of_kind="decoder", heads_by="effects")
    request = EstimateRequest(trace_of("spelling_to_sound", "knight"), Quantity("output"), "mlps")
    mlps = next(each for each in engine.run(request).maps if each.kind == "decoder").effects
    assert list(value(root, 1, 4)["effects"].values())[-1] == pytest.approx(mlps[1, 0], rel=1e-5)
    place = middle(root, 1, 4)
    tab.page.mouse.click(place["x"], place["y"])
    tab.wait_for_query(of_part="mlps", of_head="1-0")
    expect(tab.page.locator(".st-key-inspector")).to_contain_text("Without L1 MLP")
    # The head that matters most is as dark as the MLP that does, though one changes more than the other.
    heads = engine.run(EstimateRequest(trace_of("spelling_to_sound", "knight"), Quantity("output"), "heads"))
    effects = next(each for each in heads.maps if each.kind == "decoder").effects
    layer, head = np.unravel_index(int(np.abs(effects).argmax()), effects.shape)
    assert abs(effects[layer, head]) != pytest.approx(np.abs(mlps).max(), rel=0.01)
    for column, row in ((int(layer), int(head)), (int(np.abs(mlps).argmax()), 4)):
        assert abs(root.evaluate("(root, at) => root.headlight.strength(...at, 0)", [column, row])) == pytest.approx(1)
    expect(root.locator(".legend")).to_contain_text(f"heads {abs(effects[layer, head]):.2f} nats, MLP ")


def test_cross_attention_is_drawn_from_the_output_to_the_text(tab):
    opened(tab, model="spelling_to_sound", text="knight", of_kind="cross", of_head="1-0")
    arcs = tab.page.locator(ARCS)
    expect(arcs.locator(".others .piece")).to_have_text([*"knight", "</s>"])
    expect(arcs.locator(".words .piece")).to_have_text(["N", "AY1", "T", "</s>"])
    arcs.locator(".words .chip").first.hover()
    seen = arcs.evaluate("root => [0, 1, 2, 3, 4, 5, 6].map((to) => root.headlight.value(0, to).weight)")
    assert sum(seen) == pytest.approx(1, abs=1e-5)
    expect(arcs.locator(".tip")).to_contain_text(f"{part_text(max(seen))} at")


@pytest.mark.slow
def test_effects_are_ranked_stopped_and_gone_on_with(tab):
    page = tab.page
    root = opened(tab, EFFECTS, model="smollm2", text=ZORBLAX, heads_by="effects", off_part="heads", of_head="16-0")
    assert list(value(root, 16, 0)["effects"]) == ["estimate (one slope, to be confirmed)"]
    page.locator(".st-key-effects_start button").click()
    some = re.compile(r"[1-9]\d* of 270 switched off")
    expect(page.locator(".st-key-effects_state")).to_contain_text(some, timeout=90_000)
    page.locator(".st-key-effects_stop button").click()
    expect(page.locator(".st-key-effects_state")).to_contain_text(re.compile(r"Stopped: \d+ of 270"), timeout=60_000)
    said = page.locator(".st-key-effects_state").inner_text()
    assert 0 < int(re.findall(r"Stopped: (\d+)", said)[0]) < 270
    page.get_by_role("button", name="Go on").click()
    expect(page.locator(".st-key-effects_state")).to_contain_text(some, timeout=60_000)
    expect(page.locator(".st-key-effects_state")).to_have_count(0, timeout=240_000)
    effects = value(page.locator(EFFECTS).first, 16, 0)["effects"]
    assert effects["exact"] == pytest.approx(-1.0, abs=0.02)
    assert next(each for title, each in effects.items() if title != "exact") > 0
    expect(page.locator(".st-key-inspector")).to_contain_text("wrong sign")
    page.reload()
    page.locator(EFFECTS).first.wait_for(timeout=90_000)
    assert value(page.locator(EFFECTS).first, 16, 0)["effects"] == effects
