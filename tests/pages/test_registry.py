"""Every page of the registry is whole: its folder, its place on Home, examples, a screen test."""

import pytest

from pages.shared.registry import EVERY_PAGE, HOME, PAGES
from tests.pages.screen import ROOT, Screen

# Every page has these, under these names; what else it is made of, it names itself.
PARTS = {"__init__.py", "page.py", "choices.py"}


@pytest.fixture(scope="module")
def home():
    return Screen(HOME.script)


def test_each_folder_is_a_page_and_each_page_a_folder():
    folders = {each.parent.name for each in (ROOT / "pages").glob("*/page.py")}
    assert folders - {"shared"} == {each.address for each in EVERY_PAGE}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.address)
def test_a_page_is_whole(page, home):
    there = {each.name for each in (ROOT / page.script).parent.glob("*.py")}
    assert there >= PARTS
    assert (ROOT / "tests" / "pages" / f"test_{page.address}.py").exists()
    assert len(home.blocks(f"open_{page.address}")) == 1
    assert page.question.endswith("?")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.address)
def test_what_an_example_chooses_can_stand_in_its_link(page):
    assert page.examples
    for example in page.examples:
        for choice, value in example.chosen.items():
            assert value == choice.default or choice.parse(str(value)) == value
            assert choice in page.choices or choice.name in ("model", "text", "token", "tab")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.address)
def test_a_page_opens_with_its_question(page):
    screen = Screen(page.script)
    assert [each.value for each in screen.test.title] == [page.question]
    assert not screen.problems


def test_no_two_pages_have_a_choice_of_one_name():
    names = [choice.name for page in PAGES for choice in page.choices]
    assert len(names) == len(set(names))
