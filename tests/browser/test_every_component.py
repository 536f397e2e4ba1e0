"""Every component draws what it is sent, or says in one sentence that it cannot; never the picture of earlier data."""

import re

import pytest

from tests.browser.samples import drawn_components, samples, skeleton_of
from viz.components.scaffold.bundling import browser_source

# Mounts it once, and shows one message after the other, as Streamlit does. `see` says what became of the last one.
HARNESS = """async ([script, html]) => {
  document.body.innerHTML = html
  // What comes later comes at once.
  const later = globalThis.setTimeout, next = globalThis.requestAnimationFrame
  globalThis.setTimeout = (what, _, ...given) => later(what, 0, ...given)
  const url = URL.createObjectURL(new Blob([script], { type: "text/javascript" }))
  const { default: mount } = await import(url)
  const headlight = (globalThis.headlight ??= {})
  const bytes = (text) => Uint8Array.from(atob(text), (each) => each.charCodeAt(0))
  const encode = (header, body) => {
    const text = new TextEncoder().encode(JSON.stringify(header))
    const padded = Math.ceil(text.length / 4) * 4
    const data = new Uint8Array(4 + padded + body.length)
    new DataView(data.buffer).setUint32(0, text.length, true)
    data.set(text, 4)
    data.set(body, 4 + padded)
    return data
  }
  globalThis.told = []
  const root = () => document.querySelector(".headlight")
  const frame = () => new Promise((done) => next(done))
  const show = async (data, states, feed, run) => {
    headlight.states ??= new Map()
    for (const [name, state] of Object.entries(states))
      headlight.states.set(name, { ...headlight.states.get(name), state })
    if (feed.length) {
      headlight.runs ??= new Map()
      headlight.runs.set(run, { parts: feed.map((each) => ({ data: each, skip: 0 })), count: 99, isDone: true })
    }
    const before = root()
    delete before.dataset.ready
    globalThis.leave = mount({ data, parentElement: document.body, setTriggerValue: (...what) => told.push(what) })
    // A second frame: what is drawn again once its size is known, and the reader's table, come after the first.
    for (let at = 0; at < 40; at++) {
      await frame()
      await new Promise((done) => setTimeout(done))
      if (at > 0 && (root().dataset.ready || root().querySelector(".fault"))) break
    }
    if (root().querySelector(":scope > .fault"))
      return root().children.length === 1 ? "sentence" : "sentence beside a picture"
    if (root().dataset.ready) return "picture"
    return root().classList.contains("waiting") ? "waiting" : "the picture of before"
  }
  const parts = (sample) => {
    const data = bytes(sample.data)
    const length = new DataView(data.buffer).getUint32(0, true)
    const header = JSON.parse(new TextDecoder().decode(data.subarray(4, 4 + length)))
    return { data, header, body: data.subarray(4 + Math.ceil(length / 4) * 4), feed: sample.feed.map(bytes) }
  }
  globalThis.draw = (sample) => {
    const { data, header, feed } = parts(sample)
    return show(data, sample.states, feed, header.run)
  }
  /** The same message, wrong in one way after the other, and what became of each. */
  globalThis.spoil = async (sample) => {
    const { data, header, body, feed } = parts(sample)
    const wrong = []
    const spoiled = (name, change, states = sample.states) => {
      const other = structuredClone(header)
      wrong.push([name, encode(change(other) ?? other, body), states])
    }
    for (const [name, value] of Object.entries(header)) {
      spoiled(`without ${name}`, (other) => { delete other[name] })
      spoiled(`${name} is null`, (other) => { other[name] = null })
      if (!Array.isArray(value)) continue
      spoiled(`none of ${name}`, (other) => { other[name] = [] })
      spoiled(`one of ${name}`, (other) => { other[name] = other[name].slice(0, 1) })
      spoiled(`twice ${name}`, (other) => { other[name] = [...other[name], ...other[name]] })
      if (value[0] && typeof value[0] === "object" && !Array.isArray(value[0]))
        for (const field of Object.keys(value[0]))
          spoiled(`without ${field} in ${name}`, (other) => { delete other[name][0][field] })
    }
    for (const [name, state] of Object.entries(sample.states))
      for (const field of Object.keys(state)) {
        const other = structuredClone(state)
        delete other[field]
        spoiled(`without ${field} in the state`, () => {}, { [name]: other })
      }
    if (body.length) {
      wrong.push(["no numbers", encode(header, new Uint8Array(0)), sample.states])
      const half = body.subarray(0, 4 * Math.floor(body.length / 8))
      wrong.push(["half of the numbers", encode(header, half), sample.states])
    }
    wrong.push(["more numbers", encode(header, new Uint8Array(body.length + 64)), sample.states])
    wrong.push(["a torn message", data.slice(0, 9), sample.states])
    const found = {}
    for (const [name, message, states] of wrong) {
      found[name] = await show(message, states, feed, header.run)
      const again = await show(data, sample.states, feed, header.run)
      if (!["picture", "waiting"].includes(again)) found[`after ${name}`] = again
    }
    return found
  }
}"""
RIGHT = {"picture", "sentence", "waiting"}


