"""The heads page: which heads matter, how many are enough, and what carries a difference over."""

import csv
import io
import json
import re

import numpy as np
import pytest

from models.engine import engine
from models.heads import (
    EffectsOfPartsRequest,
    EstimateRequest,
    Off,
    Place,
    Quantity,
    TransferRequest,
    bundled_bank,
)
from pages.heads import export
from tests.pages.bad_links import bad_links
from tests.pages.heads_screen import PRONOUN, Heads
from tests.pages.studio_screen import trace_of
from tests.viz.wire import unpack
from viz.number_format import part_text, signed_text

KNIGHT, NIGHT = "knight", "night"
TRACE = trace_of("spelling_to_sound", KNIGHT)
PARTS = ("heads", "mlps", "layers")
ALL = EffectsOfPartsRequest(TRACE, Quantity("output"), PARTS)
EXACT = ALL.of("heads")


def opened(**query):
    return Heads(model="spelling_to_sound", text=KNIGHT, of_kind="cross", **query)


def map_of(found, kind="cross"):
    return next(each.effects for each in found.maps if each.kind == kind)


def test_the_estimate_is_there_at_once_and_the_exact_effects_when_they_are_computed():
    engine.answers.forget_model("spelling_to_sound")
    screen = opened(heads_by="effects")
    assert screen.problems == []
    assert [each.partition(" ")[0] for each in screen.effects["titles"]] == ["estimate"]
    assert "Switch off all heads, MLPs and layers, one by one" in screen.labels
    screen.press("effects_start").until(lambda shown: "exact" in shown.effects["titles"] and ALL in engine.answers)
    screen.run()
    layers, heads = map_of(engine.run(EXACT)).shape
    header, (values,) = unpack(screen.component("effects_map"), ("<f4", (2, layers, heads + 2)))
    assert (header["parts"], header["heads"]) == (["MLP", "layer"], [heads] * layers)
    assert header["titles"][1].startswith("estimate (one slope")
    assert "all others left on" in header["caption"]
    # The heads on top, then the MLP and the layer around them: of cross-attention those of the decoder.
    for place, found in enumerate((ALL.of, lambda part: EstimateRequest(TRACE, Quantity("output"), part))):
        every = [map_of(engine.run(found(part)), "cross" if part == "heads" else "decoder") for part in PARTS]
        assert not np.isnan(every[0]).any()
        np.testing.assert_allclose(values[place], np.concatenate(every, axis=1), rtol=1e-6)


def test_an_mlp_that_is_clicked_is_spoken_of():
    engine.run(ALL)
    screen = opened(heads_by="effects", of_head="0-1")
    heads = map_of(engine.run(EXACT)).shape[1]
    screen.tell("effects_map", "cell", [1, heads])
    assert (screen.query["of_part"], screen.query["of_head"]) == ("mlps", "1-1")
    assert screen.effects["selected"] == [1, heads]
    assert "Without L1 MLP" in screen.inspector
    mlps = next(each for each in engine.run(ALL.of("mlps")).maps if each.kind == "decoder")
    assert signed_text(mlps.of(Place("decoder", 1))) in screen.inspector
    screen.tell("effects_map", "cell", [1, heads + 1])
    assert "Without layer L1" in screen.inspector
    screen.tell("effects_map", "cell", [0, 1])
    assert (screen.query.get("of_part"), screen.query["of_head"]) == (None, "0-1")
    assert "Without L0 H1" in screen.inspector


def test_the_mean_over_the_bank_says_how_far_it_is(monkeypatch):
    from models.engine import HowFar
    from models.heads.switched_off_values import PartMeansRequest, means_request

    monkeypatch.setattr("pages.heads.controls.MEAN_SENTENCES", 3)
    engine.answers.forget_model("spelling_to_sound")
    screen = opened(heads_by="effects", off_is="mean", off_part="mlps")
    assert screen.problems == []
    screen.until(lambda shown: shown.component("effects_map") is not None)
    off = Off("mean", tuple(each.text for each in bundled_bank().sentences[:3]))
    request = means_request(engine, TRACE, "mlps", off)
    assert request in engine.answers
    engine.answers.forget_model("spelling_to_sound")
    assert list(request.steps(engine)) == [HowFar(done, 3) for done in (1, 2, 3)]
    assert isinstance(request, PartMeansRequest)


def test_the_largest_effects_are_listed_exact_beside_estimate():
    found = engine.run(EXACT)
    screen = opened(heads_by="effects", tab="which-matter-here")
    place, effect = next(each for each in found.ranked() if each[0].kind == "cross")
    assert f"{effect:+.3f}".replace("-", "−") in screen.said
    assert "Rank correlation over all" in screen.said
    screen.tell("effects_map", "cell", [place.layer, place.head])
    assert screen.query["of_head"] == f"{place.layer}-{place.head}"
    assert f"Without L{place.layer} H{place.head}" in screen.inspector


def test_an_effect_stands_beside_chance():
    engine.run(EXACT)
    screen = opened(heads_by="effects", tab="which-matter-here", beside_chance="on", of_head="1-0")
    assert screen.problems == []
    assert "of its layer change it as much or more" in screen.said


