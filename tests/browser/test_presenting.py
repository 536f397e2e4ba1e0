"""A page is shown to a class: the projector, results covered until they are guessed, a lesson step by step."""

from itertools import pairwise

from playwright.sync_api import expect

COVERED = "[data-covered=yes]"
ANIMAL = "The animal didn't cross the street because it was too tired."
OPENED = {"text": ANIMAL, "model": "minilm", "layer": 3, "head": 1, "token": 10}


def test_p_is_the_projector_and_back_but_not_in_a_field(tab):
    tab.open(**OPENED)
    box = tab.page.locator(".st-key-text_box textarea")
    box.focus()
    tab.press("End", "p")
    expect(box).to_have_value(f"{ANIMAL}p")
    assert tab.page.locator(".st-key-projected").count() == 0
    box.fill(ANIMAL)
    box.blur()
    tab.press("p")
    tab.page.locator(".st-key-projected").wait_for()
    tab.wait_for_query(projector="on")
    for away in ("[data-testid='stSidebar']", ".st-key-layer_box", ".st-key-text_box", "[role=tablist]"):
        expect(tab.page.locator(away)).not_to_be_visible()
    expect(tab.page.locator(".headlight-projected.which")).to_have_text("Matrix · Encoder attention · L3 H1")
    tab.press("p")
    tab.page.locator(".st-key-text_box").wait_for()
    tab.page.wait_for_function("() => !new URLSearchParams(location.search).has('projector')")


def test_what_is_off_is_switched_on_again_on_the_projector(tab):
    tab.open(projector="on", changed="head:encoder-3-1,token:2", **OPENED)
    tab.page.get_by_role("button", name="✕ head L3 H1").click()
    tab.wait_for_query(changed="token:2")
    tab.page.get_by_role("button", name="All on again").click()
    tab.page.wait_for_function("() => !new URLSearchParams(location.search).has('changed')")
    tab.wait_for_query(projector="on")


def test_the_page_itself_has_no_frame_when_it_has_the_focus(tab):
    tab.open(**OPENED)
    box = tab.map.bounding_box()
    tab.page.mouse.click(box["x"] - 8, box["y"] + 8)
    tab.press("p")
    tab.page.locator(".st-key-projected").wait_for()
    main = tab.page.get_by_test_id("stMain")
    expect(main).to_be_focused()
    expect(main).to_have_css("outline-style", "none")
    # Streamlit's own, which stands in the way of what is above the picture.
    assert main.evaluate("each => getComputedStyle(each, '::before').display") == "none"


def test_a_picture_and_its_caption_fit_the_projectors_window(new_tab):
    tab = new_tab(size=(1280, 720))
    tab.open(projector="on", **OPENED)
    fits(tab)
    tab.page.set_viewport_size({"width": 1920, "height": 1080})
    tab.open(projector="on", text=ANIMAL, model="smollm2", view="model")
    fits(tab)


def fits(tab):
    expect(tab.map.locator("canvas").first).to_be_in_viewport(ratio=1, timeout=45_000)
    expect(tab.map.locator(".caption").last).to_be_in_viewport(ratio=1, timeout=45_000)


def test_knobs_are_turned_on_the_projector(tab):
    tab.goto("sampling")
    presets = tab.page.locator(".st-key-presets button:visible")
    presets.last.wait_for()
    boxes = [each.bounding_box() for each in presets.all()]
    for one, other in pairwise(boxes):
        # Beside each other or below, but not at each other.
        assert other["x"] >= one["x"] + one["width"] + 3 or other["y"] >= one["y"] + one["height"] + 3
    # What lies over a page that is scrolled can be read.
    place = tab.page.locator(".st-key-for_class")
    ground = place.evaluate("each => getComputedStyle(each).backgroundColor")
    assert ground == tab.page.locator(".stApp").evaluate("each => getComputedStyle(each).backgroundColor")
    tab.press("p")
    tab.page.locator(".st-key-projected").wait_for()
    for away in (".st-key-presets", ".st-key-more_knobs", ".st-key-write_buttons"):
        expect(tab.page.locator(away)).not_to_be_visible()
    tab.page.get_by_role("slider", name="Temperature", exact=True).focus()
    tab.press("End")
    tab.wait_for_query(temperature="2.0", projector="on")


