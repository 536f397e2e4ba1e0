"""The tab with BertViz's own views: which document the frame gets, and what stands there where there is none."""

import numpy as np
import pytest

from models.attention import BertVizRequest, TraceRequest
from models.engine import engine
from pages.attention.tabs import BERTVIZ
from tests.pages.screen import Screen
from tests.viz.wire import header_of, unpack
from viz.bertviz_document import bertviz_document

TEXT = "The keys are here."
# BertViz reads its own script without closing it.
pytestmark = [
    pytest.mark.usefixtures("one_torch_thread"),
    pytest.mark.filterwarnings("ignore:unclosed file .*bertviz.*:ResourceWarning"),
]


def whole(request):
    """The document of what is drawn."""
    drawing = engine.run(request)
    return bertviz_document(request.view, drawing.elements, drawing.scripts)


def document(screen):
    """What the frame shows, or None where there is no frame."""
    sent = screen.component("bertviz_frame")
    if sent is None:
        return None
    header, (found,) = unpack(sent, (np.uint8, header_of(sent)["size"]))
    assert "BertViz" in header["title"]
    return found.tobytes().decode()


def choose(screen, view):
    screen.test.session_state["choice:bertviz"] = view
    return screen.run()


def refusal(screen):
    return "".join(each.value for block in screen.blocks("bertviz_too_large") for each in block.info)


def test_both_views_of_the_whole_model_and_one_layer_of_it():
    screen = Screen(model="minilm", text=TEXT, layer="2", head="7")
    assert document(screen) is None, "a closed tab computes nothing"
    screen.open_tab(BERTVIZ)
    trace = TraceRequest("minilm", TEXT)
    assert document(screen) == whole(BertVizRequest(trace, "encoder", "head", opened=2)), "the layer that is looked at"
    assert document(choose(screen, "model")) == whole(BertVizRequest(trace, "encoder", "model"))
    screen.test.toggle(key="bertviz_alone_box").set_value(True)
    assert document(screen.run()) == whole(BertVizRequest(trace, "encoder", "model", (2,)))
    assert not screen.problems


def test_another_head_is_the_same_message():
    """Streamlit sends a message that it has sent before as a reference."""
    screen = Screen(model="minilm", text=TEXT, layer="2", head="7").open_tab(BERTVIZ)
    before = screen.component("bertviz_frame")
    screen.test.session_state["choice:head"] = 3
    assert screen.run().component("bertviz_frame") == before


def test_all_layers_have_no_layer_of_their_own():
    screen = Screen(model="minilm", text=TEXT, layer="all").open_tab(BERTVIZ)
    assert document(screen) == whole(BertVizRequest(TraceRequest("minilm", TEXT), "encoder", "head"))
    assert not any(each.key == "bertviz_alone_box" for each in screen.test.toggle)


def test_cross_attention_says_whose_names_the_rows_have():
    screen = Screen(model="spelling_to_sound", text="knight", layer="1", head="2").open_tab(BERTVIZ)
    assert '"left_text":["\\u003cpad\\u003e"' in document(screen)
    assert "names a row of the decoder" in "".join(each.proto.body for each in screen.test.get("html"))


def test_a_text_that_is_too_long_for_the_model_view_fits_the_head_view():
    text = "one " * 60
    screen = choose(Screen(model="minilm", text=text, layer="2", head="1").open_tab(BERTVIZ), "model")
    assert document(screen) is None
    assert "model view of 62 tokens and 6 layers of 12 heads" in refusal(screen)
    assert "draws each line as an element of its own" in refusal(screen)
    screen.press("bertviz_head")
    assert document(screen) == whole(BertVizRequest(TraceRequest("minilm", text), "encoder", "head", opened=2))
    assert not refusal(screen)


def test_a_longer_text_leaves_one_layer_and_headlight_s_own_views():
    text = "one " * 120
    screen = Screen(model="minilm", text=text, layer="2", head="1").open_tab(BERTVIZ)
    assert "head view of 122 tokens" in refusal(screen)
    assert not screen.problems
    screen.press("bertviz_own_model")
    assert screen.query["view"] == "model"
    screen.press("bertviz_one_layer")
    assert document(screen) == whole(BertVizRequest(TraceRequest("minilm", text), "encoder", "head", (2,), 2))


def test_a_text_of_any_length_leaves_headlight_s_own_views():
    screen = Screen(model="minilm", text="one " * 300, layer="2", head="1").open_tab(BERTVIZ)
    keys = {each.key for each in screen.test.button if (each.key or "").startswith("bertviz_")}
    assert keys == {"bertviz_own_heads", "bertviz_own_model"}