def test_every_effect_is_in_the_files():
    exact = engine.run(EXACT)
    estimate = engine.run(EstimateRequest(TRACE, Quantity("output")))
    exact, estimate = engine.run(ALL).of_part, {"heads": estimate}
    rows = list(csv.DictReader(io.StringIO(export.effects_as_csv(exact, estimate))))
    assert len(rows) == engine.run(ALL).of
    assert {(each["part"], each["head"] == "") for each in rows} == {
        ("heads", False),
        ("mlps", True),
        ("layers", True),
    }
    row = next(each for each in rows if (each["kind"], each["layer"], each["head"]) == ("cross", "1", "0"))
    exact, estimate = exact["heads"], estimate["heads"]
    assert float(row["exact"]) == pytest.approx(map_of(exact)[1, 0])
    assert float(row["estimate"]) == pytest.approx(map_of(estimate)[1, 0])
    said = json.loads(export.effects_as_json({"heads": exact}, {"heads": estimate}))
    assert (said["quantity"], said["unit"]) == ("output", "nats")
    nothing = json.loads(export.effects_as_json({}, {"heads": estimate}))
    assert {each["exact"] for each in nothing["effects"]} == {None}


@pytest.mark.parametrize(("part", "row"), [("mlps", "MLP"), ("layers", "layer")])
def test_mlps_and_layers_are_switched_off_as_well(part, row):
    screen = opened(heads_by="effects", off_part=part)
    assert screen.problems == []
    assert screen.effects["rows"] == [row]


def test_a_vector_has_no_slope_and_says_so():
    screen = Heads(model="minilm", text=PRONOUN, heads_by="effects")
    assert screen.problems == []
    assert "Of a vector there is no estimate" in screen.said
    assert "Switch off all heads, MLPs and layers, one by one" in screen.labels
    assert "Press the button in the middle" in " ".join(each.value for each in screen.test.markdown)
    screen.open_tab("How many are enough?")
    assert "Estimate" not in json.dumps([each.options for each in screen.test.get("button_group")])


@bad_links(
    """
    quantity=next+token  Of this model the next token cannot be measured
    off_is=magic         The link names no way to switch off
    of_head=99-0         There is no head L99 H0
    """
)
def test_a_bad_link_is_said_and_the_page_lives(query, said):
    screen = opened(heads_by="effects", **query)
    assert any(said in each for each in screen.notes), screen.notes
    assert screen.component("effects_map") is not None


def test_an_empty_other_text_is_no_error_yet():
    screen = opened(heads_by="effects", off_is="other text", tab="which-matter-here")
    assert screen.problems == []
    assert sum("Type the other text on the left" in each.value for each in screen.test.markdown) == 2


def test_what_comes_over_from_another_text():
    screen = opened(heads_by="transfer")
    assert "Type another text" in " ".join(each.value for each in screen.test.markdown)
    screen = opened(heads_by="transfer", into_text=NIGHT, carrier="heads", tab="what-carries-it-over")
    request = TransferRequest(TRACE, trace_of("spelling_to_sound", NIGHT), Quantity("output"), "heads")
    assert request.taken != request.into
    screen.press("transfer_start").until(lambda shown: shown.component("transfer_map") is not None)
    screen.until(lambda _: request in engine.answers).run()
    assert "1 is all of it" in json.dumps(screen.shown_transfer)
    assert screen.shown_transfer["titles"] == ["comes over"]
    found = engine.run(request)
    shares = map_of(found)
    screen.tell("transfer_map", "cell", [1, 0])
    assert "With L1 H0" in screen.inspector
    assert part_text(shares[1, 0]) in screen.inspector
    assert "Open this head in the studio" in [each.proto.label for each in screen.test.get("page_link")]
    screen.open_tab("What carries it over?")
    assert "cross L1 H0" in screen.said, "a head is known by its kind, where there are several"
    rows = list(csv.DictReader(io.StringIO(export.transfer_as_csv(found))))
    [row] = [each for each in rows if (each["kind"], each["layer"], each["head"]) == ("cross", "1", "0")]
    assert float(row["share"]) == pytest.approx(shares[1, 0])
    screen.open_tab("Take it with you")
    assert {"Transfer (CSV)", "Transfer (JSON)"} <= {each.proto.label for each in screen.test.get("download_button")}


def test_a_cell_of_the_stream_that_is_clicked_is_spoken_of():
    request = TransferRequest(TRACE, trace_of("spelling_to_sound", NIGHT), Quantity("output"))
    found = engine.run(request)
    stream = next(each for each in found.stream if each.kind == "decoder")
    screen = Heads(model="spelling_to_sound", text=KNIGHT, of_kind="decoder", heads_by="transfer", into_text=NIGHT)
    assert screen.shown_transfer["rows"] == list(found.target_tokens), "of the decoder, not of the text"
    screen.tell("transfer_map", "cell", [1, 2])
    assert screen.query["of_cell"] == f"{stream.layers[1]}-{stream.places[2]}"
    assert screen.shown_transfer["selected"] == [1, 2]
    assert f"After L{stream.layers[1]} at “{found.target_tokens[2]}” (2)" in screen.inspector
    assert part_text(stream.shares[1, 2]) in screen.inspector
    source = Heads(model="spelling_to_sound", text=KNIGHT, of_kind="encoder", heads_by="transfer", into_text=NIGHT)
    source.tell("transfer_map", "cell", [0, 0])
    place = next(each for each in found.stream if each.kind == "encoder").places[0]
    taken = {other: one for one, other in found.alignment.pairs}[place]
    assert f"“{found.tokens[taken]}” ({taken})" in source.inspector


def test_every_tab_opens():
    screen = opened(heads_by="effects")
    for label in ("How many are enough?", "Where it looks, and what counts", "What am I looking at?", "Show the code"):
        screen.open_tab(label)
        assert screen.problems == []
    screen.open_tab("How many are enough?")
    screen.press("enough_start").until(lambda shown: "are enough for" in shown.said)
    assert "of heads at random" in screen.said
    assert re.search(r"of the way: (encoder|decoder|cross) L\d H\d", screen.said)
    assert "at random keep" in screen.said
