"""Which head of another model looks alike, and both on one text."""

import numpy as np
import pytest

from models.attention import TraceRequest, trace_attention
from models.engine import Engine
from models.heads import AlignedMapsRequest, MatchError, MatchRequest, Side, bundled_bank, plain_bank
from models.heads.aligned_maps import shared_parts
from models.heads.matching_head import sentence_pairs
from models.heads.sentence_bank import Bank
from tests.models.heads.random_models import random_model

SENTENCES = 16
TEXT = "An unbelievably untidy tokenizer."
ODD = "สวัสดี naïve 🍓 unbelievable don't\n\n12"


class EngineOfTwo(Engine):
    def __init__(self, **loaded):
        super().__init__(10**8)
        self._loaded = loaded

    def model(self, name):
        return self._loaded[name]


def some(count):
    return Bank("some", "\n\n".join(bundled_bank().rows.split("\n\n")[:count]))


@pytest.fixture(scope="module")
def two(minilm, smollm2):
    """An encoder and a decoder that cut words each in its own way."""
    encoder = random_model("encoder", 1, minilm.tokenizer, minilm.vocabulary)
    return EngineOfTwo(encoder=encoder, decoder=random_model("decoder", 2, smollm2.tokenizer, smollm2.vocabulary))


def by_hand(loaded, kind, text, spans):
    """Weights from span to span, token by token: sums over keys, means over queries; NaN where none may look."""
    trace = trace_attention(loaded, text)
    places = [
        [place for place, each in enumerate(trace.pieces) if not each.is_special and start <= each.span[1] - 1 < end]
        for start, end in spans
    ]
    visible = trace.visible(kind, 0)
    stacked = [weights for layer in trace.layers(kind) for weights in trace.weights(kind, layer)]
    found = [[[each[np.ix_(a, b)].sum(1).mean() for b in places] for a in places] for each in stacked]
    seen = np.array([[visible[np.ix_(a, b)].any() for b in places] for a in places])
    even = visible / visible.sum(1, keepdims=True)
    return np.array(found), seen, np.array([[even[np.ix_(a, b)].sum(1).mean() for b in places] for a in places])


def left_over(cells, rows, columns, even):
    """The residuals of a regression on a dummy for each row and column, and on the even map."""
    size = max(rows.max(), columns.max()) + 1
    design = np.column_stack([np.eye(size)[rows], np.eye(size)[columns], even])
    return cells - design @ np.linalg.lstsq(design, cells, rcond=1e-6)[0]


def test_likeness_is_the_correlation_of_what_a_regression_leaves(two):
    bank = some(8)
    found = two.run(MatchRequest(Side("encoder", "encoder"), Side("decoder", "decoder"), bank))
    assert (found.sentences, found.likeness.shape) == (8, (8, 8))
    same, apart = [], []
    for pair in sentence_pairs(bank, 0):
        sides = [[by_hand(two.model(kind), kind, each.text, each.spans) for each in pair] for kind in two._loaded]
        words = min(len(each.words) for each in pair)
        seen = np.all([each[1][:words, :words] for side in sides for each in side], axis=0) & ~np.eye(words, dtype=bool)
        rows, columns = np.nonzero(seen)

        def left(of, head, at=(rows, columns)):
            return left_over(of[0][head][at], *at, of[2][at])

        def alike(one, other, left=left):
            return np.corrcoef(left(one, 3), left(other, 5))[0, 1]

        (a, b), (c, d) = sides
        same.append((alike(a, c) + alike(b, d)) / 2)
        apart.append((alike(a, d) + alike(b, c)) / 2)
    assert found.likeness[3, 5] == pytest.approx(np.mean(same), abs=1e-4)
    assert found.chances[3] >= np.mean(apart) - 1e-4
    assert found.deviations[3, 5] == pytest.approx(np.std(same) / np.sqrt(len(same) - 1), rel=1e-2)
    # Eight intervals that hold together with 95 %: 1 - .05 / 16 of the normal distribution.
    assert found.reach == pytest.approx(2.734, abs=1e-3)


def test_a_model_against_itself_matches_each_head_to_itself(two):
    found = two.run(MatchRequest(Side("encoder", "encoder"), Side("encoder", "encoder"), some(SENTENCES)))
    for place in found.heads:
        best = found.of(*place)[0]
        assert (best.layer, best.head) == place
        assert best.likeness == pytest.approx(1, abs=1e-4)
        assert best.is_earned
        assert best.is_mutual


def test_from_the_other_side_it_is_the_same(two):
    request = MatchRequest(Side("encoder", "encoder"), Side("decoder", "decoder"), some(8))
    found, theirs = two.run(request), two.run(request.turned)
    anew = EngineOfTwo(**two._loaded).run(request.turned)
    for each in (theirs, anew):
        assert (each.heads, each.other_heads, each.sentences) == (found.other_heads, found.heads, found.sentences)
        np.testing.assert_allclose(each.likeness, found.likeness.T, atol=1e-6)
        np.testing.assert_allclose(each.deviations, found.deviations.T, atol=1e-5)
        np.testing.assert_allclose(each.chances, found.other_chances, atol=1e-6)
    assert np.shares_memory(theirs.likeness, found.likeness)


