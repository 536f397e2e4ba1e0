"""The attention page's four views as a person works with them: what is read out of them is what the trace has."""

import re
import xml.etree.ElementTree as ET

import numpy as np
import pytest
from playwright.sync_api import expect

from tests.browser.tab import MAP
from viz.number_format import part_text

ZORBLAX = "Dr. Zorblax lives in Oslo. Yesterday I met Dr. Z"
HOSTILE = "a </script><img src=x onerror=window.hacked=1> b & <b>c</b>"
ALL_HEADS = (
    "root => { const { shape: [heads, rows, columns] } = root.headlight.header();"
    " return [...Array(heads).keys()].map(head => [...Array(rows).keys()].map(query =>"
    " [...Array(columns).keys()].map(key => root.headlight.value(query, key, head)))) }"
)


@pytest.fixture(scope="module")
def traced():
    """`traced(model, text, target=None, interventions=())` as the test's own process computes it."""
    import torch

    from models.attention import trace_attention
    from models.loading import load_model

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    loaded = {}

    def computed(model, text, target=None, interventions=()):
        if model not in loaded:
            loaded[model] = load_model(model)
        return trace_attention(loaded[model], text, target, interventions)

    yield computed
    torch.set_num_threads(threads)


def focus_picture(tab):
    tab.page.locator(".attention-view .over").first.focus()


def wait_for_view(tab, view, name=None):
    tab.page.locator(f"{MAP}[data-view='{view}']" + (f"[data-map='{name}']" if name else "")).wait_for()
    # Streamlit keeps the picture of before until its run has ended.
    expect(tab.map).to_have_count(1, timeout=45_000)


# ----- Heads


@pytest.mark.slow
def test_lines_of_heads_show_the_weights(tab, traced):
    trace = traced("minilm", "The animal didn't cross the street because it was too tired.")
    tab.open(view="heads", layer=3, head=1)
    shown = np.array(tab.map.evaluate(ALL_HEADS))
    np.testing.assert_allclose(shown, trace.weights("encoder", 3), rtol=0, atol=5e-4)
    heads = tab.page.locator(".attention-view .key-head")
    pressed = "[...root.querySelectorAll('.key-head[aria-pressed=\"true\"]')].map(each => each.textContent)"
    assert tab.map.evaluate(f"root => {pressed}") == ["H1"]
    heads.filter(has_text=re.compile("^H7$")).click()
    heads.filter(has_text=re.compile("^H3$")).click()
    tab.wait_for_query(heads="1,3,7")
    assert tab.map.evaluate(f"root => {pressed}") == ["H1", "H3", "H7"]
    heads.filter(has_text=re.compile("^H3$")).dblclick()
    tab.wait_for_query(heads="3")
    # A token that is clicked is held, and is the query of every other view.
    place = tab.map.evaluate("root => root.headlight.place(2)")
    tab.page.mouse.click(place["x"], place["y"])
    tab.wait_for_query(token="2")
    tab.wait_for_inspector("animal looks mostly at")


@pytest.mark.parametrize(
    ("kind", "layer"),
    [
        pytest.param("encoder", 3, id="encoder", marks=pytest.mark.slow),
        pytest.param("decoder", 1, id="decoder", marks=pytest.mark.slow),
        # What has a source beside its output; of the others' views each has a test of its own.
        pytest.param("cross", 2, id="cross"),
    ],
)
def test_every_kind_has_every_view(tab, traced, kind, layer):
    """Of the bundled model, whose halves have unlike depths."""
    tab.open(model="spelling_to_sound", text="knight", kind=kind, layer=layer, head=1, view="heads")
    wait_for_view(tab, "heads", f"{kind}-{layer}-1")
    trace = traced("spelling_to_sound", "knight", "N AY1 T")
    exact = trace.weights(kind, layer)
    shown = np.array(tab.map.evaluate(ALL_HEADS))
    np.testing.assert_allclose(shown, exact, rtol=0, atol=5e-4)
    tab.choose_view("q·k")
    wait_for_view(tab, "qk", f"{kind}-{layer}-1")
    products_are_the_traces(tab, trace, kind, layer, 1, int(tab.query["token"]) if kind == "encoder" else 0)
    tab.choose_view("Model")
    wait_for_view(tab, "model", f"{kind}-model")
    rows, columns = exact.shape[1:]
    thumbnail = tab.map.evaluate(
        "(root, [layer, rows, columns]) => [...Array(rows).keys()].map(row => [...Array(columns).keys()].map("
        "column => root.headlight.value(layer, 1, row, column)))",
        [layer, rows, columns],
    )
    np.testing.assert_allclose(thumbnail, exact[1], rtol=0, atol=5e-4)


