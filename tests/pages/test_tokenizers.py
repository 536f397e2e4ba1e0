"""The tokenizers page: what it opens on, what a link says, whatever is typed, and tokenizers of one's own."""

import csv
import io
import json
import re

import pytest

from models.catalog import TOKENIZERS as CARDS
from models.engine import engine
from models.tokenization import PATTERNS, OriginsRequest, tokenize
from pages.shared.link import NumberPair
from pages.tokenizers import export
from pages.tokenizers.choices import ShownTokenizers
from pages.tokenizers.examples import EXAMPLES
from tests.models.tokenizer_texts import TEXTS
from tests.pages.bad_links import bad_links
from tests.pages.screen import ATTENTION, ROOT, PageScreen, Screen
from tests.viz.wire import header_of

PAGE = "pages/tokenizers/page.py"
STRAWBERRY = EXAMPLES[0]
TABS = (
    "How was it cut?",
    "On the way to ids?",
    "What does it cost?",
    "What does a language cost?",
    "What is in the vocabulary?",
    "Which pieces do they share?",
    "Made of what?",
    "What does a chat become?",
    "What does a whole file cost?",
    "Which one should I take?",
    "Bring your own",
    "What am I looking at?",
    "Take it with you",
    "Show the code",
)


class Columns(PageScreen):
    """A session on the tokenizers page."""

    PAGE, PICTURE = PAGE, "token_columns"

    @property
    def counts(self):
        return {column["name"]: column["tokens"] for column in self.shown["columns"]}

    def choose(self, *names):
        self.test.multiselect(key="tokenizers_box").set_value(list(names))
        return self.run()

    def all_html(self):
        return "".join(each.proto.body for each in self.test.main.get("html"))


def test_it_opens_on_the_strawberry():
    screen = Columns()
    assert screen.counts == {"gpt2": 27, "llama3": 19, "bert": 12}
    assert screen.typed == STRAWBERRY.text
    assert screen.shown["pinned"] == [16, 27]
    assert "␣strawberry</bdi></b> is <b>1</b> piece in GPT-2" in screen.inspector
    assert "round trip not exact" in screen.shown["columns"][2]["figures"]
    assert "2 unknown" in screen.shown["columns"][2]["figures"]
    assert screen.query == {
        "model": "minilm",
        "text": STRAWBERRY.text,
        "tokenizers": "gpt2,llama3,bert",
        "stretch": "16-27",
    }
    assert not screen.problems
    assert not screen.notes


@pytest.mark.quick(2)
@pytest.mark.parametrize("example", EXAMPLES, ids=[each.label for each in EXAMPLES])
def test_every_example_opens(example):
    screen = Columns(text="something else", tokenizers="qwen").open_example(example.label)
    assert tuple(screen.counts) == example.tokenizers
    assert screen.typed == example.text
    assert screen.shown["pinned"] == (None if example.stretch is None else list(example.stretch))
    assert screen.counts == {name: len(tokenize(name, example.text).ids) for name in example.tokenizers}
    assert not screen.problems
    assert not screen.notes
    assert example.look in [each.value for block in screen.blocks("inspector") for each in block.markdown]


def test_a_link_opens_the_same_view():
    first = Columns(text="a <|endoftext|> สวัสดี", tokenizers="gpt2,tekken,words", stretch="2-5", specials="text")
    again = Columns(**first.query)
    assert again.query == first.query
    assert again.component("token_columns") == first.component("token_columns")
    assert again.shown["pinned"] == [2, 5]


