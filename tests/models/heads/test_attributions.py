"""Each way of asking equals its formula, computed from what transformers itself returns."""

import inspect

import numpy as np
import pytest
import torch

from models.attention import TraceRequest
from models.heads.attributions import WAYS, AgreementsRequest, AttributionsRequest
from models.heads.measured_quantity import Quantity, QuantityError
from models.heads.parts_of_model import EffectsError
from tests.models import architectures, odd_architectures
from tests.models.architectures import ARCHITECTURES, HEADS, IDS, SEQ2SEQ
from tests.models.heads.small import EACH, REPRESENTATIVES, WRITTEN, engine_of, quantity_of, target_of, trace_of
from tests.models.heads.theirs import close
from tests.models.test_query_key import own_engine

PLACES = {"encoder": 4, "decoder": 6, "seq2seq": 2}


def found_of(name):
    place = PLACES[ARCHITECTURES[name].family]
    return engine_of(name).run(AttributionsRequest(trace_of(name), quantity_of(name), place)), place


def ids_of(name):
    """A decoder's text ends at the place."""
    return IDS[:7] if ARCHITECTURES[name].family == "decoder" else IDS


def theirs(name, **more):
    model = architectures.eager(name)
    if name in SEQ2SEQ:
        more["decoder_input_ids"] = torch.tensor([target_of(name)])
    if "use_cache" in inspect.signature(model.forward).parameters:
        more["use_cache"] = False
    return model(input_ids=torch.tensor([ids_of(name)]), output_attentions=True, **more)


def number(name, result, place, intact):
    """What is measured, of what transformers returns; of a vector its length along itself, or the cosine."""
    output = (result["logits"] if "logits" in result else result["last_hidden_state"])[0].double()
    if name in SEQ2SEQ:
        return torch.log_softmax(output[place], -1)[WRITTEN[place]]
    if ARCHITECTURES[name].family == "decoder":
        return torch.log_softmax(output[-1], -1)[intact[-1].argmax()]
    return output[place]


def whole_maps(name, result, kind):
    """[layer, heads, query, key]"""
    names = {"encoder": "encoder_attentions", "cross": "cross_attentions", "decoder": "decoder_attentions"}
    maps = result[names[kind] if name in SEQ2SEQ else "attentions"]
    return [each[0] for each in maps]


@pytest.mark.parametrize("name", EACH)
def test_attention_and_rollout(name):
    found, place = found_of(name)
    with torch.no_grad():
        result = theirs(name)
    kind = "encoder" if name in SEQ2SEQ else ARCHITECTURES[name].family
    product = np.eye(len(ids_of(name)))
    for each in whole_maps(name, result, kind):
        product = (0.5 * each.mean(0).double().numpy() + 0.5 * np.eye(len(product))) @ product
    row = product[place]
    last = whole_maps(name, result, "cross" if name in SEQ2SEQ else kind)[-1].mean(0)[place].double().numpy()
    if name in SEQ2SEQ:
        row = last @ product
    close(found.of("attention").scores, last)
    close(found.of("rollout").scores, row)
    assert len(found.tokens) == len(ids_of(name))


@pytest.mark.parametrize("name", EACH)
def test_gradient_times_attention(name):
    found, place = found_of(name)
    with torch.enable_grad():
        result = theirs(name)
        output = (result["logits"] if "logits" in result else result["last_hidden_state"])[0].detach().double()
        value = number(name, result, place, output)
        if value.dim():
            value = value @ (output[place] / output[place].norm())
        kinds = ("encoder", "cross") if name in SEQ2SEQ else (ARCHITECTURES[name].family,)
        names = {"encoder": "encoder_attentions", "cross": "cross_attentions"}
        maps = [each for kind in kinds for each in result[names[kind] if name in SEQ2SEQ else "attentions"]]
        slopes = torch.autograd.grad(value, maps)
    expected = sum((each * slope)[0].sum((0, 1)) for each, slope in zip(maps, slopes, strict=True))
    close(found.of("gradient").scores, expected.detach().double().numpy(), 2e-4)


