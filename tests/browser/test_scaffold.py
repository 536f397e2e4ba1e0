"""Scripts alone in a page, without a server: the scope of each file, and the keys."""

import base64

import numpy as np
import pytest

MOUNT = """async ([script, html, data, state]) => {
  const place = document.body
  place.innerHTML = html
  const name = URL.createObjectURL(new Blob([script], { type: "text/javascript" }))
  const { default: mount } = await import(name)
  globalThis.headlight.states = new Map([["attention_view", { state }]])
  globalThis.told = []
  const bytes = Uint8Array.from(atob(data), (each) => each.charCodeAt(0))
  mount({ data: bytes, parentElement: place, setTriggerValue: (...what) => told.push(what) })
}"""
# Whether each of these keys does something, pressed in the picture.
PRESS = """(keys) => keys.filter((key) => {
  const event = new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true })
  document.querySelector(".over").dispatchEvent(event)
  return event.defaultPrevented
})"""
# How the list has each key.
NAMES = {
    **{f"Arrow{side}": name for side, name in (("Up", "↑"), ("Down", "↓"), ("Left", "←"), ("Right", "→"))},
    **{key: key for key in "[]{}1234xtc+0"},
    "-": "−",
    "Enter": "Enter",
    "Escape": "Esc",
    "q": "q",
    "Home": "Home",
    "Delete": "Delete",
}


def test_two_files_may_use_one_name(page, tmp_path):
    from viz.components.scaffold.bundling import bundle, parts_of

    files = {
        "one": "const SIZE = 1\nfunction draw() { return SIZE }\nexport const one = () => draw()\n",
        "other": "const SIZE = 2\nfunction draw() { return SIZE }\nexport class Other { value() { return draw() } }\n",
        "index": 'import { one } from "./one.js"\nimport { Other } from "./other.js"\nconst SIZE = 3\n'
        "export default () => [one(), new Other().value(), SIZE]\n",
    }
    for name, text in files.items():
        (tmp_path / f"{name}.js").write_text(text)
    found = page.evaluate(
        """async (script) => {
            const name = URL.createObjectURL(new Blob([script], { type: "text/javascript" }))
            const { default: values } = await import(name)
            return [values(), typeof draw, typeof SIZE]
        }""",
        bundle(parts_of(tmp_path / "index.js")),
    )
    assert found == [[1, 2, 3], "undefined", "undefined"]


def views():
    from tests.viz.test_attention_view import products_of
    from viz.components.attention_view import Heads, Matrix, Model, Panel, Products

    weights = np.full((3, 3), 1 / 3, dtype=np.float32)
    row, vectors = weights[0], np.ones((3, 4), dtype=np.float32)
    return {
        "matrix": Matrix((Panel("L3 H1", weights, 1.0, (3, 3)),), row),
        "heads": Heads(np.stack([weights, weights]), (0, 1)),
        "model": Model(np.full((4, 2, 3, 3), 2000, dtype=np.uint16), (0, 1, 2, 3)),
        "qk": Products((0, 1, 2), products_of(vectors)),
    }


def test_a_packed_script_is_unpacked_once_for_all_pictures_of_its_kind_and_so_is_its_style(page):
    from tests.viz.test_next_token import picture
    from viz.components.next_token import _PARTS, packed
    from viz.components.scaffold import skeleton
    from viz.components.scaffold.bundling import packed_source

    script, data = packed_source("next_token"), base64.b64encode(packed(picture())).decode()
    page.evaluate(
        """async ([script, html, data]) => {
            document.body.innerHTML = "<div></div><div></div>"
            const places = [...document.body.children].map((place) => place.attachShadow({ mode: "open" }))
            for (const place of places) place.innerHTML = html
            const picture = (place) => getComputedStyle(place.querySelector(".headlight")).display
            globalThis.seen = () => [places.map(picture), places.map((place) => place.adoptedStyleSheets.length)]
            globalThis.share = () => places[0].adoptedStyleSheets[0] === places[1].adoptedStyleSheets[0]
            globalThis.before = seen()
            const bytes = Uint8Array.from(atob(data), (each) => each.charCodeAt(0))
            globalThis.imports = 0
            const create = URL.createObjectURL
            const name = create(new Blob([script], { type: "text/javascript" }))
            URL.createObjectURL = (blob) => { imports++; return create(blob) }
            const { default: mount } = await import(name)
            // Each of them twice, as when other data comes.
            for (const parentElement of [...places, ...places])
              mount({ data: bytes, parentElement, setTriggerValue() {} })
        }""",
        [script, skeleton("next_token", _PARTS), data],
    )
    page.locator(".next-token[data-ready='true']").nth(1).wait_for()
    assert page.evaluate("imports") == 1
    assert page.evaluate("before") == [["none"] * 2, [0, 0]], "nothing is seen without its style"
    assert page.evaluate("seen()") == [["block"] * 2, [1, 1]]
    assert page.evaluate("share()")
    assert page.locator(".next-token .stages").first.evaluate("list => getComputedStyle(list).listStyleType") == "none"


