"""The attention page with a model that reads and writes, and a decoder's own writing."""

import time

import numpy as np
import pytest

from models.attention import TraceRequest
from models.catalog import MODELS
from models.decoding import DecodingSettings, WriteRequest
from models.engine import engine
from pages.shared import arpabet
from tests.pages.screen import Screen
from tests.viz.wire import header_of, unpack

MODEL = "spelling_to_sound"


def steps_of(screen):
    """The header and the weights [step, key] of the picture with lines."""
    message = screen.component("written_steps")
    header = header_of(message)
    shape = (len(header["outputs"]), len(header["keys"]))
    return header, unpack(message, (np.float32, shape))[1][0].astype(np.float64)


def captions(screen):
    return " ".join(each.value for each in screen.test.caption)


def written(text):
    return engine.run(WriteRequest(MODEL, text, DecodingSettings(max_new_tokens=128)))


@pytest.mark.quick(2)
@pytest.mark.parametrize("text", ["knight", "the silent knight", "Tchaikovsky's", "x"])
def test_the_output_is_what_the_model_writes_and_the_lines_are_its_weights(text):
    screen = Screen(model=MODEL, text=text, layer="1", head="3")
    header, weights = steps_of(screen)
    steps = written(text)
    assert header["outputs"] == [step.piece.text for step in steps]
    assert header["keys"] == [*text.lower().replace(" ", "␣"), "</s>"]
    trace = engine.run(TraceRequest(MODEL, text, tuple(step.token_id for step in steps)))
    np.testing.assert_allclose(weights, trace.weights("cross", 1, 3), atol=5e-4)
    assert header["map"] == screen.shown["map"] == "cross-1-3"
    assert screen.shown["queries"] == header["outputs"]
    assert screen.shown["keys"] == header["keys"]
    assert not screen.problems


def test_a_link_opens_the_same_step_and_kind():
    screen = Screen(model=MODEL, text="knight", kind="decoder", layer="0", head="2", step="2")
    assert screen.shown["map"] == "decoder-0-2"
    assert screen.shown["selected"] == 2
    assert screen.shown["queries"][0] == "<pad>"
    again = Screen(**screen.query)
    assert (again.shown, again.query) == (screen.shown, screen.query)


def test_all_layers_and_a_layers_mean_can_be_shown():
    screen = Screen(model=MODEL, text="knight", layer="all")
    assert screen.shown["map"] == "cross-all-mean"
    assert "Mean over all heads of 3 layers" in screen.shown["caption"]
    screen = Screen(model=MODEL, text="knight", layer="2", head="mean")
    assert "Mean over the 4 heads" in screen.shown["caption"]


def test_a_typed_output_is_given_to_the_decoder():
    screen = Screen(model=MODEL, text="knight", output="typed", target="K N IH1 G T")
    header, weights = steps_of(screen)
    assert header["outputs"] == ["K", "N", "IH1", "G", "T", "</s>"]
    trace = engine.run(TraceRequest(MODEL, "knight", "K N IH1 G T"))
    map_layer, map_head = map(int, header["map"].split("-")[1:])
    np.testing.assert_allclose(weights, trace.weights("cross", map_layer, map_head), atol=5e-4)
    assert screen.query["target"] == "K N IH1 G T"
    assert "typed" in screen.inspector


@pytest.mark.parametrize(
    ("target", "sentence"), [("", "output is empty"), ("   ", "output is empty"), ("N " * 513, "at most 512")]
)
def test_a_typed_output_that_cannot_be_shown_is_said_and_kept(target, sentence):
    screen = Screen(model=MODEL, text="knight", output="typed", target=target)
    assert [sentence in each for each in screen.problems] == [True]
    assert screen.test.text_input(key="target_box").value == target
    assert screen.typed == "knight"
    screen.test.text_input(key="target_box").set_value("N AY1 T")
    screen.run()
    assert not screen.problems
    assert steps_of(screen)[0]["outputs"] == ["N", "AY1", "T", "</s>"]


def test_a_typed_output_beyond_the_models_positions_is_said():
    screen = Screen(model=MODEL, text="knight", output="typed", target="N " * 300)
    assert ["256" in each for each in screen.problems] == [True]


def test_sounds_that_the_model_does_not_know_are_named():
    screen = Screen(model=MODEL, text="knight", output="typed", target="N aɪ T QQ")
    assert steps_of(screen)[0]["outputs"] == ["N", "<unk>", "T", "<unk>", "</s>"]
    assert "“aɪ”, “QQ”" in captions(screen)


@pytest.mark.quick(3)
@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("knight 3", "cannot read “3”"),
        ("слово", "cannot read “с”, “л”, “о”, “в”"),
        ("café", "Read as “cafe”"),
        ("KNIGHT", "Read as “knight”"),
        ("</script>", "cannot read “<”, “/”, “>”"),
        ("🍓 a", "cannot read “🍓”"),
    ],
)
def test_what_cannot_be_read_is_said(text, said):
    screen = Screen(model=MODEL, text=text)
    assert said in captions(screen)
    assert not screen.problems
    assert screen.typed == text


def test_a_word_that_can_be_read_needs_no_words():
    assert "cannot read" not in captions(Screen(model=MODEL, text="o'neill's"))
    assert "Made for single words" not in captions(Screen(model=MODEL, text="knight"))
    assert "Made for single words" in captions(Screen(model=MODEL, text="silent night"))
    assert "Read as" not in captions(Screen(model=MODEL, text="knight"))