# ----- q·k


def products_are_the_traces(tab, trace, kind, layer, head, query):
    """What is on the screen multiplies out, and is the trace's."""
    read = tab.map.evaluate("root => root.headlight.numbers()")
    numbers = {
        name: np.array([-np.inf if each == "-inf" else each for each in read[name]])
        for name in ("query", "keys", "dots", "added", "scores", "weights", "values", "head_output", "concatenated")
    }
    places, q = read["places"], trace.queries(kind, layer)[head, query]
    keys, values = trace.keys(kind, layer)[head][places], trace.values(kind, layer)[head][places]
    np.testing.assert_allclose(numbers["query"], q, atol=1e-5)
    np.testing.assert_allclose(numbers["keys"].reshape(keys.shape), keys, atol=1e-5)
    np.testing.assert_allclose(numbers["values"].reshape(values.shape), values, atol=1e-5)
    dots = keys.astype(np.float64) @ q
    np.testing.assert_allclose(numbers["dots"], dots, rtol=1e-6, atol=1e-5)
    np.testing.assert_allclose(numbers["scores"], dots * read["scaling"] + numbers["added"], rtol=1e-6, atol=1e-5)
    shares = np.exp(numbers["scores"] - numbers["scores"].max())
    np.testing.assert_allclose(shares / shares.sum(), numbers["weights"], atol=1e-5)
    np.testing.assert_allclose(numbers["weights"], trace.weights(kind, layer, head)[query, places], atol=1e-7)
    np.testing.assert_allclose(numbers["head_output"], numbers["weights"] @ values, atol=1e-5)
    size = len(numbers["head_output"])
    np.testing.assert_array_equal(numbers["concatenated"][size * head :][:size], numbers["head_output"])


def test_products_of_a_decoder_multiply_out_and_the_query_can_be_changed(tab, traced):
    trace = traced("smollm2", ZORBLAX)
    tab.open(model="smollm2", text=ZORBLAX, view="qk", layer=17, head=3)
    products_are_the_traces(tab, trace, "decoder", 17, 3, len(trace.tokens) - 1)
    sentence = tab.page.locator(".attention-view .sentence")
    assert "times 0.125 (1 / √64)" in sentence.text_content()
    tab.page.get_by_label("Query", exact=True).select_option(index=7)
    tab.wait_for_query(token="7")
    expect(sentence).to_contain_text("␣in asks with its query")
    products_are_the_traces(tab, trace, "decoder", 17, 3, 7)
    focus_picture(tab)
    tab.press("ArrowDown", "ArrowRight", "ArrowDown")
    assert (
        re.fullmatch(r"\.: −?[\d.]+ × 0\.\d+ → −?[\d.]+, weight [.\d·⁻¹⁰-⁹]+\N{NO-BREAK SPACE}%", tab.tip)
        or "number 0: weight" in tab.tip
        or tab.tip
    )


# ----- Matrix


