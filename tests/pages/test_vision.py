"""The vision page as AppTest plays it: what it opens with, what is chosen, what is refused, what is taken along."""

import io

import numpy as np
import pytest
from PIL import Image

from models.engine import engine
from models.vision import CutPictureRequest, LayerWeightsRequest, PictureTraceRequest
from pages.vision.choices import EXAMPLES
from tests.pages.screen import PageScreen
from tests.viz.test_patch_view import read
from tests.viz.wire import header_of
from viz.components.patch_view import MOST_WEIGHTS

FLOWER = PictureTraceRequest("dinov2", "example:flower")


class Vision(PageScreen):
    PAGE, PICTURE = "pages/vision/page.py", "patch_view"

    @property
    def state_of_looks(self):
        return self.state("patch_view")


def weights(layer, head=None, query=None, trace=FLOWER):
    return engine.run(LayerWeightsRequest(trace, layer, head, query))


@pytest.fixture(scope="module")
def opened():
    return Vision()


def test_it_opens_on_the_flower(opened):
    assert opened.problems == []
    assert opened.notes == []
    chosen = {choice.name: str(value) for choice, value in EXAMPLES[0].chosen.items()}
    assert opened.query["model"] == "dinov2"
    assert opened.query["see_layer"] == chosen["see_layer"]
    assert "Where it looks; hide the patch and see." in opened.inspector


def test_the_picture_has_every_weight_of_the_layer(opened):
    header, most, picture, steps = read(opened.component("patch_view"))
    exact = weights(header["layer"])
    assert steps.shape == exact.shape
    found = most[..., None] * (steps / header["steps"]) ** 2
    # Half of a step at the largest weight of a row.
    assert (np.abs(found - exact) <= 1.01 * exact.max(-1, keepdims=True) / header["steps"] + 1e-7).all()
    assert Image.open(io.BytesIO(picture)).size == (224, 224)
    state = opened.state_of_looks
    row = np.array(state["rows"][f"{state['head']}-0"], np.float32)
    np.testing.assert_allclose(row, exact[state["head"], 0], rtol=1e-5)


def test_another_patch_and_head_change_the_link_and_no_picture():
    screen = Vision()
    before = screen.component("patch_view")
    screen.tell("patch_view", "chosen", [2, 0, 136])
    assert (screen.query["see_head"], screen.query["looks_from"]) == ("2", "0-136")
    assert screen.component("patch_view") == before
    assert screen.state_of_looks["queries"] == [0, 136]
    assert "row 8, column 7" in screen.inspector


@pytest.mark.parametrize("told", [[99, 0], [-1, -5], [], [0, 10**9], ["x"], {"a": 1}, [0] * 400])
def test_what_no_picture_tells_changes_nothing_for_the_worse(told):
    screen = Vision()
    screen.tell("patch_view", "chosen", told)
    assert screen.problems == []
    assert screen.has_picture


@pytest.mark.parametrize(
    ("query", "notes"),
    [
        ({"see_layer": "99"}, 1),
        ({"see_head": "99"}, 1),
        ({"looks_from": "9999"}, 1),
        ({"looks_from": "a-b"}, 1),
        ({"photo": "own"}, 1),
        ({"photo": "nothing"}, 1),
        ({"photo_side": "225"}, 1),
        ({"see_layer": "0", "see_head": "5", "looks_from": "3", "lit_as": "outlines"}, 0),
    ],
)
def test_a_link_that_names_what_is_not_there_is_said(query, notes):
    screen = Vision(model="dinov2", **query)
    assert len(screen.notes) == notes
    assert screen.problems == []
    assert screen.has_picture


def test_every_head_of_every_layer_is_a_thumbnail_and_opens():
    screen = Vision(model="dinov2", photo="flower", looks_view="every")
    header = header_of(screen.component("every_head"))
    assert (len(header["rowNames"]), len(header["columnNames"])) == (6, 12)
    assert len(header["maps"]) == 72
    screen.tell("every_head", "cell", [2 * 12 + 7, 0])
    assert (screen.query["see_layer"], screen.query["see_head"]) == ("7", "2")
    assert screen.has_picture


def test_a_text_model_is_offered_one_that_sees():
    screen = Vision(model="minilm")
    assert not screen.has_picture
    (said,) = [each.value for block in screen.blocks("reads_otherwise") for each in block.info]
    assert "a vision transformer" in said
    screen.press("show_model")
    assert screen.has_picture
    assert screen.query["model"] == "dinov2"


def png(size=(64, 48)):
    file = io.BytesIO()
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (size[1], size[0], 3), np.uint8)).save(file, "PNG")
    return file.getvalue()


def with_own(data, name="mine.png"):
    screen = Vision(model="dinov2")
    screen.test.session_state["vision:own"] = data
    screen.test.session_state["vision:own_name"] = name
    screen.test.session_state["choice:photo"] = "own"
    return screen.run()


def test_an_own_picture_is_shown_and_goes_as_a_file():
    screen = with_own(png())
    assert screen.problems == []
    assert screen.shown["name"].endswith("mine.png")
    screen.open_tab("Take it with you")
    assert any("your own" in each.value for each in screen.test.caption)
    assert screen.query["photo"] == "own"


@pytest.mark.parametrize("data", [b"", b"some text", png()[:60], b"<svg xmlns='http://www.w3.org/2000/svg'/>"])
def test_what_is_no_picture_is_said_in_one_sentence(data):
    screen = with_own(data)
    assert len(screen.problems) == 1
    assert "Traceback" not in screen.html


def test_the_files_hold_the_exact_numbers(opened):
    from pages.vision.export import looks_npy, looks_rows

    cut = engine.run(CutPictureRequest(FLOWER))
    exact = weights(10)
    np.testing.assert_array_equal(np.load(io.BytesIO(looks_npy(FLOWER, 10))), exact)
    head, *rows = looks_rows(FLOWER, cut, 10, (0, 136))
    assert head[:3] == ["token", "name", "L10 H0 from class token"]
    assert len(rows) == 257
    np.testing.assert_allclose([row[2 + 6 + 3] for row in rows], exact[3, 136], rtol=1e-5)


def test_the_program_gives_the_same_weights(monkeypatch, capsys):
    screen = Vision(model="dinov2", photo="flower", see_layer="9", see_head="2", looks_from="40")
    screen.open_tab("Show the code")
    lines = screen.output_of_the_code("vision", monkeypatch, capsys)
    theirs = np.array([float(line.split("\t")[1]) for line in lines])
    np.testing.assert_allclose(theirs, weights(9, 2, 40)[0, 0], atol=2e-5)


def test_a_large_picture_has_the_weights_of_the_chosen_tokens_alone():
    screen = Vision(model="dinov2", photo="flower", photo_side="518", looks_from="0-700")
    header = screen.shown
    assert header["heads"] * header["tokens"] ** 2 > MOST_WEIGHTS
    assert header["known"] == [0, 700]
    assert len(screen.component("patch_view")) < 300_000
