"""The KV cache page in Chromium: what is under the pointer is what was measured, and no step is missing."""

import json
import re
from itertools import pairwise

import pytest
from playwright.sync_api import TimeoutError as NothingCame
from playwright.sync_api import expect

from models.decoding import DecodingSettings, decode
from models.kv_cache import predict_cache
from models.loading import load_model
from tests.browser.tab import colour_of
from viz.palette import DARK, LIGHT

GROWTH = ".cache-growth[data-ready='true']"
DONE = ".cache-growth[data-done='true']"
ONCE = "Once upon a time there was a"
KNIGHT = "knight"


@pytest.fixture
def tab(new_tab):
    return new_tab()


def opened(tab, /, **query):
    """Open a link and wait until all is written. A page that stands still once is reloaded, and says how it stood."""
    tab.goto("kv_cache", **query)
    try:
        tab.page.locator(DONE).wait_for(timeout=45_000)
    except NothingCame:
        runs = "[...(globalThis.headlight?.runs ?? [])].map(([name, run]) => [name, run.count, run.isDone])"
        script = tab.page.locator("[data-testid=stApp]").get_attribute("data-test-script-state")
        print("stood still:", query, tab.page.evaluate(runs), script, tab.page.locator("body").inner_text()[:2_000])
        tab.page.reload()
        tab.page.locator(DONE).wait_for(timeout=45_000)
    return tab


def root(tab):
    return tab.page.locator(GROWTH)


def value(tab, layer, position):
    return root(tab).evaluate("(root, [layer, position]) => root.headlight.value(layer, position)", [layer, position])


def columns(tab):
    return int(root(tab).get_attribute("data-columns"))


def press_next(tab):
    tab.page.get_by_role("button", name="Next token").click()


def point_at(tab, layer, position):
    where = root(tab).evaluate("(root, [layer, position]) => root.headlight.place(layer, position)", [layer, position])
    tab.page.mouse.move(where["x"], where["y"])
    return where


@pytest.fixture(scope="module")
def steps():
    """What the model of the test's own process does."""
    return {
        "smollm2": list(decode(load_model("smollm2"), ONCE, DecodingSettings(max_new_tokens=20, with_norms=True))),
        "spelling_to_sound": list(
            decode(load_model("spelling_to_sound"), KNIGHT, DecodingSettings(max_new_tokens=20, with_norms=True))
        ),
    }


def test_it_opens_on_the_example(tab):
    opened(tab)
    assert root(tab).get_attribute("data-step") == "5"
    assert columns(tab) == 11
    assert tab.focused[1].startswith("Next token")
    figures = root(tab).locator(".figures")
    expect(figures).to_contain_text("495 KiB")
    expect(figures).to_contain_text("11 instead of 45")
    tab.press("Enter")
    expect(root(tab)).to_have_attribute("data-columns", "12")
    tab.wait_for_query(drawn="6")
    expect(figures).to_contain_text("540 KiB")


def test_twenty_tokens_are_twenty_columns_and_a_cell_has_its_measured_bytes(tab, steps):
    """Each column appears with its token; the last token's own is the dashed one."""
    opened(tab, model="smollm2", text=ONCE, tokens=20, drawn=1)
    assert columns(tab) == 7
    for count in range(2, 21):
        press_next(tab)
        expect(root(tab)).to_have_attribute("data-columns", str(6 + count))
    assert root(tab).get_attribute("data-steps") == "20"
    cache = steps["smollm2"][-1].cache
    for layer, position in ((0, 0), (17, 3), (29, 25)):
        found = value(tab, layer, position)
        assert found["layerBytes"] == cache.bytes[layer]
        assert found["allocated"] == cache.allocated_bytes[layer]
        assert found["positions"] == cache.positions[layer] == 26
        assert found["bytes"] == cache.bytes[layer] / 26
        first = 0 if position < 7 else position - 6
        norms = steps["smollm2"][first].norms
        column = position if position < 7 else 0
        assert found["key"] == pytest.approx(norms.keys[layer, column], rel=1e-3)
        assert found["value"] == pytest.approx(norms.values[layer, column], rel=1e-3)
    point_at(tab, 17, 3)
    tip = root(tab).locator(".tip")
    expect(tip).to_contain_text("␣time")
    expect(tip).to_contain_text("key 3 × 64, value 3 × 64")
    expect(tip).to_contain_text(f"1,536 bytes of the layer's {cache.bytes[17]:,}")
    assert value(tab, 0, 26) is None