@bad_links(
    """
    tokenizers=nope                                               no tokenizer that is here
    tokenizers=gpt2,nope                                          a tokenizer that is not here
    tokenizers=own:1234                                           no tokenizer that is here
    tokenizers=gpt2,own:1234                                      cannot carry
    tokenizers=gpt2,bert,llama3,llama4,qwen,tekken,words,bytes,mistral  At most 8
    stretch=9-3                                                   two places in the text
    stretch=a                                                     two places in the text
    from=abc                                                      not a number
    specials=x                                                    no way to read special tokens
    """
)
def test_a_bad_value_in_a_link_is_said_and_the_page_lives(query, said):
    screen = Columns(text="some text", **query)
    assert any(said in note for note in screen.notes), screen.notes
    assert screen.has_picture
    assert len(screen.counts) <= 8


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ({"stretch": "900-910"}, "beyond the text"),
        ({"from": "100000"}, "cannot be shown from 100,000"),
        ({"token": "77"}, None),
        ({"tokenizer": "nope"}, "not among its columns"),
        ({"tokenizer": "qwen"}, "not among its columns"),
    ],
)
def test_what_the_text_and_the_columns_do_not_have_is_dropped(query, said):
    screen = Columns(text="some text", **query)
    assert screen.has_picture
    assert screen.shown["pinned"] is None
    assert screen.shown["start"] == 0
    assert ([said in note for note in screen.notes] == [True]) if said else not screen.notes
    assert not screen.query.keys() & query.keys() - {"token"}


@pytest.fixture(scope="module")
def screen():
    return Columns(tokenizers="gpt2,bert,mistral,unigram")


@pytest.mark.quick(13)
@pytest.mark.parametrize("text", [pytest.param(text, id=name) for name, text in list(TEXTS.items())[::9]])
def test_every_text_is_cut(screen, text):
    screen.look(text)
    assert screen.typed == text
    if text:
        assert not screen.problems
        assert screen.counts["gpt2"] == len(tokenize("gpt2", text).ids)
    else:
        assert "no text yet" in screen.problems[0]


@pytest.mark.parametrize("text", ["   ", "\n", "a\0b", "\u202e", "</script><script>alert(1)</script>"])
def test_what_can_hardly_be_seen_is_cut_as_well(screen, text):
    screen.look(text)
    assert not screen.problems
    assert "".join(screen.shown["columns"][0]["shown"])
    assert ("NUL" in "".join(each.value for each in screen.test.caption)) == ("\0" in text)
    # As an element it would be harmful; escaped it is text.
    assert "<script>alert" not in screen.all_html()


def test_the_tokenizer_of_the_tabs_is_dropped_with_its_column():
    screen = Columns(text="some text", tokenizers="gpt2,bert", tokenizer="bert")
    assert screen.query["tokenizer"] == "bert"
    assert "tokenizer" not in screen.choose("gpt2").query
    assert not screen.notes


def test_no_text_and_no_tokenizer_get_a_sentence(screen):
    screen.look("")
    assert screen.problems == ["There is no text yet: type a sentence, or choose an example."]
    screen.look("text").choose()
    assert screen.problems == ["Choose a tokenizer above; two to eight stand side by side."]
    assert screen.choose("gpt2", "bert").counts == {"gpt2": 1, "bert": 1}


# The tabs are about the first: of BPE, WordPiece, a lattice, and those that have no replay, of which one in each run.
@pytest.fixture(
    scope="module",
    params=[
        "gpt2,bert",
        "bert,gpt2",
        "unigram,mistral",
        "bytes,words",
        pytest.param("spelling_to_sound", marks=pytest.mark.slow),
    ],
)
def stretched(request):
    """A session with these columns, the first of which the tabs are about, and its first name."""
    screen = Columns(text="unbelievable naïveté 🍓", tokenizers=request.param, stretch="0-5")
    return screen, request.param.partition(",")[0]


# What a tab cannot show of some tokenizers: one sentence says so.
LACKING = {
    "How was it cut?": ("bytes", "spelling_to_sound"),
    "What is in the vocabulary?": ("bytes",),
    "Which pieces do they share?": ("bytes", "spelling_to_sound"),
}


@pytest.mark.quick(10)
@pytest.mark.parametrize("tab", TABS)
def test_every_tab_opens_for_every_kind(stretched, tab):
    screen, first = stretched
    problems = screen.open_tab(tab).problems
    if first in LACKING.get(tab, ()):
        assert len(problems) == 1
    else:
        assert not problems