def opened(page, name):
    page.set_viewport_size({"width": 900, "height": 700})
    page.evaluate(HARNESS, [browser_source(name), skeleton_of(name)])
    return samples(name)


# What the base of all views does with a pointer is seen on one of them in each run, on the others in the slow ones.
ONE_QUICK = [
    pytest.param(name, marks=[] if name == "attention_view" else pytest.mark.slow) for name in drawn_components()
]


def test_each_has_samples():
    assert len(drawn_components()) >= 9
    assert all(samples(name) for name in drawn_components())


@pytest.mark.quick(2)
@pytest.mark.parametrize("name", drawn_components())
def test_what_it_may_be_sent_is_drawn_one_after_the_other(page, name):
    """Among them one token, none, and lengths that differ. The pointer goes over each of them; the last one is left."""
    found, faults = {}, []
    page.on("console", lambda message: faults.append(message.text) if message.type == "error" else None)
    for label, sample in opened(page, name).items():
        found[label] = page.evaluate("(sample) => draw(sample)", sample)
        box = page.locator(".headlight").bounding_box()
        for part in (0.1, 0.35, 0.6):
            page.mouse.move(box["x"] + part * box["width"], box["y"] + part * min(box["height"], 600))
    may = {label: {"picture"} for label in found}
    may |= {
        "none": {"waiting"} if name == "cache_growth" else {"picture"},
        "a row of another length": {"sentence"},
    }
    assert {label: became for label, became in found.items() if became not in may[label]} == {}
    if "sentence" not in found.values():
        page.evaluate("leave()")
        assert faults == []


def test_each_of_two_maps_says_the_words_of_its_own_text(page):
    """Under the pointer, where the frame has words of neither."""
    assert page.evaluate("(sample) => draw(sample)", opened(page, "attention_view")["two texts over 5, this first"])
    at = page.evaluate("document.querySelector('.headlight').headlight.place(1, 2)")
    page.mouse.move(at["x"], at["y"])
    said = page.locator(".tip").text_content().split("\n")
    assert [line.rpartition(" ")[0] for line in said] == ["this: this1 → this2", "other: other1 → other2"]


def test_a_cache_of_which_nothing_came_yet_has_no_numbers_that_are_none(page):
    """Nor after somebody pressed for the next token while waiting."""
    assert page.evaluate("(sample) => draw(sample)", opened(page, "cache_growth")["none"]) == "waiting"
    for name in ("Next token", "Play", "Previous token"):
        page.get_by_role("button", name=name).click(force=True)
    said = page.locator(".figures").inner_text()
    assert not re.search(r"NaN|-\d|\+", said), said
    assert page.get_by_role("button", name="PNG").is_disabled()
    assert page.locator(".slider").evaluate("slider => [slider.value, slider.max]") == ["0", "0"]
    assert page.locator(".waiting .field").count() == 1


