"""Patterns that are given to a head: rows of shares over what may be seen, and what the head makes of them."""

from typing import get_args

import numpy as np
import pytest

from models.attention import (
    CutLink,
    HeadMapRequest,
    NoSuchMapError,
    PatternName,
    PatternRequest,
    QueryKeyRequest,
    ReplacePattern,
    TooManyTokensError,
    TraceRequest,
    given_patterns,
    pattern_rows,
    trace_attention,
)
from models.engine import Engine
from tests.models import architectures

TEXT = "The keys to the cabinet are here."
# A causal head, one that sees back two places only, one that sees everything, one with a query that sees nothing, one
# that may not see its own place, and the cross-attention's shape.
MASKS = {
    "causal": np.tri(6, dtype=bool),
    "window": np.tri(6, dtype=bool) & ~np.tri(6, k=-3, dtype=bool),
    "all": np.ones((5, 5), dtype=bool),
    "blank": np.array([[0, 0, 0], [1, 1, 0], [0, 1, 1]], dtype=bool),
    "not itself": ~np.eye(4, dtype=bool),
    "cross": np.ones((4, 7), dtype=bool),
    "fewer keys": np.ones((5, 2), dtype=bool),
}


@pytest.fixture(scope="module")
def engine(minilm, smollm2):
    """An engine of its own, with the models that the other tests loaded."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("models.loading.load_model", {"minilm": minilm, "smollm2": smollm2}.__getitem__)
        yield Engine(10**9)


@pytest.mark.parametrize("name", get_args(PatternName))
@pytest.mark.parametrize("mask", MASKS)
def test_rows_add_up_to_1_over_keys_that_may_be_seen(name, mask):
    visible = MASKS[mask]
    rows = np.array(pattern_rows(name, visible))
    assert rows.shape == visible.shape
    assert not rows[~visible].any()
    np.testing.assert_allclose(rows.sum(axis=1), visible.any(axis=1), atol=1e-12)
    for query, row in enumerate(rows):
        seen = np.flatnonzero(visible[query])
        place = {"itself": query, "previous": query - 1, "first": seen[0] if len(seen) else -1}.get(name, -1)
        if place in seen:
            assert row[place] == 1
        elif len(seen):
            np.testing.assert_allclose(row[seen], 1 / len(seen))


def test_what_each_name_means():
    visible = np.tri(3, dtype=bool)
    assert pattern_rows("even", visible) == ((1, 0, 0), (0.5, 0.5, 0), (1 / 3, 1 / 3, 1 / 3))
    assert pattern_rows("itself", visible) == ((1, 0, 0), (0, 1, 0), (0, 0, 1))
    assert pattern_rows("previous", visible) == ((1, 0, 0), (1, 0, 0), (0, 1, 0))
    assert pattern_rows("first", visible) == ((1, 0, 0),) * 3


@pytest.mark.parametrize("name", get_args(PatternName))
def test_a_request_gives_the_pattern_over_what_that_head_may_see(engine, name):
    for model, kind in (("smollm2", "decoder"), ("minilm", "encoder")):
        trace = TraceRequest(model, TEXT)
        size = len(engine.run(trace).tokens)
        visible = np.tri(size, dtype=bool) if kind == "decoder" else np.ones((size, size), dtype=bool)
        found = engine.run(PatternRequest(trace, kind, 2, 5, name))
        assert found == ReplacePattern(kind, 2, 5, pattern_rows(name, visible))


def test_a_pattern_is_for_a_head_that_is_there_and_a_text_that_is_short_enough(engine, monkeypatch):
    with pytest.raises(NoSuchMapError):
        engine.run(PatternRequest(TraceRequest("minilm", TEXT), "encoder", 6, 0, "even"))
    with pytest.raises(NoSuchMapError):
        engine.run(PatternRequest(TraceRequest("minilm", TEXT), "encoder", 2, 12, "even"))
    assert given_patterns.MOST_TOKENS == 512
    monkeypatch.setattr(given_patterns, "MOST_TOKENS", 9)
    with pytest.raises(TooManyTokensError, match="at most 9 tokens, and this text has 10"):
        engine.run(PatternRequest(TraceRequest("minilm", TEXT), "encoder", 2, 0, "even"))


@pytest.mark.parametrize("name", ["even", "previous"])
@pytest.mark.parametrize(("model", "kind"), [("minilm", "encoder"), ("smollm2", "decoder")])
def test_the_map_of_the_head_is_its_pattern_and_the_others_stay(engine, model, kind, name):
    plain = TraceRequest(model, TEXT)
    pattern = engine.run(PatternRequest(plain, kind, 2, 5, name))
    changed = TraceRequest(model, TEXT, None, (pattern,))
    before, after = engine.run(plain), engine.run(changed)
    expected = np.array(pattern.pattern, dtype=np.float32)
    one, other = before.weights(kind, 2), after.weights(kind, 2)
    np.testing.assert_array_equal(other[5], expected)
    np.testing.assert_array_equal(after.weights(kind, 2, 5), expected)
    np.testing.assert_array_equal(after.weights(kind, 2, 5, slice(2, 4)), expected[2:4])
    np.testing.assert_array_equal(after.weights(kind, 2, queries=slice(-3, None))[5], expected[-3:])
    others = np.arange(len(one)) != 5
    np.testing.assert_array_equal(other[others], one[others])
    np.testing.assert_array_equal(after.weights(kind, 2, 4), one[4])
    assert np.abs(one[5] - expected).max() > 0.1
    np.testing.assert_array_equal(after.weights(kind, 1), before.weights(kind, 1))
    assert np.abs(after.weights(kind, 3) - before.weights(kind, 3)).max() > 1e-3
    np.testing.assert_array_equal(engine.run(HeadMapRequest(changed, kind, 2, 5)).weights, expected)


@pytest.mark.parametrize(("model", "kind"), [("minilm", "encoder"), ("smollm2", "decoder")])
def test_the_head_hands_on_what_its_pattern_fetches(engine, model, kind):
    plain = TraceRequest(model, TEXT)
    pattern = engine.run(PatternRequest(plain, kind, 2, 5, "even"))
    changed = TraceRequest(model, TEXT, None, (pattern,))
    values, keys = engine.run(changed).values(kind, 2)[5], len(engine.run(plain).tokens)
    for query in (1, 4):
        found = engine.run(QueryKeyRequest(changed, kind, 2, 5, query))
        seen = query + 1 if kind == "decoder" else keys
        np.testing.assert_allclose(found.head_output, values[:seen].mean(axis=0), atol=1e-5)
        own = engine.run(QueryKeyRequest(plain, kind, 2, 5, query)).head_output
        assert np.abs(found.head_output - own).max() > 1e-2


@pytest.mark.parametrize("name", ["mistral", "bart", "llama"])
def test_what_goes_on_is_the_pattern_times_the_values_through_the_projection(name):
    kind = "decoder" if name != "bart" else "cross"
    plain = architectures.trace(name)
    pattern = pattern_rows("first", plain.visible(kind, 1, 2))
    changed = architectures.trace(name, [ReplacePattern(kind, 1, 2, pattern)])
    np.testing.assert_array_equal(changed.weights(kind, 1, 2), np.array(pattern, dtype=np.float32))
    # A softmax over one key is that pattern: every link but the first visible one is cut.
    cuts = [
        CutLink(kind, 1, query, int(key), 2)
        for query, row in enumerate(pattern)
        for key in np.flatnonzero(plain.visible(kind, 1, 2)[query])
        if row[key] == 0
    ]
    by_cuts = trace_attention(
        architectures.loaded(name), architectures.IDS, architectures.TARGET_IDS if name == "bart" else None, cuts
    )
    np.testing.assert_allclose(changed.outputs, by_cuts.outputs, atol=1e-5)
    assert np.abs(changed.outputs - plain.outputs).max() > 1e-3
