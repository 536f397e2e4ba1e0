"""What nobody foresaw: one sentence for the person, the trace in the server's log, and the page lives on."""

import re
import time
from urllib.parse import quote

import pytest
from playwright.sync_api import expect

from tests.browser.serving import serving

# Drawing fails from here on, until `planted` is empty again: as it is drawn, in a frame, a timer, a promise, an event.
PLANT = """
window.planted = ""
const right = CanvasRenderingContext2D.prototype.drawImage
CanvasRenderingContext2D.prototype.drawImage = function (...given) {
  if (window.planted) throw new Error(window.planted)
  return right.apply(this, given)
}
"""
SENTENCE = "This picture could not be drawn."
WELL = "All is well here."


@pytest.fixture(scope="module")
def faulty(tmp_path_factory):
    with serving(tmp_path_factory.mktemp("faulty"), ("tests.browser.faulty_server",)) as server:
        yield server


@pytest.fixture(scope="module")
def browser(chromium):
    context = chromium.new_context(viewport={"width": 1280, "height": 720})
    context.add_init_script(PLANT)
    context.set_default_timeout(60_000)
    yield context
    context.close()


@pytest.fixture
def page(browser, faulty):
    page = browser.new_page()
    yield page
    assert page.locator(".stException").count() == 0
    assert "BidiComponent Error" not in page.content()
    page.evaluate("() => localStorage.clear()")
    page.close()


def opened(page, server, text, address="attention", model="minilm"):
    page.goto(f"{server.address}/{address}?model={model}&text={quote(text)}")


def draw(page, head):
    page.locator(".st-key-head_box").get_by_role("radio", name=str(head), exact=True).click()


def drawn(page, head):
    page.locator(f".attention-view[data-ready='true'][data-map='encoder-0-{head}']").wait_for()


def logged(server, words):
    """The lines from the one that has the time to the one with these words."""
    end = time.monotonic() + 20
    while time.monotonic() < end:
        parts = re.split(r"(?m)^(?=\d{4}-\d\d-\d\d \d\d:\d\d:\d\d)", server.log.read_text())
        found = [part for part in parts if words in part]
        if found:
            return found
        time.sleep(0.1)
    raise AssertionError(f"nothing in the log says {words!r}:\n{server.log.read_text()}")


@pytest.mark.quick(1)
@pytest.mark.parametrize(
    ("text", "address", "model"),
    [
        ("planted in a page", "attention", "minilm"),
        pytest.param("planted in a fragment", "attention", "minilm", marks=pytest.mark.slow),
        pytest.param("planted in a picture", "attention", "minilm", marks=pytest.mark.slow),
        ("planted in an answer", "attention", "minilm"),
        pytest.param("planted in the sidebar", "attention", "minilm", marks=pytest.mark.slow),
        ("planted in a job", "kv_cache", "smollm2"),
    ],
)
def test_a_fault_of_ours_is_a_sentence_and_a_trace(page, faulty, text, address, model):
    opened(page, faulty, text, address, model)
    said = page.locator(".stAlert")
    expect(said).to_contain_text("not foreseen", timeout=45_000)
    assert "planted" not in said.text_content()
    traces = logged(faulty, f"PlantedError: {text}")
    assert all("Traceback (most recent call last)" in trace and " ERROR " in trace for trace in traces)
    (fault,) = re.findall(r"as fault ([0-9a-f]{6})", said.text_content())
    (line,) = [each.partition("\n")[0] for each in logged(faulty, f"fault {fault}")]
    assert model in line
    assert "planted" not in line


@pytest.mark.slow
def test_a_fault_in_a_callback_leaves_the_page_as_it_was(page, faulty):
    opened(page, faulty, WELL)
    page.locator(".attention-view[data-ready='true']").wait_for()
    box = page.locator(".st-key-text_box textarea")
    box.fill("planted in a callback")
    page.get_by_role("button", name="Look", exact=True).click()
    expect(page.locator(".stAlert")).to_contain_text("not foreseen")
    expect(page.locator(".attention-view .chip .piece").first).to_be_visible()
    logged(faulty, "PlantedError: planted in a callback")
    box.fill("A text of its own.")
    page.get_by_role("button", name="Look", exact=True).click()
    expect(page.locator(".attention-view .chip .piece").nth(1)).to_have_text("a")
    expect(page.locator(".stAlert")).to_have_count(0)


@pytest.mark.parametrize(
    "way",
    ["when it is mounted", *(pytest.param(each, marks=pytest.mark.slow) for each in ("in an event", "in an observer"))],
)
def test_a_fault_of_a_script_is_a_sentence_and_a_trace(page, faulty, way):
    words = f"planted {way}"
    opened(page, faulty, WELL, model="minilm")
    page.locator(".attention-view[data-ready='true']").wait_for()
    draw(page, 1)
    page.locator(".attention-view[data-ready='true'][data-map$='-1']").wait_for()
    page.evaluate("words => { window.planted = words }", words)
    if way == "when it is mounted":
        draw(page, 2)
    elif way == "in an event":
        page.locator(".attention-view .chip").nth(2).click()
    else:
        page.set_viewport_size({"width": 1000, "height": 700})
    said = page.locator(".attention-view .fault")
    expect(said).to_contain_text(SENTENCE)
    assert page.locator(".attention-view canvas").count() == 0, "the old picture is gone"
    assert page.locator(".attention-view[data-ready]").count() == 0
    (trace,) = logged(faulty, words)
    assert " ERROR viz.components.scaffold.mounting [attention, minilm]: The script of attention_view failed" in trace
    assert re.search(r"\| at .*paint", trace)
    # The page lives on, and the next picture that can be drawn is drawn.
    page.evaluate("() => { window.planted = '' }")
    draw(page, 3)
    page.locator(".attention-view[data-ready='true'][data-map$='-3']").wait_for()
    expect(said).to_have_count(0)


@pytest.mark.parametrize(
    ("way", "later"),
    [
        ("in a promise", "Promise.resolve().then(draw)"),
        pytest.param("in a frame", "requestAnimationFrame(draw)", marks=pytest.mark.slow),
        pytest.param("in a timer", "setTimeout(draw)", marks=pytest.mark.slow),
    ],
)
def test_a_fault_that_comes_later_is_the_script_s_as_well(page, faulty, way, later):
    """Whatever is thrown with the script in its stack, as here where it reckons with what it was given."""
    opened(page, faulty, WELL)
    page.locator(".attention-view[data-ready='true']").wait_for()
    page.locator(".attention-view").evaluate(
        """(root, [words, later]) => {
            const { value } = root.headlight
            const number = { valueOf() { throw new Error(words) } }
            new Function("draw", later)(() => value(number, number))
        }""",
        [f"planted {way}", later],
    )
    expect(page.locator(".attention-view .fault")).to_contain_text(SENTENCE)
    logged(faulty, f"planted {way}")


def test_other_scripts_faults_leave_the_picture_alone(page, faulty):
    opened(page, faulty, WELL)
    page.locator(".attention-view[data-ready='true']").wait_for()
    page.evaluate("() => { setTimeout(() => { throw new Error('somebody else') }) }")
    page.wait_for_timeout(500)
    assert page.locator(".attention-view[data-ready='true']").count() == 1
    assert "somebody else" not in faulty.log.read_text()
