"""A tokenizer of the hub on the tokenizers page, by the id of its model."""

import json
import time

from tests.models.hub_fetching import MODEL, files, hub
from tests.models.hub_server import Faults
from tests.pages.test_tokenizers import Columns

__all__ = ["files", "hub"]


def ask_for(screen, name):
    screen.open_tab("Bring your own").test.text_input(key="hub_tokenizer").set_value(name)
    screen.test.button(key="FormSubmitter:hub_tokenizer_form-Fetch its tokenizer").click()
    return screen.run()


def until(screen, holds):
    end = time.monotonic() + 20
    while not holds():
        assert time.monotonic() < end, screen.problems
        time.sleep(0.05)
        screen.run()


def test_it_becomes_a_column_of_whoever_asked(hub):
    screen = ask_for(Columns(text="w11 w23 w5", tokenizers="bytes,words"), MODEL)
    until(screen, lambda: len(screen.counts) == 3)
    assert list(screen.counts.values())[2] == 3
    assert not screen.problems
    assert {path.rpartition("/")[2] for _, path, _ in hub.requests if "/resolve/" in path} == {"tokenizer.json"}


def test_what_is_switched_off_in_it_is_said(hub):
    model = {"type": "BPE", "dropout": 0.5, "vocab": {"a": 0, "b": 1, "ab": 2}, "merges": [["a", "b"]]}
    hub.models[MODEL] = {"tokenizer.json": json.dumps({"model": model}).encode()}
    screen = ask_for(Columns(text="ab" * 9, tokenizers="bytes,words"), MODEL)
    until(screen, lambda: len(screen.counts) == 3)
    assert list(screen.counts.values())[2] == 9
    (note,) = [each.value for each in screen.test.info]
    assert "dropout (0.5)" in note


def test_what_goes_wrong_is_one_sentence_and_the_page_lives(hub, monkeypatch):
    screen = ask_for(Columns(text="w11", tokenizers="bytes,words"), "no id at all")
    assert "ORGANISATION/NAME" in screen.problems[0]
    hub.faults = Faults(status=403)
    until(ask_for(screen, MODEL), lambda: screen.problems and "gated" in screen.problems[0])
    assert len(screen.counts) == 2
    hub.faults = Faults()
    hub.models[MODEL] = {"tokenizer.json": b"{}"}
    until(ask_for(screen, MODEL), lambda: screen.problems and "has no model" in screen.problems[0])
    monkeypatch.setenv("HEADLIGHT_OFFLINE", "1")
    screen.run()
    assert any("The hub is closed" in each.value for each in screen.test.caption)
