"""Attention as a file, opened from the disk with the network closed: what is seen, pointed at, pressed and read."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import expect

from models.attention import max_pooled
from tests.browser.tab import colour_of
from tests.viz.test_attention_view import FRAME, products_of
from viz.components.attention_view import Products
from viz.palette import DARK, LIGHT
from viz.standalone import AttentionFile, KindMaps, Opening, attention_file, attention_html

READY = ".attention-view[data-ready='true']"
HOSTILE = (
    "</script><img src=x onerror='window.hurt=1'>",
    '"><img src=x onerror="window.hurt=1">',
    "<b>bold</b>",
    "\u202eabc",
)


def drawn(heads=3, queries=14, keys=None, seed=0):
    draw = np.random.default_rng(seed)
    return draw.dirichlet(np.full(keys or queries, 0.3), size=(heads, queries)).astype(np.float32)


def names(count, letter="t"):
    return [f"{letter}{each}" for each in range(count)]


@pytest.fixture
def opened(chromium, tmp_path):
    """Opens a file as a double click does; at the end nobody was asked for anything, and nothing went wrong."""
    context = chromium.new_context(viewport={"width": 1280, "height": 720}, color_scheme="light", offline=True)
    page = context.new_page()
    page.set_default_timeout(30_000)
    faults = []
    page.on("console", lambda message: faults.append(message.text) if message.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on(
        "request", lambda asked: None if asked.url.startswith(("file:", "blob:", "data:")) else faults.append(asked.url)
    )

    def shown(file):
        page.goto(file.save(tmp_path / "maps.html").as_uri())
        page.locator(READY).wait_for()
        return page

    yield shown
    context.close()
    assert faults == []


def values(page, queries, keys, *of):
    """What the picture gives as the numbers behind its cells."""
    return np.array(
        page.evaluate(
            """([queries, keys, of]) => {
              const { headlight } = document.querySelector(".attention-view")
              return queries.map((query) => keys.map((key) => headlight.value(query, key, ...of)))
            }""",
            [list(range(queries)), list(range(keys)), of],
        )
    )


def map_shown(page):
    return page.locator(READY).get_attribute("data-map")


def wait_for_map(page, name, view="matrix"):
    page.locator(f"{READY}[data-map='{name}'][data-view='{view}']").wait_for()


def point(page, *at):
    place = page.evaluate("at => document.querySelector('.attention-view').headlight.place(...at)", list(at))
    page.mouse.move(place["x"], place["y"])
    return place


def test_every_map_is_in_the_file_within_five_ten_thousandths(opened):
    layers = [drawn(seed=each) for each in range(3)]
    page = opened(attention_html(layers, names(14), layer=1, heads=[2], title="Maps & more"))
    assert page.title() == "Maps & more"
    assert map_shown(page) == "attention-1-2"
    for layer, given in enumerate(layers):
        page.locator("[data-name=layer]").select_option(str(layer))
        for head in range(3):
            page.locator("[data-name=head]").select_option(str(head))
            wait_for_map(page, f"attention-{layer}-{head}")
            np.testing.assert_allclose(values(page, 14, 14), given[head], rtol=0, atol=5e-4 + 1e-6)
    page.locator("[data-name=head]").select_option("mean")
    wait_for_map(page, "attention-2-mean")
    np.testing.assert_allclose(values(page, 14, 14), layers[2].mean(axis=0), rtol=0, atol=5e-4 + 1e-6)
    page.locator("[data-name=layer]").select_option("all")
    wait_for_map(page, "attention-all-mean")
    np.testing.assert_allclose(values(page, 14, 14), np.mean(layers, axis=(0, 1)), rtol=0, atol=5e-4 + 1e-6)


def test_pointing_clicking_and_keys_do_what_they_do_on_the_page(opened):
    layers = [drawn(seed=each) for each in range(2)]
    page = opened(attention_html(layers, names(14), layer=0))
    place = point(page, 3, 5)
    expect(page.locator(".tip")).to_contain_text("t3 → t5: ")
    page.mouse.click(place["x"], place["y"])
    expect(page.locator(".chip.selected .piece")).to_have_text("t3")
    page.locator(".over").focus()
    page.keyboard.press("]")
    wait_for_map(page, "attention-1-0")
    page.keyboard.press("}")
    wait_for_map(page, "attention-1-1")
    expect(page.locator(".chip.selected .piece")).to_have_text("t3")
    page.keyboard.press("+")
    expect(page.get_by_role("button", name="Whole map")).to_be_visible()
    page.keyboard.press("2")
    wait_for_map(page, "attention-1-1", "heads")
    np.testing.assert_allclose(values(page, 14, 14, 2), layers[1][2], rtol=0, atol=5e-4 + 1e-6)
    place = point(page, 3)
    expect(page.locator(".tip")).to_contain_text("t3 looks most at H1")
    page.mouse.click(place["x"], place["y"])
    expect(page.get_by_role("button", name="held: “t3”")).to_be_visible()
    page.locator(".key-head", has_text="H2").click()
    expect(page.locator(".key-head[aria-pressed='true']")).to_have_count(2)
    page.keyboard.press("3")
    page.locator("[data-name=view-model]").click()
    wait_for_map(page, "attention-model", "model")
    place = point(page, 0, 2)
    expect(page.locator(".tip")).to_have_text("L0 H2")
    page.mouse.click(place["x"], place["y"])
    wait_for_map(page, "attention-0-2")
    page.get_by_role("button", name="Keys").click()
    expect(page.locator(".caption", has_text="In the picture")).to_be_visible()


def test_a_thumbnail_is_the_largest_weight_of_a_block(opened):
    given = drawn(2, 40)
    page = opened(attention_html([given], names(40), view="model"))
    wait_for_map(page, "attention-model", "model")
    seen = page.evaluate(
        """() => {
          const { headlight } = document.querySelector(".attention-view")
          return Array.from({ length: 28 }, (_, row) => headlight.value(0, 1, row, 0))
        }"""
    )
    np.testing.assert_allclose(seen, max_pooled(given[1], 28)[:, 0], rtol=0, atol=1e-3)


def test_a_hostile_text_does_nothing(opened):
    file = attention_html([drawn(2, 4)], HOSTILE, title=HOSTILE[0])
    page = opened(file)
    assert page.title() == HOSTILE[0]
    for view in ("heads", "model", "matrix"):
        page.locator(f"[data-name=view-{view}]").click()
        page.locator(f"{READY}[data-view='{view}']").wait_for()
    expect(page.locator(".chip .piece").first).to_have_text(HOSTILE[0])
    assert page.locator("img").count() == 0
    assert page.evaluate("() => window.hurt") is None


def test_an_encoder_and_a_decoder_have_three_kinds(opened):
    encoder, decoder, cross = drawn(2, 5), np.tril(drawn(2, 4)), drawn(2, 4, 5, seed=3)
    file = attention_html(
        encoder_attention=[encoder],
        decoder_attention=[decoder],
        cross_attention=[cross],
        encoder_tokens=names(5, "e"),
        decoder_tokens=names(4, "d"),
    )
    page = opened(file)
    assert map_shown(page).startswith("cross-0-")
    page.locator("[data-name=kind]").select_option("Decoder")
    wait_for_map(page, "decoder-0-0")
    expect(page.locator(".legend")).to_contain_text("the future")
    page.locator("[data-name=kind]").select_option("Cross")
    wait_for_map(page, "cross-0-0")
    np.testing.assert_allclose(values(page, 4, 5), cross[0], rtol=0, atol=5e-4 + 1e-6)


def test_two_sentences_are_shown_one_against_the_other(opened):
    given = drawn(2, 9)
    page = opened(attention_html([given], names(9), sentence_b_start=4, layer=0))
    page.locator("[data-name=sentences]").select_option("A → B")
    page.wait_for_function(
        "() => document.querySelector('.attention-view').headlight.header().part?.join() === '0,4,4,9'"
    )
    page.locator("[data-name=view-heads]").click()
    wait_for_map(page, "attention-0-0", "heads")
    assert page.evaluate("() => document.querySelector('.attention-view').headlight.value(2, 6, 1)") == pytest.approx(
        float(given[1, 2, 6]), abs=5e-4 + 1e-6
    )


def test_q_k_is_in_the_file_for_one_query(opened):
    given = drawn(2, 3)
    draw = np.random.default_rng(2)

    def vector(*shape):
        return draw.standard_normal(shape).astype(np.float32)

    computed = replace(
        products_of(vector(3, 4)),
        dots=vector(3),
        scores=vector(3),
        weights=given[1, 2],
        concatenated=vector(8),
        output=vector(6),
    )
    products = Products((0, 1, 2), computed)
    frame = replace(FRAME, queries=tuple(names(3)), layer=0, head=1, selected=2, special=(), caption="q and k.")
    file = attention_file(
        "q·k",
        "A model",
        [KindMaps(frame, "Encoder", (0,), (given,))],
        Opening("qk", "encoder", 0, 1),
        (frame, products),
    )
    page = opened(file)
    page.locator(f"{READY}[data-view='qk']").wait_for()
    expect(page.locator(".sentence")).to_contain_text("t2 asks with its query q")
    page.get_by_label("Query").select_option(index=0)
    page.locator(f"{READY}[data-view='matrix']").wait_for()
    expect(page.locator("#said")).to_contain_text("“t2” in L0 H1 alone")
    page.locator("[data-name=view-qk]").click()
    page.locator(f"{READY}[data-view='qk']").wait_for()


@pytest.mark.parametrize("width", [1280, 390])
def test_it_follows_the_viewers_scheme_and_fits_the_window(opened, width):
    page = opened(attention_html([drawn()], names(14)))
    page.set_viewport_size({"width": width, "height": 720})
    assert colour_of(page.locator(READY), "headlight-ground") == LIGHT.ground
    page.emulate_media(color_scheme="dark")
    page.wait_for_function(
        "ground => document.querySelector('.attention-view').style.getPropertyValue('--headlight-ground') === ground",
        arg=DARK.ground,
    )
    for view in ("matrix", "heads", "model"):
        page.locator(f"[data-name=view-{view}]").click()
        page.locator(f"{READY}[data-view='{view}']").wait_for()
        assert page.evaluate("() => document.documentElement.scrollWidth <= innerWidth")


def test_in_a_notebook_it_stands_in_a_frame(opened, tmp_path):
    file = attention_html([drawn(2, 4)], HOSTILE)
    outside = AttentionFile("A notebook", f"<!DOCTYPE html><p>Output</p>{file._repr_html_()}")
    Path(tmp_path / "notebook.html").write_text(outside.html)
    page = opened(file)
    page.goto((tmp_path / "notebook.html").as_uri())
    frame = page.frame_locator("iframe")
    frame.locator(READY).wait_for()
    expect(frame.locator(".chip .piece").first).to_have_text(HOSTILE[0])
    assert page.evaluate("() => window.hurt") is None


def test_a_browser_that_cannot_unpack_it_says_so(chromium, tmp_path):
    page = chromium.new_page()
    page.add_init_script("delete globalThis.DecompressionStream")
    page.goto(attention_html([drawn(2, 4)], names(4)).save(tmp_path / "maps.html").as_uri())
    expect(page.locator("#said")).to_contain_text("could not be opened")
    page.close()


def test_the_pages_picture_opens_from_the_disk_as_it_stood(tab, opened, weights):
    text = "The animal didn't cross the street because it was too tired."
    tab.open(text=text, layer=3, head=1, view="heads", heads="1,4", token=10, pin=2).open_tab("Take it with you")
    page = opened(AttentionFile("", tab.download("HTML")))
    assert page.title() == f"MiniLM-L6 (encoder): {text}"
    wait_for_map(page, "encoder-3-1", "heads")
    expect(page.locator(".key-head[aria-pressed='true']")).to_have_text(["H1", "H4"])
    page.locator("[data-name=view-matrix]").click()
    wait_for_map(page, "encoder-3-1")
    expect(page.locator(".chip.selected .piece")).to_have_text("it")
    exact = weights("minilm", text, 3, 1)
    np.testing.assert_allclose(values(page, *exact.shape), exact, rtol=0, atol=5e-4 + 1e-6)
