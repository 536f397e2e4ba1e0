"""The vision page in Chromium: a picture is opened, patches are pressed and held, heads chosen, files taken along."""

import io
import re

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import expect

from models.engine import engine
from models.vision import LayerWeightsRequest, PictureTraceRequest
from viz.number_format import part_text

LOOKS = ".patch-view[data-ready='true']"
MAPS = ".picture-maps[data-ready='true']"
FLOWER = PictureTraceRequest("dinov2", "example:flower")


def opened(tab, /, **query):
    tab.goto("vision", model="dinov2", **query)
    root = tab.page.locator(LOOKS)
    root.wait_for(timeout=90_000)
    return root


def value(root, *at):
    return root.evaluate("(root, at) => root.headlight.value(...at)", list(at))


def place(root, patch):
    found = root.evaluate("(root, patch) => root.headlight.place(patch)", patch)
    return found["x"], found["y"]


def row(layer, head, query):
    return engine.run(LayerWeightsRequest(FLOWER, layer, head, query))[0, 0]


def test_a_patch_is_pressed_and_two_are_held_without_another_picture(tab):
    page = tab.page
    root = opened(tab, photo="flower", see_layer="10", see_head="0")
    exact = row(10, 0, 0)
    assert value(root, 0, 40) == pytest.approx(exact[40], rel=1e-5)
    # Of another head a step of its row at the most.
    other = row(10, 3, 0)
    assert value(root, 0, 40, 3) == pytest.approx(other[40], abs=float(other.max()) / 30)
    page.mouse.move(*place(root, 135))
    expect(root.locator(".tip")).to_contain_text("row 8, column 7")
    expect(root.locator(".tip")).to_contain_text(part_text(float(exact[136])))
    page.mouse.click(*place(root, 135))
    expect(page.locator(f"{LOOKS}[data-query='136']")).to_have_count(1)
    tab.wait_for_query(looks_from="136")
    expect(page.locator(".st-key-inspector")).to_contain_text("From row 8, column 7")
    tab.wait_until(lambda: value(root, 136, 40) == pytest.approx(row(10, 0, 136)[40], rel=1e-5))
    root.get_by_role("button", name="Hold").click()
    page.mouse.click(*place(root, 20))
    tab.wait_for_query(looks_from="136-21")
    assert root.evaluate("root => root.headlight.chosen().queries") == [136, 21]
    root.locator(".stage").focus()
    page.keyboard.press("]")
    tab.wait_for_query(see_head="1")
    page.keyboard.press("Escape")
    tab.wait_for_query(looks_from="21")
    root.get_by_role("button", name="class token").click()
    # As the page opens: what is so is in no link.
    tab.wait_until(lambda: "looks_from" not in tab.query)


def test_keys_go_from_patch_to_patch(tab):
    root = opened(tab, photo="flower", see_layer="10", see_head="0", looks_from="1")
    root.locator(".stage").focus()
    tab.page.keyboard.press("ArrowRight")
    tab.page.keyboard.press("ArrowDown")
    assert "row 1, column 1" in tab.spoken(".patch-view")
    tab.page.keyboard.press("Enter")
    tab.wait_for_query(looks_from="18")


@pytest.mark.slow
def test_an_own_picture_is_opened_and_stays_out_of_the_link(tab):
    page = tab.page
    opened(tab, photo="flower")
    file = io.BytesIO()
    shades = np.random.default_rng(0).integers(0, 255, (90, 160, 3), np.uint8)
    Image.fromarray(shades).save(file, "PNG")
    page.locator(".st-key-own_picture summary").click()
    page.locator(".st-key-picture_file input[type=file]").set_input_files(
        {"name": "noise.png", "mimeType": "image/png", "buffer": file.getvalue()}
    )
    tab.wait_for_query(photo="own")
    page.locator(LOOKS).wait_for(timeout=90_000)
    tab.wait_until(lambda: "noise" in page.locator(LOOKS).evaluate("root => root.headlight.header().name"))
    page.reload()
    expect(page.locator(".st-key-note_0")).to_contain_text("somebody's own picture", timeout=90_000)


@pytest.mark.slow
def test_parts_are_coloured_found_again_and_hidden(tab):
    page = tab.page
    opened(tab, photo="flower", tab="which-parts-are-alike")
    features = page.locator(f".st-key-features {MAPS}")
    features.wait_for(timeout=90_000)
    assert features.evaluate("root => root.headlight.maps().length") == 2
    assert len(features.evaluate("root => root.headlight.value(0, 5)")) == 3
    tab.open_tab("What is like this patch?")
    likes = page.locator(f".st-key-likeness {MAPS}")
    likes.wait_for(timeout=90_000)
    assert likes.evaluate("root => root.headlight.value(0, 136)") == pytest.approx(1, abs=2e-3)
    likes.scroll_into_view_if_needed()
    at = likes.evaluate("root => root.headlight.place(0, 40)")
    page.mouse.click(at["x"], at["y"])
    tab.wait_for_query(like_patch="40")
    tab.open_tab("Does it hang on what it looks at?")
    page.locator(".st-key-hiding_start button").click()
    maps = page.locator(f".st-key-hiding_maps {MAPS}")
    maps.wait_for(timeout=180_000)
    maps.scroll_into_view_if_needed()
    at = maps.evaluate("root => root.headlight.place(2, 100)")
    page.mouse.click(at["x"], at["y"])
    tab.wait_for_query(patches_hidden="100")
    expect(page.locator(".stTabs")).to_contain_text(re.compile("Without 1 patch the picture's vector turns by"))


@pytest.mark.slow
def test_the_files_are_taken_along(tab, page):
    root = opened(tab, photo="flower", see_layer="10", see_head="0", tab="take-it-with-you")
    with tab.page.expect_download() as png:
        root.get_by_role("button", name="PNG").click()
    assert Image.open(io.BytesIO(png.value.path().read_bytes())).size[0] > 400
    svg = root.evaluate("root => root.headlight.svg()")
    assert svg.startswith("<svg")
    assert svg.count("<image") >= 2
    with tab.page.expect_download() as document:
        tab.page.locator(".st-key-html button").first.click()
    page.set_content(document.value.path().read_text("utf-8"))
    other = page.locator(LOOKS)
    other.wait_for()
    assert value(other, 0, 40) == pytest.approx(value(root, 0, 40))
