"""What a language costs, what is in a vocabulary and what two of them share, as AppTest plays the page."""

import csv
import io
import json

import numpy as np
import pytest

from models.catalog import TOKENIZERS
from models.engine import engine
from models.loading.packs import PackError
from models.tokenization import tokenize
from models.tokenization.language_prices import LanguagePricesRequest
from models.tokenization.line_costs import LineCostsRequest
from models.tokenization.parallel_text import MessagesRequest
from models.tokenization.vocabulary import VocabularyRequest
from models.tokenization.vocabulary_overlap import OverlapRequest
from models.tokenization.vocabulary_search import SearchRequest
from pages.tokenizers import export
from pages.tokenizers.choices import ShownTokenizers
from pages.tokenizers.examples import EXAMPLES, LANGUAGES_TAB, VOCABULARY_TAB
from tests.pages.bad_links import bad_links
from tests.pages.screen import PageScreen
from tests.viz.wire import header_of, unpack
from viz.language_tables import priced_languages

SHARED_TAB = "which-pieces-do-they-share"
TWO = "gpt2,mistral"


class Page(PageScreen):
    """A session on the tokenizers page. `grid`: what a grid of figures below says."""

    PAGE, PICTURE = "pages/tokenizers/page.py", "token_columns"

    def grid(self, key="language_grid"):
        return header_of(self.component(key))

    def row(self, name, key="language_grid"):
        found = self.grid(key)
        return found["cells"][found["names"].index(name)]


def prices(name, code):
    messages = engine.run(MessagesRequest())
    english, foreign = (
        engine.run(LineCostsRequest(name, lines)).tokens
        for lines in (messages.english, messages.by_code[code].sentences)
    )
    return foreign / english


@pytest.fixture(scope="module")
def screen():
    return Page(text="Good morning", tokenizers=TWO, tab=LANGUAGES_TAB)


def test_every_language_has_its_price(screen):
    found = screen.grid()
    assert found["columns"] == ["GPT-2", "Mistral v1"]
    assert len(found["names"]) == len(engine.run(MessagesRequest()).languages)
    for place, name in enumerate(("gpt2", "mistral")):
        ratios = prices(name, "th")
        assert screen.row("Thai")[place] == f"{ratios.mean():.2f} ± {ratios.std(ddof=1):.2f}"
    assert len(screen.component("language_grid")) < 60_000
    assert "Ten sentences of one program are a sample" in found["caption"]
    assert "s price: ten sentences of one program." in screen.html
    assert "Fewer is not better: look at unknowns and the round trip." in screen.html
    scripts = [title for _, title in found["groups"]]
    assert len(scripts) == len(set(scripts)) >= 14
    shape = (len(found["names"]), 2)
    _, (shades, known) = unpack(screen.component("language_grid"), ("uint8", shape), ("float32", (6, *shape)))
    assert shades.max() == 255
    assert np.isfinite(known).all()


def test_a_language_shows_its_sentences_in_columns(screen):
    row = screen.grid()["names"].index("Thai")
    screen.tell("language_grid", "cell", [row, 1])
    assert screen.query["language"] == "th"
    assert screen.grid()["selected"] == row
    columns = header_of(screen.component("language_token_columns"))
    thai = engine.run(MessagesRequest()).by_code["th"].sentences
    assert columns["text"] == "\n".join(thai)
    assert thai[0] in screen.html
    again = Page(**screen.query)
    assert again.grid() == screen.grid()


@bad_links(
    """
    language=xx         no language xx
    language=ta         lacks some of the ten sentences in ta
    language=../../etc  names no language by its code
    languages_by=luck   no order of languages
    counted=luck        no text to count
    """
)
def test_a_language_that_is_not_there_is_said(query, said):
    screen = Page(text="x", tokenizers="gpt2", tab=LANGUAGES_TAB, **query)
    assert any(said in note for note in screen.notes), screen.notes
    assert screen.grid()["selected"] is None
    assert not screen.problems


