"""Two maps of one head: their difference, exactly 0 where nothing can have changed, and never a sign lost."""

import numpy as np
import pytest

from models.attention import ChangedMapsRequest, HeadMapRequest, HideToken, MapDifferenceRequest, TraceRequest, ZeroHead
from models.attention.trace import TooManyTokensError
from models.engine import Engine
from models.heads.token_alignment import aligned_tokens

PRONOUN = "The animal didn't cross the street because it was too tired."
WIDE = "The animal didn't cross the street because it was too wide."
# Of as many tokens, one less, some more.
ENDS = ("it was too wide.", "it was too", "it was too unbelievably wide and long.")
START = "The animal didn't cross the street because "


def of(model, text, layer, head, interventions=(), target=None, kind=None):
    kind = kind or {"minilm": "encoder", "smollm2": "decoder"}[model]
    return HeadMapRequest(TraceRequest(model, text, target, interventions), kind, layer, head)


def tokens_of(engine, request):
    return engine.run(request.trace).tokens


def equal_at_first(one, other):
    return next(place for place, (a, b) in enumerate(zip([*one, None], [*other, ""], strict=False)) if a != b)


@pytest.mark.parametrize("model", ["minilm", "smollm2"])
def test_the_difference_is_after_minus_before(engine, model):
    before, after = of(model, PRONOUN, 3, 1), of(model, WIDE, 3, 1)
    one, other = engine.run(before), engine.run(after)
    found = engine.run(MapDifferenceRequest(before, after))
    expected = np.where(one.visible, other.weights - one.weights, np.nan)
    np.testing.assert_array_equal(found.difference, expected)
    np.testing.assert_array_equal(found.before, np.where(one.visible, one.weights, np.nan))
    np.testing.assert_array_equal(found.after, np.where(other.visible, other.weights, np.nan))
    assert found.most == max(one.weights.max(), other.weights.max())
    assert found.largest == np.nanmax(np.abs(expected)) > 0.05
    assert found.compared == one.weights.shape
    assert found.common == equal_at_first(tokens_of(engine, before), tokens_of(engine, after))
    backwards = engine.run(MapDifferenceRequest(after, before))
    np.testing.assert_array_equal(backwards.difference, -found.difference)
    assert (backwards.most, backwards.largest) == (found.most, found.largest)


@pytest.mark.parametrize("model", ["minilm", "smollm2"])
def test_equal_texts_differ_by_exactly_nothing(engine, model):
    request = of(model, PRONOUN, 3, 1)
    found = engine.run(MapDifferenceRequest(request, request))
    assert found.largest == found.largest_before == 0
    assert set(np.unique(found.difference[~np.isnan(found.difference)])) == {0}
    assert found.common == len(tokens_of(engine, request))
    assert np.isnan(found.difference).sum() == np.isnan(found.before).sum()


@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize(("layer", "head"), [(0, 0), (3, 1), (17, 3), (29, 8)])
def test_no_later_word_reaches_a_decoders_earlier_rows(engine, layer, head, end):
    before, after = of("smollm2", PRONOUN, layer, head), of("smollm2", START + end, layer, head)
    found = engine.run(MapDifferenceRequest(before, after))
    first, second = tokens_of(engine, before), tokens_of(engine, after)
    assert found.common == equal_at_first(first, second) >= len(first) - 2
    if len(first) == len(second):
        assert found.largest_before == 0, "as many tokens go through the same products"
        assert not np.nan_to_num(found.difference[: found.common]).any()
        assert found.compared == (len(first),) * 2
        assert found.largest > 1e-4, "the row of the other word"
    else:
        # As far as sums of another length are rounded otherwise.
        assert found.largest_before < 1e-5
        assert found.compared == (found.common,) * 2
        assert found.largest == found.largest_before
    assert found.difference.shape == found.compared
    assert found.before.shape == (len(first),) * 2
    assert found.after.shape == (len(second),) * 2


