"""Text that somebody else wrote is shown as it stands: no Markdown, no HTML, no formula; nothing of it is fetched."""

import csv
import html
import importlib
import io
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from pages.shared.link import Choice
from pages.shared.plain_text import plain
from pages.shared.registry import PAGES, modules
from pages.shared.spreadsheet import as_csv
from tests.hostile.class_server import serving
from tests.hostile.visitor import Visitor, strings
from tests.models.test_folders import save

HOSTILE = (
    "![i](http://evil.example/i) <img src=http://evil.example/h> [l](http://evil.example) $x$ :red[r] :smile: **b**"
)
PIECES = [
    *HOSTILE.split(" "),
    "`c`",
    "~~s~~",
    "# h",
    "- l",
    "1. l",
    "> q",
    "www.evil.example",
    "a@evil.example",
    "&lt;b&gt;",
]
# Where Streamlit reads Markdown.
MARKDOWN = re.compile(
    r"(markdown|alert|heading|toast)\.body$|\.(label|help|text|value|delta|content|caption|captions)$"
    r"|(radio|button_group)\.options"
)
# Widgets that take what was typed back, and elements that show it as it is.
TYPED = re.compile(r"(text_input|text_area|selectbox|multiselect)\.|new_element\.text\.|code\.|arrow|data")
FORMATTED = re.compile(r"(?<!\\)(\]\(|\$x|\*\*b|:red\[)|:smile:|(?<!\u2060)(?<=http:)//evil|(?<=www)\.evil")


def unescaped(visitor):
    """What was shown of hostile text in a way that Streamlit, or the browser, would make more of."""
    found = []
    for message in visitor.heard:
        for field, text in strings(message.delta):
            if "html.body" in field:
                found += [(field, text)] if "<img src=http" in text else []
            elif MARKDOWN.search(field) and not TYPED.search(field):
                found += [(field, text)] if FORMATTED.search(text) else []
    return found


def every_choice():
    """Each choice of each page, by name."""
    found = {}
    for module in modules():
        for each in vars(importlib.import_module(module)).values():
            if isinstance(each, Choice):
                found.setdefault(each.name, []).append(each)
    return found


@pytest.mark.parametrize("text", PIECES)
def test_plain_text_is_shown_as_it_stands(text):
    """As CommonMark, with the extensions that Streamlit has of GFM; tags are text to it where nobody allowed HTML."""
    said = f"before {plain(text)} after"
    made = MarkdownIt("commonmark", {"html": False}).enable("strikethrough").render(said)
    assert re.fullmatch(r"<p>[^<]*</p>\n", made), made
    assert html.unescape(made).replace("\u2060", "") == f"<p>before {text} after</p>\n"


@given(st.text(st.sampled_from("![]()<>*_`~$:#-+=.|&\\ab1/ \n@w"), max_size=40))
def test_no_text_is_formatted(text):
    words = " ".join(text.split())
    made = MarkdownIt("commonmark", {"html": False}).enable("strikethrough").render(f"x {plain(text)} y")
    assert re.fullmatch(r"<p>[^<]*</p>\n", made), made
    assert "".join(html.unescape(made)[3:-5].replace("\u2060", "").split()) == "".join(f"x {words} y".split())
    # As a label of its own as well.
    assert not re.search(
        r"<(?!/?p>)", MarkdownIt("commonmark", {"html": False}).enable("strikethrough").render(plain(words))
    )


@pytest.mark.quick(1)
@pytest.mark.parametrize("page", ["", *(each.address for each in PAGES)])
def test_no_parameter_of_a_link_is_formatted(visitor, page):
    """Half of them at once, and then the others."""
    names = every_choice()
    assert len(names) > 40
    seen = visitor()
    # All in one link would be longer than what is read of it.
    every = sorted(names)
    for some in ([*every[::2], "text"], [*every[1::2], "text"]):
        seen.start(page, **dict.fromkeys(some, HOSTILE))
        seen.until(lambda: not seen.is_running)
        seen.start(page, **{**dict.fromkeys(some, HOSTILE), "model": "spelling_to_sound"})
        seen.until(lambda: not seen.is_running)
    assert any("evil" in text for _, text in seen.ever_shown)
    assert unescaped(seen) == []


def test_the_output_that_a_link_names_is_text(visitor):
    seen = visitor().open("attention", model="spelling_to_sound", text="cat", output="typed", target=HOSTILE)
    seen.open("attention", model="spelling_to_sound", text="cat", way="typed", target=HOSTILE)
    assert unescaped(seen) == []
    seen.open("attention", model="spelling_to_sound", text=HOSTILE)
    assert unescaped(seen) == []


@pytest.mark.slow
def test_names_of_files_and_folders_are_text(tmp_path):
    name = "![i](http:evil.example) **b** $x$ :red[r] <img src=http"
    folder = save("llama", tmp_path / name)
    tokenizer = (folder / "tokenizer.json").read_bytes()
    with serving(tmp_path, environment={"HEADLIGHT_FOLDERS": str(tmp_path)}) as server:
        with Visitor(server) as seen:
            seen.open("attention", model=f"folder:{folder}")
            assert not seen.notes
            seen.press("About this model")
            assert unescaped(seen) == []
        with Visitor(server) as seen:
            seen.open("tokenizers").choose("below_tokenizers", string_value="Bring your own")
            seen.upload("own_file", f"{name}.json", tokenizer)
            for tab in (
                "How was it cut?",
                "On the way to ids?",
                "What does it cost?",
                "Made of what?",
                "Show the code",
            ):
                seen.choose("below_tokenizers", string_value=tab)
            assert unescaped(seen) == []
            assert any("evil.example" in text for _, text in seen.ever_shown)


@given(st.lists(st.text(max_size=8) | st.sampled_from(["=1+1", "+1", "-", "@x", "\t=x", "\r=x", "'=x", "''-a", "'"])))
def test_cells_are_no_formulas_and_can_be_had_back(cells):
    [row] = csv.reader(io.StringIO(as_csv([[*cells, "end"]]), newline=""))
    for cell, given_cell in zip(row, cells, strict=False):
        is_number = re.fullmatch(r"[-+].*", cell) and _is_number(cell)
        assert is_number or not re.match(r"(?s)[=+\-@\t\r＝＋－＠].", cell)
        assert re.sub(r"(?s)^'(?='*[=+\-@\t\r＝＋－＠].)", "", cell) == given_cell


def _is_number(text):
    try:
        float(text)
    except ValueError:
        return False
    return True


def test_numbers_stay_numbers():
    assert as_csv([[-1, -0.5, "-1.5e-07", "-inf", "+3", None]]) == "-1,-0.5,-1.5e-07,-inf,+3,\r\n"


def test_every_table_of_every_page_is_written_so():
    """No page writes a CSV file by itself."""
    for module in modules():
        loaded = importlib.import_module(module)
        assert not hasattr(loaded, "csv") or module == "pages.shared.spreadsheet"
