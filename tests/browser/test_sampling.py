"""The sampling page in Chromium: the curve is the model's, the text is the seed's, whoever else is there."""

import re

import pytest
import torch
from playwright.sync_api import TimeoutError as NothingCame
from playwright.sync_api import expect

from models.decoding import BranchPoint, DecodingSettings, WriteRequest, sampling_stages
from models.engine import engine
from tests.browser.tab import colour_of
from tests.one_thread import one_thread
from viz.palette import DARK

PICTURE = ".next-token[data-ready='true']"
DONE = ".written-text[data-done='true']"
PARIS = "The capital of France is"
WAIT = 45_000
HERE = {"model": "smollm2", "text": PARIS}


@pytest.fixture(scope="module", autouse=True)
def one_torch_thread():
    with one_thread():
        yield


def settings(**more):
    return DecodingSettings(**{"temperature": 1.0, "top_p": 0.9, "seed": 5} | more)


def own_stages(written=(), **more):
    """The ids from the likeliest on, and by name each stage's probabilities in that order."""
    loaded = engine.model("smollm2")
    ids = [*loaded.tokenizer(PARIS)["input_ids"], *written]
    with torch.inference_mode():
        logits = loaded.model(input_ids=torch.tensor([ids])).logits[0, -1]
    order = torch.sort(logits, descending=True, stable=True).indices
    stages = sampling_stages(loaded, logits, ids, settings(**more), prompt_length=len(ids) - len(written))
    return order.tolist(), {stage.name: stage.probabilities[order].tolist() for stage in stages}


def own_steps(branch=(), **more):
    return engine.run(WriteRequest("smollm2", PARIS, settings(**more), branch))


def text_of(steps):
    return "".join(step.text for step in steps)


def root(tab):
    return tab.page.locator(PICTURE)


def opened(tab, /, **query):
    """Open a link and wait for the picture. A page that stands still once is reloaded, and says how it stood."""
    tab.goto("sampling", **query)
    try:
        root(tab).wait_for(timeout=WAIT)
    except NothingCame:
        script = tab.page.locator("[data-testid=stApp]").get_attribute("data-test-script-state")
        print("stood still:", query, script, tab.page.locator("body").inner_text()[:2_000])
        tab.page.reload()
        root(tab).wait_for(timeout=WAIT)
    return tab


def wait_for_survivors(tab, count):
    expect(root(tab)).to_have_attribute("data-survivors", str(count), timeout=WAIT)


def curve(tab, stage):
    """Rank and probability of each of the first points."""
    return root(tab).evaluate(
        "(root, stage) => [...Array(300).keys()].map(rank => [rank, root.headlight.value(stage, rank)])"
        ".filter(([, value]) => value !== null)",
        stage,
    )


def assert_curve_is(tab, stage, expected):
    points = curve(tab, stage)
    assert [rank for rank, _ in points[:2]] == [0, 1]
    assert points[-1][0] > 200
    for rank, value in points:
        assert value == pytest.approx(expected[rank], rel=1e-3, abs=1e-12)


def written(tab):
    return tab.page.locator(DONE).evaluate("root => root.headlight.text()")


def test_a_slider_moved_by_keyboard_moves_the_curve(tab):
    opened(tab, **HERE)
    wait_for_survivors(tab, 10)
    assert_curve_is(tab, "top-p", own_stages()[1]["top-p"])
    tab.page.get_by_role("slider", name="Temperature", exact=True).focus()
    tab.press("End")
    _, stages = own_stages(temperature=2.0)
    wait_for_survivors(tab, sum(share > 0 for share in stages["top-p"]))
    for stage in ("raw", "temperature", "top-p", "renormalised"):
        assert_curve_is(tab, stage, stages[stage])
    tab.wait_for_query(temperature="2.0")
    tab.press("ArrowLeft")
    wait_for_survivors(tab, sum(share > 0 for share in own_stages(temperature=1.95)[1]["top-p"]))


@pytest.mark.slow
def test_a_slider_that_is_moved_as_soon_as_it_has_the_focus_is_heard(tab):
    """The picture asks for its scores in the same message."""
    opened(tab, **HERE)
    wait_for_survivors(tab, 10)
    tab.page.wait_for_timeout(2_000)
    tab.page.get_by_role("slider", name="Temperature", exact=True).evaluate(
        """input => {
          const key = { key: "End", bubbles: true, composed: true }
          const press = (type) => input.dispatchEvent(new KeyboardEvent(type, key))
          input.focus()
          press("keydown")
          input.value = 2
          input.dispatchEvent(new Event("input", { bubbles: true }))
          press("keyup")
        }"""
    )
    tab.wait_for_query(temperature="2.0")