def test_the_merges_can_be_gone_through():
    screen = Columns(text="strawberry", tokenizers="gpt2", stretch="0-10").open_tab("How was it cut?")
    slider = screen.test.slider(key="merge_step_0")
    # Ten letters end as three pieces.
    assert slider.value == slider.max == 7
    (origin,) = engine.run(OriginsRequest("gpt2", "strawberry", (0, 10), False))
    for step in (7, 3, 0):
        screen.test.slider(key="merge_step_0").set_value(step)
        rows = screen.run().all_html().partition("headlight-merges")[2].partition("</table>")[0]
        assert re.findall(r"merge ([\d,]+)<", rows) == [f"{merge.rank:,}" for merge in origin.merges[:step]]


def test_the_ways_of_unigram_are_listed_best_first():
    screen = Columns(text="strawberry", tokenizers="unigram", stretch="0-10").open_tab("How was it cut?")
    radio = screen.test.radio(key="way_0")
    scores = [float(option.rpartition("·")[2]) for option in radio.options]
    assert len(scores) == 5
    assert scores == sorted(scores, reverse=True)
    assert radio.options[0].startswith("␣straw berry")


def test_one_is_not_many():
    page = Columns(text="a", tokenizers="gpt2").open_tab("On the way to ids?").all_html()
    assert all(f">{said}" in page for said in ("1 character<", "1 pre-token, beyond", "1 piece<"))


def test_what_it_costs_lists_every_tokenizer():
    screen = Columns(text="a b").open_tab("What does it cost?")
    page = screen.all_html()
    assert all(f"<th>{card.title}</th>" in page for card in CARDS.values())


def test_a_long_text_is_paged_and_counted_as_a_whole():
    text = "The quick brown fox. สวัสดี 🍓\n" * 700
    screen = Columns(text="x", tokenizers="gpt2,bert").look(text)
    assert screen.counts["gpt2"] == len(tokenize("gpt2", text).ids)
    assert (screen.shown["start"], len(screen.shown["text"])) == (0, 6_000)
    screen.test.button(key="page_further").click()
    assert screen.run().shown["start"] == 6_000
    assert screen.query["from"] == "6000"
    assert "text" not in screen.query, "too long for a link"
    screen.test.button(key="page_before").click()
    assert screen.run().shown["start"] == 0
    assert "from" not in screen.query


def test_a_long_text_is_paged_with_a_stretch_as_well():
    text = "The quick brown fox. สวัสดี 🍓\n" * 700
    screen = Columns(text="x", tokenizers="gpt2,bert").look(text)
    screen.test.session_state["choice:stretch"] = NumberPair((13_000, 13_004))
    # What is selected is in the window.
    assert screen.run().shown["start"] == 12_000
    assert screen.shown["pinned"] == [13_000, 13_004]
    assert "from" not in screen.query
    screen.test.button(key="page_before").click()
    assert screen.run().shown["start"] == 6_000
    assert screen.shown["pinned"] is None
    assert "is <b>0" not in screen.inspector
    screen.test.button(key="page_before").click()
    assert screen.run().shown["start"] == 0
    assert (screen.query["from"], screen.query["stretch"]) == ("0", "13000-13004")
    # A stretch between two windows is shown whole.
    screen.test.session_state["choice:stretch"] = NumberPair((5_995, 6_003))
    screen.test.session_state["choice:from"] = None
    assert screen.run().shown["start"] == 5_995


def test_a_text_from_a_file_forgets_the_places_of_the_former_one():
    screen = Columns(text="The quick brown fox", tokenizers="gpt2,bert", stretch="4-9").open_tab("Take it with you")
    screen.test.file_uploader(key="text_file").set_value(("text.txt", b"Another text altogether", "text/plain"))
    screen.run()
    assert screen.typed == "Another text altogether"
    assert "stretch" not in screen.query


