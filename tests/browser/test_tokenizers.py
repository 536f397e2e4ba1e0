"""The tokenizers page in Chromium: what is under the pointer is what the tokenizers made, in every column."""

import json
import re

import pytest
from playwright.sync_api import expect

from models.tokenization import tokenize
from tests.browser.tab import colour_of
from tests.models.tokenizer_texts import TEXTS
from viz.palette import DARK, LIGHT

COLUMNS = ".token-columns[data-ready='true']"
MIXED = "print('👩‍👩‍👧 สวัสดี')  # naïve\n    return 12345"
FOUR = ("gpt2", "llama4", "mistral", "bert")


@pytest.fixture
def tab(new_tab):
    return new_tab()


def opened(tab, **query):
    tab.goto("tokenizers", **query)
    tab.page.locator(COLUMNS).wait_for()
    return tab


def root(tab):
    return tab.page.locator(COLUMNS)


def chips(tab, column):
    return root(tab).locator(".column").nth(column).locator(".chip")


def value(tab, column, piece):
    return root(tab).evaluate("(root, [column, piece]) => root.headlight.value(column, piece)", [column, piece])


def lit(tab):
    return root(tab).evaluate("root => root.headlight.lit()")


def wait_for_tokens(tab, *counts):
    root(tab).and_(tab.page.locator(f"[data-tokens='{','.join(map(str, counts))}']")).wait_for()


def byte_spans(name, text):
    """Where each piece stands in the text's bytes, as far as the spans in characters tell."""
    places = [len(text[:place].encode()) for place in range(len(text) + 1)]
    return [(places[piece.span[0]], places[piece.span[1]]) for piece in tokenize(name, text).pieces]


@pytest.mark.slow
def test_a_stretch_is_lit_in_every_column(tab):
    opened(tab, text=MIXED, tokenizers=",".join(FOUR))
    whole = MIXED.encode()
    for column, name in enumerate(FOUR):
        pieces = tokenize(name, MIXED).pieces
        assert root(tab).evaluate("(root, column) => root.headlight.count(column)", column) == len(pieces)
        assert chips(tab, column).count() == len(pieces)
        for place, piece in enumerate(pieces):
            found = value(tab, column, place)
            assert found["id"] == piece.id
            if not piece.is_unknown:
                assert bytes(found["data"]) == piece.data
            if name in ("gpt2", "llama4"):
                assert whole[found["start"] : found["end"]] == piece.data
    # The Thai word: half a character for GPT-2, several whole ones for others, unknown for BERT.
    place = next(at for at, piece in enumerate(tokenize("gpt2", MIXED).pieces) if b"\xe0\xb8" in piece.data)
    chips(tab, 0).nth(place).hover()
    hovered = value(tab, 0, place)
    found = lit(tab)
    assert place in found[0]
    for column, name in enumerate(FOUR):
        assert found[column], name
        for piece in found[column]:
            there = value(tab, column, piece)
            assert there["start"] < hovered["end"]
            assert hovered["start"] < there["end"]
        low, high = byte_spans(name, MIXED)[found[column][0]]
        assert low < hovered["end"]
        assert hovered["start"] < high
    tip = root(tab).locator(".tip")
    expect(tip).to_contain_text(f"id {hovered['id']:,}")
    expect(tip).to_contain_text("part of a character")
    expect(tip).to_contain_text(bytes(hovered["data"]).hex(" ").upper())


def test_a_click_selects_the_stretch_in_the_link_and_beside(tab):
    opened(tab, text="The strawberry", tokenizers="gpt2,llama3,bert")
    assert "\N{REPLACEMENT CHARACTER}" not in root(tab).text_content()
    chips(tab, 2).nth(1).click()
    tab.wait_for_query(stretch="4-14")
    inspector = tab.page.locator(".st-key-inspector")
    expect(inspector).to_contain_text("strawberry is 1 piece in GPT-2, 1 piece in Llama 3 and 1 piece in BERT")
    expect(chips(tab, 0).nth(1)).to_have_class(re.compile("selected"))
    again = opened(tab, **tab.query)
    expect(chips(again, 1).nth(1)).to_have_class(re.compile("selected"))


def test_the_columns_by_keyboard(tab):
    opened(tab, text="one two three", tokenizers="gpt2,bert")
    chips(tab, 0).first.focus()
    tab.press("ArrowRight", "ArrowRight")
    assert tab.focused[1] == "␣three"
    assert "␣three" in root(tab).locator("[aria-live]").text_content()
    assert lit(tab) == [[2], [2]]
    tab.press("ArrowLeft", "Enter")
    tab.wait_for_query(stretch="3-7")


