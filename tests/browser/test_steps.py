"""Seq2seq and a decoder's own writing, in Chromium: the numbers behind the lines are the model's."""

import pytest
from playwright.sync_api import expect

STEPS = ".written-steps[data-ready='true']"


def steps(tab):
    return tab.page.locator(STEPS).first


def texts(tab, part):
    return tab.page.locator(f".st-key-steps {part} .piece").all_text_contents()


def values(tab, count, keys):
    return steps(tab).evaluate(
        "(root, [count, keys]) => [...Array(count).keys()].map(step =>"
        " [...Array(keys).keys()].map(key => root.headlight.value(step, key)))",
        [count, keys],
    )


@pytest.fixture(scope="session")
def cross_weights():
    from models.attention import TraceRequest
    from models.decoding import DecodingSettings, decode
    from models.engine import engine

    def computed(text, layer, head):
        loaded = engine.model("spelling_to_sound")
        ids = tuple(step.token_id for step in decode(loaded, text, DecodingSettings(max_new_tokens=128)))
        trace = engine.run(TraceRequest("spelling_to_sound", text, ids))
        return loaded.pieces(ids), trace.weights("cross", layer, head)

    return computed


@pytest.mark.parametrize(
    "text", ["the silent knight", *(pytest.param(each, marks=pytest.mark.slow) for each in ("knight", "o'neill's"))]
)
def test_cross_attention_of_a_word_and_a_phrase(tab, cross_weights, text):
    tab.open(model="spelling_to_sound", text=text, layer="2", head="1")
    steps(tab).wait_for()
    pieces, weights = cross_weights(text, 2, 1)
    assert texts(tab, ".sources") == [*text.replace(" ", "␣"), "</s>"]
    assert texts(tab, ".results") == [piece.text for piece in pieces]
    shown = values(tab, *weights.shape)
    assert shown == [pytest.approx(row.tolist(), abs=5e-4) for row in weights]
    tab.wait_for_map("cross-2-1")


def test_a_click_on_a_sound_lights_what_it_listens_to(tab, cross_weights):
    tab.open(model="spelling_to_sound", text="knight", layer="2", head="2")
    pieces, weights = cross_weights("knight", 2, 2)
    steps(tab).wait_for()
    tab.page.locator(".st-key-steps .results button").nth(1).click()
    tab.wait_for_query(step="1")
    expect(steps(tab)).to_have_attribute("data-step", "1")
    listens_to = "knight"[int(weights[1][:6].argmax())]
    tab.wait_for_inspector(f"To write “{pieces[1].text}”, L2 H2 looks mostly at {listens_to}")


def test_the_slider_walks_without_the_server_and_tells_it_where_it_stands(tab):
    tab.open(model="spelling_to_sound", text="thought")
    steps(tab).wait_for()
    slider = tab.page.locator(".st-key-steps .slider")
    slider.focus()
    tab.press("ArrowRight", "ArrowRight")
    expect(steps(tab)).to_have_attribute("data-step", "2")
    tab.wait_for_query(step="2")


def test_kinds_have_layers_of_their_own(tab):
    tab.open(model="spelling_to_sound", text="knight")
    tab.page.locator(".st-key-kind_box").get_by_role("radio", name="Encoder", exact=True).click()
    tab.wait_for_query(kind="encoder")
    expect(tab.page.locator(".attention-view[data-map^='encoder-']")).to_be_visible()
    tab.page.locator(".st-key-kind_box").get_by_role("radio", name="Decoder", exact=True).click()
    tab.wait_for_query(kind="decoder")
    expect(tab.page.locator(".attention-view[data-map^='decoder-']")).to_be_visible()
    assert tab.tokens[0] == "<pad>"


def test_a_decoder_writes_and_its_steps_can_be_walked(tab):
    tab.goto(model="smollm2", text="Once upon a time there was a", view="steps", length="8", layer="4", head="2")
    steps(tab).wait_for(timeout=90_000)
    expect(tab.page.locator(".st-key-steps .text")).to_contain_text("Once upon a time there was a")
    assert tab.page.locator(".st-key-steps .counter").text_content().startswith("step 1 of 8")
    tab.page.locator(".st-key-steps .onward").click()
    expect(steps(tab)).to_have_attribute("data-step", "1")
    tab.wait_for_query(step="1")
    shown = values(tab, 8, 14)
    assert all(sum(row) == pytest.approx(1, abs=0.01) for row in shown)
    assert [sum(weight > 0 for weight in row) for row in shown] == sorted(
        sum(weight > 0 for weight in row) for row in shown
    )


@pytest.mark.slow
def test_a_long_source_is_drawn_within_its_budget(tab):
    text = "the quick brown fox jumps over the lazy"
    assert len(text) == 39
    with tab.page.expect_event("websocket") as opened:
        tab.goto(model="spelling_to_sound", text=text, output="typed", target=" ".join(["B", "AH0"] * 20))
    received = []
    opened.value.on("framereceived", lambda frame: received.append(len(frame)))
    steps(tab).wait_for(timeout=60_000)
    tab.map.wait_for()
    assert len(texts(tab, ".sources")) == 40
    assert len(texts(tab, ".results")) == 41
    assert 20_000 < sum(received) < 200_000
