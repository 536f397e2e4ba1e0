"""The heads page: what each head does."""

import csv
import io
import json
import runpy
import shlex
import sys

import numpy as np
import pytest

from models.attention import TraceRequest
from models.catalog import MODELS
from models.engine import engine
from models.heads import AtlasRequest, CasesRequest, MeasuredRequest, Quantity, bundled_bank, treebank
from pages.heads import atlas, export
from pages.heads.choices import CHOICES
from tests.pages.bad_links import bad_links
from tests.pages.heads_screen import COMMITTEE, PRONOUN, SENTENCES, Heads
from tests.pages.screen import ROOT, Screen
from tests.viz.wire import header_of, unpack
from viz.number_format import part_text

MINILM = AtlasRequest("minilm", "encoder", bundled_bank())


@pytest.fixture(scope="module")
def known():
    return engine.run(MINILM)


@pytest.fixture
def nothing_is_kept(monkeypatch):
    """What is measured here stays out of the folder of this machine's models."""
    monkeypatch.setattr("models.heads.atlas_request.kept_atlas", lambda *_: None)
    monkeypatch.setattr("models.heads.atlas_request.keep", lambda *_: None)


def test_it_opens_on_the_verb_finder():
    screen = Heads()
    assert screen.problems == []
    assert (screen.query["model"], screen.query["text"], screen.query["of_head"]) == ("smollm2", COMMITTEE, "10-1")
    assert screen.shown["selected"] == [10, 1]
    assert "L10 H1: direct object → its head" in screen.inspector
    found = engine.run(AtlasRequest("smollm2", "decoder", bundled_bank())).role("dobj>head")
    assert found.scores[10, 1] == pytest.approx(0.9, abs=0.03)
    assert found.low[10, 1] > found.baselines[10, 1]
    assert screen.component("sentence_arcs") is not None


def test_what_the_model_would_write_after_its_text_is_a_word():
    request = MeasuredRequest(TraceRequest("smollm2", COMMITTEE), Quantity("next token"))
    assert engine.run(request).token.strip("␣ ") == "committee"


def test_every_cell_is_what_the_atlas_says(known):
    screen = Heads(model="minilm", text=PRONOUN)
    roles = sorted((each for each in known.roles if each.is_named.any()), key=lambda each: each.role.is_rest)
    shape = (len(roles), 6, 12)
    header, (scores, is_named, leading) = unpack(
        screen.component("head_atlas"), ("<f2", shape), ("u1", shape), ("i1", shape[1:])
    )
    assert [each["name"] for each in header["roles"]] == [each.role.name for each in roles]
    np.testing.assert_allclose(scores, np.stack([each.scores for each in roles]), atol=5e-4)
    for layer in range(6):
        for head in range(12):
            names = known.names(layer, head)
            first = None if leading[layer, head] < 0 else roles[leading[layer, head]].role.key
            assert first == (names[0].role.key if names else None)
            assert is_named[:, layer, head].sum() == len(names)


def test_a_cell_and_a_role_that_are_pressed_are_in_the_link(known):
    screen = Heads(model="minilm", text=PRONOUN)
    screen.tell("head_atlas", "cell", [2, 0])
    assert screen.query["of_head"] == "2-0"
    keys = [each.key for each in atlas.earned(known)]
    screen.tell("head_atlas", "role", keys.index("dobj>head"))
    assert screen.query["only_role"] == "dobj>head"
    assert screen.shown["only"] == keys.index("dobj>head")
    assert "grey: one that has not" in screen.shown["caption"]
    score = known.role("dobj>head")
    said = f"on {score.cases:,} cases"
    assert said in screen.inspector
    assert "the best fixed place" in screen.inspector
    screen.tell("head_atlas", "role", -1)
    assert "only_role" not in screen.query


