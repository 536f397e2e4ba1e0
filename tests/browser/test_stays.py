"""What a person looks at stays where it is: tabs, buttons and typing move it by 8 pixels at most."""

import pytest

# How far each of these has been from where it was, at any frame.
WATCH = """(all) => {
  const main = document.querySelector("[data-testid=stMain]")
  const y = (each) => document.querySelector(each)?.getBoundingClientRect().y + main.scrollTop
  const first = all.map(y)
  globalThis.moved = all.map(() => 0)
  const look = () => {
    all.forEach((each, at) => (moved[at] = Math.max(moved[at], Math.abs(y(each) - first[at]) || 0)))
    requestAnimationFrame(look)
  }
  look()
}"""


def tabs_of(*names):
    return [lambda tab, name=name: tab.page.get_by_role("tab", name=name).click() for name in names]


def a_head_off(tab):
    tab.page.locator(".attention-view .over").focus()
    tab.press("x")
    tab.page.locator(".st-key-all_on").wait_for()


def all_on(tab):
    tab.page.get_by_role("button", name="All on again").click()
    tab.page.locator(".st-key-all_on").wait_for(state="detached")


def another_text(tab):
    tab.page.get_by_role("tab", name="What if another word stood there?").click()
    box = tab.page.locator(".st-key-other_box textarea")
    box.fill("A big dog barked.")
    box.press("Control+Enter")


def a_knob(tab):
    tab.page.get_by_role("slider", name="Temperature", exact=True).focus()
    tab.press("ArrowRight")


def a_word(tab):
    box = tab.page.get_by_role("textbox", name="Who killed this token?")
    box.fill("green")
    box.press("Enter")


def a_plan(tab):
    tab.page.get_by_role("tab", name="What if?").click()
    box = tab.page.get_by_role("spinbutton", name="Texts at once")
    box.fill("64")
    box.press("Enter")


CASES = {
    "attention": (
        {"model": "minilm", "text": "The animal was tired.", "layer": 3, "head": 1},
        [".st-key-map", ".st-key-layer_box"],
        [a_head_off, all_on, another_text, *tabs_of("What does BertViz show?", "Take it with you")],
    ),
    "tokenizers": (
        {"text": "unbelievably long words, cut anew", "tokenizers": "gpt2,smollm2"},
        [".st-key-columns", ".st-key-below_tokenizers"],
        tabs_of("What does it cost?", "On the way to ids?", "Bring your own"),
    ),
    "embeddings": (
        {"model": "minilm", "text": "A bank by the river.\nThe bank lent money."},
        [".st-key-map_of_layers", ".st-key-below_embeddings"],
        tabs_of("How similar are they?", "Does order matter?", "How many numbers?"),
    ),
    "sampling": (
        {"model": "smollm2", "text": "The capital of France is"},
        [".st-key-stages", ".st-key-knobs"],
        [a_knob, a_word, *tabs_of("Does it really draw so?", "What does beam search find?")],
    ),
    "kv_cache": (
        {"model": "smollm2", "text": "Once upon a time", "tokens": 8},
        [".cache-growth", ".st-key-below_kv_cache"],
        [a_plan, *tabs_of("Does the formula agree?", "When does it outgrow the model?")],
    ),
}


@pytest.mark.parametrize(
    "page",
    [each if each in ("attention", "sampling") else pytest.param(each, marks=pytest.mark.slow) for each in CASES],
)
def test_it_stays(new_tab, page):
    query, stays, acts = CASES[page]
    tab = new_tab()
    tab.goto(page, **query)
    tab.page.locator(".headlight[data-ready='true']").first.wait_for()
    tab.page.locator("[data-testid=stApp][data-test-script-state=notRunning]").wait_for()
    tab.page.wait_for_timeout(2_000)
    tab.page.evaluate(WATCH, stays)
    for act in acts:
        act(tab)
        tab.page.wait_for_timeout(400)
        tab.page.locator("[data-testid=stApp][data-test-script-state=notRunning]").wait_for()
        tab.page.wait_for_timeout(300)
        moved = dict(zip(stays, tab.page.evaluate("() => globalThis.moved"), strict=True))
        assert max(moved.values()) <= 8, (act.__name__, moved)