def test_without_a_text_one_can_be_opened_and_a_tokenizer_brought_along():
    screen = Columns(text="x", tokenizers="gpt2").look("")
    screen.test.file_uploader(key="text_file").set_value(("text.txt", b"from a file", "text/plain"))
    assert screen.run().typed == "from a file"
    screen.look("").choose_tab("Bring your own")
    assert screen.run().test.text_area(key="training_text").value == ""


def test_the_token_of_the_thread_is_lit_on_both_pages():
    screen = Screen(text="The animal was tired.", model="minilm", token="2")
    screen.go(PAGE)
    columns = header_of(screen.component("token_columns"))
    assert columns["text"] == "The animal was tired."
    assert columns["pinned"] == [4, 5]
    screen.test.session_state["choice:stretch"] = (11, 14)
    screen.test.session_state["thread:start"] = 11
    screen.test.session_state["choice:token"] = None
    screen.go(ATTENTION)
    assert screen.view[1] == "was"


def test_what_is_taken_along_reads_back():
    text = 'a,"b"\nสวัสดี <|endoftext|> 🍓'
    now = ShownTokenizers(text, (CARDS["gpt2"], CARDS["bert"], CARDS["bytes"]), False)
    kept = json.loads(export.pieces_as_json(now))
    assert kept["text"] == text
    rows = list(csv.DictReader(io.StringIO(export.pieces_as_csv(now), newline="")))
    for name in ("gpt2", "bert", "bytes"):
        cut = tokenize(name, text)
        assert kept["tokenizers"][name]["ids"] == list(cut.ids)
        mine = [row for row in rows if row["tokenizer"] == name]
        assert [int(row["id"]) for row in mine] == list(cut.ids)
        assert [bytes.fromhex(row["bytes"]) for row in mine] == [piece.data for piece in cut.pieces]
        assert [(int(row["start"]), int(row["end"])) for row in mine] == [piece.span for piece in cut.pieces]


def printed_pieces(screen, monkeypatch, capsys, folder=ROOT):
    """What the program that is shown says of each piece: its id and its bytes."""
    said = screen.output_of_the_code("cut_text", monkeypatch, capsys, folder)
    lines = [(line[:7], line[7:].rpartition("'")[2] or "") for line in said[:-1]]
    return [(int(number), bytes.fromhex(data)) for number, data in lines]


@pytest.mark.quick(4)
@pytest.mark.parametrize("name", ["gpt2", "bert", "mistral", "unigram", "smollm2", "spelling_to_sound"])
@pytest.mark.parametrize("specials", [{}, {"specials": "text"}])
def test_the_code_that_is_shown_gives_the_same_ids_and_bytes(name, specials, monkeypatch, capsys):
    text = "a b unbelievable d <|endoftext|> </s> [SEP] สวัสดี 🍓"
    screen = Columns(text=text, tokenizers=name, **specials).open_tab("Show the code")
    pieces = tokenize(name, text, split_special_tokens=bool(specials)).pieces
    for (number, data), piece in zip(printed_pieces(screen, monkeypatch, capsys), pieces, strict=True):
        assert number == piece.id
        # The page counts a mark that a normaliser drops to the unknown word before it.
        assert data == piece.data or (piece.is_unknown and data and piece.data.startswith(data))
    assert "transformers" not in "".join(line for line in screen.test.code[1].value.splitlines() if "import" in line)


def test_the_patterns_on_offer_are_those_of_the_shelf():
    assert {PATTERNS["GPT-2"], PATTERNS["Llama 3"], PATTERNS["Qwen"]} == {
        CARDS[name].pattern for name in ("gpt2", "llama3", "qwen")
    }
    assert PATTERNS["o200k"] == CARDS["llama4"].pattern


@pytest.mark.parametrize(("text", "is_said"), [("مرحبا بالعالم", True), ("The keys.", False)])
def test_it_is_said_which_way_pieces_of_a_text_from_right_to_left_stand(text, is_said):
    said = [each.value for each in Columns(text=text, tokenizers="gpt2,bert").test.caption]
    assert any("from left to right" in each for each in said) == is_said
