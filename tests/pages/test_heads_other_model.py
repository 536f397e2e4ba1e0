"""The heads page: whether another model has this head."""

import csv
import io
import json

import numpy as np
import pytest

from models.attention import TraceRequest
from models.engine import engine
from models.heads import AlignedMapsRequest, MatchRequest, Side, plain_bank
from pages.heads import export
from tests.pages.bad_links import bad_links
from tests.pages.heads_screen import PRONOUN, Heads
from tests.viz.wire import unpack

NOUNS = ("cat", "dog", "man", "girl", "bird", "king", "fox", "child")
BANK = "\n".join(f"The {noun} saw a small {thing}." for noun, thing in zip(NOUNS, reversed(NOUNS), strict=True))
REQUEST = MatchRequest(Side("minilm", "encoder"), Side("smollm2", "decoder"), plain_bank(BANK))
QUERY = {"model": "minilm", "text": PRONOUN, "bank": "own", "bank_text": BANK, "of_head": "2-0"}
TAB = "does-another-model-have-this-head"


@pytest.fixture(scope="module")
def found():
    return engine.run(REQUEST)


def opened(**query):
    return Heads(**QUERY, **query, tab=TAB)


@pytest.mark.slow
def test_it_is_computed_when_it_is_asked_for():
    engine.answers.forget_model("smollm2")
    screen = opened()
    assert screen.problems == []
    assert screen.component("two_models_view") is None
    screen.press("matches_start").until(lambda shown: shown.component("two_models_view") is not None)
    assert "Closest to L2 H0 of" in screen.said or "No head of" in screen.said


def test_the_closest_head_stands_beside_chance_and_both_maps_on_one_scale(found):
    screen = opened()
    best = found.of(2, 0)[0]
    assert screen.problems == []
    for number in (best.likeness, best.low, best.high, best.chance):
        assert f"{number:.2f}" in screen.said
    maps = engine.run(
        AlignedMapsRequest(
            *(TraceRequest("minilm", PRONOUN), "encoder", (2, 0)),
            *(TraceRequest("smollm2", PRONOUN), "decoder", (best.layer, best.head)),
        )
    )
    shape = maps.first.shape
    header, panels = unpack(screen.component("two_models_view"), *[("<f4", shape)] * 3)
    np.testing.assert_allclose(panels, [maps.first, maps.second, maps.difference], rtol=1e-6)
    assert header["queries"] == list(maps.parts)
    assert header["panels"][0]["most"] == header["panels"][1]["most"] == pytest.approx(maps.most)
    assert header["panels"][2]["isDifference"]


def test_another_head_is_chosen_and_the_match_is_opened_from_the_other_side(found):
    second = found.of(2, 0, 2)[1]
    screen = opened()
    screen.press(f"matched_{second.layer}_{second.head}")
    assert screen.query["match_head"] == f"{second.layer}-{second.head}"
    screen.press("open_match")
    assert screen.query["model"] == "smollm2"
    assert screen.query["of_head"] == f"{second.layer}-{second.head}"
    assert (screen.query["match_model"], screen.query["match_head"]) == ("minilm", "2-0")
    assert screen.query["tab"] == TAB
    assert screen.component("two_models_view") is not None


@bad_links(
    """
    match_model=nobody           The link names no model
    match_model=folder:/nowhere  The other model cannot be opened
    match_head=99-0              There is no head L99 H0 in the other model
    match_head=x                 The link's head is not a layer and a head
    """
)
def test_a_bad_link_is_said_and_the_maps_are_shown(found, query, said):
    screen = opened(**query)
    assert any(said in each for each in screen.notes), screen.notes
    assert screen.component("two_models_view") is not None


def test_attention_that_does_not_read_is_told_so():
    screen = Heads(model="spelling_to_sound", text="knight", of_kind="cross", tab=TAB)
    assert any("choose **Encoder**" in each.value for each in screen.test.markdown)


def test_the_closest_heads_are_in_the_files(found):
    rows = list(csv.DictReader(io.StringIO(export.as_csv(export.matches_table(found)))))
    assert len(rows) == 72 * 4
    row = next(each for each in rows if (each["layer"], each["head"]) == ("2", "0"))
    best = found.of(2, 0)[0]
    assert (int(row["other_layer"]), int(row["other_head"])) == (best.layer, best.head)
    assert float(row["likeness"]) == pytest.approx(best.likeness)
    said = json.loads(export.matches_as_json(REQUEST, found))
    assert (said["other_kind"], said["sentences"], len(said["matches"])) == ("decoder", 8, 72 * 4)
    screen = Heads(**QUERY, tab="take-it-with-you")
    assert "Matches (CSV)" in [each.label for each in screen.test.get("download_button")]
