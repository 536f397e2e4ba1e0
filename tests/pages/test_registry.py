"""Every page of the registry is whole: its folder, its place on Home, examples, a screen test."""

from importlib import import_module

import pytest

from pages.shared.registry import HOME, PAGES
from tests.pages.screen import ROOT, Screen

# Every page has these, under these names.
PARTS = {"page.py", "choices.py", "examples.py", "inspector.py", "tabs.py", "export.py", "preview.py"}


@pytest.fixture(scope="module")
def home():
    return Screen(HOME.script)


def test_each_folder_is_a_page_and_each_page_a_folder():
    folders = {each.parent.name for each in (ROOT / "pages").glob("*/page.py")}
    assert folders - {"shared"} == {each.address for each in (HOME, *PAGES)}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.address)
def test_a_page_is_whole(page, home):
    there = {each.name for each in (ROOT / page.script).parent.glob("*.py")}
    assert there >= PARTS
    assert (ROOT / "tests" / "pages" / f"test_{page.address}.py").exists()
    assert len(home.blocks(f"open_{page.address}")) == 1
    assert page.question.endswith("?")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.address)
def test_what_an_example_chooses_can_stand_in_its_link(page):
    choices = import_module(f"pages.{page.address}.choices").CHOICES
    for example in import_module(f"pages.{page.address}.examples").EXAMPLES:
        for choice, value in example.chosen.items():
            assert value == choice.default or choice.parse(str(value)) == value
            assert choice in choices or choice.name in ("model", "text", "token")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.address)
def test_a_page_opens_with_its_question(page):
    screen = Screen(page.script)
    assert [each.value for each in screen.test.header] == [page.question]
    assert not screen.problems


def test_no_two_pages_have_a_choice_of_one_name():
    names = [choice.name for page in PAGES for choice in import_module(f"pages.{page.address}.choices").CHOICES]
    assert len(names) == len(set(names))