@pytest.mark.slow
def test_the_largest_disagreement_is_one_click_away(tab):
    text = "plain words here. " * 500 + "สวัสดี 🍓" + " and plain words again." * 500
    tab.goto("tokenizers", text="x", tokenizers="gpt2,bert")
    root(tab).wait_for()
    tab.look(text)
    wait_for_tokens(tab, len(tokenize("gpt2", text).ids), len(tokenize("bert", text).ids))
    jump = root(tab).locator(".jump").first
    expect(jump).to_contain_text("สวัสดี")
    jump.click()
    selected = root(tab).locator(".selected").first
    selected.wait_for()
    expect(selected).to_be_in_viewport()
    assert int(tab.query["stretch"].partition("-")[0]) == text.index(" สวัสดี")


def test_the_same_piece_has_the_same_colour_in_every_column(tab):
    opened(tab, text="berry and a berry", tokenizers="gpt2,llama3,bert,words")
    grounds = {
        getComputed
        for column in range(4)
        for getComputed in chips(tab, column).evaluate_all(
            "chips => chips.filter(chip => chip.textContent.endsWith('berry') && chip.textContent.length < 7)"
            ".map(chip => getComputedStyle(chip).backgroundColor)"
        )
    }
    assert len(grounds) == 1
    assert grounds != {"rgba(0, 0, 0, 0)"}


