"""What a person looks at stays where it is: tabs, presses and typing move nothing else by more than 8 pixels.

Whatever is on the screen when something is done is watched in every frame until all has been answered: each part with a
key of its own, headings of the inspector, the row of tabs. What is inside of a tab is another tab's then, and a text
that is being written grows. What is off stands in a row that a press takes away, and what is for a class goes with the
window. What goes with the picture that it belonged to is watched for as long as it stands.
"""

import pytest

from pages.attention.choices import HEAD_OFF
from tests.browser.tab import SIZES

MOST = 8
WATCH = """() => {
  const main = document.querySelector("[data-testid=stMain]")
  const named = "[class*=st-key-], .headlight-heading, .headlight-sentence, .stExpander, [role=tablist]"
  const places = (isFirst) => {
    const found = {}
    for (const each of main.querySelectorAll(named)) {
      if (each.closest("[role=tabpanel], .st-key-written, .st-key-changed, .st-key-for_class")) continue
      const box = each.getBoundingClientRect()
      if (box.width < 2 || box.height < 2) continue
      if (isFirst && (box.bottom < 4 || box.top > innerHeight - 4)) continue
      const key = [...each.classList].find((name) => name.startsWith("st-key-"))
      found[key ?? `${each.className.split(" ")[0]} ${each.textContent.slice(0, 30)}`] ??= box.y + main.scrollTop
    }
    return found
  }
  const first = places(true)
  const moved = (globalThis.moved = {})
  const look = () => {
    if (globalThis.moved !== moved) return
    const now = places(false)
    for (const name in first) {
      const by = Math.abs(now[name] - first[name])
      if (by > (moved[name] ?? 0)) moved[name] = Math.round(by)
    }
    requestAnimationFrame(look)
  }
  look()
}"""


def named(name, act):
    act.__name__ = name
    return act


def tab_named(name):
    return named(f"tab {name}", lambda tab: tab.open_tab(name))


def button(name):
    return named(f"button {name}", lambda tab: tab.page.get_by_role("button", name=name, exact=True).first.click())


def choice(key, name):
    def act(tab):
        tab.page.locator(f".st-key-{key}").get_by_text(name, exact=True).first.click()

    return named(f"{key} {name}", act)


def keys(place, *pressed):
    def act(tab):
        tab.page.locator(place).first.focus()
        tab.press(*pressed)

    return named(f"{place} {' '.join(pressed)}", act)


def knob(name, *pressed):
    def act(tab):
        tab.page.get_by_role("slider", name=name, exact=True).first.focus()
        for key in pressed:
            tab.press(key)
            tab.page.wait_for_timeout(30)

    return named(f"{name} {' '.join(pressed)}", act)


def pressed(place):
    return named(f"press {place}", lambda tab: tab.page.locator(place).first.click())


def wide(act):
    """On a telephone a plan runs down: what is opened in it unfolds, and pushes down what is below it."""
    return named(act.__name__, lambda tab: act(tab) if tab.page.viewport_size["width"] > 1_000 else None)


def look(text):
    return named(f"look {text}", lambda tab: tab.look(text))


def typed(name, text, key="Enter"):
    def act(tab):
        box = tab.page.get_by_role("textbox", name=name)
        box.fill(text)
        box.press(key)

    return named(f"type {text}", act)


def all_tabs(tab):
    names = tab.page.locator(".stTabs").first.get_by_role("tab").all_text_contents()
    assert len(names) > 2
    return [tab_named(name) for name in names[1:]]


# Without tabs, or with those of another case.
WHOLE = ("lessons", "room", "heads by effects")
LONGER = "The animal didn't cross the street because it was too tired."
# What stands in the address, what is done on a page, and which of that is done in each run.
CASES = {
    "attention": (
        {"model": "minilm", "text": "The animal was tired.", "layer": 3, "head": 1},
        [
            keys(".attention-view .over", "x"),
            button("All on again"),
            choice("head_box", "5"),
            look(LONGER),
            keys(".attention-view .over", "x"),
            keys(".attention-view .over", "t"),
            button("All on again"),
            choice("view_box", "Heads"),
            choice("view_box", "Model"),
            choice("view_box", "q·k"),
            choice("view_box", "Matrix"),
            look("Yes."),
        ],
        4,
    ),
    "tokenizers": (
        {"text": "unbelievably long words, cut anew", "tokenizers": "gpt2,smollm2"},
        [look("short"), look("strawberry and a strawberry, 1234567, สวัสดี 🍓 and other words")],
        1,
    ),
    "embeddings": (
        {"model": "smollm2", "text": "A bank by the river.\nThe bank lent money."},
        [
            button("Next layer"),
            keys(".vector-map .main", "ArrowDown", "Enter"),
            choice("show_box", "Logit lens"),
            choice("show_box", "In context"),
        ],
        2,
    ),
    "heads": (
        {"model": "smollm2", "text": "The committee rejected every proposal."},
        [
            keys(".head-atlas .field", "ArrowDown", "Enter"),
            choice("show_box", "Effects"),
            choice("show_box", "Roles"),
            look("The committee that the minister appointed rejected every proposal."),
        ],
        1,
    ),
    "heads by effects": (
        {"model": "smollm2", "text": "The committee rejected every proposal.", "heads_by": "effects"},
        [
            keys(".head-atlas .field", "ArrowDown", "Enter"),
            typed("Token", " of"),
            choice("part_box", "MLPs"),
            choice("part_box", "All"),
        ],
        4,
    ),
    "lessons": (
        {},
        [
            pressed(".st-key-own_lessons summary"),
            button("Make a lesson"),
            typed("Title", "Two banks"),
            typed("What one will be able to do", "To tell one from the other"),
        ],
        4,
    ),
    "room": (
        {},
        [typed("Or enter a room: its code", "no room has this code")],
        1,
    ),
    "anatomy": (
        {"model": "smollm2", "text": "The capital of France is"},
        [
            wide(pressed(".block-diagram [data-path='layer.0-29/mlp']")),
            wide(pressed(".block-diagram [data-path='layer.0-29/self_attn']")),
            choice("plan_shade_box", "Operations"),
        ],
        1,
    ),
    "kv_cache": (
        {"model": "smollm2", "text": "Once upon a time", "tokens": 8},
        [button("Previous token"), keys(".cache-growth .field", "ArrowLeft", "Enter")],
        2,
    ),
    "sampling": (
        {"model": "smollm2", "text": "The capital of France is"},
        [
            knob("Temperature", "Home"),
            knob("Top-k", "ArrowRight"),
            typed("Who killed this token?", "green"),
            knob("Temperature", *["ArrowRight"] * 9),
            knob("Top-p (nucleus)", "End"),
            knob("Min-p", "ArrowRight"),
            button("Focused"),
            button("Broken"),
            button("Reset all knobs"),
            button("Write"),
            look("Once upon a time, in a small village by the sea, there lived a"),
        ],
        3,
    ),
}