@pytest.mark.parametrize("model", ["encoder", "decoder"])
def test_it_is_forgotten_with_either_model(two, model):
    request = MatchRequest(Side("encoder", "encoder"), Side("decoder", "decoder"), some(8), seed=2)
    two.run(request)
    two.answers.forget_model(model)
    assert request not in two.answers


@pytest.mark.quick(1)
@pytest.mark.parametrize("spread", [0.02, 0.2])
def test_random_models_have_no_match(smollm2, spread):
    one, other = (random_model("decoder", seed, smollm2.tokenizer, smollm2.vocabulary, spread) for seed in (1, 2))
    found = EngineOfTwo(one=one, other=other).run(
        MatchRequest(Side("one", "decoder"), Side("other", "decoder"), some(24))
    )
    assert not any(found.of(*place)[0].is_earned for place in found.heads)


@pytest.mark.slow
def test_the_verb_finders_of_two_models_find_each_other(engine):
    found = engine.run(MatchRequest(Side("smollm2", "decoder"), Side("minilm", "encoder"), bundled_bank()))
    best = found.of(10, 1)[0]
    assert (best.layer, best.head) == (2, 0)
    assert (best.likeness, best.chance) == (pytest.approx(0.30, abs=0.02), pytest.approx(0.12, abs=0.02))
    assert best.is_earned
    assert best.is_mutual
    previous = found.of(16, 0)[0]
    assert (previous.layer, previous.head) == (0, 2)
    assert previous.likeness == pytest.approx(0.94, abs=0.02)
    assert not previous.is_earned


def test_it_counts_what_it_reads(two):
    request = MatchRequest(Side("encoder", "encoder"), Side("decoder", "decoder"), some(8), seed=1)
    assert [(each.done, each.of) for each in request.steps(two)] == [(2, 8), (4, 8), (6, 8), (8, 8)]


@pytest.mark.parametrize(
    ("request_", "sentence"),
    [
        (MatchRequest(Side("encoder", "cross"), Side("decoder", "decoder"), some(8)), "choose its encoder attention"),
        (MatchRequest(Side("encoder", "encoder"), Side("decoder", "encoder"), some(8)), "choose its decoder attention"),
        (
            MatchRequest(Side("encoder", "encoder"), Side("decoder", "decoder"), plain_bank("One two three.")),
            "take other sentences",
        ),
    ],
)
def test_what_cannot_be_compared_is_a_sentence(two, request_, sentence):
    with pytest.raises(MatchError, match=sentence):
        two.run(request_)


def aligned(head=(1, 2), other=(0, 3), text=TEXT, other_text=TEXT):
    traces = TraceRequest("encoder", text), TraceRequest("decoder", other_text)
    return AlignedMapsRequest(traces[0], "encoder", head, traces[1], "decoder", other)


def test_two_heads_on_one_text_are_sums_and_means_over_the_same_parts(two):
    found = two.run(aligned())
    pieces = [trace_attention(two.model(each), TEXT).pieces for each in ("encoder", "decoder")]
    spans = shared_parts(TEXT, pieces)
    assert found.parts == tuple(TEXT[slice(*each)] for each in spans)
    assert len(spans) < min(sum(not each.is_special for each in some) for some in pieces)
    first, _, _ = by_hand(two.model("encoder"), "encoder", TEXT, spans)
    second, seen, _ = by_hand(two.model("decoder"), "decoder", TEXT, spans)
    np.testing.assert_allclose(found.first, first[4 + 2], atol=1e-6)
    np.testing.assert_allclose(found.second, np.where(seen, second[3], np.nan), atol=1e-6)
    np.testing.assert_allclose(found.difference, second[3] - first[4 + 2], atol=1e-6)
    assert found.most == pytest.approx(max(np.nanmax(found.first), np.nanmax(found.second)))
    assert found.largest == pytest.approx(np.abs(found.difference).max())


def test_no_token_crosses_a_part(minilm, smollm2):
    pieces = [trace_attention(each, ODD).pieces for each in (minilm, smollm2)]
    parts = shared_parts(ODD, pieces)
    cuts = {end for _, end in parts}
    for piece in (each for some in pieces for each in some if not each.is_special):
        assert not [cut for cut in cuts if piece.span[0] < cut < piece.span[1] and ODD[cut : piece.span[1]].strip()]
    assert "".join(ODD[start:end] for start, end in parts) == "".join(ODD.split())
    assert "unbelievable" in [ODD[start:end] for start, end in parts]


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"other_text": "Another text."}, "give both models the same"),
        ({"head": (9, 0)}, "There is no head 0 in layer 9"),
        ({"text": "word " * 300, "other_text": "word " * 300}, "1 to 256 are compared"),
    ],
)
def test_heads_that_cannot_be_laid_on_each_other_are_a_sentence(two, given, sentence):
    with pytest.raises(Exception, match=sentence):
        two.run(aligned(**given))
