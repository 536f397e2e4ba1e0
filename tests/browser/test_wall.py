"""What is written in a picture or a chart grows with the window as the page's own letters do."""

import pytest

ANIMAL = "The animal didn't cross the street because it was too tired."

# The sizes in which letters are written, in pixels of the screen, whichever way they run.
WRITTEN = """() => {
  globalThis.written = []
  const draw = CanvasRenderingContext2D.prototype.fillText
  CanvasRenderingContext2D.prototype.fillText = function (text, ...more) {
    const { a, b } = this.getTransform()
    if (String(text).trim()) globalThis.written.push(parseFloat(/([\\d.]+)px/.exec(this.font)[1]) * Math.hypot(a, b))
    return draw.call(this, text, ...more)
  }
}"""


def letters(chromium, address, width):
    context = chromium.new_context(viewport={"width": width, "height": width * 9 // 16})
    context.add_init_script(f"({WRITTEN})()")
    page = context.new_page()
    page.goto(address)
    page.locator(".headlight[data-ready='true']").first.wait_for(timeout=60_000)
    page.locator("[data-testid=stApp][data-test-script-state=notRunning]").wait_for()
    page.wait_for_timeout(2_000)
    # What was painted before the fonts and the window were known does not count.
    page.evaluate("() => { globalThis.written = [] }")
    page.set_viewport_size({"width": width - 16, "height": width * 9 // 16})
    page.wait_for_timeout(1_000)
    found = page.evaluate(
        "() => [...globalThis.written, ...[...document.querySelectorAll('.vega-embed svg text')]"
        ".filter((each) => each.textContent).map((each) => parseFloat(getComputedStyle(each).fontSize))]"
    )
    context.close()
    return sorted(set(found))


@pytest.mark.parametrize(
    "query",
    [
        pytest.param(
            "kv_cache?model=smollm2&text=Once&tokens=8&tab=when-does-it-outgrow-the-model", marks=pytest.mark.slow
        ),
        "tokenizers?text=unbelievably%20long&tokenizers=gpt2,smollm2",
    ],
)
def test_letters_are_twice_as_large_on_a_wall(chromium, server, query):
    laptop, wall = (letters(chromium, f"{server.address}/{query}", width) for width in (1280, 3840))
    assert len(laptop) > 1
    # A wall that is 16 pixels narrower has letters that are a little smaller.
    assert wall[0] >= 1.7 * laptop[0]
    assert wall[-1] >= 1.7 * laptop[-1]


@pytest.mark.slow
def test_a_map_fills_the_height_that_a_projector_has(new_tab):
    tab = new_tab(size=(1920, 1080))
    tab.open(projector="on", text=ANIMAL, model="minilm", layer=3, head=1)
    tab.page.locator("[data-testid=stApp][data-test-script-state=notRunning]").wait_for()
    drawn = tab.map.locator("canvas").first.bounding_box()
    assert drawn["height"] > 0.6 * 1080
    # Its colours are explained on the same screen.
    caption = tab.map.locator(".caption").last.bounding_box()
    assert caption["y"] + caption["height"] <= 1080
