"""The inspector's HTML: text is data, and numbers are written one way."""

from html.parser import HTMLParser

import pytest

from viz.inspector import BeforeAfter, Share, before_after, sentence, shares, verdict
from viz.number_format import part_text

HOSTILE = (
    "</script><img src=x onerror=1>",
    "<script>window.hacked=1</script>",
    '"><svg onload=1>',
    "' onclick='1",
    "&lt;b&gt;",
)
OURS = {"p", "b", "bdi", "table", "tr", "th", "td", "span"}


class Reader(HTMLParser):
    """Which elements and attributes a browser would see, and which text."""

    def __init__(self, page):
        super().__init__()
        self.tags, self.attributes, self.text = set(), set(), ""
        self.feed(page)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}

    def handle_data(self, data):
        self.text += data


@pytest.mark.parametrize("text", HOSTILE)
def test_a_token_never_becomes_an_element(text):
    for page in (
        shares([Share(text, 0.5), Share("b", 0.5)]),
        sentence(text, "L3 H1", Share("b", 0.5)),
        sentence("a", "L3 H1", Share(text, 0.5)),
        sentence("a", text, Share("b", 0.5)),
        before_after([BeforeAfter(text, 0.5, 0.25)]),
        before_after([BeforeAfter("a", 0.5, 0.25, f"→ {text}"), BeforeAfter("b", 0.5, 0.5)]),
    ):
        read = Reader(page)
        assert read.tags <= OURS
        assert read.attributes <= {"class", "style"}
        assert text in read.text


def test_a_piece_that_is_written_from_right_to_left_stays_in_its_own_place():
    assert "<bdi>שלום</bdi>" in shares([Share("שלום", 0.5)])
    assert sentence("שלום", "L3 H1", Share("سلام", 0.5)).count("<bdi>") == 2


def test_the_sentence_says_who_looks_where_and_how_much():
    read = Reader(sentence("it", "L3 H1", Share("animal", 0.683)))
    assert read.text == "it looks mostly at animal: 68.3\N{NO-BREAK SPACE}% of its attention in L3 H1."


def test_every_line_has_a_bar_as_long_as_its_part():
    page = shares([Share("a", 0.5), Share("b", 0.25), Share("c", 0.0)])
    assert [f"width:{width}%" in page for width in ("50.0", "25.0", "0.0")] == [True] * 3
    assert Reader(page).text == "a50.0\N{NO-BREAK SPACE}%b25.0\N{NO-BREAK SPACE}%c0\N{NO-BREAK SPACE}%"


def test_no_lines_are_an_empty_list():
    assert Reader(shares([])).text == ""


def test_before_stands_above_after_each_with_its_bar_and_number():
    page = before_after([BeforeAfter("or", 0.69, 0.04), BeforeAfter("שלום", 0.0, 1.0)])
    first, second = page.split("</tr>")[1:3]
    assert '<span class="before" style="width:69.0%"></span><span style="width:4.0%"></span>' in first
    assert Reader(first).text == "or69.0\N{NO-BREAK SPACE}%4.00\N{NO-BREAK SPACE}%"
    assert '<span class="before" style="width:0.0%"></span><span style="width:100.0%"></span>' in second
    assert "<bdi>שלום</bdi>" in second
    assert Reader(page.split("</tr>")[0]).text == "beforeafter"
    assert page.count("<td") == 2 * 4, "nothing else is to be said"


def test_what_else_there_is_to_say_has_a_column_of_its_own_on_every_line():
    page = before_after([BeforeAfter("a", 0.5, 0.1, "→ b"), BeforeAfter("c", 0.5, 0.5)])
    first, second = page.split("</tr>")[1:3]
    assert "<td><bdi>→ b</bdi></td>" in first
    assert "<td><bdi></bdi></td>" in second
    assert Reader(before_after([])).text == "beforeafter"


@pytest.mark.parametrize(
    ("part", "written"),
    [
        (0.0, "0 %"),
        (1.0, "100.0 %"),
        (0.683, "68.3 %"),
        (0.01, "1.00 %"),
        (0.0099, "0.990 %"),
        (0.0002, "0.020 %"),
        (0.0001, "0.010 %"),
        (0.00009, "0.009 %"),
        (1e-30, "< 10⁻⁹ %"),
        (1e-11, "1·10⁻⁹ %"),
        (-1e-30, "> −10⁻⁹ %"),
    ],
)
def test_parts_of_the_whole(part, written):
    assert part_text(part) == written.replace(" %", "\N{NO-BREAK SPACE}%")


def test_a_part_that_is_there_never_reads_as_nothing():
    for exponent in range(1, 12):
        assert part_text(10.0**-exponent) != part_text(0.0)


def test_where_no_letter_is_silent_the_list_says_so():
    page = verdict([], ["c", "u"], ("u", 0.42))
    assert Reader(page).text == (
        "None can be left out: something changes without each of them. u matters least: without it the same output has "
        "42.0\N{NO-BREAK SPACE}%."
    )
    assert "The model still writes the same without u." in Reader(verdict(["u"], ["c"], ("u", 0.4))).text


def test_a_comma_that_is_written_stands_in_quotation_marks():
    page = sentence(",", "L1 H2", Share("a", 0.5), is_written=True)
    assert Reader(page).text.startswith("To write “,”, L1 H2 looks mostly at a: 50.0")
