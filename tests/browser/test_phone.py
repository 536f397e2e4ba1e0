"""A telephone, with a finger: what moves while one reads, what a finger meets, what is hidden beside the screen."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.tab import Tab

ANIMAL = "The animal didn't cross the street because it was too tired."

WATCH = """(selector) => {
  globalThis.stood = []
  const look = () => {
    const at = document.querySelector(selector)?.getBoundingClientRect()
    if (at) stood.push(Math.round(at.y + scrollY))
    requestAnimationFrame(look)
  }
  look()
}"""


@pytest.fixture
def phone(chromium, server):
    """A tab of 390 pixels that is touched; at the end nothing may have gone wrong in it."""
    context = chromium.new_context(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    tab = Tab(context.new_page(), server)
    yield tab
    context.close()
    assert tab.faults == []


@pytest.mark.slow
def test_embeddings(phone):
    phone.goto("embeddings")
    phone.page.locator(".vector-map[data-ready='true']").wait_for()
    phone.page.locator(".st-key-text_box textarea").fill("He sat on the bank of the river.\nThe bank lent money.")
    phone.page.evaluate(WATCH, ".st-key-show_box")
    phone.page.get_by_role("button", name="Look", exact=True).tap()
    phone.wait_for_query(text="He sat on the bank of the river.\nThe bank lent money.")
    expect(phone.page.locator("[data-testid=stProgress]")).to_have_count(0)
    phone.page.locator(".vector-map[data-ready='true']").wait_for()
    stood = phone.page.evaluate("stood")
    assert max(stood) - min(stood) <= 48, "what is tapped next stays where it is while the maps are made"


def finger(tab):
    """`send(kind, x, y)`: what a finger does, as the browser itself hears it."""
    session = tab.page.context.new_cdp_session(tab.page)

    def send(kind, *place):
        points = [{"x": place[0], "y": place[1]}] if place else []
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    return send


def swipe(tab, element, across, down):
    """Put a finger on an element, so far along it, and move it: `down` pixels of the page."""
    element.evaluate("each => each.scrollIntoView({ block: 'center' })")
    box, send = element.bounding_box(), finger(tab)
    x, y = box["x"] + across * box["width"], box["y"] + box["height"] / 2
    send("touchStart", x, y)
    for part in range(1, 9):
        send("touchMove", x + part, y + down * part / 8)
        tab.page.wait_for_timeout(20)
    send("touchEnd")


def apart(one, other):
    """How far below one element the other stands, read at once: after a swipe the page glides on for a while."""
    return one.evaluate(
        "(one, other) => other.getBoundingClientRect().y - one.getBoundingClientRect().y", other.element_handle()
    )


@pytest.mark.slow
def test_all_columns_of_the_senses_are_on_the_screen(phone):
    phone.goto("embeddings", tab="do-the-senses-part")
    table = phone.page.locator(".headlight-wide", has_text="nearest shares it")
    table.wait_for()
    hidden, columns = table.evaluate(
        "each => [each.scrollWidth - each.clientWidth, each.querySelectorAll('th').length]"
    )
    assert columns > 6
    assert hidden <= 0


@pytest.mark.slow
def test_sampling(phone):
    phone.goto("sampling", model="smollm2", text="The capital of France is")
    knob = phone.page.locator(".knob-sliders [data-knob='temperature'] input")
    curve, write = phone.page.locator(".next-token .curve svg"), phone.page.locator(".st-key-write button")
    phone.page.locator(".next-token[data-ready='true']").wait_for()
    write.wait_for()
    swipe(phone, knob, 0.15, -150)
    expect(knob).to_have_js_property("value", "1")

    knob.evaluate("each => each.scrollIntoView({ block: 'center' })")
    box, send = knob.bounding_box(), finger(phone)
    stood = apart(knob, write)
    y = box["y"] + box["height"] / 2
    send("touchStart", box["x"] + box["width"] / 2, y)
    send("touchMove", box["x"] + 0.6 * box["width"], y)
    send("touchMove", box["x"] + 0.8 * box["width"], y)
    expect(phone.page.locator(".next-token[data-by='browser']")).to_have_count(1)
    seen = curve.bounding_box()
    assert seen["y"] > 0, "the curve is in sight of whoever turns a knob"
    assert seen["y"] + seen["height"] < 844
    lit = phone.page.locator(".st-key-presets [kind=primary]").last.evaluate(
        "each => getComputedStyle(each).backgroundColor"
    )
    assert lit == "rgb(255, 255, 255)", "no preset is lit that does not stand any more"
    send("touchEnd")
    phone.page.locator(".next-token[data-by='server']").wait_for()
    expect(phone.page.locator(".st-key-presets button[kind=primary]")).to_have_count(0)
    assert apart(knob, write) == stood, "nothing comes or goes between the knob and the button"

    write.tap()
    text = phone.page.locator(".written-text[data-done='true']")
    text.wait_for()
    expect(text).to_be_in_viewport(ratio=1)


@pytest.mark.slow
def test_a_written_text_is_not_cut_to_a_few_lines(phone):
    written = "max_new_tokens=60&temperature=1.0&seed=1"
    phone.goto("sampling", model="smollm2", text="The capital of France is", written=written)
    text = phone.page.locator(".written-text[data-done='true'] .text")
    text.wait_for()
    line, tall, seen = text.evaluate(
        "each => [parseFloat(getComputedStyle(each).lineHeight), each.scrollHeight, each.clientHeight]"
    )
    assert 4 * line < tall <= seen


@pytest.mark.slow
def test_home(phone):
    page = phone.page
    phone.open()
    page.get_by_test_id("stExpandSidebarButton").tap()
    page.get_by_test_id("stSidebarNavLink").first.tap()
    card = page.locator(".st-key-open_tokenizers")
    card.locator(".headlight-preview").wait_for()
    expect(page.get_by_test_id("stSidebarNavLink").first).not_to_be_in_viewport()
    title = page.locator("h1").bounding_box()
    assert title["y"] >= page.locator("header").first.bounding_box()["height"]
    card.scroll_into_view_if_needed()
    box = card.bounding_box()
    page.touchscreen.tap(box["x"] + box["width"] - 10, box["y"] + 10)
    page.locator(".token-columns[data-ready='true']").wait_for()
    page.go_back()
    card.wait_for()
    page.go_back()
    phone.map.wait_for()


@pytest.mark.slow
def test_nothing_lies_over_the_open_sidebar(phone):
    """The buttons for who shows the page to others stand where it opens, above the header."""
    page = phone.page
    phone.open()
    hide = page.locator(".st-key-for_class button", has_text="Hide results")
    middle = """each => {
      const { x, y, width, height } = each.getBoundingClientRect()
      return document.elementFromPoint(x + width / 2, y + height / 2)
    }"""
    is_on_top = f"each => each.contains(({middle})(each))"
    assert hide.evaluate(is_on_top)
    page.get_by_test_id("stExpandSidebarButton").tap()
    expect(page.get_by_test_id("stSidebarNavLink").first).to_be_in_viewport(ratio=1)
    page.wait_for_function(f"each => ({middle})(each).closest('[data-testid=stSidebar]')", arg=hide.element_handle())


def test_tabs_links_and_typed_texts(phone):
    page = phone.page
    for _ in range(2):
        phone.open(tab="take-it-with-you")
        chosen = page.get_by_role("tab", name="Take it with you", selected=True)
        chosen.evaluate("each => each.closest('[role=tablist]').parentElement.scrollIntoView()")
        expect(chosen).to_be_in_viewport(ratio=0.9)
    copy = page.locator(".st-key-below .stCode button, .stCode button").first
    copy.scroll_into_view_if_needed()
    box = copy.bounding_box()
    assert min(box["width"], box["height"]) >= 40
    phone.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    copy.tap()
    assert page.evaluate("navigator.clipboard.readText()").startswith(f"{phone.server.address}/attention?")

    phone.open_tab("What if another word stood there?")
    page.locator(".st-key-other_box textarea").fill("A big dog barked.")
    page.locator(".st-key-other_apply button").tap()
    phone.wait_for_query(other="A big dog barked.")

    # A question mark beside a switch says what the switch does, and does not turn it.
    asked = page.locator(".st-key-sink_switch button")
    assert asked.bounding_box()["width"] >= 24
    asked.tap()
    page.get_by_text("Heads that find nothing to look for").wait_for()
    assert phone.query["sink"] == "in"
    stood = page.evaluate("document.querySelector('[data-testid=stMain]').scrollTop")
    swipe(phone, page.locator(".st-key-layer_box [role=group]"), 0.85, -150)
    assert page.evaluate("document.querySelector('[data-testid=stMain]').scrollTop") != stood
    assert phone.query["layer"] == "3"


@pytest.mark.slow
def test_names_of_keys_stay_while_the_products_are_scrolled_along(phone):
    phone.goto("attention", model="minilm", text="The animal was tired.", layer=3, head=1, view="qk")
    scroll, names = (phone.page.locator(f".attention-view {each}") for each in (".scroll", ".names"))
    names.wait_for()
    before = names.bounding_box()
    assert scroll.evaluate("each => each.scrollWidth - each.clientWidth") > 40
    scroll.evaluate("each => { each.scrollLeft = 1e6 }")
    assert names.bounding_box() == before
    # A name is pressed, and not what has gone below it.
    phone.page.touchscreen.tap(before["x"] + 30, phone.map.evaluate("root => root.headlight.place(0, 2)")["y"])
    phone.wait_for_query(token="2")


@pytest.mark.slow
def test_a_difference_is_in_percentage_points_under_the_finger_as_below_the_map(phone):
    phone.open(text=ANIMAL, model="minilm", layer=3, head=1, token=10, changed="token:10")
    expect(phone.map.locator(".legend")).to_contain_text("percentage points")
    phone.map.locator(".over").evaluate("each => each.scrollIntoView({ block: 'center' })")
    phone.page.touchscreen.tap(*phone.place(9, 2))
    said = re.compile(r"before .*%, after .*%, after − before .*percentage points$")
    expect(phone.map.locator(".tip")).to_have_text(said)


@pytest.mark.slow
def test_which_of_two_tokens_is_switched_off_is_said(phone):
    """Of a pinned link it is the one that is looked at."""
    phone.open(text=ANIMAL, model="minilm", layer=3, head=1, token=10, pin=2)
    expect(phone.map.locator(".tools")).to_contain_text("token “animal”, looked at")


@pytest.mark.slow
def test_no_line_of_stages_begins_with_the_arrow_between_two(phone):
    knobs = {"temperature": "1.5", "top_k": "40", "min_p": "0.05"}
    phone.goto("sampling", model="smollm2", text="The capital of France is", **knobs)
    phone.page.locator(".next-token[data-ready='true'] .stage").first.wait_for()
    stages = phone.page.locator(".next-token .stages").evaluate(
        """list => [...list.children].map(each => {
          const arrowOf = (name) => getComputedStyle(each, name)
          const isLeft = arrowOf("::before").content.includes("›")
          return { y: each.offsetTop, isLeft, isRight: arrowOf("::after").content.includes("›") }
        })"""
    )
    first = [stage for stage, before in zip(stages[1:], stages[:-1], strict=True) if stage["y"] > before["y"]]
    assert first, "they need more than a line"
    assert not any(stage["isLeft"] for stage in first)
    assert [stage["isLeft"] for stage in stages[1:]] == [not stage["isRight"] for stage in stages[:-1]]
    assert not stages[-1]["isRight"]
    assert phone.page.evaluate("document.documentElement.scrollWidth") == 390