def test_a_link_opens_a_case_and_the_way_to_the_studio():
    request = CasesRequest("minilm", "encoder", 2, 0, "dobj>head", bundled_bank())
    cases = engine.run(request)
    screen = Heads(model="minilm", text=PRONOUN, of_head="2-0", of_role="dobj>head", case="most-1")
    case = cases.most[1]
    count = len(case.words)
    header, (weights,) = unpack(screen.component("sentence_arcs"), ("<f4", (count, count)))
    assert header["words"] == list(case.words)
    assert header["heads"] == list(case.heads)
    np.testing.assert_allclose(weights, case.weights, atol=5e-4)
    [way] = [each for each in screen.test.get("page_link") if each.proto.label == "Open this head in the studio"]
    assert "layer=2" in way.proto.query_string
    there = Screen(model="minilm", text=case.text, layer="2", head="0", view="matrix")
    assert there.problems == []
    assert there.shown["map"] == "encoder-2-0"
    screen.press("case_own")
    assert "case" not in screen.query
    assert header_of(screen.component("sentence_arcs"))["words"][1] == "the"


def test_ones_own_text_has_the_very_weights_of_the_studio_and_says_why_it_has_no_grammar(weights_of):
    screen = Heads(model="minilm", text=PRONOUN, of_head="3-1")
    expected = weights_of(3)[1]
    header, (weights,) = unpack(screen.component("sentence_arcs"), ("<f4", expected.shape))
    np.testing.assert_array_equal(weights[:, 1:-1], expected[:, 1:-1])
    assert header["heads"] == []
    assert "for your own text it would take a parser" in header["caption"]


def test_cross_attention_goes_from_the_output_to_the_text():
    from models.attention import trace_attention
    from models.loading import load_model

    screen = Heads(model="spelling_to_sound", text="knight", of_kind="cross", of_head="1-0")
    assert screen.problems == []
    header = header_of(screen.component("sentence_arcs"))
    trace = trace_attention(load_model("spelling_to_sound"), "knight", "N AY1 T")
    assert header["others"] == [each.strip("␣") or each for each in trace.tokens]
    expected = trace.weights("cross", 1, 0)
    assert len(header["words"]) == len(expected)
    _, (weights,) = unpack(screen.component("sentence_arcs"), ("<f4", expected.shape))
    np.testing.assert_allclose(weights, expected, atol=1e-6)


@pytest.mark.parametrize(
    ("model", "layer", "head", "role"),
    [("smollm2", 10, 1, "dobj>head"), ("smollm2", 10, 1, "pobj>head"), ("minilm", 2, 0, "dobj>head")],
)
def test_interval_and_baseline_of_a_head_of_grammar_are_on_the_screen(model, layer, head, role):
    found = engine.run(AtlasRequest(model, MODELS[model].family, bundled_bank())).role(role)
    screen = Heads(model=model, text=COMMITTEE, of_head=f"{layer}-{head}", of_role=role)
    score, low, high, baseline = (
        part_text(float(each[layer, head])) for each in (found.scores, found.low, found.high, found.baselines)
    )
    assert f"{low} to {high}, on {found.cases:,} cases" in screen.inspector
    assert f"gives {baseline}" in screen.inspector
    assert score in screen.inspector


def test_what_was_pressed_for_is_brought_into_sight():
    screen = Heads(model="minilm", text=PRONOUN, tab="which-matter-here")
    assert screen.component("into_sight_row_of_picture") is None
    screen.press("show_effects")
    assert screen.component("into_sight_row_of_picture") is not None


@pytest.mark.slow
@pytest.mark.usefixtures("nothing_is_kept")
def test_ones_own_sentences_are_read_by_a_job(monkeypatch):
    monkeypatch.setattr("models.heads.atlas_at_hand.kept_atlas", lambda *_: None)
    screen = Heads(model="minilm", text=PRONOUN, bank="own", bank_text=SENTENCES)
    assert not screen.has_picture
    assert "3 sentences" in screen.said
    assert "about" in screen.said
    screen.press("atlas_start").until(lambda shown: shown.has_picture)
    assert "over 3 sentences" in screen.shown["caption"]