def test_a_link_opens_the_same_state(tab):
    opened(tab, model="smollm2", text=ONCE, tokens=8, drawn=3, shade="key")
    where = point_at(tab, 12, 4)
    tab.page.mouse.click(where["x"], where["y"])
    tab.wait_for_query(cell="12-4", token="4")
    inspector = tab.page.locator(".st-key-inspector")
    expect(inspector).to_contain_text("L12 keeps a key and a value for “␣there”: 384 numbers, 1,536 bytes.")
    press_next(tab)
    tab.wait_for_query(drawn="4")
    said = tab.query
    again = opened(tab, **said)
    assert root(again).get_attribute("data-step") == "4"
    assert columns(again) == 10
    expect(inspector).to_contain_text("L12 keeps a key and a value for “␣there”")
    assert again.query == said


@pytest.mark.slow
def test_while_it_writes_no_step_is_missing_and_updates_are_small(tab):
    """Typed on the page, so that the picture is there while the steps come."""
    sizes = []
    tab.page.on("websocket", lambda socket: socket.on("framereceived", lambda frame: sizes.append(len(frame))))
    opened(tab, model="smollm2", text="x", tokens=48)
    tab.page.evaluate("() => (globalThis.seen = [])")
    root(tab).evaluate(
        "root => new MutationObserver(() => globalThis.seen.push(+root.dataset.steps))"
        ".observe(root, { attributes: true, attributeFilter: ['data-steps'] })"
    )
    text = "The story of the three"
    tab.look(text)
    tab.page.locator(".cache-growth[data-done='false']").wait_for()
    tab.page.wait_for_function("() => globalThis.seen.at(-1) > 8 && globalThis.seen.at(-1) < 48")
    expect(tab.page.get_by_text("measured on the tensors of the cache when token")).to_be_visible()
    sizes.clear()
    tab.page.wait_for_function("() => globalThis.seen.at(-1) > 30")
    updates = list(sizes)
    tab.page.locator(DONE).wait_for(timeout=90_000)
    seen = tab.page.evaluate("() => globalThis.seen")
    # The former run may be painted once more before the new one.
    while len(seen) > 1 and seen[0] == 48:
        seen.pop(0)
    assert seen == sorted(seen)
    assert len(set(seen)) > 3
    assert root(tab).evaluate("root => root.headlight.steps()") == seen[-1] == 48
    own = list(decode(load_model("smollm2"), text, DecodingSettings(max_new_tokens=48)))
    assert root(tab).locator(".text").text_content() == text + "".join(step.text for step in own)
    assert updates
    assert max(updates) < 5_000


@pytest.mark.slow
def test_a_seq2seq_model_keeps_its_source(tab, steps):
    opened(tab, model="spelling_to_sound", text=KNIGHT)
    last = steps["spelling_to_sound"][-1]
    config = load_model("spelling_to_sound").model.config
    assert last.cache == predict_cache(config, len(steps["spelling_to_sound"]), source_positions=7)
    for layer, kind in enumerate(last.cache.kinds):
        found = value(tab, layer, 0)
        assert found["layerBytes"] == last.cache.bytes[layer]
        assert found["positions"] == (7 if kind == "cross" else columns(tab))
    first = steps["spelling_to_sound"][0].norms
    assert value(tab, 4, 2)["key"] == pytest.approx(first.cross_keys[1, 2], rel=1e-3)
    point_at(tab, 4, 2)
    expect(root(tab).locator(".tip")).to_contain_text("cross-attention, L1")
    tab.page.get_by_role("button", name="Previous token").click()
    assert value(tab, 4, 2)["positions"] == 7


def test_the_cells_by_keyboard(tab):
    opened(tab, model="smollm2", text=ONCE, tokens=8, drawn=2)
    root(tab).locator(".field").focus()
    tab.press("ArrowLeft", "ArrowDown", "ArrowDown")
    assert "in L2" in tab.spoken(".cache-growth")
    tab.press("Enter")
    tab.wait_for_query(cell="2-6")


@pytest.mark.slow
def test_the_picture_is_taken_along(tab):
    opened(tab, model="smollm2", text=ONCE, tokens=8)
    with tab.page.expect_download() as started:
        tab.page.get_by_role("button", name="PNG").click()
    assert started.value.path().read_bytes().startswith(b"\x89PNG")
    tab.open_tab("Take it with you")
    kept = json.loads(tab.download("JSON"))
    assert [token["columns"][0] for token in kept["tokens"]] == list(range(7, 15))


