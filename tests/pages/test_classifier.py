"""A classifier on the attention page: what it says of the text, before and after a head is off."""

import pytest

from models.loading import open_folder
from tests.models.test_labels import TEXT, made
from tests.pages.screen import Screen

pytestmark = pytest.mark.usefixtures("one_torch_thread")


def test_its_labels_stand_beside_the_picture(allowed):
    made("bert", allowed)
    name = open_folder(str(allowed)).name
    screen = Screen(model=name, text=TEXT)
    assert screen.problems == []
    said = screen.inspector
    assert "What it says of the text" in said
    assert "&lt;b&gt;maybe&lt;/b&gt;" in said
    assert "<b>maybe</b>" not in said
    said = Screen(model=name, text=TEXT, changed="head:encoder-1-2").inspector
    assert said.count("What it says of the text") == 1
    assert "yes" in said