@pytest.mark.slow
def test_a_token_of_the_text_is_opened_and_another_way_is_taken(tab):
    opened(tab, **HERE, max_new_tokens=8)
    tab.page.get_by_role("button", name="Write", exact=True).click()
    tab.page.locator(DONE).wait_for()
    wait_for_survivors(tab, 10)
    drawn = own_steps(max_new_tokens=8)
    assert written(tab) == text_of(drawn)
    tab.page.locator(".written-text .text .token").nth(3).click()
    tab.wait_for_query(at="3")
    before = [step.token_id for step in drawn[:3]]
    order, stages = own_stages(before)
    last = list(stages.values())[-1]
    left = sum(share > 0 for share in last)
    assert left != 10
    wait_for_survivors(tab, left)
    tokens = root(tab).evaluate("root => root.headlight.tokens()")
    assert [each["id"] for each in tokens[:24]] == order[:24]
    assert [each["share"] for each in tokens[:24]] == pytest.approx(last[:24], rel=1e-3)
    assert_curve_is(tab, "raw", stages["raw"])

    other = next(each for each in order if each != drawn[3].token_id)
    tab.page.locator(".next-token .token").nth(order.index(other)).click()
    tab.wait_for_query(pick=str(other))
    tab.page.get_by_role("button", name=re.compile("^Go on with")).click()
    tab.wait_for_query(branch=f"3.{other}")
    expect(tab.page.locator(f"{DONE} .tree .branch")).to_have_count(2, timeout=WAIT)
    expected = text_of(own_steps((BranchPoint(3, other),), max_new_tokens=8))
    assert written(tab) == expected
    tab.page.reload()
    tab.page.locator(DONE).wait_for()
    assert written(tab) == expected
    tab.page.locator(".written-text .branch").first.click()
    expect(tab.page.locator(".written-text .branch").first).to_have_attribute("aria-selected", "true", timeout=WAIT)
    assert written(tab) == text_of(drawn)


def test_a_stage_is_switched_off_and_moved_and_restored(tab):
    opened(tab, **HERE, temperature=2)
    cut = sum(share > 0 for share in own_stages(temperature=2)[1]["top-p"])
    wait_for_survivors(tab, cut)
    toggle = tab.page.get_by_role("switch", name="top-p")
    toggle.click()
    wait_for_survivors(tab, 49_152)
    expect(toggle).to_have_attribute("aria-checked", "false", timeout=WAIT)
    toggle.click()
    wait_for_survivors(tab, cut)

    badge = tab.page.locator(".next-token .badge")
    name = tab.page.locator(".next-token [data-stage='top-p'] .name")
    restore = tab.page.get_by_role("button", name="Restore it")
    expect(badge).to_have_text("In transformers' own order.", timeout=WAIT)
    name.focus()
    tab.press("Alt+ArrowLeft")
    expect(badge).to_have_text("Not transformers' order", timeout=WAIT)
    wait_for_survivors(tab, 10)
    other = own_stages(temperature=2, order=("top-p", "temperature"))[1]
    assert root(tab).evaluate("root => root.headlight.stages()") == list(other)
    assert_curve_is(tab, "temperature", other["temperature"])
    restore.click()
    wait_for_survivors(tab, cut)
    expect(restore).to_be_hidden(timeout=WAIT)

    name.click()
    tab.page.get_by_role("button", name="top-p earlier").click()
    expect(badge).to_have_text("Not transformers' order", timeout=WAIT)
    wait_for_survivors(tab, 10)
    tab.wait_for_query(order="top-p,temperature", stage="top-p")


@pytest.mark.slow
def test_four_who_write_at_once_each_get_their_own_text(new_tab):
    tabs = [new_tab() for _ in range(4)]
    for seed, tab in enumerate(tabs):
        tab.goto("sampling", **HERE, written=f"max_new_tokens=8&temperature=1.0&seed={seed}")
    found = []
    for tab in tabs:
        tab.page.locator(DONE).wait_for()
        found.append(written(tab))
    assert found == [text_of(own_steps(max_new_tokens=8, top_p=1.0, seed=seed)) for seed in range(4)]
    assert len(set(found)) > 2


@pytest.mark.slow
def test_the_page_fits_in_the_dark(new_tab):
    tab = new_tab(color_scheme="dark")
    for _ in tab.opened_in_sizes(lambda tab: opened(tab, **HERE), root(tab)):
        assert colour_of(root(tab), "headlight-ink") == DARK.ink
