"""What makes a file is called outside of the session, which has no choices then: it must be given all that it needs."""

import ast
import csv
import io
import threading

import pytest
import streamlit as st

from pages.shared.link import Choice
from tests.pages.screen import ATTENTION, ROOT, Screen

pytestmark = pytest.mark.usefixtures("one_torch_thread")

# A word comes twice.
TEXT = "Zebras gallop, gallop."
LONG = "Zebras gallop over the plain. " * 80


def makers():
    """Every function that is written where a button for a file is made, with its place."""
    for path in sorted((ROOT / "pages").rglob("*.py")):
        for call in ast.walk(ast.parse(path.read_text())):
            name = ast.unparse(call.func) if isinstance(call, ast.Call) else ""
            if name.rpartition(".")[2] in ("Download", "download_button"):
                for part in ast.walk(call):
                    if isinstance(part, ast.Lambda):
                        yield f"{path.relative_to(ROOT)}:{part.lineno}", part


def test_no_maker_reads_a_choice_or_the_session():
    found = list(makers())
    assert len(found) > 15
    for where, maker in found:
        said = ast.unparse(maker.body)
        assert "session_state" not in said, where
        assert not any(isinstance(each, ast.Attribute) and each.attr == "value" for each in ast.walk(maker.body)), where


@pytest.fixture
def files(monkeypatch):
    """The makers of the files that a page offers, by label; once it has run, no choice can be read any more."""
    offered, before, chosen = {}, st.download_button, Choice.value.fget
    outside = threading.local()

    def button(label, data, *arguments, **more):
        offered[label] = data
        return before(label, data, *arguments, **more)

    def value(choice):
        assert not getattr(outside, "is_so", False), f"{choice.name} was read outside of the session"
        return chosen(choice)

    def made(label):
        found = []

        def make():
            outside.is_so = True
            try:
                found.append(offered[label]())
            except BaseException as error:
                found.append(error)

        thread = threading.Thread(target=make)
        thread.start()
        thread.join(60)
        if isinstance(found[0], BaseException):
            raise found[0]
        return found[0]

    monkeypatch.setattr(st, "download_button", button)
    monkeypatch.setattr(Choice, "value", property(value))
    return offered, made


PLACES = {
    "attention": (ATTENTION, "minilm", "Take it with you"),
    "tokenizers": ("pages/tokenizers/page.py", "minilm", "Take it with you"),
    "costs": ("pages/tokenizers/page.py", "minilm", "What does it cost?"),
    "embeddings": ("pages/embeddings/page.py", "minilm", "Take it with you"),
    "sampling": ("pages/sampling/page.py", "smollm2", "Take it with you"),
}


@pytest.mark.quick(2)
@pytest.mark.parametrize("place", PLACES)
def test_every_file_is_made_of_what_was_typed(place, files):
    page, model, tab = PLACES[place]
    offered, made = files
    Screen(page, model=model, text=TEXT).open_tab(tab)
    assert offered
    for label in offered:
        file = made(label)
        assert len(file) > 20
    for label in offered:
        if "CSV" in label:
            (head, *_) = csv.reader(io.StringIO(made(label)))
            assert len(set(head)) == len(head), "each column has a name of its own"
    named = [made(label) for label in offered if label in ("JSON", "CSV")]
    assert all("zeb" in each.lower() or place == "sampling" for each in named)


def test_a_text_that_is_too_long_for_a_link_is_the_file(files):
    _, made = files
    for page in (ATTENTION, "pages/embeddings/page.py"):
        Screen(page, model="minilm", text="x").look(LONG.strip())
        assert made("Take the text as a file") == LONG.strip()
