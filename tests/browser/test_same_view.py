"""A copied link opens the view that it was copied from, whatever a person did to come there."""

import re

import numpy as np
import pytest
from playwright.sync_api import expect

ANIMAL = "The animal didn't cross the street because it was too tired."
LUCK = "same-luck-another-setting"
SHOWN = """() => {
  const all = (root, found = []) => {
    for (const each of root.querySelectorAll("*")) {
      if (each.matches(".headlight")) found.push(each)
      if (each.shadowRoot) all(each.shadowRoot, found)
    }
    return found
  }
  const text = (each) => each?.innerText ?? null
  const main = document.querySelector("[data-testid=stMain]")
  return {
    pictures: all(main).map((root) => {
      const { ready, ...facts } = root.dataset
      const left = root.cloneNode(true)
      for (const each of left.querySelectorAll(".tip, .unseen, .tools button:disabled")) each.remove()
      return [facts, left.textContent]
    }),
    part: all(main).map((root) => root.matches("[data-view=matrix]") && [0, 1].map((at) => {
      const { x, y } = root.headlight.place(at, at)
      const box = root.getBoundingClientRect()
      return [x - box.x, y - box.y]
    })),
    inspector: text(main.querySelector(".st-key-inspector")),
    tab: text(main.querySelector("[role=tab][aria-selected=true]")),
    below: [...main.querySelectorAll("[role=tabpanel]")].map((panel) => [
      text(panel),
      [...panel.querySelectorAll("input, textarea, [role=slider]")].map((each) => each.value ?? each.ariaValueText),
    ]),
  }
}"""


def settled(tab):
    """What is on the screen, once it has been the same for a while."""
    before, same = None, 0
    for _ in range(100):
        tab.page.wait_for_timeout(150)
        now = tab.page.evaluate(SHOWN)
        is_running = tab.page.locator("[data-testid='stApp'][data-test-script-state='running']").count()
        same = same + 1 if now == before and not is_running else 0
        before = now
        if same >= 5:
            return now
    raise AssertionError("it does not come to rest")


def in_the_link(tab, name):
    tab.page.wait_for_function("name => new URLSearchParams(location.search).has(name)", arg=name)


def a_tab(tab):
    tab.open(text=ANIMAL, model="minilm", layer=3, head=1).open_tab("What if this head were off?")


def a_pin(tab):
    tab.open(text=ANIMAL, model="minilm", layer=3, head=1)
    tab.page.mouse.click(*tab.place(tab.tokens.index("it"), tab.tokens.index("animal")))
    expect(tab.page.get_by_role("button", name="link it → animal")).to_be_visible()
    tab.wait_for_query(pin="2")


def a_zoom(tab):
    tab.open(text=ANIMAL, model="minilm", layer=3, head=1)
    tab.page.locator(".attention-view .over").focus()
    tab.press("+", "+")
    in_the_link(tab, "zoom")


def a_comparison(tab):
    tab.open(text="The cat sat.", model="smollm2").open_tab("What if another word stood there?")
    box = tab.page.locator(".st-key-other_box textarea")
    box.fill("A big dog barked.")
    box.press("Control+Enter")
    tab.wait_for_query(other="A big dog barked.")


def a_view(tab):
    tab.open(text=ANIMAL, model="minilm", layer=3, head=1).choose_view("Heads")
    tab.wait_for_query(view="heads")


def a_head_off(tab):
    tab.open(text=ANIMAL, model="minilm", layer=3, head=1)
    tab.page.locator(".attention-view .over").focus()
    tab.press("x")
    tab.wait_for_query(changed="head:encoder-3-1")


def a_step(tab):
    tab.goto(text="knight", model="spelling_to_sound")
    tab.page.locator(".written-steps .chip.written").nth(2).click()
    tab.wait_for_query(step="2")


def a_stretch(tab):
    tab.goto("tokenizers", text="unbelievably long words", tokenizers="gpt2,minilm")
    tab.page.locator(".token-columns .chip").nth(2).click()
    in_the_link(tab, "stretch")


