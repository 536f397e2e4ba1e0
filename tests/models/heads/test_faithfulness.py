"""The curve over k and the smallest set, controls, each beside single runs."""

import numpy as np
import pytest

from models.attention import TraceRequest, ZeroHead, trace_attention
from models.engine import HowFar
from models.heads.control_effects import ControlsRequest, drawn_sets
from models.heads.effects import EffectsRequest
from models.heads.faithfulness import FaithfulnessRequest
from models.heads.measured_quantity import MeasuredRequest, Quantity
from models.heads.parts_of_model import EffectsError, Place
from models.heads.switched_off_values import Off
from tests.models import architectures
from tests.models.architectures import HEADS, IDS
from tests.models.heads.small import BANK, REPRESENTATIVES, engine_of, quantity_of, target_of, trace_of
from tests.models.heads.theirs import close, read
from tests.models.test_query_key import own_engine

PLACES = tuple(Place("decoder", layer, head) for layer in range(2) for head in range(HEADS))


def alone(name, off):
    """The quantity in a run of its own with these heads zeroed."""
    loaded = architectures.loaded(name)
    outputs = [
        trace_attention(
            loaded, IDS, target_of(name), [ZeroHead(each.kind, each.layer, each.head) for each in some]
        ).outputs
        for some in ((), off)
    ]
    return float(read(name, outputs[1], outputs[0]))


def curve(name, **more):
    return engine_of(name).run(FaithfulnessRequest(trace_of(name), quantity_of(name), **more))


@pytest.mark.parametrize("name", REPRESENTATIVES)
def test_only_the_first_k_are_on(name):
    found = curve(name, points=5, draws=2)
    assert sorted(found.order) == sorted(place for place, _ in effects(name).ranked())
    assert found.counts[0] == 0
    assert found.counts[-1] == len(found.order)
    for count, value in zip(found.counts, found.kept, strict=True):
        close(value, alone(name, found.order[count:]))
    assert found.kept[-1] == pytest.approx(found.measured.value, abs=1e-6), "it ends at the intact value"
    shares = (found.kept - found.kept[0]) / (found.kept[-1] - found.kept[0])
    widths = np.diff(found.counts) / len(found.order)
    assert found.area == pytest.approx(float((widths * (shares[1:] + shares[:-1]) / 2).sum()))
    off = np.abs(1 - shares)
    assert found.distance == pytest.approx(float((widths * (off[1:] + off[:-1]) / 2).sum()))


def effects(name):
    return engine_of(name).run(EffectsRequest(trace_of(name), quantity_of(name)))


@pytest.mark.parametrize("name", REPRESENTATIVES)
def test_the_smallest_set_is_enough_and_none_of_it_can_be_left_out(name):
    found = curve(name, points=5, draws=0)
    others = [each for each in found.order if each not in found.smallest]
    close(found.smallest_value, alone(name, others))
    assert found.share(found.smallest_value) >= found.enough
    if len(found.smallest) > 1:
        least = found.smallest[-1]
        assert found.share(alone(name, [*others, least])) < found.enough


def test_helping_and_hindering_heads_come_first_where_they_are_asked_for():
    told = dict(effects("llama").ranked())
    both, helping, hindering = (
        curve("llama", sided=each, points=3, draws=0) for each in ("both", "helping", "hindering")
    )
    assert [abs(told[each]) for each in both.order] == sorted((abs(each) for each in told.values()), reverse=True)
    assert [told[each] for each in helping.order] == sorted(told.values())
    assert hindering.order[0] == helping.order[-1]
    assert curve("llama", ranked_by="estimate", points=3, draws=0).kept[-1] == pytest.approx(both.kept[-1])


