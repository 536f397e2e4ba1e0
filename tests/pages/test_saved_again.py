"""Train, look, train: what people see of a folder whose weights are saved again while it is open."""

import shutil

import numpy as np
import pytest

from models.attention import trace_attention
from models.catalog import MODELS
from models.loading import load_model
from tests.models.test_folders import save
from tests.models.test_saved_again import TEXT, train
from tests.pages.screen import Screen
from tests.pages.test_model_choice import Choice

pytestmark = pytest.mark.usefixtures("one_torch_thread")


@pytest.fixture
def folder(allowed, monkeypatch):
    monkeypatch.setattr("pages.shared.model_choice._LOOK_SECONDS", 0)
    # Each time another name: the engine is that of the whole process.
    return save("llama", allowed / "llama")


def look(folder):
    return Screen(model=f"folder:{folder}", text=TEXT, layer="0", head="0", view="matrix")


def on_disk(folder):
    copy = shutil.copytree(folder, folder.parent / "copy", dirs_exist_ok=True)
    return trace_attention(load_model(f"folder:{copy}"), TEXT).weights("decoder", 0, 0)


def shown(screen):
    return np.nan_to_num(screen.cells[screen.shown["main"]])


def said(screen):
    return [each.value for each in screen.test.sidebar.warning]


@pytest.mark.slow
def test_an_open_page_says_so_and_loads_again(folder):
    screen = look(folder)
    before = on_disk(folder)
    np.testing.assert_allclose(shown(screen), before, atol=1e-3)
    assert said(screen.run()) == []
    train(folder)
    after = on_disk(folder)
    assert np.abs(after - before).max() > 0.01
    (sentence,) = said(screen.run())
    assert "changed on disk" in sentence
    np.testing.assert_allclose(shown(screen), before, atol=1e-3)
    screen.press("load_again")
    np.testing.assert_allclose(shown(screen), after, atol=1e-3)
    assert said(screen.run()) == []


@pytest.mark.slow
def test_who_comes_anew_sees_what_is_on_the_disk_and_who_was_there_is_told(folder):
    first = look(folder)
    train(folder)
    second = look(folder)
    np.testing.assert_allclose(shown(second), on_disk(folder), atol=1e-3)
    assert said(second) == []
    first.run()
    np.testing.assert_allclose(shown(first), on_disk(folder), atol=1e-3)
    assert said(first) == []


def test_opening_it_again_by_its_path_loads_it_again(folder):
    screen = Choice().open_folder(folder)
    stamp = MODELS[screen.model].stamp
    train(folder)
    screen.test.session_state["another"] = True
    screen.run().open_folder(folder)
    assert MODELS[screen.model].stamp != stamp


def test_a_file_that_is_half_written_is_one_sentence_and_the_old_weights_stay(folder):
    screen = look(folder)
    before = shown(screen)
    file = folder / "model.safetensors"
    file.write_bytes(file.read_bytes()[:-100])
    screen.run()
    screen.press("load_again")
    assert screen.test.sidebar.error
    np.testing.assert_array_equal(shown(screen.run()), before)


def test_a_model_that_cannot_be_saved_again_is_not_watched():
    assert Screen(model="minilm").blocks("changed_on_disk") == []
