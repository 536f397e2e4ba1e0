"""Languages and vocabularies in Chromium: by pointer and by keys."""

import pytest
from playwright.sync_api import expect

from models.engine import engine
from models.tokenization.line_costs import LineCostsRequest
from models.tokenization.parallel_text import MessagesRequest
from pages.tokenizers.examples import LANGUAGES_TAB, VOCABULARY_TAB

TWO = "gpt2,llama3"
GRID = ".figure-grid[data-ready='true']"


@pytest.fixture
def tab(new_tab):
    return new_tab()


def grid(tab, key):
    return tab.page.locator(f".st-key-{key} {GRID}")


def active(found):
    return found.evaluate("root => { const at = root.headlight.active(); return root.headlight.value(...at) }")


def test_a_click_on_thai_shows_its_sentences_in_columns(tab):
    tab.goto("tokenizers", text="Good morning", tokenizers=TWO, tab=LANGUAGES_TAB, languages_by="name")
    found = grid(tab, "languages")
    found.wait_for()
    thai = found.locator("tr[data-row]", has_text="Thai").first
    thai.locator("td").first.hover()
    expect(found.locator(".tip")).to_contain_text("per character")
    thai.locator("td").first.click()
    tab.wait_for_query(language="th")
    columns = tab.page.locator(".st-key-language_columns .token-columns[data-ready='true']")
    columns.wait_for()
    text = "\n".join(engine.run(MessagesRequest()).by_code["th"].sentences)
    for column, name in enumerate(TWO.split(",")):
        tokens = int(engine.run(LineCostsRequest(name, (text,))).tokens[0])
        assert columns.evaluate("(root, column) => root.headlight.count(column)", column) == tokens
    expect(found.locator("tr.selected")).to_contain_text("Thai")


@pytest.mark.slow
def test_languages_are_gone_through_by_keys(tab):
    tab.goto("tokenizers", text="Good morning", tokenizers=TWO, tab=LANGUAGES_TAB, languages_by="name")
    found = grid(tab, "languages")
    found.wait_for()
    room = found.locator(".room")
    room.focus()
    names = found.evaluate("root => root.headlight.rows()")
    for _ in range(3):
        room.press("ArrowDown")
    room.press("ArrowRight")
    assert active(found)["name"] == names[2]
    assert active(found)["column"] == "Llama 3"
    expect(found.locator("[role=img].active-cell")).to_have_count(1)
    room.press("End")
    assert active(found)["name"] == names[-1]
    room.press("Enter")
    expect(found.locator("tr.selected")).to_contain_text(names[-1])
    language = next(each for each in engine.run(MessagesRequest()).languages if each.name == names[-1])
    tab.wait_for_query(language=language.code)


@pytest.mark.slow
def test_the_vocabulary_is_sought_by_keys(tab):
    tab.goto("tokenizers", text="Good morning", tokenizers="gpt2", tab=VOCABULARY_TAB)
    found = grid(tab, "pieces")
    found.wait_for()
    field = tab.page.get_by_label("Search the pieces")
    field.focus()
    tab.page.keyboard.type("strawberr")
    tab.page.keyboard.press("Enter")
    tab.page.locator(f".st-key-pieces {GRID}[data-rows='2']").wait_for()
    room = found.locator(".room")
    room.focus()
    room.press("ArrowDown")
    room.press("ArrowDown")
    assert active(found)["name"] == "␣strawberry"
    room.press("Enter")
    expect(tab.page.locator(".st-key-piece")).to_contain_text("merge 40,980")


def test_what_is_sought_may_be_hostile(tab):
    hostile = "<img src=x onerror=window.hacked=1>"
    tab.goto("tokenizers", text="x", tokenizers="gpt2", tab=VOCABULARY_TAB, sought=hostile, pieces_in=hostile)
    expect(tab.page.locator(".st-key-below_tokenizers, .stTabs").first).to_contain_text("change the search")
    assert tab.page.evaluate("typeof window.hacked") == "undefined"
