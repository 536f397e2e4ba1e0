"""BertViz's own views draw without a network, in a frame that reaches nothing, whatever the text is."""

import numpy as np
import pytest
from playwright.sync_api import expect

TAB = "What does BertViz show?"
TEXT = "The keys are here."
FRAME = ".framed-document[data-ready='true'] iframe"
HOSTILE = '</script><img src=x onerror="window.hacked=1"><!-- &lt;'
LINES = "() => [...document.querySelectorAll('#attention line')].map(each => +each.getAttribute('stroke-opacity'))"


def bertviz(tab, view="Head view"):
    """The frame, once this view is drawn in it."""
    frame = tab.page.locator(FRAME).and_(tab.page.get_by_title(f"BertViz: {view.lower()}"))
    frame.wait_for()
    # On a busy machine the frame is there before its document is.
    for _ in range(100):
        document = frame.element_handle().content_frame()
        if document is not None:
            return document
        tab.page.wait_for_timeout(100)
    raise AssertionError(f"the frame of BertViz's {view.lower()} stayed empty")


def choose(tab, view):
    tab.page.locator(".st-key-bertviz_view_box").get_by_role("radio", name=view, exact=True).click()
    return bertviz(tab, view)


def count(frame, what="line"):
    return frame.locator(what).count()


def test_the_head_view_draws_the_weights(tab, weights):
    tab.open(text=TEXT, layer=3, head=1).open_tab(TAB)
    frame = bertviz(tab)
    tokens = frame.locator("#left text").all_text_contents()
    assert tokens == tab.tokens
    assert frame.locator("#layer").input_value() == "3", "it opens on the layer that is looked at"
    for layer in (0, 3):
        frame.locator("#layer").select_option(str(layer))
        exact = weights("minilm", TEXT, layer)
        assert count(frame) == exact.size
        np.testing.assert_allclose(frame.evaluate(LINES), exact.ravel() / 12, rtol=0, atol=1e-5)
    # Pointing at a token leaves its own lines.
    frame.locator("#left text").nth(2).hover()
    assert count(frame, "line[visibility=visible]") == 12 * len(tokens)
    # Two clicks on a square leave its head alone: of 12 heads' lines, one's.
    frame.locator("svg > g:last-of-type > rect").nth(1).dblclick()
    np.testing.assert_allclose(
        frame.evaluate(LINES)[len(tokens) ** 2 :][: len(tokens) ** 2], exact[1].ravel(), atol=1e-4
    )


@pytest.mark.slow
def test_the_model_view_draws_every_head(tab, weights):
    tab.open(text=TEXT, layer=3, head=1).open_tab(TAB)
    frame = choose(tab, "Model view")
    size = weights("minilm", TEXT, 0).size
    assert count(frame) == 6 * size
    assert count(frame, ".attn_background") == 72
    # What still arrives below moves the frame under the pointer.
    tab.page.locator("[data-testid='stApp'][data-test-script-state='notRunning']").wait_for()
    tab.page.locator(".st-key-bertviz").scroll_into_view_if_needed()
    tab.page.wait_for_timeout(500)
    frame.locator("#attn_background_3_1").click(force=True)
    expect(frame.locator("text.detail")).to_have_text("Layer 3, Head 1")
    box = tab.page.locator(FRAME).bounding_box()
    drawn = frame.evaluate("() => document.querySelector('svg').getBoundingClientRect().right")
    assert drawn <= box["width"] + 1, "it is as wide as there is room"


@pytest.mark.slow
def test_only_the_chosen_layer(tab):
    tab.open(text=TEXT, layer=3, head=1).open_tab(TAB)
    bertviz(tab)
    tab.page.locator(".st-key-bertviz_alone_box label").first.click()
    tab.page.frame_locator(FRAME).locator("#layer option").and_(
        tab.page.frame_locator(FRAME).get_by_text("3", exact=True)
    ).wait_for(state="attached")
    assert bertviz(tab).locator("#layer option").all_text_contents() == ["3"]


@pytest.mark.slow
def test_another_head_does_not_draw_it_again(tab):
    tab.open(text=TEXT, layer=3, head=1).open_tab(TAB)
    bertviz(tab).evaluate("() => { document.body.dataset.same = 'yes' }")
    tab.choose_head(7)
    tab.wait_for_map("encoder-3-7")
    assert bertviz(tab).evaluate("() => document.body.dataset.same") == "yes"


