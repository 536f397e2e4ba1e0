"""Another token, another head, all heads: with the pointer and with the keyboard."""

import pytest
from playwright.sync_api import expect

from tests.browser.tab import GRID


def test_a_click_on_a_token_selects_it(tab):
    tab.open()
    tab.wait_for_inspector("it")
    tab.chips.nth(13).click()
    tab.wait_for_query(token="13")
    tab.wait_for_selected(13)
    tab.wait_for_inspector("tired looks mostly at")
    assert tab.selected == "tired"


def test_a_click_in_the_map_selects_its_row(tab):
    tab.open()
    tab.page.mouse.click(*tab.place(6, 2))
    tab.wait_for_query(token="6")
    tab.wait_for_selected(6)
    tab.wait_for_inspector("cross looks mostly at")


def test_another_head_and_another_layer(tab):
    tab.open()
    before = tab.values()
    tab.choose_head(7)
    tab.wait_for_map("encoder-3-7")
    tab.wait_for_query(head="7")
    seventh = tab.values()
    assert seventh != before
    tab.choose_head("mean")
    tab.wait_for_map("encoder-3-mean")
    assert tab.values() not in (before, seventh)
    tab.page.locator(".st-key-layer_box input[type='range']").focus()
    tab.press("ArrowRight")
    tab.wait_for_map("encoder-4-mean")
    tab.wait_for_query(layer="4", head="mean")
    assert tab.selected == "it", "another head is looked at from the same token"


BORDERS = """each => {
  const shown = getComputedStyle(each)
  const ground = (colour) => colour === "transparent" || colour.endsWith(", 0)")
  return ["Top", "Right", "Bottom", "Left"].filter(
    (side) => parseFloat(shown[`border${side}Width`]) < 1 || ground(shown[`border${side}Color`])
  )
}"""


def test_wrapped_buttons_have_a_border_on_each_side(tab):
    tab.open(layer=3, head=5)
    buttons = tab.page.locator(".st-key-head_box [role=radio]")
    expect(buttons).to_have_count(13)
    rows = {round(each.bounding_box()["y"]) for each in buttons.all()}
    assert len(rows) > 1, "they stand in several rows"
    missing = {each.text_content(): each.evaluate(BORDERS) for each in buttons.all()}
    assert {name: sides for name, sides in missing.items() if sides} == {}


@pytest.mark.slow
def test_the_sink_is_taken_out(tab):
    tab.open()
    tab.page.locator(".st-key-sink_box label").first.click()
    tab.wait_for_query(sink="out")
    tab.page.locator(".attention-view .caption", has_text="rescaled").wait_for()
    values = tab.values()
    assert all(row[0] == row[-1] == 0 for row in values)
    assert max(map(sum, values)) < 1.01


def test_thumbnails_show_the_weights_and_open_their_head(tab, weights):
    tab.open()
    text = tab.query["text"]
    tab.choose_view("Model")
    grid = tab.page.locator(GRID)
    grid.wait_for()
    tab.wait_for_query(view="model")
    assert grid.get_attribute("data-map") == "encoder-model"
    for layer, head in [(0, 0), (3, 1), (5, 11)]:
        exact = weights("minilm", text, layer, head)
        shown = grid.evaluate(
            "(root, [layer, head, size]) => [...Array(size * size).keys()].map("
            "at => root.headlight.value(layer, head, Math.floor(at / size), at % size))",
            [layer, head, len(exact)],
        )
        assert max(abs(a - float(b)) for a, b in zip(shown, exact.flat, strict=True)) < 5e-4
    place = grid.evaluate("root => root.headlight.place(4, 9)")
    tab.page.mouse.move(place["x"], place["y"])
    assert tab.page.locator(".attention-view[data-view='model'] .tip").text_content() == "L4 H9\nfirst token (sink)"
    tab.page.mouse.click(place["x"], place["y"])
    tab.wait_for_map("encoder-4-9")
    tab.wait_for_query(view="matrix", layer="4", head="9")


@pytest.mark.slow
def test_a_head_is_opened_by_keyboard_alone(tab):
    tab.goto(view="model", layer=3, head=1)
    tab.page.locator(GRID).wait_for()
    for _ in range(60):
        tab.press("Tab")
        if "over" in tab.focused[0].split():
            break
    assert "over" in tab.focused[0].split(), "the grid cannot be reached by Tab"
    tip = tab.page.locator(".attention-view[data-view='model'] .tip")
    assert tip.text_content().split("\n")[0] == "L3 H1"
    tab.press("ArrowDown", "ArrowRight", "ArrowRight")
    assert tip.text_content().split("\n")[0] == "L4 H3"
    tab.press("Enter")
    tab.wait_for_map("encoder-4-3")
    tab.wait_for_query(view="matrix", layer="4", head="3")


def test_the_map_by_keyboard(tab):
    tab.open()
    tab.page.locator(".attention-view .chip.selected").focus()
    tab.press("Tab")
    assert "over" in tab.focused[0].split(), "after the strip, which is one stop, comes the map"
    label = tab.page.locator(".attention-view .over").get_attribute("aria-label")
    assert "L3 H1" in label
    assert "16 queries" in label
    tab.press("ArrowRight", "ArrowRight")
    assert tab.tip.startswith("it → animal: ")
    assert tab.spoken() == tab.tip
    tab.press("ArrowUp", "ArrowUp", "ArrowLeft")
    assert tab.tip.startswith("street → the: ")
    tab.press("Enter")
    tab.wait_for_query(token="8")
    tab.wait_for_selected(8)
    tab.wait_for_inspector("street looks mostly at")
    tab.press("Escape")
    assert tab.tip is None


@pytest.mark.slow
def test_the_strip_by_keyboard(tab):
    tab.open()
    tab.page.locator(".attention-view .chip.selected").focus()
    tab.press("ArrowRight")
    assert tab.focused[1].startswith("was")
    assert tab.tip.startswith("it → was: ")
    tab.press("ArrowLeft", "ArrowLeft", "Enter")
    tab.wait_for_query(token="9")
    tab.wait_for_selected(9)
    tab.wait_for_inspector("because looks mostly at")


def test_an_example_is_one_click(tab):
    tab.open()
    # Streamlit writes a button with a tooltip twice, once for each size of screen.
    tab.page.locator(".st-key-examples button:visible", has_text="Dr. Z").click()
    tab.wait_for_map("decoder-17-3")
    tab.wait_for_query(model="smollm2", layer="17", head="3", token="16")
    assert tab.selected.endswith("Z")
    tab.wait_for_inspector("looks mostly at or")
