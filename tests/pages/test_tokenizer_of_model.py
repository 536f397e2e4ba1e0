"""The chosen model's own tokenizer among the tokenizers, where the list has it not."""

import pytest

from tests.models.test_folders import save, tokenizer_of
from tests.pages.screen import Screen

pytestmark = pytest.mark.usefixtures("one_torch_thread")
PAGE, TEXT = "pages/tokenizers/page.py", "w11 w23 w5"


def options(screen):
    return screen.test.multiselect(key="tokenizers_box").options


def test_that_of_a_folder_is_added(allowed):
    folder = save("llama", allowed / "mine")
    screen = Screen(PAGE, model=f"folder:{folder}", text=TEXT)
    assert "That of mine" not in options(screen)
    screen.press("add_that_of_model")
    assert screen.problems == []
    assert screen.notes == []
    assert "That of mine" in options(screen)
    assert not [each for each in screen.test.button if each.key == "add_that_of_model"]
    name = screen.test.multiselect(key="tokenizers_box").value[-1]
    from models.engine import engine
    from models.tokenization import tokenize

    assert list(tokenize(engine.tokenizer(name), TEXT).ids) == tokenizer_of("llama")(TEXT)["input_ids"]


def test_those_of_the_others_are_in_the_list():
    screen = Screen(PAGE, model="minilm", text=TEXT)
    assert not [each for each in screen.test.button if each.key == "add_that_of_model"]