@pytest.mark.slow
def test_one_word_changed_makes_few_chips_anew(tab):
    text = "The quick brown fox jumps over the lazy dog. " * 20
    opened(tab, text="x", tokenizers="gpt2,llama3")
    tab.look(text)
    count = len(tokenize("gpt2", text).ids)
    wait_for_tokens(tab, count, len(tokenize("llama3", text).ids))
    root(tab).evaluate("root => root.querySelectorAll('.chip').forEach(chip => (chip.old = true))")
    changed = text.replace("fox", "wolverine", 10).replace("wolverine", "fox", 9)
    tab.look(changed)
    wait_for_tokens(tab, len(tokenize("gpt2", changed).ids), len(tokenize("llama3", changed).ids))
    fresh = root(tab).evaluate("root => [...root.querySelectorAll('.chip')].filter(chip => !chip.old).length")
    assert 2 <= fresh < 12
    for place in (0, count // 2, count - 1):
        assert value(tab, 0, place)["id"] == tokenize("gpt2", changed).ids[place]
        chips(tab, 0).nth(place).hover()
        assert lit(tab)[0] == [place]


@pytest.mark.slow
def test_pieces_further_down_are_there_when_somebody_scrolls(tab):
    text = "The quick brown fox jumps over the lazy dog. " * 90
    opened(tab, text="x", tokenizers="gpt2,llama3")
    tab.look(text)
    pieces = tokenize("gpt2", text).pieces
    wait_for_tokens(tab, len(pieces), len(tokenize("llama3", text).ids))
    assert chips(tab, 0).count() < len(pieces)
    body = root(tab).locator(".pieces").first

    def all_are_there():
        body.evaluate("body => (body.scrollTop = body.scrollHeight)")
        return chips(tab, 0).count() == len(pieces)

    tab.wait_until(all_are_there)
    assert chips(tab, 0).all_text_contents() == [piece.text for piece in pieces]
    # And without scrolling, for who goes there by the ruler or a link.
    opened(tab, **tab.query | {"text": text[:1900], "stretch": "1800-1803"})
    expect(chips(tab, 1).locator("visible=true").and_(tab.page.locator(".selected")).first).to_be_in_viewport()


@pytest.mark.slow
def test_a_tokenizer_is_trained_and_stands_in_a_column(tab):
    opened(tab, text="the values of the total", tokenizers="gpt2,bert")
    tab.open_tab("Bring your own")
    learnt = " ".join(TEXTS[name] for name in TEXTS if name.startswith("code")) * 3
    tab.page.locator(".st-key-training_text textarea").fill(learnt)
    tab.page.locator(".st-key-training").get_by_role("button", name="Train", exact=True).click()
    tab.page.get_by_text("It stands in the last column.").wait_for()
    expect(root(tab).locator(".column")).to_have_count(3)
    expect(root(tab).locator(".column .title").nth(2)).to_have_text("Mine: byte-level BPE, 1,000")
    assert chips(tab, 2).count() > 3
    with tab.page.expect_download() as started:
        tab.page.get_by_role("button", name="tokenizer.json").click()
    kept = json.loads(started.value.path().read_text("utf-8"))
    assert kept["model"]["type"] == "BPE"
    assert 257 < len(kept["model"]["vocab"]) <= 1_000


@pytest.mark.slow
def test_a_text_that_is_too_long_for_a_link_is_taken_as_a_file(tab):
    opened(tab, text="x", tokenizers="gpt2,bert")
    text = "naïve สวัสดี 🍓\n" * 300
    tab.look(text)
    with tab.page.expect_download() as started:
        tab.page.get_by_role("button", name="Take the text as a file").click()
    assert started.value.path().read_text("utf-8") == text


@pytest.mark.slow
def test_a_file_is_opened_and_a_bad_one_is_said(tab):
    opened(tab, text="some text", tokenizers="gpt2,bert")
    tab.open_tab("Bring your own")
    upload = tab.page.locator(".st-key-own_file input[type=file]")
    upload.set_input_files({"name": "tokenizer.json", "mimeType": "application/json", "buffer": b'{"model": 3}'})
    expect(tab.page.locator(".st-key-problem")).to_contain_text("it has no model")
    lines = b"[PAD]\n[UNK]\n[CLS]\n[SEP]\nsome\ntext\n"
    upload.set_input_files({"name": "vocab.txt", "mimeType": "text/plain", "buffer": lines})
    expect(root(tab).locator(".column")).to_have_count(3)
    expect(chips(tab, 2)).to_have_text(["some", "text"])


HOSTILE = '</script><img src=x onerror="window.hacked=1"> \u202e\0 <script>window.hacked=1</script>'


def test_hostile_text_is_text(tab):
    opened(tab, text=HOSTILE.replace("\0", ""), tokenizers="gpt2,words,mistral,bytes")
    for name in ("How was it cut?", "On the way to ids?", "Show the code", "Bring your own"):
        tab.open_whole_tab(name)
    assert tab.page.evaluate("typeof window.hacked") == "undefined"
    assert tab.page.locator("img[src='x']").count() == 0


def test_row_heads_break_between_words_only(tab):
    tab.page.set_viewport_size({"width": 390, "height": 844})
    opened(tab)
    tab.open_tab("Made of what?")
    heads = tab.page.locator(".headlight-cards th:first-child")
    expect(heads).to_have_count(10)
    broken = heads.evaluate_all("""heads => heads.filter(head => {
        const range = document.createRange()
        range.selectNodeContents(head)
        const lines = new Set([...range.getClientRects()].map(each => Math.round(each.top))).size
        return lines > head.textContent.split(/[ -]/).length || head.scrollWidth > head.clientWidth
    }).map(head => head.textContent)""")
    assert broken == []


# Where GPT-2 is written on two lines.
BROKEN = """() => {
  const found = []
  const visit = (root) => {
    const walk = document.createTreeWalker(root, NodeFilter.SHOW_TEXT)
    for (let node = walk.nextNode(); node; node = walk.nextNode())
      for (const { index } of node.data.matchAll(/GPT[-\u2011]2/g)) {
        const range = document.createRange()
        range.setStart(node, index)
        range.setEnd(node, index + 5)
        if (new Set([...range.getClientRects()].map((each) => Math.round(each.top))).size > 1) found.push(node.data)
      }
    for (const each of root.querySelectorAll("*")) if (each.shadowRoot) visit(each.shadowRoot)
  }
  visit(document.querySelector("[data-testid=stMain]"))
  return found
}"""


@pytest.mark.slow
def test_no_line_ends_inside_of_a_name(new_tab):
    tab = new_tab(size=(390, 844))
    opened(tab)
    tab.open_tab("Which pieces do they share?")
    expect(tab.page.get_by_role("columnheader", name="only in GPT-2").first).to_be_visible(timeout=45_000)
    for width in range(330, 440, 7):
        tab.page.set_viewport_size({"width": width, "height": 844})
        tab.page.wait_for_timeout(200)
        assert tab.page.evaluate(BROKEN) == [], width


def test_what_the_numbers_at_a_disagreement_are_is_said(tab):
    opened(tab)
    expect(root(tab).locator(".jumps")).to_contain_text("pieces: ")
    expect(root(tab).locator(".jump").first).to_contain_text("13·4·1")
    # For a screen reader each stands behind the tokenizer whose it is.
    expect(root(tab).locator(".jump").first).to_have_accessible_name(re.compile(r", pieces: .+: 13, .+: 4, .+: 1$"))


@pytest.mark.parametrize(("theme", "palette"), [pytest.param("light", LIGHT, marks=pytest.mark.slow), ("dark", DARK)])
def test_the_page_fits(new_tab, theme, palette):
    tab = new_tab(color_scheme=theme)
    for _ in tab.opened_in_sizes(opened, root(tab)):
        assert colour_of(root(tab), "hue-0") == palette.identity[0]