@pytest.mark.parametrize("model", ["minilm", pytest.param("smollm2", marks=pytest.mark.slow)])
def test_what_stands_for_each_other_is_subtracted(engine, model):
    before, after = of(model, "The cat sat down.", 1, 0), of(model, "The old cat sat down.", 1, 0)
    pairs = aligned_tokens(tokens_of(engine, before), tokens_of(engine, after)).pairs
    found = engine.run(MapDifferenceRequest(before, after, rows=pairs, columns=pairs))
    one, other = (engine.run(each).weights for each in (before, after))
    count = len(one)
    assert found.compared == (count, count)
    shift = len(other) - count
    expected = [
        [
            other[row + shift * (row > found.common - 1), key + shift * (key > found.common - 1)] - one[row, key]
            for key in range(count)
        ]
        for row in range(count)
    ]
    seen = ~np.isnan(found.difference)
    np.testing.assert_array_equal(found.difference[seen], np.array(expected)[seen])
    assert found.largest == np.abs(found.difference[seen]).max() > 0.05


@pytest.mark.parametrize("end", ENDS)
def test_a_later_word_reaches_every_row_of_an_encoder(engine, end):
    before, after = of("minilm", PRONOUN, 3, 1), of("minilm", START + end, 3, 1)
    found = engine.run(MapDifferenceRequest(before, after))
    common = equal_at_first(tokens_of(engine, before), tokens_of(engine, after))
    assert found.common == common
    rows = np.abs(found.difference[:common, :common]).max(axis=1)
    assert found.largest_before == rows.max() > 0.05
    assert rows.min() > 1e-4
    same_size = len(tokens_of(engine, before)) == len(tokens_of(engine, after))
    assert found.compared == ((len(tokens_of(engine, before)) if same_size else common),) * 2


def test_texts_that_begin_with_other_tokens_have_nothing_to_compare(engine):
    found = engine.run(MapDifferenceRequest(of("smollm2", "One two", 0, 0), of("smollm2", "Two, three, four", 0, 0)))
    assert found.difference.shape == found.compared == (0, 0)
    assert (found.common, found.largest, found.largest_before) == (0, 0, 0)


