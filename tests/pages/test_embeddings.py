"""The embeddings page as AppTest plays it: each view and each tab opens, and shows what the models compute."""

import re
import time

import numpy as np
import pytest

from models.embeddings import EmbedRequest, LensRequest, SensesRequest, nearest
from models.engine import engine
from pages.embeddings.examples import EXAMPLES
from pages.embeddings.tabs import TABS
from tests.pages.screen import Screen, read
from tests.viz.wire import header_of, unpack
from viz.number_format import part_text

PAGE = "pages/embeddings/page.py"
BANK = EXAMPLES[0]


@pytest.fixture(scope="module")
def screen():
    return Screen(PAGE)


def looked(screen):
    """The maps are made by a job, and fragments do not run by themselves here."""
    until = time.monotonic() + 20
    while not screen.component("vector_map") and time.monotonic() < until:
        time.sleep(0.2)
        screen.run()
    return screen


def test_it_opens_on_six_banks(screen):
    looked(screen)
    assert not screen.problems
    header = header_of(screen.component("vector_map"))
    assert [text for _, text, _, _ in header["points"]] == list(range(6))
    assert [group for *_, group in header["points"]] == [0, 0, 0, 1, 1, 1]
    assert header["groups"] == ["money", "river"]
    assert len(header["names"]) == 7
    header, (places,) = unpack(screen.component("vector_map"), ("<u2", (7, 6, 2)))
    assert np.ptp(places[6], axis=0).max() > 0


@pytest.mark.parametrize("name", list(TABS))
def test_each_tab_opens(screen, name):
    screen.choose_tab(name)
    screen.run()
    assert not screen.problems


def test_the_senses_are_those_of_the_model(screen):
    screen.choose_tab("Do the senses part?")
    screen.run()
    found = engine.run(SensesRequest("minilm", tuple(BANK.text.split("\n")), "bank", BANK.senses))
    said = " ".join(each.proto.body for each in screen.test.get("html"))
    assert (
        "At the input the nearest neighbour has the same sense for 1 of 6, 2 tied; most have it after layer 1, 6 of 6. "
        in said
    )
    assert f"Dealt out by chance, the senses come as far in some layer in {part_text(found.best_by_chance)}." in said
    cells = re.findall(r"<td>([\d.]+ \(in [^<]*\))</td>", said)
    assert len(cells) >= len(found.layers), "by chance, short enough for a telephone"
    assert max(map(len, cells)) <= len("1.0 (in none of 20 ways)")
    assert "<td>a tie</td>" in said, "a row of the table is six times the same vector"
    assert "0.0e+00" not in said
    assert f"{found.layers[3].gap:.3f}" in said


def test_a_point_has_its_neighbours_in_the_original_space():
    screen = looked(Screen(PAGE, text=BANK.text, word="bank", points="word", point="0", depth="6"))
    state = screen.state("vector_map")
    matrix = engine.run(SensesRequest("minilm", tuple(BANK.text.split("\n")), "bank", BANK.senses)).layers[6].cosines
    order = np.argsort(-matrix[0], kind="stable")
    assert state["near"] == [int(each) for each in order if each != 0][:5]
    assert (state["layer"], state["point"]) == (6, 0)
    assert state["of"] == header_of(screen.component("vector_map"))["of"]


def test_another_layer_leaves_the_picture_as_it_was_sent():
    screen = looked(Screen(PAGE, text=BANK.text, word="bank", point="0", depth="2"))
    data, state = screen.component("vector_map"), screen.state("vector_map")
    screen.test.session_state["choice:depth"] = 3
    screen.run()
    assert screen.component("vector_map") == data
    assert screen.state("vector_map")["layer"] == 3
    assert screen.state("vector_map")["near"] != state["near"]


def test_the_lens_shows_the_model_s_own_ranks():
    tower = EXAMPLES[1]
    screen = Screen(PAGE, model=tower.model, text=tower.text, show="lens", answer=tower.answer)
    assert not screen.problems
    header = header_of(screen.component("lens_grid"))
    found = engine.run(LensRequest(tower.model, tower.text))
    assert header["pieces"] == [list(row) for row in found.table.pieces]
    assert header["pieces"][-1][-1] == "␣Paris"


def test_the_table_has_its_neighbours():
    screen = Screen(PAGE, text="king", show="table", piece="king", minus="man", plus="woman")
    assert not screen.problems
    said = " ".join(each.proto.body for each in screen.test.get("html"))
    assert said.index("queen") < said.index("monarch")