def test_letters_grow_with_the_screen(new_tab):
    sizes = {}
    tab = new_tab()
    tab.page.set_viewport_size({"width": 1280, "height": 720})
    tab.open(projector="on", **OPENED)
    for width in (1280, 1920, 3840):
        tab.page.set_viewport_size({"width": width, "height": width * 9 // 16})
        piece = tab.page.locator(".attention-view .chip .piece").first
        sizes[width], box, over = tab.settled(
            lambda piece=piece: (
                piece.evaluate("each => parseFloat(getComputedStyle(each).fontSize)"),
                tab.map.bounding_box(),
                tab.hangs_over,
            )
        )
        assert over <= 0
        assert box["y"] < 0.25 * width * 9 / 16
    assert sizes[1280] >= 1.2 * 16
    assert sizes[1920] >= 1.3 * sizes[1280]
    assert sizes[3840] >= 2.3 * sizes[1280]


def test_h_covers_the_results_until_they_were_guessed(tab):
    tab.open(**OPENED)
    tab.wait_for_inspector("animal")
    # It is named by what a press on it does.
    button = tab.page.locator(".headlight-cover")
    expect(button).to_have_text("Hide results")
    tab.press("h")
    expect(button).to_have_text("Show results")
    count = tab.page.locator(COVERED).count()
    assert count > 3
    picture, rows = (
        tab.page.locator(".attention-view"),
        tab.page.locator(".st-key-inspector .headlight-shares .bar span"),
    )
    expect(picture).to_be_hidden()
    expect(rows.first).to_be_hidden()
    assert "animal" not in tab.page.locator(".st-key-inspector").aria_snapshot()
    # Another head is another page of results, as covered as before.
    tab.choose_head(4)
    tab.wait_for_query(head="4")
    expect(tab.page.locator(f".st-key-inspector .headlight-sentence{COVERED}")).to_have_count(1)
    expect(picture).to_be_hidden()
    sentence = tab.page.locator(".st-key-inspector .headlight-sentence")
    sentence.focus()
    tab.press("Enter")
    expect(sentence).not_to_have_attribute("role", "button")
    assert "looks" in tab.page.locator(".st-key-inspector").aria_snapshot()
    tab.press("h")
    expect(sentence).to_have_attribute("aria-pressed", "true")
    tab.page.locator(".st-key-map .stBidiComponent").first.click()
    expect(picture).to_be_visible()
    button.click()
    expect(tab.page.locator(COVERED)).to_have_count(0)
    expect(button).to_have_text("Hide results")


def test_the_arrow_keys_go_through_a_lesson_on_the_projector(tab):
    tab.goto("attention", model="spelling_to_sound", text="cat", lesson="silent-letters", projector="on")
    rail = tab.page.locator(".lesson-rail[data-ready='true']")
    rail.wait_for()
    expect(rail.get_by_role("heading")).to_have_text("1 of 5")
    box = rail.bounding_box()
    assert box["height"] < 90
    tab.map.wait_for()
    tab.press("ArrowRight")
    expect(rail.get_by_role("heading")).to_have_text("2 of 5")
    tab.wait_for_query(text="knight", projector="on")
    # A question is answered, or skipped, before one goes on.
    tab.press("ArrowRight")
    rail.get_by_role("button", name="Skip").click()
    expect(rail.get_by_role("button", name="Skip")).to_have_count(0)
    tab.press("ArrowRight")
    expect(rail.get_by_role("heading")).to_have_text("3 of 5")
    tab.press("ArrowLeft")
    expect(rail.get_by_role("heading")).to_have_text("2 of 5")