@pytest.mark.parametrize(
    ("model", "way"), [("minilm", "typed"), pytest.param("smollm2", "in a link", marks=pytest.mark.slow)]
)
def test_a_hostile_text_does_nothing(tab, model, way):
    if way == "typed":
        tab.open(model=model).look(HOSTILE)
        tab.wait_for_query(text=HOSTILE)
    else:
        tab.open(model=model, text=HOSTILE)
    tab.open_tab(TAB)
    for view in ("Head view", "Model view"):
        frame = choose(tab, view) if view == "Model view" else bertviz(tab)
        assert count(frame) > 0
        assert count(frame, "img") == 0
        assert frame.evaluate("() => window.hacked") is None
    assert tab.page.evaluate("() => window.hacked") is None
    assert tab.page.locator("img[src=x]").count() == 0


def test_the_frame_reaches_nothing(tab):
    tab.open(text=TEXT).open_tab(TAB)
    frame = bertviz(tab)
    assert frame.evaluate("() => origin") == "null"
    assert frame.evaluate("() => { try { return parent.document.title } catch (error) { return error.name } }") == (
        "SecurityError"
    )


# BertViz reads its own script without closing it.
@pytest.mark.filterwarnings("ignore:unclosed file .*bertviz.*:ResourceWarning")
@pytest.mark.parametrize("view", ["head", "model"])
def test_whole_tokens_that_are_hostile_stay_text_outside_of_a_frame_too(chromium, view):
    """As a file that somebody opens: nothing guards it but itself."""
    from models.attention import bertviz_drawing
    from viz.bertviz_document import bertviz_document

    tokens = ["</script><img src=x onerror=window.hacked=1>", "<!--<script>", "\u2028", "\"'\\"]
    drawing = bertviz_drawing([np.full((2, 4, 4), 0.25, dtype=np.float32)] * 2, tokens, view)
    document = bertviz_document(view, drawing.elements, drawing.scripts)
    page = chromium.new_page()
    said = []
    page.on("console", lambda message: said.append(message.text) if message.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("request", lambda request: said.append(request.url))
    page.set_content(document)
    assert page.locator("line").count() == (32 if view == "head" else 64)
    assert page.evaluate("() => window.hacked") is None
    if view == "head":
        assert page.locator("#left text").all_text_contents() == tokens
    assert said == []
    # Were a script let in after all, the document's policy would not run it.
    page.evaluate(
        "() => new Promise(done => { addEventListener('securitypolicyviolation', done, { once: true });"
        ' document.body.insertAdjacentHTML("beforeend", "<img src=data:, onerror=window.hacked=1>") })'
    )
    assert page.evaluate("() => window.hacked") is None
    page.close()


@pytest.mark.slow
def test_the_file_draws_by_itself(tab, chromium, tmp_path):
    tab.open(text=HOSTILE).open_tab(TAB)
    frame = bertviz(tab)
    lines = count(frame)
    file = tmp_path / "bertviz.html"
    file.write_text(tab.download("This view as an HTML file"), encoding="utf-8")
    context = chromium.new_context(offline=True)
    page = context.new_page()
    said = []
    page.on("console", lambda message: said.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("request", lambda request: said.append(request.url) if request.url != file.as_uri() else None)
    page.goto(file.as_uri())
    assert page.locator("line").count() == lines
    assert page.evaluate("() => window.hacked") is None
    assert said == []
    context.close()


@pytest.mark.slow
def test_it_has_the_colours_of_the_page(new_tab):
    tab = new_tab(color_scheme="dark")
    tab.open(text=TEXT).open_tab(TAB)
    frame = bertviz(tab)
    ground = "() => getComputedStyle(document.body).backgroundColor"
    frame.wait_for_function("() => document.documentElement.dataset.scheme === 'dark'")
    assert frame.evaluate(ground) == "rgb(17, 21, 29)"


@pytest.mark.slow
def test_what_is_too_large_offers_headlight_s_own_view(tab):
    tab.open(text="one " * 300, layer=3, head=1).open_tab(TAB)
    tab.page.locator(".st-key-bertviz_too_large").get_by_text("draws each line as an element of its own").wait_for()
    assert tab.page.locator(FRAME).count() == 0
    tab.page.locator(".st-key-bertviz_own_model button").click()
    tab.wait_for_query(view="model")