def test_random_heads_are_drawn_with_a_seed():
    one, again, other = (curve("llama", points=6, draws=3, seed=seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(one.drawn, again.drawn)
    assert not np.array_equal(one.drawn, other.drawn)
    assert one.drawn.shape == (3, len(one.counts))
    close(one.drawn[:, 0], one.kept[0])
    close(one.drawn[:, -1], one.kept[-1])
    order = [one.order[each] for each in np.random.default_rng(1).permutation(8)]
    close(one.drawn[0, 2], alone("llama", order[one.counts[2] :]))
    assert len(one.drawn_areas) == 3


def test_the_rest_may_be_at_its_mean():
    found = curve("llama", off=Off("mean", BANK), points=3, draws=0)
    assert found.kept[-1] == pytest.approx(found.measured.value, abs=1e-6)
    assert found.kept[0] != pytest.approx(curve("llama", points=3, draws=0).kept[0])


def test_steps_come_one_by_one():
    engine = own_engine("llama", architectures.loaded("llama"))
    steps = list(FaithfulnessRequest(trace_of("llama"), quantity_of("llama")).computed(engine))
    ranking = [each for each in steps if isinstance(each, HowFar)]
    assert ranking == steps[: len(ranking)]
    assert ranking[-1] == HowFar(8, 8)
    steps = steps[len(ranking) :]
    assert steps[0].smallest is None
    assert steps[-1].smallest
    assert [each.done for each in steps] == sorted(each.done for each in steps)


@pytest.mark.parametrize("wrong", [{"points": 1}, {"draws": 21}, {"enough": 0.0}, {"enough": 1.5}])
def test_a_curve_that_cannot_be_drawn(wrong):
    with pytest.raises(EffectsError, match="2 to 64 points"):
        curve("llama", **wrong)


def test_a_text_in_which_no_head_counts(monkeypatch):
    monkeypatch.setattr("models.heads.faithfulness._SMALLEST_CHANGE", 100.0)
    request = FaithfulnessRequest(trace_of("bert", IDS[:4]), quantity_of("bert"), points=2)
    with pytest.raises(EffectsError, match="nothing of"):
        engine_of("bert").run(request)


def controls(**more):
    heads = (Place("decoder", 0, 1), Place("decoder", 1, 2))
    return engine_of("llama").run(ControlsRequest(trace_of("llama"), quantity_of("llama"), heads, **more))


def test_heads_off_together_beside_others_of_their_layers():
    found = controls(draws=6, seed=4)
    intact = alone("llama", ())
    close(found.chosen, alone("llama", (Place("decoder", 0, 1), Place("decoder", 1, 2))) - intact)
    assert len(found.draws) == 6 == len(set(found.draws))
    for effect, some in zip(found.drawn, found.draws, strict=True):
        assert [each.layer for each in some] == [0, 1]
        close(effect, alone("llama", some) - intact)
    assert found.exceeded_by == np.mean(np.abs(found.drawn) >= abs(found.chosen))
    assert found.draws == controls(draws=6, seed=4, texts=()).draws


def test_the_same_heads_on_other_texts():
    texts = (IDS[:5], IDS[3:], (11,) * 60)
    found = controls(draws=1, texts=texts)
    assert found.texts == texts[:2], "a text that is too long is left out"
    heads = [ZeroHead("decoder", 0, 1), ZeroHead("decoder", 1, 2)]
    for text, effect in zip(found.texts, found.elsewhere, strict=True):
        one, other = (trace_attention(architectures.loaded("llama"), text, None, each).outputs for each in ((), heads))
        close(effect, float(read("llama", other, one) - read("llama", one, one)))
    assert (found.done, found.of) == (5, 5)


def test_there_are_no_more_sets_than_there_are():
    assert len(drawn_sets(PLACES, (PLACES[0],), 50, 0)) == HEADS - 1
    assert drawn_sets(PLACES, PLACES, 5, 0) == ()
    # Three of four: no three others are left, so that some of them are drawn again, but never the same three.
    assert all(set(each) != set(PLACES[:3]) for each in drawn_sets(PLACES, PLACES[:3], 10, 0))
    assert np.isnan(
        engine_of("llama").run(ControlsRequest(trace_of("llama"), quantity_of("llama"), PLACES)).exceeded_by
    )


def test_heads_that_are_not_there():
    for heads, sentence in (((), "No head"), ((Place("decoder", 0, 9),), "L0 H9"), ((Place("cross", 0, 0),), "cross")):
        with pytest.raises(EffectsError, match=sentence):
            engine_of("llama").run(ControlsRequest(trace_of("llama"), quantity_of("llama"), heads))
    with pytest.raises(EffectsError, match="At most 200"):
        controls(draws=201)


def test_zorblax_hangs_on_four_heads(smollm2):
    trace = TraceRequest("smollm2", "Dr. Zorblax lives in Oslo. Yesterday I met Dr. Z")
    four = tuple(Place("decoder", *each) for each in ((17, 3), (17, 4), (17, 5), (18, 6)))
    engine = own_engine("smollm2", smollm2)
    found = engine.run(ControlsRequest(trace, Quantity("next token"), four, draws=8))
    before = engine.run(MeasuredRequest(trace, Quantity("next token"))).value
    assert np.exp(before) == pytest.approx(0.69, abs=0.02)
    assert np.exp(before + found.chosen) == pytest.approx(0.02, abs=0.01)
    assert found.exceeded_by == 0
    assert np.exp(before + found.drawn).min() > 0.3
