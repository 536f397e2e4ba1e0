"""What goes wrong elsewhere: one sentence in the place of the picture, and the page goes on."""

import logging
import re
import shutil

import pytest
import streamlit as st

from models.catalog import MODELS
from models.engine import Engine
from models.loading.packs import packs_folder, prepared_folder
from pages.shared import link, messages, start, thread
from tests.pages.screen import Screen


@pytest.fixture
def home(tmp_path, monkeypatch):
    """Another folder of models, and an engine that has loaded none. Gives the folder and where the real files are."""
    files = {file.path: packs_folder().resolve() / file.path for card in MODELS.values() for file in card.pack.files}
    prepared = prepared_folder(MODELS["smollm2"]).resolve()
    monkeypatch.setenv("HEADLIGHT_HOME", str(tmp_path))
    empty = Engine()
    monkeypatch.setattr("models.engine.engine", empty)
    monkeypatch.setattr("pages.shared.asking_engine.engine", empty)
    for path in files:
        (packs_folder() / path).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / "models").mkdir()
    prepared_folder(MODELS["smollm2"]).symlink_to(prepared)
    return files


def place(files, *, but=None):
    """Put the real files there, all but one."""
    for path, real in files.items():
        target = packs_folder() / path
        if path != but and not target.exists():
            target.symlink_to(real)


def check_sentence(screen, *words):
    (sentence,) = screen.problems
    assert all(word in sentence for word in words)
    assert "Traceback" not in sentence
    assert not screen.has_picture
    assert not screen.component("attention_view")


def test_a_missing_pack_is_one_sentence_and_works_once_it_is_there(home):
    screen = Screen()
    check_sentence(screen, "not installed", "make models")
    assert screen.typed == "The animal didn't cross the street because it was too tired."
    screen.look("Another text.")
    check_sentence(screen, "not installed")
    assert screen.typed == "Another text."
    place(home)
    screen.run()
    assert screen.problems == []
    assert screen.view == ("encoder-3-1", "text")


@pytest.mark.quick(1)
@pytest.mark.parametrize("file", ["model.safetensors", "tokenizer.json", "config.json"])
def test_a_damaged_pack_is_one_sentence_and_other_models_work(home, file):
    (damaged,) = [path for path in home if path.endswith(f"/{file}")]
    place(home, but=damaged)
    shutil.copy(home[damaged], packs_folder() / damaged)
    with (packs_folder() / damaged).open("r+b") as opened:
        opened.truncate(1000)
    screen = Screen()
    check_sentence(screen, "damaged", file, "make models")
    if file == "config.json":
        screen.test.sidebar.selectbox(key="model_box").set_value("smollm2")
        screen.run()
        assert screen.problems == []
        assert screen.has_picture


def test_what_nobody_foresaw_is_logged_and_one_sentence(monkeypatch, caplog):
    class Broken:
        def run(self, *_):
            raise ZeroDivisionError("secret")

    monkeypatch.setattr("pages.shared.asking_engine.engine", Broken())
    with caplog.at_level(logging.ERROR):
        screen = Screen()
    check_sentence(screen, "not foreseen")
    assert "secret" not in screen.problems[0]
    (record,) = [each for each in caplog.records if each.exc_info and each.exc_info[0] is ZeroDivisionError]
    (fault,) = re.findall(r"as fault ([0-9a-f]{6});", screen.problems[0])
    assert fault in record.getMessage()
    monkeypatch.undo()
    assert screen.run().has_picture


def test_a_refusal_leaves_a_line_without_the_text(caplog):
    with caplog.at_level(logging.INFO):
        screen = Screen(text="secret word " * 600)
    assert screen.problems
    lines = [each.getMessage() for each in caplog.records if "Refused" in each.getMessage()]
    assert lines == ["Refused: InputError"]
    assert not any("secret" in each.getMessage() for each in caplog.records)


def test_a_line_of_the_log_says_on_which_page_and_with_which_model(monkeypatch):
    said = []

    class Told(logging.Handler):
        def emit(self, record):
            said.append(logging.Formatter(start._LINE).format(record))

    handler = Told(logging.INFO)
    handler.addFilter(start._with_where)
    monkeypatch.setattr(messages.log, "handlers", [handler])
    monkeypatch.setattr(messages.log, "level", logging.INFO)
    Screen(model="smollm2", text="word " * 9_000)
    assert any(re.search(r"^\d{4}-.* INFO pages.shared.messages \[\w+, smollm2\]: Refused: ", each) for each in said)
    said.clear()
    messages.log.info("Nobody's")
    assert said[0].endswith("INFO pages.shared.messages: Nobody's")


def test_a_model_that_cannot_be_loaded_leaves_a_line(home, caplog):
    with caplog.at_level(logging.INFO):
        Screen()
    assert "Not loaded: minilm: PackError" in [each.getMessage() for each in caplog.records]


def test_what_was_said_of_one_model_is_not_said_of_the_next(monkeypatch):
    """Who chooses another model in the sidebar has the page run again, which says once more what had been said."""
    monkeypatch.setattr(st, "session_state", {})
    for chosen, said in (("minilm", ["There is no layer 77."]), ("smollm2", [])):
        thread.choose_model("minilm")
        link.note("There is no layer 77.")
        messages.show_notes()
        thread.choose_model(chosen)
        messages.keep_notes()
        assert link.take_notes() == said


def test_a_device_that_is_not_there_is_said_in_the_sidebar(monkeypatch):
    monkeypatch.setenv("HEADLIGHT_DEVICE", "cuda:63")
    screen = Screen()
    (said,) = screen.test.sidebar.error
    assert "HEADLIGHT_DEVICE" in said.value