def test_a_source_that_is_too_long_is_said():
    screen = Screen(model=MODEL, text="a" * 256)
    assert ["has 257 tokens" in each for each in screen.problems] == [True]


def test_the_best_of_four_beams():
    screen = Screen(model=MODEL, text="read", output="beams")
    assert steps_of(screen)[0]["outputs"][-1] == "</s>"
    assert screen.query["output"] == "beams"


def test_which_letters_are_silent_lists_each_letter():
    screen = Screen(model=MODEL, text="knight")
    (table,) = [
        each.proto.body
        for each in screen.test.get("html")
        if '<table class="headlight-shares headlight-letters' in each.proto.body
    ]
    assert [f"<bdi>{letter}</bdi>" in table for letter in "knight"] == [True] * 6
    assert table.count("<tr>") == 7


def test_how_it_was_learnt_shows_the_same_output_at_another_state():
    screen = Screen(model=MODEL, text="knight")
    screen.choose_tab("How did it learn this?")
    screen.run()
    message = screen.component("learning_steps")
    assert header_of(message)["outputs"] == steps_of(screen)[0]["outputs"]
    (slider,) = [each for each in screen.test.select_slider if each.key == "state_box"]
    slider.set_value(MODELS[MODEL].steps)
    screen.run()
    last = unpack(screen.component("learning_steps"), (np.float32, steps_of(screen)[1].shape))[1][0]
    np.testing.assert_allclose(last.astype(np.float64), steps_of(screen)[1])


def test_every_phoneme_has_a_sign_and_a_word():
    from training.alphabet import PHONEMES

    assert all(arpabet.sound(each) for each in PHONEMES)
    assert arpabet.sound_in_words("AY1") == "/aɪ/ as in “hide”, primary stress"
    assert arpabet.sound_in_words("</s>") == ""
    assert arpabet.ipa(["N", "AY1", "T", "|", "AH0", "</s>"]) == "nˈaɪt ə"


# ----- A decoder's own writing

TEXT = "Once upon a time there was a"


def until_written(**query):
    screen = Screen(model="smollm2", text=TEXT, view="steps", **query)
    until = time.monotonic() + 60
    while screen.component("written_steps") is None and time.monotonic() < until:
        assert not screen.problems
        time.sleep(0.3)
        screen.run()
    return screen


def test_a_decoders_steps_are_the_rows_of_its_trace():
    screen = until_written(length="8", layer="4", head="2", step="3")
    header, weights = steps_of(screen)
    steps = engine.run(WriteRequest("smollm2", TEXT, DecodingSettings(max_new_tokens=8)))
    assert header["outputs"] == [step.piece.text for step in steps]
    assert header["selected"] == 3
    assert "".join(header["texts"]) == "".join(step.text for step in steps)
    given = header["writtenFrom"]
    assert given == 7
    ids = (*engine.model("smollm2").tokenizer(TEXT)["input_ids"], *(step.token_id for step in steps))
    for step in range(8):
        row = engine.run(TraceRequest("smollm2", ids[: given + step])).weights("decoder", 4, 2)[-1]
        np.testing.assert_allclose(weights[step][: given + step], row, atol=1e-3)
    assert screen.query["view"] == "steps"
    assert f"<b><bdi>{steps[3].piece.text}</bdi></b>" in screen.inspector


def test_what_is_being_written_can_be_stopped():
    screen = Screen(model="smollm2", text=TEXT, view="steps", length="64")
    screen.test.button(key="steps_stop").click()
    screen.run()
    assert screen.component("written_steps") is not None or screen.problems or screen.notes
    until = time.monotonic() + 20
    while engine.jobs_running and time.monotonic() < until:
        time.sleep(0.05)
    assert not engine.jobs_running


def test_another_view_stops_the_writing():
    screen = Screen(model="smollm2", text=TEXT, view="steps", length="64")
    screen.test.segmented_control(key="view_box").set_value("matrix")
    screen.run()
    until = time.monotonic() + 20
    while engine.jobs_running and time.monotonic() < until:
        time.sleep(0.05)
    assert not engine.jobs_running
    assert screen.has_picture


def test_another_model_leaves_a_view_that_it_does_not_have():
    screen = until_written(length="8")
    screen.test.selectbox(key="model_box").set_value("minilm")
    screen.run()
    assert screen.has_picture
    assert screen.query["view"] == "matrix"
    assert not screen.problems


def test_a_new_text_begins_at_its_first_step():
    screen = Screen(model=MODEL, text="knight", step="3")
    assert steps_of(screen)[0]["selected"] == 3
    screen.look("ox")
    assert steps_of(screen)[0]["selected"] == 0
    assert not screen.notes


def test_a_step_beyond_the_output_is_said():
    screen = Screen(model=MODEL, text="knight", step="40")
    assert ["no step 40" in each for each in screen.notes] == [True]
    assert steps_of(screen)[0]["selected"] == len(steps_of(screen)[0]["outputs"]) - 1


def test_a_stopped_texts_link_writes_as_much():
    screen = Screen(model="smollm2", text=TEXT, view="steps", length="64")
    until = time.monotonic() + 30
    while time.monotonic() < until and "0 of at most" in captions(screen):
        time.sleep(0.2)
        screen.run()
    screen.test.button(key="steps_stop").click()
    screen.run()
    count = len(steps_of(screen)[0]["outputs"])
    assert count < 64
    assert screen.query["length"] == str(count)
    assert any("Stopped" in each for each in screen.notes)
    screen.run()
    assert len(steps_of(screen)[0]["outputs"]) == count
    assert len(steps_of(until_written(length=str(count)))[0]["outputs"]) == count