@pytest.mark.quick(3)
@pytest.mark.parametrize(
    ("model", "text", "more", "said"),
    [
        ("minilm", "  \n ", {}, "There is no text yet"),
        ("smollm2", ("one " * 12 + "\n") * 200, {}, "tokens, and a map of more than 2,000 points"),
        ("smollm2", "one " * 2_500, {"points": "word", "word": "one"}, "Line 1 has 2,50"),
        ("minilm", "a\na\na", {"points": "word", "word": "zebra"}, "stands in none of these"),
        ("smollm2", "a\na\na", {}, "All these vectors are equal"),
        ("smollm2", "x", {"show": "table", "piece": "cat", "minus": "cat"}, "add up to nothing"),
    ],
    ids=["empty", "many", "long", "no such word", "equal", "nothing left"],
)
def test_what_makes_no_picture_is_one_sentence(model, text, more, said):
    screen = Screen(PAGE, model=model, text="a b")
    # Too long for a link, some of them; the word belongs to the text.
    for name, value in {"text": text, **more}.items():
        screen.test.session_state[f"choice:{name}"] = value
    screen.run()
    until = time.monotonic() + 60
    while not screen.problems and time.monotonic() < until:
        time.sleep(0.2)
        screen.run()
    (problem,) = screen.problems
    assert said in problem


@pytest.mark.quick(3)
@pytest.mark.parametrize(
    "query",
    [
        {"text": "one"},
        {"text": "   "},
        {"text": "a\na\na", "points": "word", "word": "zebra"},
        {"text": "a b", "depth": "99", "point": "77", "show": "context"},
        {"text": "a b", "show": "lens"},
        {"text": "a b", "show": "table", "piece": "</script>"},
        {"text": "a b", "depth": "x", "map": "magic", "axes": "9", "place": "q"},
        {"text": "x " * 3_000},
    ],
    ids=lambda query: " ".join(f"{name}={value[:12]}" for name, value in query.items()),
)
def test_what_cannot_be_shown_is_said(query):
    screen = Screen(PAGE, **query)
    for problem in screen.problems:
        assert "not foreseen" not in problem


def test_the_shown_program_has_the_same_neighbours(monkeypatch, capsys):
    screen = Screen(PAGE, model="minilm", text=BANK.text, depth="3")
    screen.choose_tab("Show the code")
    screen.run()
    lines = screen.output_of_the_code("embeddings", monkeypatch, capsys)
    found = [engine.run(EmbedRequest("minilm", text)) for text in BANK.text.split("\n")]
    kept = [~np.array(each.is_special) for each in found]
    vectors = np.concatenate([each.hidden_states[3, rows] for each, rows in zip(found, kept, strict=True)])
    assert len(lines) == len(vectors)
    for index, line in enumerate(lines):
        said = [float(each) for each in re.findall(r" (-?\d\.\d{4})(?:   |$)", line)]
        assert said == pytest.approx(nearest(vectors, index, 3).values.tolist(), abs=1e-4)


def html_of(screen):
    return read("".join(each.proto.body for each in screen.test.get("html")))


def test_each_baseline_says_of_what_it_is():
    """A layer has one for the shown points, one for all tokens, one for the tokens of a line: they differ."""
    screen = looked(Screen(PAGE, text=BANK.text, word="bank", senses=",".join(BANK.senses), points="word", point="0"))
    assert "Two random ones of these 6 points have a cosine of" in screen.inspector
    for tab, of in {
        "Do the senses part?": "two random tokens of all 6 lines, special ones left out, have a cosine of",
        "How similar are they?": "Two random tokens of this line alone, special ones included, have a cosine of",
    }.items():
        screen.open_tab(tab)
        assert of in html_of(screen)


def test_a_map_says_its_scale_and_what_chance_keeps():
    screen = looked(Screen(PAGE, text=BANK.text, word="bank", senses=",".join(BANK.senses), points="word"))
    notes = header_of(screen.component("vector_map"))["notes"]
    assert all("Scale: " in note and "of a vector's length" in note for note in notes)
    assert all("(by chance 40.0\N{NO-BREAK SPACE}%)" in note for note in notes), "2 of 5 others"
    assert "1 of 6, 2 tied" in notes[0]


def test_equal_neighbours_are_a_tie():
    screen = looked(Screen(PAGE, text="a bank\na bank\na bank\na loan", word="bank", point="2"))
    assert screen.problems == []
    assert "a tie, whose order says nothing" not in screen.inspector
    # Equal at the input, where only the place counts; not in the layers, so that there is something to map.
    screen = looked(Screen(PAGE, text="a bank\na bank of\na bank by", word="bank", points="word", point="0"))
    assert "These 2 are equally near: a tie, whose order says nothing." in screen.inspector


def test_vectors_that_are_equal_everywhere_are_one_sentence():
    screen = Screen(PAGE, text="a bank\na bank\na bank", word="bank", points="word")
    until = time.monotonic() + 20
    while not screen.problems and time.monotonic() < until:
        time.sleep(0.1)
        screen.run()
    assert screen.problems == ["All these vectors are equal in every layer: there is nothing to map."]


def test_no_error_is_a_plain_nought():
    screen = looked(Screen(PAGE, text=BANK.text, word="bank"))
    screen.open_tab("How many numbers?")
    assert "0.0e+00" not in html_of(screen)
    assert "<td>0</td>" in html_of(screen)