def test_lines_of_ones_own_are_compared():
    pasted = "Good morning.\tสวัสดีตอนเช้า\n<b>How</b> are you?|Wie geht es dir?"
    screen = Page(text="x", tokenizers="gpt2,bytes", tab=LANGUAGES_TAB, counted="pasted", parallel=pasted)
    found = screen.grid("pair_grid")
    assert found["names"] == ["สวัสดีตอนเช้า", "Wie geht es dir?"]
    assert found["cells"][1][1] == f"{len('Wie geht es dir?') / len('<b>How</b> are you?'):.2f}"
    assert screen.query["parallel"] == pasted
    assert not screen.problems
    screen.test.text_area(key="parallel_box").set_value("only one column")
    assert ["Line 1 is not in two columns" in each for each in screen.run().problems] == [True]
    assert screen.test.text_area(key="parallel_box").value == "only one column"


def test_the_text_is_counted_by_line():
    text = "Good morning.\n\nสวัสดี\nशुभ प्रभात।"
    screen = Page(text=text, tokenizers="gpt2,bert", tab=LANGUAGES_TAB, counted="lines")
    found = screen.grid("line_grid")
    lines = [line for line in text.splitlines() if line]
    assert found["names"] == lines
    tokens = engine.run(LineCostsRequest("gpt2", tuple(lines))).tokens.tolist()
    assert found["cells"][0][0] == f"{tokens[0]} · {tokens[0] / 2:.2f} per word"
    assert found["cells"][1][0] == f"{tokens[1]} · {tokens[1] / len('สวัสดี'):.2f} per character"
    assert f"“{lines[tokens.index(max(tokens))]}”" in screen.html


def test_without_the_package_there_is_a_sentence(monkeypatch):
    def missing(_):
        raise PackError("The model pack django is not installed. Run `make models` and try again.")

    monkeypatch.setattr("models.tokenization.parallel_text.files_of", missing)
    engine.answers.forget_idle(0, 0)
    screen = Page(text="Good morning", tokenizers="gpt2", tab=LANGUAGES_TAB)
    assert screen.problems == ["The model pack django is not installed. Run \\`make models\\` and try again."]
    assert screen.has_picture
    screen.test.segmented_control(key="counted_box").set_value("lines")
    assert screen.run().grid("line_grid")["names"] == ["Good morning"]


def test_eight_tokenizers_stand_side_by_side():
    names = "gpt2,bert,llama3,smollm2,qwen,mistral,bytes,unigram"
    screen = Page(text="Good morning", tokenizers=names)
    assert [each["name"] for each in screen.shown["columns"]] == names.split(",")
    assert not screen.notes


@pytest.mark.slow
def test_the_files_hold_the_same_numbers():
    messages = engine.run(MessagesRequest())
    priced = priced_languages(messages, [engine.run(LanguagePricesRequest("gpt2"))])
    now = ShownTokenizers("x", (TOKENIZERS["gpt2"],), False)
    rows = list(csv.DictReader(io.StringIO(export.prices_as_csv(now, messages, priced))))
    (thai,) = [row for row in rows if (row["language"], row["tokenizer"]) == ("th", "gpt2")]
    assert float(thai["mean"]) == pytest.approx(prices("gpt2", "th").mean())
    whole = json.loads(export.prices_as_json(now, messages, priced))
    assert whole["languages"]["th"]["prices"]["gpt2"]["ratios"] == pytest.approx(prices("gpt2", "th").tolist())
    assert whole["english"] == list(messages.english)
    known = engine.run(VocabularyRequest("gpt2"))
    found = engine.run(SearchRequest("gpt2", "straw")).places
    assert [row["id"] for row in csv.DictReader(io.StringIO(export.vocabulary_as_csv(known, found)))] == [
        str(known.ids[place]) for place in found
    ]
    assert json.loads(export.vocabulary_as_json(known, found))[0]["bytes"] == known.data[found[0]].hex()


def test_the_program_gives_the_same_prices(monkeypatch, capsys):
    screen = Page(text="Good morning", tokenizers="gpt2", tab=LANGUAGES_TAB)
    said = dict(line.split("\t", 1) for line in screen.output_of_the_code("language_prices", monkeypatch, capsys))
    assert len(said) == len(screen.grid()["names"])
    assert said["th"].replace("\t", " ") == screen.row("Thai")[0]


@pytest.fixture(scope="module")
def pieces():
    return Page(text="Good morning", tokenizers=TWO, tab=VOCABULARY_TAB)


