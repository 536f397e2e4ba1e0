"""The anatomy page as AppTest plays it."""

import pytest

from tests.pages.screen import PageScreen


class Anatomy(PageScreen):
    PAGE = "pages/anatomy/page.py"


def test_it_opens_with_its_example():
    screen = Anatomy()
    assert screen.problems == []
    assert screen.query["model"] == "smollm2"
    assert screen.query["text"] == "The capital of France is"


@pytest.mark.parametrize("model", ["minilm", "spelling_to_sound"])
def test_the_program_runs_for_every_kind_of_model(model, monkeypatch, capsys):
    screen = Anatomy(text="knight", model=model).open_tab("Show the code")
    lines = screen.output_of_the_code("anatomy", monkeypatch, capsys)
    assert lines[0].startswith("model\t")