def moves(tab, acts):
    """By what was done: what of what was on the screen moved."""
    found = {}
    for act in acts:
        tab.page.evaluate(WATCH)
        act(tab)
        tab.page.wait_for_timeout(300)
        tab.page.locator("[data-testid=stApp][data-test-script-state=notRunning]").wait_for()
        tab.page.wait_for_timeout(500)
        moved = tab.page.evaluate("() => globalThis.moved")
        found[act.__name__] = {name: by for name, by in moved.items() if by > MOST}
    return {name: each for name, each in found.items() if each}


def opened(new_tab, page, size, **query):
    tab = new_tab(size=size)
    tab.goto(page.split()[0], **query)
    tab.page.locator(".headlight[data-ready='true'], .st-key-open_room").first.wait_for()
    tab.page.locator("[data-testid=stApp][data-test-script-state=notRunning]").wait_for()
    tab.page.wait_for_timeout(1_500)
    return tab


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}")
@pytest.mark.parametrize(
    "page", [pytest.param(each, marks=[] if each == "sampling" else pytest.mark.slow) for each in CASES]
)
def test_a_press_moves_nothing_else(new_tab, page, size):
    query, acts, count = CASES[page]
    assert moves(opened(new_tab, page, size, **query), acts[:count]) == {}


@pytest.mark.slow
@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}")
@pytest.mark.parametrize("page", [each for each in CASES if each not in WHOLE])
def test_all_that_is_done_moves_nothing_else(new_tab, page, size):
    query, acts, count = CASES[page]
    tab = opened(new_tab, page, size, **query)
    assert moves(tab, [*acts[count:], *all_tabs(tab)]) == {}


def guess(tab):
    rail = tab.page.locator(".lesson-rail")
    rail.get_by_role("button", name="This is my guess").click()
    rail.get_by_role("status").wait_for()


@pytest.mark.parametrize("size", [pytest.param(size, marks=pytest.mark.slow, id=f"{size[0]}") for size in SIZES])
def test_a_guess_moves_nothing_of_the_picture(new_tab, size):
    tab = opened(new_tab, "tokenizers", size, lesson="tokens", lesson_step=2)
    assert moves(tab, [guess]) == {}


@pytest.mark.slow
@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}")
def test_what_a_teacher_presses_moves_nothing(new_tab, size):
    tab = new_tab(size=size)
    tab.goto("room")
    button("Open a room")(tab)
    tab.page.locator(".room-bar[data-role='teacher']").wait_for()
    code = tab.page.locator(".room-bar").get_attribute("data-room")
    tab.open(code=code, model="minilm", text=LONGER, layer=3, head=1)
    tab.page.locator(".room-bar[data-role='teacher']").wait_for()
    tab.page.wait_for_timeout(1_500)
    acts = [button(name) for name in ("Freeze", "Unfreeze", "Let all explore", "Call all back", "End the room")]
    assert moves(tab, acts) == {}


@pytest.mark.slow
@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}")
def test_who_switches_a_head_off_goes_on_looking_at_the_picture(new_tab, size):
    """It opens the tab of that head, which is far below."""
    tab = opened(new_tab, "attention", size, model="minilm", text=LONGER, layer=3, head=1)
    tab.page.locator(".attention-view .over").first.focus()

    def place():
        return tab.page.locator("[data-testid=stMain]").evaluate("main => main.scrollTop")

    before = tab.settled(place)
    tab.press("x")
    tab.page.get_by_role("tab", name=HEAD_OFF, selected=True).wait_for()
    tab.page.locator(".st-key-all_on").wait_for()
    assert abs(tab.settled(place) - before) <= MOST


@pytest.mark.slow
def test_what_is_waited_for_moves_nothing(new_tab):
    tab = opened(new_tab, "tokenizers", SIZES[0])

    def wait(tab):
        for place in tab.page.locator("[class*=st-key-waited_for]").all():
            assert place.evaluate("each => each.append(document.createElement('hr')) ?? each.isConnected")
            place.locator("hr").evaluate("each => (each.style.height = '70px')")

    assert tab.page.locator("[class*=st-key-waited_for]").count() == 2
    assert moves(tab, [wait]) == {}


@pytest.mark.slow
def test_what_moves_is_found(new_tab):
    tab = opened(new_tab, "tokenizers", SIZES[0])

    def push(tab):
        tab.page.evaluate("() => document.querySelector('.st-key-top').style.marginTop = '12px'")

    assert moves(tab, [push])["push"]["st-key-columns"] == 12