def test_pieces_are_listed_and_sought(pieces):
    known = engine.run(VocabularyRequest("gpt2"))
    assert len(pieces.grid("piece_grid")["names"]) == 100
    assert pieces.grid("piece_grid")["names"][0] == known.shown(0)
    pieces.test.text_input(key="sought_box").set_value("strawberr")
    assert pieces.run().grid("piece_grid")["names"] == ["␣strawberries", "␣strawberry"]
    assert pieces.query["sought"] == "strawberr"
    pieces.tell("piece_grid", "cell", [1, 0])
    berry = int(known.ids[known.texts.index(" strawberry")])
    assert pieces.query["piece_id"] == str(berry)
    assert "␣straw</bdi>" in pieces.html
    assert f"merge {known.ranks[known.place_of(berry)]:,}" in pieces.html
    again = Page(**pieces.query)
    assert again.grid("piece_grid") == pieces.grid("piece_grid")


@pytest.mark.quick(4)
@pytest.mark.parametrize(
    ("query", "problem", "note"),
    [
        ({"sought": "("}, "no regular expression", ""),
        ({"sought": "(.*.*.*.*.*.*)*Q"}, "takes longer than 2 seconds", ""),
        ({"sought": ""}, "", ""),
        ({"sought": "no piece has this"}, "", ""),
        ({"sought": "a" * 401}, "", "401 characters"),
        ({"pieces_in": "Klingon"}, "", "no pieces in Klingon"),
        ({"piece_id": "99999999"}, "", "no piece 99999999"),
        ({"piece_length": "9-2"}, "", "not two numbers"),
        ({"pieces_of": "luck"}, "", "no kind of piece"),
        ({"pieces_from": "999999"}, "", ""),
    ],
)
def test_whatever_is_sought_the_page_lives(query, problem, note):
    screen = Page(text="x", tokenizers="gpt2", tab=VOCABULARY_TAB, search_by="pattern", **query)
    assert [problem in each for each in screen.problems] == ([True] if problem else [])
    assert [note in each for each in screen.notes] == ([True] if note else [])
    assert screen.has_picture
    assert screen.test.text_input(key="sought_box").value == (
        "" if note and "sought" in query else query.get("sought", "")
    )


def test_two_vocabularies_are_compared():
    screen = Page(text="x", tokenizers="gpt2,mistral,bert,bytes", tab=SHARED_TAB, beside="bert")
    found = engine.run(OverlapRequest("gpt2", "bert"))
    assert f"GPT-2 and BERT share {found.shared.count:,} pieces" in screen.html
    assert f"only in BERT: {found.only_other.count:,}" in screen.html
    (pairs,) = screen.blocks("every_pair")
    assert pairs.get("html")[0].proto.body.count("<tr") == 4


def test_fewer_than_two_vocabularies_get_a_sentence():
    screen = Page(text="x", tokenizers="gpt2,bytes", tab=SHARED_TAB)
    assert screen.problems == ["Choose two tokenizers above that have a vocabulary."]


def test_the_sentences_of_a_language_become_the_text():
    screen = Page(text="Good morning", tokenizers="gpt2", tab=LANGUAGES_TAB, language="th").press("take_language")
    assert screen.typed == "\n".join(engine.run(MessagesRequest()).by_code["th"].sentences)
    assert screen.query["language"] == "th"


def test_the_figures_of_the_examples_hold():
    labelled = {each.label: each for each in EXAMPLES}
    price_of, glitch = labelled["price of a language"], labelled["glitch pieces"]
    for name, thai, malayalam in (("gpt2", "6.4", "13.7"), ("llama4", "1.1", "3.1")):
        assert f"{prices(name, 'th').mean():.1f}" == thai
        assert f"{prices(name, 'ml').mean():.1f}" == malayalam
        assert thai in price_of.look
        assert malayalam in price_of.look
    names = (" SolidGoldMagikarp", " TheNitromeFan", " petertodd")
    for name in glitch.tokenizers:
        pieces = {piece.data.decode() for piece in tokenize(name, glitch.text).pieces}
        assert set(names) <= pieces if name == "gpt2" else not pieces & set(names)


def test_pieces_are_sought_by_their_length(pieces):
    pieces.test.text_input(key="sought_box").set_value("")
    pieces.run().test.number_input(key="piece_length_0").set_value(20)
    assert pieces.run().query["piece_length"] == "20-40"
    pieces.test.number_input(key="piece_length_1").set_value(12)
    assert pieces.run().query["piece_length"] == "12-12"
    assert {row[1] for row in pieces.grid("piece_grid")["cells"]} == {"12"}
