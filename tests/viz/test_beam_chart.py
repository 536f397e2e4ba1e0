"""The tree of a beam search: every candidate is in it once, the winner's way is whole, and text stays text."""

import copy
import json
from itertools import pairwise

import pytest

from models.decoding import BeamSearch, beam_search
from models.decoding.beam_tree import Candidate
from models.decoding.beams import Beam
from models.loading import wrap_model
from models.tokenization import Piece, readable_text
from tests.models import architectures
from tests.models.test_decoding import PROMPT, model_of, ours
from viz.beam_chart import KINDS, BeamLine, beam_table, beam_tree, kind_of, nodes, outcome_sentence, text_so_far
from viz.palette import DARK, LIGHT


def with_ends():
    open_ended = beam_search(ours("t5"), PROMPT, beams=3, max_new_tokens=8)
    model = copy.deepcopy(model_of("t5", "eager"))
    model.generation_config.eos_token_id = [open_ended.candidates[1][1].token_id, open_ended.candidates[3][3].token_id]
    return wrap_model(model, None, architectures.ARCHITECTURES["t5"].family)


@pytest.fixture(scope="module")
def search():
    found = beam_search(with_ends(), PROMPT, beams=3, max_new_tokens=8, length_penalty=2)
    assert {kind_of(each) for step in found.candidates for each in step} == set(KINDS)
    return found


def rows_of(chart, mark):
    """The data of the layers with this mark, in their order."""
    whole = chart.to_dict()
    found = []
    for layer in whole["layer"]:
        if layer["mark"]["type"] != mark:
            continue
        rows = layer.get("data", whole["data"])["values"]
        for each in layer.get("transform", []):
            _, is_or_not, outcome = each["filter"].split(" ")
            rows = [row for row in rows if (row["outcome"] == outcome.strip("'")) == (is_or_not == "==")]
        found.append(rows)
    return found


def test_every_candidate_is_drawn_once_with_a_line_to_its_parent(search):
    placed = nodes(search)
    assert [node.candidate for node in placed] == [each for step in search.candidates for each in step]
    ends = {node.candidate.ids: (node.x + node.width, node.y) for node in placed}
    begin = {(node.from_x, node.from_y) for node in placed if node.step == 0}
    assert len(begin) == 1
    for node in placed:
        if node.step:
            assert (node.from_x, node.from_y) == ends[node.candidate.parent]
            assert node.from_x < node.x
    chart = beam_tree(search)
    (lines,) = rows_of(chart, "rule")
    boxes, told, scored = rows_of(chart, "rect")
    assert len(lines) == len(placed) == len(told) + len(scored)
    assert len(boxes) == sum(node.candidate.outcome != "dropped" for node in placed)
    names = rows_of(chart, "text")
    assert len(names[0]) == len(search.candidates)
    assert len(names[1]) + len(names[3]) == len(placed)


def test_nothing_lies_on_something_else_and_all_of_it_is_within(search):
    placed = nodes(search)
    for step in range(len(search.candidates)):
        column = [node for node in placed if node.step == step]
        for upper, lower in pairwise(column):
            assert upper.y + upper.height / 2 < lower.y - lower.height / 2
    chart = beam_tree(search).to_dict()
    assert all(node.x > 0 and node.x + node.width < chart["width"] for node in placed)
    assert all(node.y > node.height / 2 and node.y + node.height / 2 <= chart["height"] for node in placed)


@pytest.mark.parametrize("palette", [LIGHT, DARK])
def test_the_winners_way_is_whole_and_drawn_last_in_the_accent(search, palette):
    chart = beam_tree(search, palette)
    (lines,) = rows_of(chart, "rule")
    count = len(search.beams[0].ids)
    assert [row["kind"] for row in lines[-count:]] == ["winner"] * count
    assert sorted(row["step"] for row in lines[-count:]) == list(range(1, count + 1))
    assert all(row["kind"] != "winner" for row in lines[:-count])
    (colours,) = {
        json.dumps(layer["encoding"]["color"]["scale"])
        for layer in chart.to_dict()["layer"]
        if layer["mark"]["type"] == "rule"
    }
    scale = json.loads(colours)
    assert dict(zip(scale["domain"], scale["range"], strict=True))["winner"] == palette.accent