@bad_links(
    """
    of_head=9-0            There is no head L9 H0
    of_head=x              The link's head is not a layer and a head
    only_role=nobody>head  No head of this model has the role
    of_role=<b>            The link names no role
    case=best-1            The link names no case
    pairs=1-2-3            The link's pairs are no pairs
    pairs=99-1             tokens that this text does not have
    heads_by=magic         The link names no picture
    of_kind=cross          This model has no cross attention
    """
)
def test_a_bad_link_is_said_and_the_page_lives(query, said):
    screen = Heads(model="minilm", text=PRONOUN, **query)
    assert any(said in each for each in screen.notes), screen.notes
    assert screen.problems == []
    assert screen.has_picture


@pytest.mark.parametrize(("text", "problems"), [("", 1), ("a", 0), ("<b>&</b> </script>" * 9, 0), ("word " * 9_000, 1)])
def test_any_text_leaves_the_atlas_where_it_is(text, problems):
    screen = Heads(text=text, model="minilm", tab="what-am-i-looking-at")
    assert len(screen.problems) == problems
    assert screen.has_picture
    assert "<b>&" not in screen.html


def test_an_empty_bank_is_no_error_yet():
    screen = Heads(model="minilm", text=PRONOUN, bank="own")
    assert screen.problems == []
    assert any("Type some sentences on the left" in each.value for each in screen.test.markdown)


def test_what_is_left_out_of_ones_own_sentences_is_said():
    screen = Heads(model="minilm", text=PRONOUN, bank="own", bank_text=f"ok\n!!! ??? ...\n{SENTENCES}")
    assert "3 sentences" in screen.said
    assert "Lines left out, as no sentence of 3 to 60 words: 2." in screen.said
    assert "for everybody" not in screen.said


def test_a_treebank_in_the_box_of_sentences_is_read_as_one():
    rows = [("Cats", 2), ("like", 0), ("milk", 2)]
    pasted = "\n".join(f"{at}\t{form}\t_\t_\t_\t_\t{head}\tdep\t_\t_" for at, (form, head) in enumerate(rows, 1))
    screen = Heads(model="minilm", text=PRONOUN, bank="own", bank_text=pasted)
    assert screen.problems == []
    assert "reads 1 sentence and" in screen.said


def test_heads_that_look_from_here_to_there(weights_of):
    screen = Heads(model="minilm", text=PRONOUN, pairs="10-2")
    rows = screen.said.partition("usual there")[2]
    maps = np.stack([weights_of(layer)[:, 10, 2] for layer in range(6)])
    layer, head = np.unravel_index(maps.argmax(), maps.shape)
    assert rows.index(f"L{layer} H{head}") < 400
    assert f"{100 * maps.max():.1f}" in rows
    screen.press(f"look_{layer}_{head}")
    assert screen.query["of_head"] == f"{layer}-{head}"


@pytest.fixture(scope="module")
def weights_of():
    from models.attention import trace_attention
    from models.loading import load_model

    trace = trace_attention(load_model("minilm"), PRONOUN)
    return lambda layer: trace.weights("encoder", layer)


def test_every_score_is_in_the_files(known):
    rows = list(csv.DictReader(io.StringIO(export.scores_as_csv(known))))
    assert len(rows) == 72 * len(known.roles)
    row = next(each for each in rows if (each["layer"], each["head"], each["role"]) == ("2", "0", "dobj>head"))
    assert float(row["score"]) == pytest.approx(known.role("dobj>head").scores[2, 0])
    said = json.loads(export.scores_as_json(known))
    assert said["sentences"] == 400
    assert len(said["scores"]) == len(rows)
    assert all(each["source"] for each in said["roles"])