@pytest.mark.slow
def test_a_file_has_the_columns_that_there_are_and_says_what_they_are(tab):
    """No room for what is not written yet; below the cells the model, the step and the scale."""
    opened(tab, model="smollm2", text=ONCE, tokens=32, drawn=2)
    tab.page.evaluate(
        "() => { globalThis.written = []; const draw = CanvasRenderingContext2D.prototype.fillText;"
        " CanvasRenderingContext2D.prototype.fillText = function (text, ...more) {"
        " globalThis.written.push(text); return draw.call(this, text, ...more) } }"
    )
    with tab.page.expect_download() as started:
        tab.page.get_by_role("button", name="PNG").click()
    width, height = png_size(started.value.path().read_bytes())
    room = root(tab).locator(".room").bounding_box()
    assert width < 2 * room["width"] - 100, "two dots a pixel, and no room for thirty columns to come"
    assert height > 2 * room["height"] + 60
    said = " ".join(tab.page.evaluate("() => globalThis.written"))
    assert "SmolLM2" in said
    assert "token 2 of 32" in said
    assert "longest value of its layer" in said


@pytest.mark.slow
def test_two_who_time_at_once_wait_for_each_other(new_tab):
    one, other = new_tab(), new_tab(somebody_else=True)
    # Who wants the same is shown the same run; these want different ones.
    for tab, text in ((one, ONCE), (other, f"{ONCE} cat")):
        opened(tab, model="smollm2", text=text, tokens=8)
        tab.open_tab("What does it buy?")
    for tab in (one, other):
        tab.page.get_by_role("button", name="Time it on this machine").click()
    expect(other.page.get_by_text("Your place in the queue: 1.")).to_be_visible(timeout=45_000)
    one.page.get_by_role("button", name="Stop", exact=True).click()
    expect(other.page.get_by_text(re.compile("Warming up|Round"))).to_be_visible(timeout=45_000)
    other.page.get_by_role("button", name="Stop", exact=True).click()


def test_hostile_text_is_text(tab):
    hostile = '</script><img src=x onerror="window.hacked=1"> <script>window.hacked=1</script>'
    opened(tab, model="smollm2", text=hostile, tokens=8, cell="3-2")
    for name in ("In 8 bits?", "Show the code"):
        tab.open_whole_tab(name)
    assert tab.page.evaluate("typeof window.hacked") == "undefined"
    assert tab.page.locator("img[src='x']").count() == 0


@pytest.mark.parametrize(("theme", "palette"), [pytest.param("light", LIGHT, marks=pytest.mark.slow), ("dark", DARK)])
def test_the_page_fits(new_tab, theme, palette):
    tab = new_tab(color_scheme=theme)
    for _ in tab.opened_in_sizes(opened, root(tab).locator(".field")):
        assert colour_of(root(tab), "headlight-ink") == palette.ink


def png_size(data):
    """Width and height, from the header."""
    return int.from_bytes(data[16:20], "big"), int.from_bytes(data[20:24], "big")


def written(tab):
    """What is written in the picture, each text with the place where it begins, in pixels."""
    return root(tab).evaluate(
        """(root) => new Promise((done) => {
          const said = [], draw = CanvasRenderingContext2D.prototype.fillText
          CanvasRenderingContext2D.prototype.fillText = function (text, x, y) {
            const at = new DOMPoint(x, y).matrixTransform(this.getTransform())
            said.push([text, at.x / devicePixelRatio, at.y / devicePixelRatio])
            return draw.apply(this, arguments)
          }
          root.querySelector(".field").dispatchEvent(new Event("scroll"))
          const ended = () => {
            if (!said.length) return setTimeout(ended, 50)
            CanvasRenderingContext2D.prototype.fillText = draw
            done(said)
          }
          ended()
        })"""
    )


@pytest.mark.slow
def test_53_columns_are_named_and_the_file_is_twice_as_large(tab):
    """The names are drawn where they were left out, some of them; the file has two dots a pixel at least."""
    text = " ".join(["the cat sat on the mat and looked at the dog by the old door"] * 4)
    opened(tab, model="smollm2", text=text, tokens=16)
    assert columns(tab) >= 70
    words = {f"␣{word}" for word in text.split()}
    places = sorted({round(x, 1) for said, x, _ in written(tab) if said in words})
    assert len(places) > 20
    assert min(after - before for before, after in pairwise(places)) >= 10
    with tab.page.expect_download() as started:
        tab.page.get_by_role("button", name="PNG").click()
    width, height = png_size(started.value.path().read_bytes())
    room = root(tab).locator(".room").bounding_box()
    assert width >= 2 * int(room["width"]) - 2
    assert height >= 2 * int(room["height"]) - 2


