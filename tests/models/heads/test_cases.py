"""Where a role is true, and which heads look from one token to another."""

import numpy as np
import pytest

from models.attention import NoSuchMapError, TraceRequest, trace_attention
from models.heads import (
    AtlasRequest,
    CasesError,
    CasesRequest,
    LooksError,
    LooksRequest,
    bundled_bank,
    plain_bank,
)
from tests.models.heads.built_heads import built_model
from tests.models.heads.measuring import EngineOf

TEXT = "The animal didn't cross the street because it was too tired."


def cases(engine, role, layer=2, head=0, bank=None):
    return engine.run(CasesRequest("minilm", "encoder", layer, head, role, bank or bundled_bank()))


def test_cases_of_grammar_are_sentences_with_their_arcs(engine):
    found = cases(engine, "dobj>head")
    assert found.of > 10
    scores = [each.score for each in (*found.most, *reversed(found.least))]
    assert scores == sorted(scores, reverse=True)
    best = found.most[0]
    for start, end in best.arcs:
        assert (best.relations[start], best.heads[start]) == ("dobj", end)
        row = best.weights[start].copy()
        row[start] = 0
        assert row.argmax() == end
    assert best.weights.shape == (len(best.words), len(best.words))
    assert best.score == pytest.approx(
        np.mean([best.weights[a, b] / np.delete(best.weights[a], a).sum() for a, b in best.arcs])
    )


@pytest.mark.quick(3)
@pytest.mark.parametrize(
    ("role", "is_random"), [("previous", 0), ("first", 0), ("offset", 0), ("broad", 0), ("same", 1), ("induction", 1)]
)
def test_cases_of_other_roles_are_tokens(engine, role, is_random):
    found = cases(engine, role)
    for each in (*found.most, *found.least):
        assert (each.text == "") == bool(is_random)
        assert each.words[0] == "[CLS]"
        assert 0 <= each.score <= 1
        assert bool(each.arcs) == (role != "broad")


def test_a_case_has_the_very_weights_of_the_studio(engine, minilm):
    best = cases(engine, "previous").most[0]
    weights = trace_attention(minilm, best.text).weights("encoder", 2, 0)
    np.testing.assert_array_equal(best.weights, weights)


def test_the_best_case_of_a_built_head_is_perfect():
    engine = EngineOf(built_model())
    request = CasesRequest("built", "decoder", 1, 0, "induction", bundled_bank())
    found = engine.run(request)
    assert found.most[0].score == pytest.approx(1, abs=0.02)
    start, end = found.most[0].arcs[0]
    assert found.most[0].words[end - 1] == found.most[0].words[start]


def test_cases_that_are_not_there_are_said(engine):
    with pytest.raises(NoSuchMapError, match="no head 12 in layer 2"):
        cases(engine, "previous", head=12)
    with pytest.raises(CasesError, match="“copying” has no cases"):
        cases(engine, "copying")
    with pytest.raises(CasesError, match="no cases"):
        cases(engine, "dobj>head", bank=plain_bank("They have no grammar at all.\nNor have these here."))
    with pytest.raises(CasesError, match="another kind of attention"):
        engine.run(CasesRequest("minilm", "cross", 0, 0, "first", bundled_bank()))


def looks(engine, pairs, unwanted=(), text=TEXT):
    atlas = AtlasRequest("minilm", "encoder", bundled_bank())
    return engine.run(LooksRequest(TraceRequest("minilm", text), "encoder", pairs, atlas, unwanted))


def test_heads_are_in_the_order_of_their_weight(engine):
    trace = engine.run(TraceRequest("minilm", TEXT))
    query, key = trace.tokens.index("it"), trace.tokens.index("animal")
    found = looks(engine, ((query, key),))
    assert len(found.looks) == 72
    best = found.looks[0]
    assert (best.layer, best.head) == (3, 1)
    maps = [trace.weights("encoder", layer)[:, query, key] for layer in range(6)]
    np.testing.assert_allclose(
        [each.weights[0] for each in found.looks], np.sort(np.concatenate(maps))[::-1], atol=1e-6
    )
    # Nine tokens back is not where it looks otherwise.
    assert best.usual[0] < 0.1 < best.weights[0]


def test_a_pair_that_is_not_wanted_counts_against_a_head(engine):
    trace = engine.run(TraceRequest("minilm", TEXT))
    query, animal, street = (trace.tokens.index(each) for each in ("it", "animal", "street"))
    found = looks(engine, ((query, animal),), ((query, street),))
    apart = [each.weights[0] - each.weights[1] for each in found.looks]
    assert apart == sorted(apart, reverse=True)
    assert found.pairs == ((query, animal), (query, street))


def test_the_first_token_and_delimiters_are_compared_with_their_own(engine):
    atlas = engine.run(AtlasRequest("minilm", "encoder", bundled_bank()))
    found = looks(engine, ((3, 0), (3, 15)))
    for each in found.looks[:5]:
        assert each.usual[0] == pytest.approx(atlas.on_first[each.layer, each.head])
        assert each.usual[1] == pytest.approx(atlas.on_delimiters[each.layer, each.head])


def test_one_token_looks_at_itself(engine):
    found = engine.run(LooksRequest(TraceRequest("smollm2", "A"), "decoder", ((0, 0),)))
    assert [each.weights for each in found.looks] == [(1.0,)] * 270
    assert np.isnan(found.looks[0].usual[0])


@pytest.mark.parametrize("pairs", [(), ((0, 99),), ((-1, 0),), ((0, 0),) * 9])
def test_pairs_that_are_not_there_are_said(engine, pairs):
    with pytest.raises(LooksError, match="pair"):
        looks(engine, pairs)
