"""A step drawn many times: the counts are those of the draws, the interval and the test are those of the books."""

import math
from dataclasses import replace

import numpy as np
import pytest

from models.decoding import DecodingSettings, DrawsRequest, NextTokenRequest, SettingsError, sampling_stages
from models.decoding.draws import chi_square, count_interval
from models.decoding.sampling import draw, random_numbers
from models.engine import Engine
from tests.models.test_batch import FRANCE, engine_with
from tests.models.test_decoding import PROMPT, ours

HOT = DecodingSettings(20, temperature=1.4, top_p=0.95, seed=6)


def draws_of(engine, loaded, request):
    """The counts over the whole vocabulary, from the same numbers."""
    asked = engine.run(NextTokenRequest(request.model, request.text, request.written))
    last = sampling_stages(loaded, asked.logits, asked.history, request.settings, prompt_length=asked.prompt_length)[
        -1
    ].probabilities
    drawn = draw(last.log(), asked.logits, random_numbers(request.settings.seed, request.count))
    return np.bincount(drawn, minlength=len(last)), last.double().numpy()


@pytest.mark.parametrize("name", ["llama", "gpt2", "t5"])
@pytest.mark.parametrize("written", [(), (7, 8)])
def test_counts_are_those_of_the_draws(name, written):
    engine = engine_with(name)
    request = DrawsRequest(name, PROMPT, written, HOT)
    found = engine.run(request)
    counts, shares = draws_of(engine, ours(name), request)
    assert sum(each.count for each in found.tokens) + (found.others.count if found.others else 0) == 1000
    for each in found.tokens:
        assert each.count == counts[each.id]
        assert each.probability == pytest.approx(shares[each.id], rel=1e-5)
        assert each.low <= 1000 * each.probability <= each.high
    ranked = [each.probability for each in found.tokens]
    assert ranked == sorted(ranked, reverse=True)
    assert ranked == pytest.approx(np.sort(shares)[::-1][: len(ranked)], rel=1e-5)
    assert found.p_value is not None
    assert found.p_value > 1e-3


def test_all_others_are_told_together(smollm2):
    engine = Engine()
    engine._models.get("smollm2", lambda: smollm2)
    request = DrawsRequest("smollm2", FRANCE, (), DecodingSettings(1, temperature=1.5))
    found = engine.run(request)
    counts, shares = draws_of(engine, smollm2, request)
    assert len(found.tokens) == 25
    assert found.others.id is None
    ids = [each.id for each in found.tokens]
    assert found.others.count == 1000 - counts[ids].sum()
    assert found.others.probability == pytest.approx(1 - shares[ids].sum(), rel=1e-5)
    assert found.tokens[0].text == "␣Paris"
    # Most counts lie inside; that all do is not to be expected.
    outside = [each for each in found.tokens if not each.low <= each.count <= each.high]
    assert len(outside) <= 4
    assert found.p_value is not None
    assert found.p_value > 1e-3
    assert engine.run(replace(request, settings=replace(request.settings, seed=1))) != found


def test_greedily_it_is_one_token():
    found = engine_with("llama").run(DrawsRequest("llama", PROMPT, (), DecodingSettings(20)))
    [only] = found.tokens
    assert found.is_greedy
    assert (only.count, only.probability, only.low, only.high) == (1000, 1.0, 1000, 1000)
    assert (found.others, found.chi_square, found.freedom, found.p_value) == (None, None, 0, None)
    alone = engine_with("llama").run(DrawsRequest("llama", PROMPT, (), replace(HOT, top_k=1, top_p=1)))
    assert not alone.is_greedy
    assert alone.tokens[0].count == 1000
    assert alone.p_value is None


@pytest.mark.parametrize("count", [0, -1, 1_000_000])
def test_how_many_draws(count):
    with pytest.raises(SettingsError, match="draws can be made"):
        DrawsRequest("llama", "a", (), HOT, count)


@pytest.mark.parametrize(("draws", "share"), [(1000, 0.5), (1000, 0.003), (40, 0.77), (1, 0.3), (1000, 0.9999)])
def test_the_interval_is_the_binomials(draws, share):
    pmf = [math.comb(draws, count) * share**count * (1 - share) ** (draws - count) for count in range(draws + 1)]
    low, high = count_interval(draws, share)
    reached = np.cumsum(pmf)
    below = np.concatenate([[0], reached])
    assert below[low] < 0.025 <= below[low + 1]
    assert below[high] < 0.975 <= below[high + 1]
    assert sum(pmf[low : high + 1]) >= 0.95


def test_the_interval_of_a_fair_coin():
    # As R's qbinom has it.
    assert count_interval(1000, 0.5) == (469, 531)
    assert count_interval(1000, 0.0) == (0, 0)
    assert count_interval(1000, 1.0) == (1000, 1000)


def test_chi_square_by_hand():
    # A die: 5, 8, 9, 8, 10, 20 of 60: the textbook's 13.4 with 5 degrees of freedom, p .0199.
    found, freedom, p_value = chi_square(np.array([5, 8, 9, 8, 10, 20]), np.full(6, 1 / 6))
    assert found == pytest.approx(13.4)
    assert freedom == 5
    assert p_value == pytest.approx(0.01991, abs=1e-4)
    # Three cells of four expected are one of twelve.
    found, freedom, _ = chi_square(np.array([30, 58, 3, 4, 5]), np.array([0.3, 0.58, 0.04, 0.04, 0.04]))
    assert freedom == 2
    assert found == pytest.approx(0, abs=1e-9)
    # One of four alone goes to the smallest of the others.
    found, freedom, _ = chi_square(np.array([60, 30, 10]), np.array([0.6, 0.36, 0.04]))
    assert freedom == 1
    assert found == pytest.approx(0, abs=1e-9)
    assert chi_square(np.array([100]), np.array([1.0])) == (None, 0, None)
    assert chi_square(np.array([2, 1]), np.array([0.5, 0.5])) == (None, 0, None)
    assert chi_square(np.array([50, 49, 1]), np.array([0.5, 0.5, 0.0]))[2] == 0