@pytest.mark.parametrize("name", EACH)
def test_each_token_hidden_is_a_0_in_the_mask(name):
    found, place = found_of(name)
    with torch.no_grad():
        intact = theirs(name)
        output = (intact["logits"] if "logits" in intact else intact["last_hidden_state"])[0].double()
        before = number(name, intact, place, output)
        for token in (0, 3, len(ids_of(name)) - 1):
            mask = torch.ones(1, len(ids_of(name)), dtype=torch.long)
            mask[0, token] = 0
            after = number(name, theirs(name, attention_mask=mask), place, output)
            effect = torch.cosine_similarity(after, before, 0) - 1 if after.dim() else after - before
            close(found.of("hidden").scores[token], float(effect))


VALUES = {
    "bert": ("attention.self.value", "encoder.layer"),
    "llama": ("self_attn.v_proj", "model.layers"),
    "t5": ("EncDecAttention.v", "decoder.block"),
}


@pytest.mark.parametrize("name", VALUES)
def test_the_norm_of_weight_times_value(name):
    found, place = found_of(name)
    kind = "cross" if name in SEQ2SEQ else ARCHITECTURES[name].family
    model = architectures.eager(name)
    module = [each for path, each in model.named_modules() if path.endswith(VALUES[name][0])][-1]
    seen = []
    hook = module.register_forward_hook(lambda _, __, out: seen.append(out[0]))
    with torch.no_grad():
        result = theirs(name)
    hook.remove()
    values = seen[0].unflatten(-1, (-1, 8)).transpose(0, 1)
    values = values.repeat_interleave(HEADS // len(values), 0)
    weights = whole_maps(name, result, kind)[-1][:, place]
    projection = architectures.projections(model, name, kind)[-1].weight
    joined = (weights[:, :, None] * values).transpose(0, 1).flatten(1)
    close(found.of("value norm").scores, (joined @ projection.T).norm(dim=-1).detach().numpy())


@pytest.mark.parametrize("name", REPRESENTATIVES)
def test_each_is_compared_with_the_truth(name):
    from scipy.stats import spearmanr

    found, _ = found_of(name)
    truth = np.abs(found.of("hidden").scores)
    for way in WAYS[:-1]:
        each = found.of(way)
        assert each.agreement == pytest.approx(spearmanr(np.abs(each.scores), truth).statistic, abs=1e-9)
    assert np.isnan(found.of("hidden").agreement)


def test_over_several_texts():
    request = AgreementsRequest("llama", (IDS, IDS[2:], (11,), (), IDS[1:5]), Quantity("next token"))
    steps = list(request.computed(engine_of("llama")))
    assert [each.done for each in steps] == [1, 2, 3, 4, 5]
    assert steps[-1].texts == (IDS, IDS[2:], IDS[1:5])
    alone = engine_of("llama").run(AttributionsRequest(TraceRequest("llama", IDS[2:]), Quantity("next token")))
    np.testing.assert_array_equal(steps[-1].correlations[1], [each.agreement for each in alone.ways[:-1]])


def test_two_tokens_have_no_rank_correlation():
    found = engine_of("llama").run(AttributionsRequest(trace_of("llama", IDS[:2]), quantity_of("llama")))
    assert np.isnan([each.agreement for each in found.ways]).all()
    assert np.isfinite(found.of("hidden").scores).all()


def test_one_token_and_places_that_are_not_there():
    with pytest.raises(EffectsError, match="one token"):
        engine_of("llama").run(AttributionsRequest(trace_of("llama"), quantity_of("llama"), 0))
    with pytest.raises(QuantityError, match="from 0 to 8"):
        engine_of("llama").run(AttributionsRequest(trace_of("llama"), quantity_of("llama"), 9))
    with pytest.raises(EffectsError, match="At most 100"):
        engine_of("llama").run(AgreementsRequest("llama", (IDS,) * 101, quantity_of("llama")))


@pytest.mark.parametrize("name", ["diffllama", "qwen3_next", "falcon_h1"])
def test_a_way_that_does_not_fit_says_so(name):
    engine = own_engine(name, odd_architectures.loaded(name))
    found = engine.run(AttributionsRequest(TraceRequest(name, IDS), Quantity("next token")))
    assert np.isfinite(found.of("hidden").scores).all()
    for each in found.ways:
        assert np.isfinite(each.scores).all() or each.note
    if name == "diffllama":
        assert np.isnan(found.of("gradient").scores).all()
        assert np.isnan(found.of("value norm").scores).all()