@pytest.mark.parametrize("side", [1, 4, 7])
@pytest.mark.parametrize("model", ["minilm", "smollm2"])
def test_a_pooled_difference_keeps_what_is_furthest_from_0_and_its_sign(engine, model, side):
    before, after = of(model, PRONOUN, 3, 1), of(model, WIDE if model == "minilm" else "It" + PRONOUN[3:], 3, 1)
    whole = engine.run(MapDifferenceRequest(before, after)).difference
    shown = engine.run(MapDifferenceRequest(before, after, side)).difference
    assert shown.shape == (side, side)
    assert len(whole) > 12
    edges = [block * len(whole) // side for block in range(side + 1)]
    for row in range(side):
        for column in range(side):
            cells = whole[edges[row] : edges[row + 1], edges[column] : edges[column + 1]]
            seen = cells[~np.isnan(cells)]
            if seen.size:
                assert shown[row, column] == seen[np.abs(seen).argmax()]
            else:
                assert np.isnan(shown[row, column])
    if side > 1:
        assert np.nanmin(shown) < 0 < np.nanmax(shown)


@pytest.mark.parametrize("model", ["minilm", "smollm2"])
def test_what_a_hidden_token_had_is_lost_and_shared_out(engine, model):
    before, after = of(model, PRONOUN, 3, 1), of(model, PRONOUN, 3, 1, (HideToken(2),))
    one = engine.run(before)
    found = engine.run(MapDifferenceRequest(before, after))
    assert np.isnan(found.after[:, 2]).all()
    # What was seen before has a difference: all of it is gone.
    seen = one.visible[:, 2]
    np.testing.assert_array_equal(found.difference[seen, 2], -one.weights[seen, 2])
    assert np.isnan(found.difference[~seen, 2]).all()
    np.testing.assert_allclose(np.nansum(found.difference, axis=1), 0, atol=1e-5)
    # Every id is the same: the tokens that both texts begin with are all of them.
    assert found.common == len(one.weights)
    assert found.largest_before == found.largest > 0.01


def test_a_head_that_is_off_changes_later_layers_only(engine):
    off = (ZeroHead("encoder", 2, 3),)
    earlier = engine.run(MapDifferenceRequest(of("minilm", PRONOUN, 1, 0), of("minilm", PRONOUN, 1, 0, off)))
    later = engine.run(MapDifferenceRequest(of("minilm", PRONOUN, 3, 1), of("minilm", PRONOUN, 3, 1, off)))
    assert earlier.largest == 0
    assert later.largest > 0.001


@pytest.mark.parametrize("kind", ["encoder", "decoder", "cross"])
@pytest.mark.parametrize("word", ["knights", "knife"])
def test_another_source_of_the_same_output(engine, kind, word):
    """Rows of the decoder and of the cross-attention are steps of the output, which stays as it is."""
    before, after = (of("spelling_to_sound", text, 0, 1, (), "N AY1 T", kind) for text in ("knight", word))
    found = engine.run(MapDifferenceRequest(before, after))
    letters = equal_at_first(tokens_of(engine, before), tokens_of(engine, after))
    assert letters == {"knights": 6, "knife": 3}[word]
    rows, keys = {"encoder": (letters, letters), "decoder": (4, 4), "cross": (4, letters)}[kind]
    assert found.compared == (rows, keys)
    assert found.common == keys
    apart = (engine.run(after).weights[:rows, :keys] - engine.run(before).weights[:rows, :keys]).astype(np.float64)
    np.testing.assert_array_equal(np.nan_to_num(found.difference), apart)
    assert found.largest_before == np.abs(apart).max()
    # The first layer of the decoder has not seen the source yet.
    assert (found.largest_before == 0) == (kind == "decoder")


def test_another_source_of_as_many_letters(engine):
    before, after = (of("spelling_to_sound", text, 0, 1, (), "N AY1 T", "cross") for text in ("knight", "knigxt"))
    found = engine.run(MapDifferenceRequest(before, after))
    assert (found.compared, found.common) == ((4, 7), 4)
    assert found.largest_before == np.abs(found.difference[:, :4]).max()
    assert found.largest == np.abs(found.difference).max()


@pytest.mark.parametrize(
    ("model", "change"),
    [("minilm", ZeroHead("encoder", 2, 5)), ("smollm2", ZeroHead("decoder", 17, 3)), ("minilm", HideToken(3))],
    ids=["encoder", "decoder", "hidden token"],
)
def test_the_maps_that_changed_most_are_those_of_all_differences(engine, model, change):
    kind = {"minilm": "encoder", "smollm2": "decoder"}[model]
    before = TraceRequest(model, PRONOUN)
    # Nothing is known of the text, then the trace from which the changed run takes its beginning.
    for known in (Engine(10**9), engine):
        after = TraceRequest(model, PRONOUN, None, (change,))
        one, other = known.run(before), known.run(after)
        found = known.run(ChangedMapsRequest(before, after, kind, count=10_000))
        largest = {
            (layer, head): float(np.abs(other.weights(kind, layer, head) - one.weights(kind, layer, head)).max())
            for layer in one.layers(kind)
            for head in range(one.heads(kind, layer))
        }
        assert {(each.layer, each.head) for each in found} == {key for key, each in largest.items() if each > 0}
        for each in found:
            assert abs(each.largest - largest[each.layer, each.head]) < 1e-6
        assert [each.largest for each in found] == sorted((each.largest for each in found), reverse=True)
        assert len(known.run(ChangedMapsRequest(before, after, kind, count=3))) == 3
    if isinstance(change, ZeroHead):
        assert min(each.layer for each in found) == change.layer + 1


@pytest.mark.slow
def test_too_many_tokens_for_all_maps_is_said(engine):
    long = TraceRequest("smollm2", "one " * 600)
    with pytest.raises(TooManyTokensError, match="at most 512"):
        engine.run(ChangedMapsRequest(long, TraceRequest("smollm2", "one " * 600, None, (HideToken(1),)), "decoder"))