@pytest.mark.slow
@pytest.mark.usefixtures("nothing_is_kept")
def test_the_program_gives_the_same_score(tmp_path, monkeypatch, capsys):
    screen = Heads(model="minilm", text=PRONOUN, of_head="2-8").open_tab("Show the code")
    _, name, folder, bank, relation, layer, head = shlex.split(screen.test.code[0].value)
    assert (name, relation, layer, head) == ("heads.py", "dobj", "2", "8")
    some = "\n\n".join((ROOT / bank).read_text("utf-8").split("\n\n")[:30]) + "\n\n"
    (tmp_path / "some.conllu").write_text(some, "utf-8")
    monkeypatch.setattr(sys, "argv", [name, str(ROOT / folder), str(tmp_path / "some.conllu"), "det", layer, head])
    runpy.run_path(str(ROOT / "docs" / "programs" / name), run_name="__main__")
    said = dict(each.split("\t", 1) for each in capsys.readouterr().out.splitlines())
    found = engine.run(AtlasRequest("minilm", "encoder", treebank(some.encode()))).role("det>head")
    assert int(said["cases"]) == found.cases
    assert float(said["score"]) == pytest.approx(found.scores[2, 8], abs=1e-4)
    assert float(said["best fixed offset"].split()[-1]) == pytest.approx(found.baselines[2, 8], abs=1e-4)


def test_the_attention_page_tells_what_a_head_is_known_for(known):
    screen = Screen(model="minilm", text=PRONOUN, layer="2", head="0")
    name = known.names(2, 0)[0]
    assert name.text in screen.inspector
    assert f"of {name.cases:,} cases" in screen.inspector
    thumbnails = Screen(model="minilm", text=PRONOUN, layer="2", head="0", view="model")
    assert thumbnails.shown["names"]["2-0"] == name.text


def test_no_choice_is_left_out_of_the_link():
    assert len({each.name for each in CHOICES}) == len(CHOICES)


OF_MINILM = {"model": "minilm", "text": PRONOUN}
OF_KNIGHT = {"model": "spelling_to_sound", "text": "knight", "of_kind": "cross"}
LINKS = (
    OF_MINILM | {"of_head": "2-0", "only_role": "dobj>head", "of_role": "dobj>head", "case": "most-1"},
    OF_MINILM | {"pairs": "10-2,10-6", "not_pairs": "7-2", "bank": "own", "bank_text": SENTENCES},
    OF_MINILM | {"heads_by": "effects", "quantity": "vector", "at_token": "3", "match_model": "smollm2"},
    OF_MINILM | {"of_head": "2-0", "match_model": "smollm2", "match_head": "10-1"},
    OF_KNIGHT
    | {"heads_by": "effects", "off_is": "other text", "off_text": "night", "of_part": "mlps", "of_head": "1-0"},
    OF_KNIGHT | {"heads_by": "effects", "off_part": "heads", "beside_chance": "on", "ranked_by": "estimate"},
    OF_KNIGHT | {"heads_by": "transfer", "into_text": "night", "of_cell": "1-2", "ranked_side": "helping"},
    OF_KNIGHT | {"heads_by": "transfer", "into_text": "night", "carrier": "mlps"},
    {"model": "smollm2", "text": "Once upon a", "quantity": "difference", "of_token": " time", "less_token": " day"},
)


@pytest.mark.parametrize("link", LINKS)
def test_a_link_opens_all_that_was_chosen(link):
    screen = Heads(**link)
    assert screen.problems == []
    assert screen.notes == []
    assert {name: screen.query.get(name) for name in link} == link


def test_no_choice_is_left_out_of_the_links_that_are_tried():
    assert {each.name for each in CHOICES} <= set().union(*LINKS)


def test_a_name_that_is_not_earned_is_not_said_to_be(known):
    screen = Heads(model="minilm", text=PRONOUN, of_head="4-0")
    first = known.scores_of(4, 0)[0]
    assert not first.is_earned
    assert f"Not earned here: the interval begins at {part_text(first.low)}" in screen.inspector
    assert "The interval lies above" not in screen.inspector
    verb = Heads(model="minilm", text=PRONOUN, of_head="2-0", of_role="dobj>head")
    assert "Not earned here" not in verb.inspector