# What is shown for the pointer alone: the tooltip, rings, marks.
POINTED = """() => {
  const tip = document.querySelector(".tip")
  const marks = document.querySelectorAll(".hovered, .lit, .same").length
  return [tip === null || tip.hidden, marks]
}"""
NOTHING = [True, 0]


def places(page, rows=(0.06, 0.3, 0.6), columns=(0.08, 0.2, 0.45)):
    """Some places in the picture, in pixels of the window."""
    box = page.locator(".headlight").bounding_box()
    high = min(box["height"], 600)
    return [(box["x"] + across * box["width"], box["y"] + down * high) for across in columns for down in rows]


@pytest.mark.parametrize("name", ONE_QUICK)
def test_what_is_pointed_at_goes_with_the_pointer(page, name):
    """Also where it is pointed at by a press, which gives the focus as well."""
    page.mouse.move(880, 690)
    for sample in opened(page, name).values():
        if page.evaluate("(sample) => draw(sample)", sample) != "picture":
            continue
        for x, y in places(page):
            page.mouse.move(x, y)
            page.mouse.down()
            page.mouse.up()
            page.mouse.move(x + 1, y)
            page.mouse.move(899, 699)
            assert page.evaluate(POINTED) == NOTHING
        return


@pytest.mark.slow
@pytest.mark.parametrize("name", ONE_QUICK)
def test_a_tap_elsewhere_ends_what_a_tap_points_at(chromium, name):
    context = chromium.new_context(viewport={"width": 390, "height": 844}, has_touch=True)
    page = context.new_page()
    page.goto("about:blank")
    sample = next(iter(opened(page, name).values()))
    assert page.evaluate("(sample) => draw(sample)", sample) == "picture"
    seen = []
    # Points of a map are small, and far apart.
    for x, y in places(page, [place / 25 for place in range(1, 25)], [place / 12 for place in range(1, 12)]):
        page.touchscreen.tap(x, y)
        seen.append(page.evaluate(POINTED))
        page.touchscreen.tap(385, 840)
        assert page.evaluate(POINTED) == NOTHING
        if sum(each != NOTHING for each in seen) == 20:
            break
    of_forms = (
        "framed_document",
        "knob_sliders",
        "lens_grid",
        "lesson_list",
        "lesson_rail",
        "room_bar",
        "room_question",
    )
    if name not in (*of_forms, "written_text"):
        assert any(each != NOTHING for each in seen), "what was tapped is told until then"
    context.close()


@pytest.mark.parametrize("name", ONE_QUICK)
def test_a_press_that_begins_outside_chooses_nothing(page, name):
    for sample in opened(page, name).values():
        if page.evaluate("(sample) => draw(sample)", sample) != "picture":
            continue
        for x, y in places(page):
            page.mouse.move(895, 695)
            page.mouse.down()
            page.mouse.move(x, y)
            page.mouse.up()
        assert page.evaluate("told") == []
        return


@pytest.mark.quick(2)
@pytest.mark.parametrize("name", drawn_components())
def test_what_is_wrong_is_a_sentence(page, name):
    label, sample = next(iter(opened(page, name).items()))
    found = page.evaluate("(sample) => spoil(sample)", sample)
    assert {way: became for way, became in found.items() if became not in RIGHT} == {}, label
    numbers = {way: became for way, became in found.items() if "numbers" in way or "torn" in way}
    assert {way: became for way, became in numbers.items() if became != "sentence" and "after" not in way} == {}
    told = page.evaluate("told")
    assert {what for what, _ in told} == {"fault"}, "the server hears of it"
    assert not any("SyntaxError" in fault["stack"] for _, fault in told), "JSON's own words hold what was sent"