@pytest.mark.quick(2)
@pytest.mark.parametrize("name", ["matrix", "heads", "model", "qk"])
def test_the_list_of_the_keys_is_what_the_handler_does(page, name):
    from viz.components.attention_view import Frame, packed, state_of
    from viz.components.scaffold import skeleton
    from viz.components.scaffold.bundling import browser_source

    frame = Frame(
        "L3 H1", "encoder-3-1", "encoder", 3, 1, ("a", "b", "c"), None, 1, (), (), "the future", "", can_switch=True
    )
    data, of = packed(frame, views()[name])
    html = skeleton("attention_view")
    state = {"of": of, **state_of(frame, views()[name])}
    page.evaluate(MOUNT, [browser_source("attention_view"), html, base64.b64encode(data).decode(), state])
    page.locator(".attention-view[data-ready='true']").wait_for()
    page.get_by_role("button", name="Keys", exact=True).click()
    page.locator(".over").focus()
    page.keyboard.press("ArrowDown")
    said = page.locator(".caption", has_text="In the picture:").text_content()
    named = {word.strip(",.") for word in said.removeprefix("In the picture: ").split()}
    listed = {key for key, shown in NAMES.items() if shown in named or (key.startswith("Arrow") and "arrows" in named)}
    done = set()
    for key in NAMES:
        # One by one, each after a cell was pointed at: Esc lets go of it.
        page.keyboard.press("ArrowDown")
        done |= set(page.evaluate(PRESS, [key]))
    assert done == listed
    assert {"Enter", "[", "1", "x"} <= done
    assert "q" not in done


def test_a_key_with_another_one_held_is_another_key(page):
    from viz.components.scaffold.bundling import COMPONENTS

    script = (COMPONENTS / "scaffold" / "keys.js").read_text() + "\nglobalThis.keys = { press, keyList }\n"
    found = page.evaluate(
        """async (script) => {
            await import(URL.createObjectURL(new Blob([script], { type: "text/javascript" })))
            const done = []
            const act = (what) => done.push(what)
            const table = [
              { name: "Shift and ↑", says: "moves", keys: { "Shift+ArrowUp": "shift" }, act },
              { name: "+", says: "enlarges", keys: { "+": "larger" }, act },
              { name: "Esc", says: "lets go", keys: { Escape: "" }, act: () => false },
            ]
            const send = (key, held = {}) => {
              const event = new KeyboardEvent("keydown", { key, cancelable: true, ...held })
              keys.press(table, event)
              return event.defaultPrevented
            }
            const prevented = [
              send("ArrowUp"), send("ArrowUp", { shiftKey: true }), send("+", { shiftKey: true }),
              send("+", { ctrlKey: true }), send("Escape"),
            ]
            return [done, prevented, keys.keyList(table)]
        }""",
        script,
    )
    assert found == [
        ["shift", "larger"],
        [False, True, True, False, False],
        "Shift and ↑ moves, + enlarges, Esc lets go",
    ]


def test_a_view_that_is_left_lets_go_of_what_it_holds_on_to(page):
    from tests.viz.test_written_steps import picture
    from viz.components.scaffold import skeleton
    from viz.components.scaffold.bundling import browser_source
    from viz.components.written_steps import _PARTS, packed

    data = base64.b64encode(packed(picture())).decode()
    found = page.evaluate(
        """async ([script, html, data]) => {
            document.body.innerHTML = html
            globalThis.watched = 0
            globalThis.ResizeObserver = class {
              observe() { watched++ }
              disconnect() { watched-- }
            }
            const name = URL.createObjectURL(new Blob([script], { type: "text/javascript" }))
            const { default: mount } = await import(name)
            const bytes = Uint8Array.from(atob(data), (each) => each.charCodeAt(0))
            const leave = mount({ data: bytes, parentElement: document.body, setTriggerValue() {} })
            const during = watched
            leave()
            return [during, watched]
        }""",
        [browser_source("written_steps"), skeleton("written_steps", _PARTS), data],
    )
    assert found == [1, 0]