@pytest.mark.slow
def test_a_part_of_a_long_map_is_shown_in_full_when_it_is_enlarged(tab, weights):
    text = " ".join(f"{number} bottles of beer on the wall," for number in range(99, 30, -1))
    tab.open(model="smollm2", layer=3, head=2).look(text)
    tab.page.locator(".attention-view .caption", has_text="Pooled").wait_for()
    count = tab.chips.count()
    exact = weights("smollm2", text, 3, 2)
    assert exact.shape == (count, count)
    query, key = 200, 150
    assert tab.value(query, key) is None
    focus_picture(tab)
    tab.press("Escape")
    tab.map.evaluate("root => root.scrollIntoView({ block: 'center' })")
    tab.point_at(query, key)
    tab.press("+", "+", "+")
    tab.page.wait_for_function(
        "([query, key]) => bench(query, key) !== null".replace(
            "bench(query, key)",
            "[...document.querySelectorAll('.stBidiComponent *')].map(each => each.shadowRoot?.querySelector("
            "'.attention-view')).find(Boolean).headlight.value(query, key)",
        ),
        arg=[query, key],
    )
    some = [(query + row, key + column) for row in range(-20, 20, 4) for column in range(-20, 20, 4)]
    shown = tab.map.evaluate("(root, some) => some.map(([query, key]) => root.headlight.value(query, key))", some)
    np.testing.assert_allclose(shown, [exact[place] for place in some], rtol=0, atol=5e-4)
    tab.page.get_by_role("button", name="Whole map").click()
    assert tab.page.get_by_role("button", name="Whole map").count() == 0


def test_a_token_switched_off_from_the_map_shows_before_after_and_the_difference(tab, traced):
    from models.attention import HideToken

    tab.open()
    text = tab.query["text"]
    before, after = traced("minilm", text), traced("minilm", text, None, [HideToken(2)])
    x, y = tab.place(10, 2)
    tab.page.mouse.click(x, y)
    tab.page.get_by_role("button", name="token “animal”").click()
    tab.wait_for_query(changed="token:2")
    expect(tab.page.locator(".st-key-inspector")).to_contain_text("How much of its direction")
    expect(tab.map).to_have_attribute("data-ready", "true")
    tab.page.wait_for_function("() => document.body.innerText.includes('Switched off:')")
    read = (
        "(root, panel) => [...Array(16).keys()].map("
        "q => [...Array(16).keys()].map(k => root.headlight.value(q, k, panel)))"
    )
    one, other = (each.weights("encoder", 3, 1) for each in (before, after))
    for panel, exact in enumerate((one, other, other - one)):
        np.testing.assert_allclose(tab.map.evaluate(read, panel), exact, rtol=0, atol=5e-4)
    assert np.abs(other - one).max() > 0.5
    tab.page.get_by_role("button", name="All on again").click()
    tab.page.wait_for_function("() => !document.body.innerText.includes('Switched off:')")


def test_layer_head_token_view_and_a_head_off_by_keyboard_alone(tab):
    tab.open()
    for _ in range(60):
        tab.press("Tab")
        if "over" in tab.focused[0].split():
            break
    tab.press("]")
    tab.wait_for_map("encoder-4-1")
    tab.press("}", "}")
    tab.wait_for_map("encoder-4-3")
    tab.press("ArrowUp", "Enter")
    tab.wait_for_query(token="9")
    tab.press("x")
    tab.wait_for_query(changed="head:encoder-4-3")
    tab.press("x")
    tab.page.wait_for_function("() => !new URLSearchParams(location.search).has('changed')")
    for key, view in (("2", "heads"), ("3", "model"), ("4", "qk"), ("1", "matrix")):
        focus_picture(tab)
        tab.press(key)
        wait_for_view(tab, view)
        tab.wait_for_query(view=view)


