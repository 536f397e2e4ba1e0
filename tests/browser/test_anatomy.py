"""The anatomy page in Chromium: a layer opens, then its MLP; the link opens the same; keys do what the mouse does."""

import re

import pytest
from playwright.sync_api import expect

from models.anatomy import PlanRequest
from models.engine import engine

PLAN = ".st-key-plan .block-diagram[data-ready='true']"
FRANCE = "The capital of France is"


def opened(tab, /, **query):
    # The last tab computes nothing.
    tab.goto("anatomy", **({"model": "smollm2", "text": FRANCE, "tab": "show-the-code"} | query))
    tab.page.locator(PLAN).wait_for(timeout=90_000)
    return tab.page.locator(PLAN)


def box(root, path):
    return root.locator(f"[data-path='{path}']")


def value(root, path):
    return root.evaluate("(root, path) => root.headlight.value(path)", path)


def test_a_layer_opens_then_its_mlp_and_the_link_opens_the_same(tab):
    root = opened(tab)
    plan = engine.run(PlanRequest("smollm2", FRANCE))
    layers = plan.folded.box("layer.0-29")
    shown = value(root, "layer.0-29")
    assert (shown["parameters"], shown["bytes"], shown["operations"], shown["count"]) == (
        *(layers.parameters, layers.bytes, layers.operations, 30),
    )
    rows = root.evaluate("root => root.headlight.rows().map((row) => row.length)")
    assert rows == [5, len(layers.inner.boxes)]
    arrows = root.evaluate("root => root.headlight.arrows(1)")
    assert ["input", "sum", "5×576"] in arrows
    # All of the picture is seen without scrolling.
    assert root.evaluate("root => root.getBoundingClientRect().bottom") <= 720
    box(root, "layer.0-29/mlp").hover()
    expect(root.locator(".tip")).to_contain_text(f"{layers.inner.box('mlp').parameters:,} parameters")
    box(root, "layer.0-29/mlp").click()
    tab.wait_for_query(part="layer.0-29/mlp")
    expect(tab.page.locator(PLAN)).to_have_attribute("data-rows", "3")
    # A label of what was pressed would cover what is in it.
    expect(root.locator(".tip")).to_be_hidden()
    expect(tab.page.locator(".st-key-inspector")).to_contain_text("W_down")
    assert value(root, "layer.0-29/mlp/up_proj")["parameters"] == 576 * 1_536
    assert len(re.findall("<path", root.inner_html())) > 20
    again = opened(tab, part="layer.0-29/mlp")
    expect(again).to_have_attribute("data-selected", "layer.0-29/mlp")
    expect(again).to_have_attribute("data-rows", "3")
    assert not tab.faults


@pytest.mark.slow
def test_the_keys_go_from_box_to_box_and_open_one(tab):
    root = opened(tab)
    field = root.locator(".field")
    field.focus()
    for key in ("ArrowDown", "ArrowRight"):
        field.press(key)
    expect(field.locator(".active-cell")).to_have_attribute("aria-label", re.compile("Attention"))
    field.press("Enter")
    tab.wait_for_query(part="layer.0-29/self_attn")
    expect(root).to_have_attribute("data-rows", "3")


@pytest.mark.slow
def test_on_a_phone_it_runs_down_and_nothing_is_wider_than_the_screen(tab):
    tab.page.set_viewport_size({"width": 390, "height": 844})
    root = opened(tab)
    boxes = [
        box(root, path).bounding_box()
        for path in ("layer.0-29/input_layernorm", "layer.0-29/self_attn", "layer.0-29/mlp")
    ]
    assert [each["y"] for each in boxes] == sorted(each["y"] for each in boxes)
    assert root.evaluate("root => root.querySelector('.field').scrollWidth <= root.clientWidth")
