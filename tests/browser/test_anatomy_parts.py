"""From the plan to a neuron in Chromium: a layer, its MLP, a neuron, off; a bar is pressed; a link reopens."""

import re

import pytest
from playwright.sync_api import expect

from pages.anatomy.choices import NEURONS, SAYS
from pages.shared.page import tab_name

CAPITAL = "The capital of France is"


def chart(page, key):
    return page.locator(f".st-key-{key} [data-testid='stVegaLiteChart'] :is(canvas, svg)").first


@pytest.mark.slow
def test_from_the_plan_to_a_neuron_that_is_off_and_by_its_link_again(tab):
    page = tab.page
    tab.goto("anatomy", model="smollm2", text=CAPITAL, plan_layers="all", tab="show-the-code")
    for path in ("layer.24", "layer.24/mlp"):
        page.locator(f".st-key-plan .block-diagram[data-ready='true'] [data-path='{path}']").click(timeout=60_000)
        tab.wait_for_query(part=path)
    page.get_by_role("tab", name=NEURONS).click()
    tab.wait_for_query(tab=tab_name(NEURONS))
    # The layer of the plan is the one whose neurons are shown.
    panel = page.get_by_role("tabpanel").filter(visible=True)
    expect(panel.get_by_text("in layer 24: 1,536 neurons")).to_be_visible(timeout=60_000)
    chart(page, "curve").wait_for()
    number = panel.get_by_label(re.compile("^Neuron, 0 to"))
    number.fill("963")
    number.press("Enter")
    tab.wait_for_query(neuron="963")
    expect(panel.get_by_text("without neuron 963")).to_be_visible(timeout=60_000)
    expect(panel.get_by_text("Western").first).to_be_visible()
    before = panel.get_by_text("without neuron 963").inner_text()
    page.goto(page.url)
    expect(page.get_by_text("without neuron 963")).to_have_text(before, timeout=60_000)


@pytest.mark.slow
def test_a_bar_that_is_pressed_switches_its_part_off(tab):
    page = tab.page
    tab.goto("anatomy", model="smollm2", text=CAPITAL, said_token="Paris", tab=tab_name(SAYS))
    bars = chart(page, "said_parts")
    bars.wait_for(timeout=60_000)
    # The first bar is the longest: it reaches to the right end of the chart.
    bars.click(position={"x": 0.8 * bars.bounding_box()["width"], "y": 16})
    tab.wait_for_query(said_off="decoder.29.mlp")
    expect(page.get_by_text("10.0\u00a0% without L29 MLP")).to_be_visible(timeout=60_000)


def test_another_token_leaves_the_plan_where_it_is(tab):
    page, received = tab.page, []

    def as_bytes(data):
        return data.encode() if isinstance(data, str) else data

    page.on("websocket", lambda socket: socket.on("framereceived", lambda data: received.append(as_bytes(data))))

    def plans():
        # What is large and no other than before is not sent again: counted is the smallest of what belongs to it.
        return sum(b"Model to draw" in each for each in received)

    tab.goto("anatomy", model="minilm", text="knight", tab=tab_name("One token on its way up"))
    page.locator(".st-key-plan .block-diagram[data-ready='true']").wait_for(timeout=60_000)
    inspector = page.locator(".st-key-up_inspector")
    expect(inspector).to_contain_text("“knight”", timeout=60_000)
    assert plans() == 1
    box = page.locator(".st-key-up_at_box input")
    box.evaluate("each => each.scrollIntoView({ block: 'center' })")
    box.click()
    page.get_by_role("option", name="[SEP]").click()
    expect(inspector).to_contain_text("“[SEP]”")
    tab.wait_for_query(token="2")
    assert plans() == 1
    # A part of the plan is another plan, and the tab follows it.
    page.locator(".st-key-plan .box").filter(has_text="MLP").click()
    page.wait_for_url(re.compile("part="))
    expect(inspector).to_contain_text("“[SEP]”")
    assert plans() == 2