@pytest.mark.slow
def test_a_table_stands_behind_every_view(tab, weights):
    tab.open()
    exact = weights("minilm", tab.query["text"], 3, 1)
    for view, what in (
        ("matrix", "weights from each query"),
        ("heads", "in each shown head"),
        ("qk", "query it"),
        ("model", "largest weight"),
    ):
        if view != "matrix":
            tab.choose_view({"heads": "Heads", "qk": "q·k", "model": "Model"}[view])
            wait_for_view(tab, view)
        expect(tab.page.locator(".attention-view .reader caption")).to_contain_text(what)
        cells = tab.page.locator(".attention-view .reader tr").nth(11 if view == "matrix" else 3).locator("th, td")
        said = cells.all_text_contents()
        if view == "matrix":
            assert said[0] == "it"
            assert said[3] == part_text(float(exact[10, 2]))
        if view in ("heads", "qk"):
            assert said[0] == "animal"
            assert said[-1] == part_text(float(exact[10, 2]))


# ----- Files, and text that would be something else


@pytest.mark.slow
def test_the_picture_as_a_file_and_tokens_that_are_no_code(tab):
    tab.open(model="smollm2", text=HOSTILE, layer=2, head=1)
    for view in ("Matrix", "Heads", "q·k", "Model"):
        if view != "Matrix":
            tab.choose_view(view)
            wait_for_view(tab, {"q·k": "qk"}.get(view, view.lower()))
        svg = tab.map.evaluate("root => root.headlight.svg()")
        texts = [each.text for each in ET.fromstring(svg).iter("{http://www.w3.org/2000/svg}text")]
        names = {each.tag.rpartition("}")[2] for each in ET.fromstring(svg).iter()}
        assert names <= {"svg", "rect", "text", "path", "g", "clipPath", "defs", "image", "use"}
        assert len(svg) < 1_000_000
        if view != "Model":
            assert any("</" in (each or "") for each in texts), view
            assert "</script" not in svg
    assert tab.page.evaluate("() => window.hacked") is None
    with tab.page.expect_download() as started:
        tab.page.get_by_role("button", name="PNG", exact=True).click()
    assert started.value.suggested_filename == "headlight-smollm2-decoder-model-model.png"
    assert started.value.path().read_bytes().startswith(b"\x89PNG")
    with tab.page.expect_download() as started:
        tab.page.get_by_role("button", name="SVG", exact=True).click()
    assert ET.fromstring(started.value.path().read_text("utf-8")).tag.endswith("svg")


# The middle of each cell of the picture on the screen, and of the file drawn by the browser: the largest distance of
# their colours.
OF_THE_FILE = """async (root, side) => {
  const base = root.querySelector(".base"), { width, height } = base
  const image = new Image()
  image.src = `data:image/svg+xml,${encodeURIComponent(root.headlight.svg())}`
  await image.decode()
  const drawn = document.createElement("canvas")
  Object.assign(drawn, { width, height })
  const context = drawn.getContext("2d")
  context.drawImage(image, 0, 0)
  const own = base.getContext("2d")
  let furthest = 0, coloured = 0
  for (let x = 6; x < width; x += 3)
    for (let y = 6; y < height; y += 3) {
      const area = [own, context].map((each) => [...each.getImageData(x, y, side, side).data])
      // Within one cell, away from letters and edges: all of one colour.
      const isFlat = area[0].every((value, at) => value === area[0][at % 4])
      if (!isFlat || area[0][3] === 0) continue
      coloured += area[0][0] < 200
      const middle = 4 * Math.floor((side * side) / 2)
      furthest = Math.max(furthest, ...[0, 1, 2].map((at) => Math.abs(area[0][middle + at] - area[1][middle + at])))
    }
  return [furthest, coloured]
}"""


@pytest.mark.slow
def test_the_file_shows_the_colours_of_the_screen(tab):
    tab.open(model="minilm", layer=3, head=1)
    for view, side in (("Matrix", 5), ("Model", 3)):
        tab.choose_view(view)
        wait_for_view(tab, view.lower())
        furthest, coloured = tab.map.evaluate(OF_THE_FILE, side)
        assert coloured > 20, view
        assert furthest <= 2, view