def test_a_picked_layer_leaves_no_halves_of_its_neighbours(tab):
    """Names that have no room beside the selected one are not drawn: no letters are cut."""
    opened(tab, model="smollm2", text=ONCE, tokens=8, cell="15-3")
    places = {said: y for said, _, y in written(tab) if re.fullmatch(r"L\d+", said)}
    assert "L15" in places
    assert "L0" in places
    heights = sorted(places.values())
    assert min(below - above for above, below in pairwise(heights)) >= 12


SHIFTS = """() => {
  globalThis.shifts = []
  const told = (entry) => entry.sources.map(({ previousRect, currentRect }) => currentRect.top - previousRect.top)
  new PerformanceObserver((list) => shifts.push(...list.getEntries().flatMap(told))).observe({ type: "layout-shift" })
}"""


@pytest.mark.parametrize("width", [pytest.param(1280, marks=pytest.mark.slow), 390])
def test_nothing_moves_while_it_writes_and_when_it_ends(tab, width):
    tab.page.set_viewport_size({"width": width, "height": 1_400})
    opened(tab, model="smollm2", text="x", tokens=32)
    tab.look(f"A house stood by the sea, {width} steps away")
    tab.page.locator(".cache-growth[data-done='false']").wait_for()
    tab.page.evaluate(SHIFTS)
    inspector = tab.page.locator(".st-key-inspector")
    before = [tab.page.locator(each).bounding_box()["y"] for each in (".st-key-inspector", ".st-key-below_kv_cache")]
    tab.page.locator(DONE).wait_for(timeout=60_000)
    tab.page.wait_for_timeout(1_500)
    expect(inspector).to_contain_text("One more token")
    after = [tab.page.locator(each).bounding_box()["y"] for each in (".st-key-inspector", ".st-key-below_kv_cache")]
    assert max(abs(one - other) for one, other in zip(before, after, strict=True)) <= 8
    assert max(map(abs, tab.page.evaluate("() => globalThis.shifts")), default=0) <= 8


def test_one_precision_for_all_sizes(tab):
    """A switch in the main panel; the tabs say the same numbers."""
    opened(tab, model="smollm2", text=ONCE, tokens=8, drawn=5)
    figures = root(tab).locator(".figures")
    expect(figures).to_contain_text("495 KiB")
    tab.page.locator(".st-key-bits_box").get_by_role("radio", name="16", exact=True).click()
    expect(figures).to_contain_text("248 KiB")
    expect(figures).to_contain_text("in 16 bits a number, measured 495 KiB in 32")
    expect(tab.page.locator(".st-key-inspector")).to_contain_text("22.5 KiB over all layers, in 16 bits a number.")
    tab.wait_for_query(bits="16")


@pytest.mark.slow
def test_the_open_tab_and_the_plan_are_in_the_link_and_back_undoes_one_thing(tab):
    opened(tab, model="smollm2", text=ONCE, tokens=8, drawn=3)
    tab.open_tab("What if?")
    tab.wait_for_query(tab="what-if")
    plan = tab.page.locator(".st-key-plan")
    expect(plan).to_contain_text("It fits: SmolLM2-135M-Instruct")
    box = tab.page.get_by_label("Cards", exact=True)
    box.fill("2")
    box.press("Enter")
    tab.wait_for_query(cards="2")
    expect(plan).to_contain_text("replicated: 2 on each card")
    said = tab.query
    opened(tab, **said)
    expect(plan).to_contain_text("replicated: 2 on each card")
    assert tab.query == said
    opened(tab, model="smollm2", text=ONCE, tokens=8, drawn=3)
    tab.open_tab("What if?")
    tab.wait_for_query(tab="what-if")
    box.fill("4")
    box.press("Enter")
    tab.wait_for_query(cards="4")
    tab.page.go_back()
    tab.page.wait_for_function("() => !location.search.includes('cards')")
    expect(plan).to_contain_text("of the card")
    tab.page.go_back()
    tab.page.wait_for_function("() => !location.search.includes('tab=')")
    expect(tab.page.get_by_role("tab", name="Does the formula agree?")).to_have_attribute("aria-selected", "true")