def a_neighbour(tab):
    tab.goto("embeddings")
    tab.page.locator(".vector-map[data-ready='true']").wait_for()
    tab.page.locator(".vector-map canvas.main").focus()
    tab.press("ArrowDown", "ArrowDown", "Enter")
    tab.page.wait_for_timeout(1000)


def a_branch(tab):
    tab.goto("sampling", model="smollm2", text="The capital of France is", max_new_tokens=8)
    tab.page.get_by_role("button", name="Write", exact=True).click()
    tab.page.locator(".written-text[data-done='true']").wait_for()
    tab.page.locator(".written-text .text .token").nth(3).click()
    tab.wait_for_query(at="3")
    tab.page.locator(".next-token .token:not(.drawn)").first.click()
    tab.page.get_by_role("button", name=re.compile("^Go on with")).click()
    in_the_link(tab, "branch")
    tab.page.locator(".written-text[data-done='true'] .branch").first.wait_for()


def a_held_token(tab):
    tab.open(text=ANIMAL, model="minilm", layer=3, head=1, view="heads")
    tab.page.locator(".attention-view .over").focus()
    tab.press("ArrowRight", "ArrowDown", "Enter")
    in_the_link(tab, "held")


def a_merge(tab):
    tab.goto("tokenizers", text="unbelievably long words", tokenizers="gpt2,minilm", stretch="0-12")
    thumb = tab.page.get_by_role("slider", name=re.compile("^Merges of pre-token 1"))
    thumb.press("ArrowLeft")
    in_the_link(tab, "merges")


def another_order(tab):
    tab.goto("embeddings", model="minilm", text="A bank by the river.", tab="does-order-matter")
    box = tab.page.get_by_role("textbox", name="The same words in another order")
    box.fill("A river by the bank.")
    box.press("Enter")
    tab.wait_for_query(swapped="A river by the bank.")
    box.blur()


def a_plan(tab):
    tab.goto("kv_cache", model="smollm2", text="Once upon a time", tokens=8, tab="what-if")
    box = tab.page.get_by_label("Texts at once")
    box.fill("64")
    box.press("Enter")
    tab.wait_for_query(rows="64")


def other_luck(tab):
    tab.goto("sampling", model="smollm2", text="The capital of France is", max_new_tokens=4, tab=LUCK)
    tab.page.locator(".st-key-luck_written").wait_for()
    box = tab.page.get_by_role("combobox", name=re.compile("The settings above against"))
    box.click()
    box.press_sequentially("Broken")
    tab.page.get_by_role("option", name="Broken", exact=True).wait_for()
    box.press("Enter")
    tab.wait_for_query(luck="Broken")
    expect(tab.page.locator(".st-key-luck_written")).to_contain_text("Broken")


OF_TABS = [a_held_token, a_merge, another_order, a_plan, other_luck]
STATES = [a_tab, a_pin, a_zoom, a_comparison, a_view, a_head_off, a_step, a_stretch, a_neighbour, a_branch, *OF_TABS]


@pytest.mark.parametrize(
    "state",
    [pytest.param(each, marks=[] if each in (a_pin, a_comparison) else pytest.mark.slow) for each in STATES],
)
def test_a_link_opens_the_same_view(new_tab, state):
    mine = new_tab()
    state(mine)
    mine.page.mouse.move(2, 2)
    seen = settled(mine)
    other = new_tab(somebody_else=True)
    other.page.goto(mine.page.url)
    other.page.locator(".headlight[data-ready='true']").first.wait_for()
    found = settled(other)
    # The link has hundredths of a token.
    np.testing.assert_allclose(places_of(found), places_of(seen), atol=1)
    assert found == seen


def places_of(shown):
    """Where two cells of each map are, in pixels of the picture; taken out of what is compared exactly."""
    return np.array([each for each in shown.pop("part") if each]).ravel()