def test_what_finished_has_its_place_or_a_cross_and_a_score(search):
    chart = beam_tree(search)
    badges = rows_of(chart, "text")[-1]
    shown = sorted(row["badge"] for row in badges)
    assert [each for each in shown if each != "×"] == ["1", "2", "3"]
    assert shown.count("×") == sum(each.is_beaten for step in search.candidates for each in step) > 0
    scores = {row["badge"]: row["score"] for row in badges if row["badge"] != "×"}
    assert [scores[str(place + 1)] for place in range(3)] == [beam.score for beam in search.beams]


def test_every_outcome_is_said_in_a_sentence(search):
    said = {
        (each.outcome, outcome_sentence(search, step, each))
        for step, considered in enumerate(search.candidates)
        for each in considered
    }
    for outcome, words in (
        ("kept", "It ran on."),
        ("kept", "The winner begins with it."),
        ("finished", "the winner"),
        ("finished", "number 2 of 3"),
        ("finished", "not returned"),
        ("dropped", "dropped here"),
    ):
        assert any(one == outcome and words in sentence for one, sentence in said), (outcome, words)
    unheard = [each for step in search.candidates for each in step if each.outcome == "dropped" and each.is_end]
    assert all(each.rank >= 3 for each in unheard)


def piece(text):
    return Piece(7, readable_text(text), text.encode(), (0, 0), False, False)


@pytest.mark.parametrize("text", ["שלום (1)", "\x00\x1b[2m\u202eevil", "</script><b>&", "\N{ARABIC LETTER ALEF}\u200d"])
def test_strange_text_is_shown_and_breaks_nothing(text):
    one = Candidate(0, (), 7, piece(text), text, False, -0.5, -0.5, -0.5, "finished", 0, (0,))
    beam = Beam((7,), (one.piece,), text, -0.5, -0.5)
    chart = beam_tree(BeamSearch((beam,), ((),), ((one,),)))
    (row,) = rows_of(chart, "rule")[0]
    shown = row["piece"] + row["text"][1:-1]
    assert not any(each in shown for each in "\x00\x1b\u202e\u200d")
    assert row["text"][0] == "\N{FIRST STRONG ISOLATE}"
    assert row["text"][-1] == "\N{POP DIRECTIONAL ISOLATE}"
    table = beam_table([BeamLine("1", text, -0.5, 1, -0.5)])
    assert "<script" not in table
    assert "</script" not in table
    assert "<b>" not in table


def test_a_long_text_shows_its_end_and_spaces_stay_spaces():
    assert text_so_far("a b\nc")[1:-1] == "a b⏎c"
    assert text_so_far("x" * 500 + " end")[1:-1].endswith(" end")
    assert len(text_so_far("x" * 500)) < 200
    assert "x" * 500 in beam_table([BeamLine("1", "x" * 500, -0.5, 1, -0.5)])


def test_half_a_character_is_shown_by_its_bytes():
    half = Piece(7, "⟨D7 99⟩", b"\xd7\x99", (0, 0), False, False)
    one = Candidate(0, (), 7, half, "", False, -0.5, -0.5, None, "dropped", None, ())
    chart = beam_tree(BeamSearch((), ((),), ((one,),)))
    assert rows_of(chart, "rule")[0][0]["piece"] == "⟨D7 99⟩"


def test_a_search_with_one_step_and_most_beams_is_drawn():
    found = beam_search(ours("gpt2"), PROMPT, beams=16, max_new_tokens=1)
    assert len(nodes(found)) == 32
    assert beam_tree(found).to_dict()["width"] > 0
