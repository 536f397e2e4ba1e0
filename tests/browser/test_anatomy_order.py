"""The tabs of the anatomy page about places, parts that are off and families, as a browser draws them."""

import pytest

from tests.in_each_run import only

# What is drawn last on each.
DRAWN = {
    "how-does-it-know-the-order": ".st-key-place_distance_encoder",
    "what-if-a-part-is-off": ".st-key-off_chance",
    "why-d-softmax-heads": ".st-key-inner_temperature",
}


@pytest.mark.parametrize("name", only(["how-does-it-know-the-order"], DRAWN))
def test_its_charts_are_drawn(new_tab, name):
    tab = new_tab()
    tab.goto(f"anatomy?model=minilm&text=A+short+text&tab={name}")
    tab.page.locator(f"{DRAWN[name]} :is(canvas, svg.marks)").first.wait_for()
    assert tab.hangs_over <= 0


@pytest.mark.slow
def test_three_families_stand_beside_each_other(new_tab):
    tab = new_tab()
    tab.goto("anatomy?model=minilm&text=the+cat+sat&edited_text=the+dog+sat&tab=three-families-one-sentence")
    tab.page.locator(".st-key-families .attention-view[data-ready=true]").wait_for()
    header = tab.page.locator(".st-key-families .attention-view").evaluate("root => root.headlight.header()")
    assert [each["title"].partition(" L")[0] for each in header["panels"]] == [
        "Encoder",
        "Decoder",
        *["Encoder-decoder"] * 3,
    ]
    tab.page.locator(".st-key-moved_decoder_decoder :is(canvas, svg.marks)").first.wait_for()
    tab.page.get_by_text("encoder 5 of 5; decoder 2 of 3").wait_for()
