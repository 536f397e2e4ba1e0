"""The three experiments, beside the same computed anew; one sentence in three families."""

import numpy as np
import pytest

from models.anatomy.families import FamilyRequest
from models.anatomy.part_switches import SwitchError
from models.anatomy.why_softmax_and_heads import MOST_TOKENS, TEMPERATURES, WhyRequest, pattern
from models.attention import TraceRequest
from models.attention.trace import NoSuchMapError

TEXT = "The capital of France is the city of Paris, and"


def _softmax(scores):
    powers = np.exp(scores - scores.max(-1, keepdims=True))
    return powers / powers.sum(-1, keepdims=True)


def _entropy(weights):
    return -np.where(weights > 0, weights * np.log(np.where(weights > 0, weights, 1)), 0).sum(-1)


@pytest.mark.parametrize(("model", "kind"), [("smollm2", "decoder"), ("minilm", "encoder")])
def test_the_scaling_is_that_of_the_live_scores(engine, model, kind):
    request = TraceRequest(model, TEXT)
    found = engine.run(WhyRequest(request, kind, 3, 1, 4))
    trace = engine.run(request)
    scores = trace.queries(kind, 3)[1].astype(float) @ trace.keys(kind, 3)[1].astype(float).T
    mask = trace.visible(kind, 3, 1)
    some = range(1, len(scores)) if kind == "decoder" else range(len(scores))
    width = found.scaled.width
    assert found.scaled.scaling == pytest.approx(width**-0.5)
    rows = [scores[row][mask[row]] for row in some]
    assert found.scaled.without_it.deviation == pytest.approx(np.mean([row.std() for row in rows]), rel=1e-6)
    without = np.mean([_entropy(_softmax(row)) for row in rows])
    assert found.scaled.without_it.entropy == pytest.approx(without, rel=1e-6)
    weights = trace.weights(kind, 3, 1)
    assert found.scaled.with_it.entropy == pytest.approx(_entropy(weights[list(some)]).mean(), rel=1e-4)
    assert found.scaled.apart < 1e-5
    # The variance of a dot product of vectors with variance 1 is their width.
    assert found.scaled.drawn_without.deviation == pytest.approx(width**0.5, rel=0.35)
    own = TEMPERATURES.index(1.0)
    np.testing.assert_allclose(found.temperatures.weights[own], weights[4], atol=1e-5)
    assert np.all(np.diff(found.temperatures.entropies) > 0)
    assert found.temperatures.entropies[-1] < found.temperatures.even


def test_one_head_has_all_numbers_of_the_layer(engine):
    request = TraceRequest("minilm", TEXT)
    found = engine.run(WhyRequest(request, "encoder", 2, 0, 0)).one_head
    trace = engine.run(request)
    queries, keys = (
        np.concatenate(list(each.astype(float)), axis=-1)
        for each in (trace.queries("encoder", 2), trace.keys("encoder", 2))
    )
    one = _softmax(queries @ keys.T / np.sqrt(queries.shape[-1]))
    np.testing.assert_allclose(found.one_map, one, atol=1e-5)
    assert found.one.entropy == pytest.approx(_entropy(one).mean(), rel=1e-5)
    assert len(found.heads) == 12
    assert 1 < found.different <= 12
    assert found.drawn_different > found.different


def test_rank_counts_what_is_different():
    assert pattern(np.full((6, 6), 1 / 6)).effective == pytest.approx(1)
    assert (pattern(np.eye(6)).rank, pattern(np.eye(6)).effective) == (6, pytest.approx(6))


@pytest.mark.parametrize("model", ["smollm2", "minilm", "spelling_to_sound"])
def test_what_cannot_be_asked_is_said(engine, model):
    kind = "decoder" if model == "smollm2" else "encoder"
    with pytest.raises(SwitchError, match="one token alone"):
        engine.run(WhyRequest(TraceRequest(model, (5,)), kind, 0, 0, 0))
    with pytest.raises(NoSuchMapError, match="no head 99"):
        engine.run(WhyRequest(TraceRequest(model, (5, 6)), kind, 0, 99, 0))
    with pytest.raises(NoSuchMapError, match="no query 2"):
        engine.run(WhyRequest(TraceRequest(model, (5, 6)), kind, 0, 0, 2))
    if model == "minilm":
        with pytest.raises(SwitchError, match=f"at most {MOST_TOKENS}"):
            engine.run(WhyRequest(TraceRequest(model, (5,) * (MOST_TOKENS + 1)), kind, 0, 0, 0))


def test_an_edit_changes_what_may_see_it(engine):
    one, other = "the cat sat on the mat", "the dog sat on the mat"
    encoder = engine.run(FamilyRequest(TraceRequest("minilm", one), other)).streams[0]
    assert encoder.edited == (False, False, True, *(False,) * 5)
    assert (encoder.changes[-1] > 0).all()
    decoder = engine.run(FamilyRequest(TraceRequest("smollm2", one), other))
    assert decoder.streams[0].changes[:, 0].max() == 0
    assert (decoder.streams[0].changes[-1, 1:] > 0).all()
    assert decoder.maps[0].changes[0] == 0
    assert not decoder.maps[0].visible[0, 1]
    assert len(decoder.other_output) == 3
    both = engine.run(FamilyRequest(TraceRequest("spelling_to_sound", "knight", (5, 6, 7)), "knife"))
    assert {each.kind for each in both.maps} == {"encoder", "decoder", "cross"}
    assert [each.kind for each in both.streams] == ["encoder", "decoder"]
    assert both.note
    assert (both.streams[1].changes[-1] > 0).all()


def test_without_an_edit_nothing_is_compared(engine):
    found = engine.run(FamilyRequest(TraceRequest("minilm", "a cat"), ""))
    assert (found.streams, found.note) == ((), "")
    assert np.isnan(found.maps[0].changes).all()
    with pytest.raises(SwitchError, match="depth"):
        engine.run(FamilyRequest(TraceRequest("minilm", "a cat"), "", 2.0))
